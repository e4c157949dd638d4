#include "client/arrival.h"

#include <sodium.h>

#include "client/home.h"
#include "client/keyfile.h"
#include "client/membership.h"
#include "client/names.h"

static const char EXPECTED[] = "join_device";

uint32_t client_arrival_device(const struct satchel *satchel)
{
    struct sat_public_key own = sat_keyring_sign_public(satchel->keyring);
    for (uint32_t i = satchel->directory.devices_n; i-- > 0;)
        if (sat_span_equal(SAT_SPAN(satchel->directory.devices[i].sign.b), SAT_SPAN(own.b)))
            return satchel->directory.devices[i].number;
    return 0;
}

/* ---- The home ---- */

static enum sat_err open_store(struct client_arrival *arrival, struct sat_fault *fault)
{
    struct satchel *satchel = arrival->satchel;
    enum sat_err err = SAT_ERR_NOT_FOUND;
    if (arrival->resume) err = client_home_store(satchel->home, SAT_STORE_OPEN, &satchel->store, fault);
    if (err == SAT_ERR_NOT_FOUND) err = client_home_store(satchel->home, SAT_STORE_CREATE, &satchel->store, fault);
    return err;
}

static enum sat_err put_membership(struct client_arrival *arrival)
{
    struct client_membership membership = {
        .org = arrival->org, .server_url = arrival->server_url, .server = arrival->server};
    struct sat_store *store = arrival->satchel->store;
    enum sat_err err = sat_store_begin(store);
    if (err) return err;
    err = client_membership_put(arrival->satchel, &membership);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

static enum sat_err begin_home(struct client_arrival *arrival, struct sat_fault *fault)
{
    struct satchel *satchel = arrival->satchel;
    enum sat_err err = sat_keyring_new(&satchel->entropy, &satchel->keyring);
    if (err) return err;
    sat_keyring_set_member(satchel->keyring, &arrival->org, 0);
    return client_keyfile_save(satchel, arrival->open_options, fault);
}

static enum sat_err resume_home(struct client_arrival *arrival, struct sat_fault *fault)
{
    struct satchel *satchel = arrival->satchel;
    enum sat_err err = client_keyfile_open(satchel, arrival->open_options, fault);
    if (err) return err;
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(satchel->keyring);
    if (secrets->device != 0)
        return sat_fail(fault, SAT_ERR_EXISTS, "%s is a home already: choose another directory", satchel->home);
    if (!sat_hash_equal(&secrets->org, &arrival->org))
        return sat_fail(fault, SAT_ERR_EXISTS, "%s has begun to join another organisation: choose another directory",
                        satchel->home);
    return SAT_OK;
}

enum sat_err client_arrival_prepare(struct client_arrival *arrival, struct sat_fault *fault)
{
    struct satchel *satchel = arrival->satchel;
    enum sat_err err = client_home_enter(satchel->home, &arrival->made, fault);
    /* Somebody else's directory does not even get a lock. */
    bool known = arrival->made || client_home_has(satchel->home, "lock") || client_home_has(satchel->home, "keyring");
    if (!err && !known) err = client_home_check_empty(satchel->home, fault);
    if (!err) err = client_home_lock(satchel->home, arrival->open_options->wait_ms, &satchel->lock, fault);
    if (err) return err;
    /* Only now: another process may have arrived here while this one waited for the lock. */
    arrival->resume = client_home_has(satchel->home, "keyring");
    err = arrival->resume || arrival->made ? SAT_OK : client_home_check_empty(satchel->home, fault);
    if (err) return err;
    arrival->began = !arrival->resume;
    err = arrival->resume ? resume_home(arrival, fault) : begin_home(arrival, fault);
    if (!err) err = open_store(arrival, fault);
    if (!err) err = put_membership(arrival);
    if (!err) err = client_load(satchel, fault);
    return err;
}

/* ---- On the way ---- */

enum sat_err client_arrival_admin_key(struct client_arrival *arrival, struct sat_public_key *out)
{
    struct satchel *satchel = arrival->satchel;
    if (!sat_keyring_has_admin(satchel->keyring)) {
        sat_keyring_make_admin(satchel->keyring, &satchel->entropy);
        enum sat_err err = client_keyfile_save(satchel, arrival->open_options, &satchel->fault);
        if (err) return err;
    }
    const struct sat_sign_key *admin = &sat_keyring_secrets(satchel->keyring)->admin;
    if (sodium_is_zero(admin->b, sizeof admin->b))
        return sat_fail(&satchel->fault, SAT_ERR_LOCKED, "the admin key in %s is locked: give its passphrase",
                        satchel->home);
    *out = sat_sign_public(admin);
    return SAT_OK;
}

enum sat_err client_arrival_expect(struct client_arrival *arrival, uint32_t device)
{
    return sat_store_meta_put_u64(arrival->satchel->store, EXPECTED, device);
}

uint32_t client_arrival_expected(const struct client_arrival *arrival)
{
    uint64_t device = 0;
    struct sat_store *store = arrival->satchel->store;
    if (!store || sat_store_meta_get_u64(store, EXPECTED, 0, &device)) return 0;
    return (uint32_t)device;
}

/* ---- Afterwards ---- */

static enum sat_err write_own_name(struct client_arrival *arrival)
{
    struct satchel *satchel = arrival->satchel;
    struct sat_arena arena;
    sat_arena_init(&arena);
    const char *name = arrival->device_name ? arrival->device_name : client_machine_name(&arena);
    enum sat_err err = sat_store_begin(satchel->store);
    if (!err) err = client_write_device_name(satchel, client_device(satchel), name);
    if (!err) err = sat_store_commit(satchel->store);
    if (err) sat_store_rollback(satchel->store);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_arrival_settle(struct client_arrival *arrival, struct sat_fault *fault)
{
    struct satchel *satchel = arrival->satchel;
    uint32_t device = client_arrival_device(satchel);
    if (!device) return sat_fail(fault, SAT_ERR_CLOSED, "the server did not take the new device in");
    sat_keyring_set_member(satchel->keyring, &arrival->org, device);
    enum sat_err err = write_own_name(arrival);
    /* last: only with its number is the home complete */
    if (!err) err = client_keyfile_save(satchel, arrival->open_options, fault);
    return err;
}

void client_arrival_clean_up(struct client_arrival *arrival, const struct sat_fault *fault)
{
    struct satchel *satchel = arrival->satchel;
    if (!arrival->began || satchel->lock < 0) return;
    bool final = sat_err_exit_code(fault->err) == 4; /* the server said no: nothing was accepted */
    if (client_arrival_expected(arrival) && !final) return;
    sat_store_close(satchel->store);
    satchel->store = NULL;
    client_home_remove(satchel->home, arrival->made);
}
