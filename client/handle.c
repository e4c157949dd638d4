#define _GNU_SOURCE
#include "client/handle.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/conflicts.h"
#include "client/home.h"
#include "client/keyfile.h"
#include "client/membership.h"
#include "client/reindex.h"
#include "client/view/view.h"
#include "client/wipe.h"
#include "common/base/check.h"
#include "common/proof/directory_index.h"
#include "common/sync/copied.h"
#include "common/sync/replica.h"

#define VERSION "0.1.0"

const char *satchel_version(void)
{
    return VERSION;
}

void satchel_free(void *memory)
{
    free(memory);
}

char *client_text(const char *text)
{
    char *copy = strdup(text);
    sat_check_memory(copy);
    return copy;
}

uint64_t client_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- Errors ---- */

void client_explain(const struct satchel *satchel, enum sat_err err, struct sat_fault *fault)
{
    if (fault->err == err && fault->text[0]) return;
    const struct sat_fault *stored = satchel->store ? sat_store_fault(satchel->store) : NULL;
    if (stored && stored->err == err && stored->text[0])
        *fault = *stored;
    else
        (void)sat_fail(fault, err, NULL);
}

int client_end_error(struct satchel_error *error, const struct sat_fault *fault, enum sat_err err)
{
    if (!error) return (int)err;
    *error = (struct satchel_error){
        .number = (int)err,
        .exit_code = sat_err_exit_code(err),
        .name = sat_err_name(err),
        .class_ = sat_err_class_name(sat_err_class(err)),
    };
    if (err)
        (void)snprintf(error->message, sizeof error->message, "%s",
                       fault->err == err ? fault->text : sat_err_text(err));
    return (int)err;
}

void client_begin(struct satchel *satchel)
{
    satchel->fault = (struct sat_fault){0};
    satchel->unread = satchel->lost ? client_reload_directory(satchel, &satchel->fault) : SAT_OK;
}

int client_end(struct satchel *satchel, enum sat_err err)
{
    if (satchel->lost) err = satchel->lost; /* what was found without a directory is no answer */
    if (err) client_explain(satchel, err, &satchel->fault);
    return client_end_error(&satchel->error, &satchel->fault, err);
}

const struct satchel_error *satchel_error_of(const struct satchel *satchel)
{
    return &satchel->error;
}

/* ---- What the handle knows ---- */

struct sat_vault client_vault(const struct satchel *satchel)
{
    return (struct sat_vault){
        .store = satchel->store,
        .keyring = satchel->keyring,
        .keys = satchel->keys,
        .squeezer = satchel->squeezer,
        .directory = &satchel->directory,
        .entropy = &satchel->entropy,
    };
}

uint32_t client_device(const struct satchel *satchel)
{
    return sat_keyring_secrets(satchel->keyring)->device;
}

uint32_t client_user(const struct satchel *satchel)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, client_device(satchel));
    return device ? device->user : 0;
}

static bool has_role(const struct satchel *satchel, enum sat_role role)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, client_device(satchel));
    const struct sat_user *user = sat_directory_user(&satchel->directory, client_user(satchel));
    bool counts = user && user->state == SAT_USER_ACTIVE && device->approved_seq && !device->revoked_seq;
    return counts && user->role == role;
}

bool client_is_admin(const struct satchel *satchel)
{
    return has_role(satchel, SAT_ROLE_ADMIN);
}

bool client_is_manager(const struct satchel *satchel)
{
    return has_role(satchel, SAT_ROLE_MANAGER);
}

const char *client_device_state(const struct satchel *satchel, uint32_t device)
{
    const struct sat_device *known = sat_directory_device(&satchel->directory, device);
    if (!known || known->revoked_seq) return "revoked";
    if (sat_directory_out(&satchel->directory, device)) return "suspended";
    return known->approved_seq ? "active" : "pending approval";
}

uint8_t client_rights(const struct satchel *satchel, const struct sat_space_id *space)
{
    return sat_directory_device_rights(&satchel->directory, space, client_device(satchel), satchel->directory.seq);
}

enum sat_err client_sid_of_space(struct satchel *satchel, const struct sat_space_id *space, int64_t *sid)
{
    bool found = false;
    enum sat_err err = sat_store_space_sid(satchel->store, space, sid, &found);
    if (err || found) return err;
    struct sat_space_row row = {.id = *space};
    bool own = !sat_store_in_transaction(satchel->store);
    if (own) err = sat_store_begin(satchel->store);
    if (!err) err = sat_store_space_create(satchel->store, &row);
    if (!err && own) err = sat_store_commit(satchel->store);
    if (err && own) sat_store_rollback(satchel->store);
    *sid = err ? 0 : row.sid;
    return err;
}

enum sat_err client_awaits_log(struct satchel *satchel, int64_t sid, bool *awaits)
{
    struct sat_space_row row;
    uint64_t let_go = 0;
    enum sat_err err = sat_store_space_get(satchel->store, sid, &row);
    if (!err) err = sat_let_go_of(satchel->store, &row.id, &let_go);
    *awaits = !err && let_go && row.head_size == 0;
    return err;
}

enum sat_err client_space_of_sid(struct satchel *satchel, int64_t sid, struct sat_space_id *space)
{
    struct sat_space_row row;
    enum sat_err err = sat_store_space_get(satchel->store, sid, &row);
    if (!err) *space = row.id;
    return err;
}

/* ---- Opening and closing ---- */

enum sat_err client_new(const char *home, struct satchel **out, struct sat_fault *fault)
{
    *out = NULL;
    if (sodium_init() < 0) return sat_fail(fault, SAT_ERR_IO, "the system gives no randomness");
    struct satchel *satchel = calloc(1, sizeof *satchel);
    if (!satchel) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    satchel->home = client_text(home);
    satchel->lock = -1;
    satchel->entropy = sat_entropy_system();
    sat_directory_init(&satchel->directory);
    *out = satchel;
    return SAT_OK;
}

void satchel_close(struct satchel *satchel)
{
    if (!satchel) return;
    if (satchel->tx) satchel_rollback(satchel->tx);
    satchel_session_free(satchel->driven);
    client_wipe_obey(satchel); /* what brought the order may not have been a sync */
    if (satchel->view && client_view_is_damaged(satchel->view)) client_view_discard(satchel);
    client_view_free(satchel->view);
    client_conflicts_free(&satchel->conflicts);
    sodium_free(satchel->kit); /* wipes; NULL is fine */
    free(satchel->proposal);
    sat_keys_free(satchel->keys);
    sat_squeezer_free(satchel->squeezer);
    sat_store_close(satchel->store);
    sat_keyring_free(satchel->keyring);
    sat_directory_deinit(&satchel->directory);
    if (satchel->lock >= 0) (void)close(satchel->lock); /* last: the store is closed by now */
    free(satchel->home);
    client_brake_reset(&satchel->brake);
    free(satchel);
}

enum sat_err client_reload_directory(struct satchel *satchel, struct sat_fault *fault)
{
    sat_directory_deinit(&satchel->directory);
    sat_directory_init(&satchel->directory);
    satchel->lost = sat_directory_load(satchel->store, &satchel->directory, fault);
    return satchel->lost;
}

enum sat_err client_load(struct satchel *satchel, struct sat_fault *fault)
{
    enum sat_err err = client_reload_directory(satchel, fault);
    if (!err) err = sat_keys_new(satchel->store, satchel->keyring, &satchel->entropy, &satchel->keys);
    if (!err) err = sat_squeezer_new(&satchel->squeezer);
    return err;
}

static enum sat_err fail_unfinished(const struct satchel *satchel, struct sat_fault *fault)
{
    return sat_fail(fault, SAT_ERR_NOT_FOUND, "%s has not finished joining: run join again with the same code",
                    satchel->home);
}

static enum sat_err fail_unfounded(const struct satchel *satchel, struct sat_fault *fault)
{
    return sat_fail(fault, SAT_ERR_NOT_FOUND,
                    "%.150s has not finished creating its organisation: create it again in another directory, with a "
                    "new token if that one is used (or store.db is not the one that was there: then put that back)",
                    satchel->home);
}

static enum sat_err fail_foreign(const struct satchel *satchel, const char *what, struct sat_fault *fault)
{
    return sat_fail(fault, SAT_ERR_CORRUPT,
                    "the keyring in %.150s belongs to another %s than its store, store.db: put back the one of the two "
                    "that was there, from a backup of this home",
                    satchel->home, what);
}

/* A keyring and a store that do not belong together are two halves of different backups (R27): better told than
 * used. */
static enum sat_err check_belonging(struct satchel *satchel, struct sat_fault *fault)
{
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(satchel->keyring);
    if (secrets->device == 0) return fail_unfinished(satchel, fault);
    if (secrets->device == 1 && client_membership_none(satchel)) return fail_unfounded(satchel, fault);
    if (!sat_hash_equal(&secrets->org, &satchel->directory.org)) return fail_foreign(satchel, "organisation", fault);
    const struct sat_device *device = sat_directory_device(&satchel->directory, secrets->device);
    struct sat_public_key own = sat_keyring_sign_public(satchel->keyring);
    if (!device || !sat_span_equal(SAT_SPAN(own.b), SAT_SPAN(device->sign.b)) || !client_membership_own(satchel))
        return fail_foreign(satchel, "device", fault);
    return SAT_OK;
}

static enum sat_err fail_without_store(const struct satchel *satchel, struct sat_fault *fault)
{
    if (sat_keyring_secrets(satchel->keyring)->device == 0) return fail_unfinished(satchel, fault);
    return sat_fail(
        fault, SAT_ERR_CORRUPT,
        "the store, store.db, is missing in %.150s, the keyring is there: restore store.db from a backup "
        "of this home, or join again in another directory by a new invite; what was synced is on the server",
        satchel->home);
}

/* The order came, and the machine stopped. */
static enum sat_err obey_wipe(struct satchel *satchel, struct sat_fault *fault)
{
    if (!client_wipe_is_ordered(satchel)) return SAT_OK;
    enum sat_err err = client_wipe_begin(satchel);
    *fault = satchel->fault;
    return err ? err : client_wipe_fail_open(satchel->home, fault);
}

static enum sat_err open_home(struct satchel *satchel, const struct satchel_open_options *options,
                              struct sat_fault *fault)
{
    enum sat_err err = client_home_check(satchel->home, fault);
    if (!err && satchel_wipe_pending(satchel->home)) err = client_wipe_fail_open(satchel->home, fault);
    if (!err) err = client_home_lock(satchel->home, options->wait_ms, &satchel->lock, fault);
    if (!err) client_home_tidy(satchel->home);
    if (!err) err = client_keyfile_open(satchel, options, fault);
    if (err) return err;
    err = client_home_store(satchel->home, SAT_STORE_OPEN, &satchel->store, fault);
    if (err == SAT_ERR_NOT_FOUND) err = fail_without_store(satchel, fault);
    if (!err) err = client_load(satchel, fault);
    if (!err) err = client_reindex_take(satchel);
    if (err == SAT_ERR_CORRUPT && !fault->text[0]) err = fail_foreign(satchel, "device", fault);
    if (!err) err = check_belonging(satchel, fault);
    if (!err) err = obey_wipe(satchel, fault);
    if (!err) client_view_tidy(satchel);
    return err;
}

int satchel_open(const char *home, const struct satchel_open_options *options, struct satchel **out,
                 struct satchel_error *error)
{
    struct sat_fault fault = {0};
    enum sat_err err = client_new(home, out, &fault);
    if (!err) err = open_home(*out, options, &fault);
    if (err && *out) {
        client_explain(*out, err, &fault);
        satchel_close(*out);
        *out = NULL;
    }
    return client_end_error(error, &fault, err);
}
