#define _GNU_SOURCE
#include "client/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/home.h"
#include "client/membership.h"
#include "client/view/view.h"
#include "client/wipe_file.h"
#include "common/proof/directory_index.h"
#include "common/vault/author.h"

static const char FILE_NAME[] = "wipe";
enum { TIMEOUT_MS = 20 * 1000, LOCK_WAIT_MS = 5000 };

#define WIPED "this device was wiped by its admins"

bool client_wipe_is_ordered(const struct satchel *satchel)
{
    if (satchel->wiped || !satchel->keyring || !satchel->store) return false;
    const struct sat_device *own = sat_directory_device(&satchel->directory, client_device(satchel));
    return own && own->wiped_seq;
}

enum sat_err client_wipe_check(struct satchel *satchel)
{
    return satchel->wiped ? sat_fail(&satchel->fault, SAT_ERR_REVOKED, WIPED) : SAT_OK;
}

enum sat_err client_wipe_fail_open(const char *home, struct sat_fault *fault)
{
    return sat_fail(fault, SAT_ERR_REVOKED,
                    WIPED ": nothing in %.150s opens any more, and what was not synced goes to them", home);
}

/* ---- 1: what was not sent ---- */

static enum sat_err freeze_once(struct satchel *satchel, uint64_t *left)
{
    struct sat_vault vault = client_vault(satchel);
    struct sat_frozen frozen = {0};
    enum sat_err err = sat_store_begin(satchel->store);
    if (err) return err;
    err = sat_author_freeze(&vault, satchel->directory.time_ms, UINT32_MAX, &frozen);
    if (!err) err = sat_store_commit(satchel->store);
    if (err) sat_store_rollback(satchel->store);
    *left = frozen.left;
    return err;
}

/* As the session that brought the order has done already, unless it was cut off. What is damaged stops no wipe. */
static enum sat_err freeze(struct satchel *satchel)
{
    uint64_t drafts = 0, left = 0;
    enum sat_err err = sat_store_draft_count(satchel->store, &drafts);
    while (!err && drafts) {
        err = freeze_once(satchel, &left);
        if (err || left >= drafts) break;
        drafts = left;
    }
    return sat_err_is_local(err) && err != SAT_ERR_CORRUPT ? err : SAT_OK;
}

/* ---- 2: the receipt ---- */

static enum sat_err write_file(struct satchel *satchel, const struct client_wipe_file *file)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    client_wipe_encode(file, &bytes);
    enum sat_err err = client_home_write(satchel->home, FILE_NAME, sat_buf_span(&bytes), &satchel->fault);
    sat_buf_deinit(&bytes);
    return err;
}

static enum sat_err sign_receipt(struct satchel *satchel)
{
    struct sat_arena arena;
    struct client_membership membership;
    sat_arena_init(&arena);
    const struct sat_directory *directory = &satchel->directory;
    const struct sat_device *own = sat_directory_device(directory, client_device(satchel));
    struct client_wipe_file file = {.step = CLIENT_WIPE_SIGNED,
                                    .org = directory->org,
                                    .server = directory->server,
                                    .device = own->number,
                                    .receipt = {.wipe_seq = own->wiped_seq, .time_ms = client_now_ms()}};
    enum sat_err err = client_membership_get(satchel, &arena, &membership);
    if (!err) client_membership_addresses(satchel, &membership, &arena, file.urls);
    if (file.receipt.time_ms > SAT_TIME_MS_MAX) file.receipt.time_ms = SAT_TIME_MS_MAX;
    if (!err)
        sat_wipe_receipt_sign(&file.receipt, &file.org, file.device, &sat_keyring_secrets(satchel->keyring)->sign);
    if (!err) err = write_file(satchel, &file);
    sat_arena_deinit(&arena);
    return err;
}

/* ---- 3: the keys ---- */

/* Other bytes in the place of the keyring's: what keeps old blocks, as flash and file systems that copy do, may keep
 * them all the same, and they are worth what the passphrase is. */
static bool overwrite(int fd)
{
    static const uint8_t zeros[512];
    struct stat info;
    if (fstat(fd, &info) != 0) return false;
    for (off_t at = 0; at < info.st_size;) {
        off_t left = info.st_size - at;
        size_t len = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        ssize_t wrote = pwrite(fd, zeros, len, at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        at += wrote;
    }
    return fsync(fd) == 0;
}

static bool destroy(const char *path)
{
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return true;
    bool done = fd >= 0 && overwrite(fd);
    if (fd >= 0) (void)close(fd);
    return unlink(path) == 0 && done;
}

static enum sat_err destroy_keyring(struct satchel *satchel)
{
    static const char *const names[] = {"keyring", "keyring.new"};
    bool done = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = client_home_path(satchel->home, names[i]);
        if (!destroy(path) && client_home_has(satchel->home, names[i])) done = false;
        free(path);
    }
    if (done && client_sync_directory(satchel->home)) return SAT_OK;
    return client_fail_errno(&satchel->fault, satchel->home, errno ? errno : EIO);
}

/* Other keys, which open nothing, stand where the handle's were: a caller who goes on with it finds it locked. */
static enum sat_err forget_keys(struct satchel *satchel)
{
    struct sat_keyring *none;
    struct sat_keys *keys;
    enum sat_err err = sat_keyring_new(&satchel->entropy, &none);
    if (err) return err;
    sat_keyring_set_member(none, &satchel->directory.org, client_device(satchel));
    err = sat_keys_new(satchel->store, none, &satchel->entropy, &keys);
    if (err) {
        sat_keyring_free(none);
        return err;
    }
    sat_keys_free(satchel->keys);
    sat_keyring_free(satchel->keyring);
    satchel->keys = keys;
    satchel->keyring = none;
    satchel->wiped = true;
    client_view_discard(satchel);
    return SAT_OK;
}

enum sat_err client_wipe_begin(struct satchel *satchel)
{
    if (satchel->tx) satchel_rollback(satchel->tx);
    client_view_discard(satchel); /* first: it opens most quickly */
    enum sat_err err = freeze(satchel);
    if (!err) err = sign_receipt(satchel);
    if (!err) err = forget_keys(satchel);
    if (!err) err = destroy_keyring(satchel);
    return err;
}

void client_wipe_obey(struct satchel *satchel)
{
    if (!client_wipe_is_ordered(satchel) || satchel->session) return;
    struct sat_fault fault = satchel->fault;
    /* Only what is stored counts: a session that failed may have left more than that in memory. */
    if (!client_reload_directory(satchel, &satchel->fault) && client_wipe_is_ordered(satchel))
        (void)!client_wipe_begin(satchel);
    satchel->fault = fault;
}

/* ---- 4: the server ---- */

struct telling {
    bool told;
    enum sat_err refused; /* what the server did not take; SAT_OK: nothing */
};

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    struct telling *telling = context;
    (void)session;
    if (action->notice != SAT_NOTICE_WIPED) return false;
    telling->told = true;
    telling->refused = action->err;
    return true;
}

/* What the server may take another time is worth waiting for; what it never will is not. */
static bool may_be_taken_later(enum sat_err refused)
{
    return refused && (sat_err_class(refused) == SAT_CLASS_RETRY || refused == SAT_ERR_TOO_LARGE);
}

static enum sat_err fail_waiting(struct satchel *satchel, const char *why)
{
    return sat_fail(&satchel->fault, SAT_ERR_REVOKED,
                    WIPED ": its keys are destroyed, and what is in %.80s opens to nobody. What was not synced goes to "
                          "the admins with the next command that reaches the server (%.150s)",
                    satchel->home, why);
}

static enum sat_err tell_server(struct satchel *satchel, const struct client_wipe_file *file, uint32_t timeout_ms)
{
    struct telling telling = {0};
    struct client_session_result result;
    struct client_session_config config = {
        .replica = {.mode = SAT_REPLICA_WIPED,
                    .server = file->server,
                    .org = file->org,
                    .device = file->device,
                    .receipt = file->receipt},
        .timeout_ms = timeout_ms ? timeout_ms : TIMEOUT_MS,
        .notice = on_notice,
        .context = &telling,
    };
    for (uint32_t i = 0; i < CLIENT_ADDRESSES_MAX; i++) config.urls[i] = file->urls[i];
    enum sat_err err = client_session_run(satchel, &config, &result);
    if (telling.told && !may_be_taken_later(telling.refused)) return SAT_OK;
    if (err && sat_err_is_local(err)) return err;
    struct sat_fault said = satchel->fault;
    return fail_waiting(satchel, telling.told ? sat_err_text(telling.refused) : said.text);
}

static enum sat_err hand_over(struct satchel *satchel, struct client_wipe_file *file, uint32_t timeout_ms)
{
    enum sat_err err = SAT_OK;
    if (!satchel->store) {
        err = client_home_store(satchel->home, SAT_STORE_OPEN, &satchel->store, &satchel->fault);
        if (err == SAT_ERR_NOT_FOUND) /* somebody was quicker: the receipt is all that is left to show */
            err = sat_store_open(":memory:", SAT_STORE_CREATE, &satchel->store, &satchel->fault);
        if (!err) err = client_reload_directory(satchel, &satchel->fault);
    }
    if (!err) err = tell_server(satchel, file, timeout_ms);
    file->step = CLIENT_WIPE_TOLD;
    return err ? err : write_file(satchel, file);
}

/* ---- 5 and 6 ---- */

static enum sat_err read_file(struct satchel *satchel, struct sat_arena *arena, struct client_wipe_file *file)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    enum sat_err err = client_home_read(satchel->home, FILE_NAME, CLIENT_WIPE_FILE_BYTES_MAX, &bytes, &satchel->fault);
    if (!err && !client_wipe_decode(sat_buf_span(&bytes), arena, file))
        err = sat_fail(&satchel->fault, SAT_ERR_CORRUPT,
                       "this device is being wiped, and the file %s in %.200s, which says how far it is, is damaged",
                       FILE_NAME, satchel->home);
    sat_buf_deinit(&bytes);
    return err;
}

enum sat_err client_wipe_finish(struct satchel *satchel, uint32_t timeout_ms)
{
    struct sat_arena arena;
    struct client_wipe_file file;
    sat_arena_init(&arena);
    enum sat_err err = read_file(satchel, &arena, &file);
    if (!err) err = destroy_keyring(satchel);
    if (!err && file.step == CLIENT_WIPE_SIGNED) err = hand_over(satchel, &file, timeout_ms);
    sat_arena_deinit(&arena);
    if (err) return err;
    client_home_remove(satchel->home, true);
    return sat_fail(&satchel->fault, SAT_ERR_REVOKED,
                    WIPED ": what it held is destroyed, what was not synced is with them, and the home is gone");
}

/* ---- For who finds such a home ---- */

int satchel_wipe_pending(const char *home)
{
    return client_home_has(home, FILE_NAME);
}

int satchel_wipe(const char *home, uint32_t timeout_ms, struct satchel_error *error)
{
    struct sat_fault fault = {0};
    struct satchel *satchel;
    enum sat_err err = client_new(home, &satchel, &fault);
    if (!err && client_home_has(home, FILE_NAME)) err = client_home_lock(home, LOCK_WAIT_MS, &satchel->lock, &fault);
    if (!err && !client_home_has(home, FILE_NAME)) /* or another process has just done it */
        err = sat_fail(&fault, SAT_ERR_NOT_FOUND, "there is no wipe under way in %s", home);
    if (!err) {
        satchel->wiped = true;
        err = client_wipe_finish(satchel, timeout_ms);
        client_explain(satchel, err, &satchel->fault);
        fault = satchel->fault;
    }
    satchel_close(satchel);
    return client_end_error(error, &fault, err);
}
