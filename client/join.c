/* Joining by an invite. The home's keyring and store are on the disk before the join link is sent: after a crash
 * at any point the same command with the same code goes on where it stopped, and finds its place if the link had
 * already been accepted. */
#include <sodium.h>
#include <string.h>

#include "client/home.h"
#include "client/keyfile.h"
#include "client/links.h"
#include "client/membership.h"
#include "client/names.h"
#include "client/session.h"
#include "client/transport.h"
#include "common/vault/invite.h"

enum { TIMEOUT_MS = 30 * 1000 };

struct joining {
    struct satchel *satchel;
    const struct satchel_open_options *open_options;
    const struct satchel_join_options *options;
    struct sat_invite_code code; /* secret */
    struct sat_invite_keys keys; /* secret */
    struct sat_hash invite;
    struct sat_arena arena;
    bool made;   /* the directory */
    bool began;  /* to fill it: what is in it is ours to remove */
    bool resume; /* an earlier attempt left its keyring */
};

/* The number of the device whose key is ours; 0: none. */
static uint32_t own_device(const struct satchel *satchel)
{
    struct sat_public_key own = sat_keyring_sign_public(satchel->keyring);
    for (uint32_t i = satchel->directory.devices_n; i-- > 0;)
        if (sat_span_equal(SAT_SPAN(satchel->directory.devices[i].sign.b), SAT_SPAN(own.b)))
            return satchel->directory.devices[i].number;
    return 0;
}

/* ---- The home ---- */

static enum sat_err open_store(struct joining *joining, struct sat_fault *fault)
{
    struct satchel *satchel = joining->satchel;
    enum sat_err err = SAT_ERR_NOT_FOUND;
    if (joining->resume) err = client_home_store(satchel->home, SAT_STORE_OPEN, &satchel->store, fault);
    if (err == SAT_ERR_NOT_FOUND) err = client_home_store(satchel->home, SAT_STORE_CREATE, &satchel->store, fault);
    return err;
}

static enum sat_err put_membership(struct joining *joining)
{
    struct client_membership membership = {
        .org = joining->code.org, .server_url = joining->code.url, .server = joining->code.server};
    struct sat_store *store = joining->satchel->store;
    enum sat_err err = sat_store_begin(store);
    if (err) return err;
    err = client_membership_put(joining->satchel, &membership);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

static enum sat_err begin_home(struct joining *joining, struct sat_fault *fault)
{
    struct satchel *satchel = joining->satchel;
    enum sat_err err = sat_keyring_new(&satchel->entropy, &satchel->keyring);
    if (err) return err;
    sat_keyring_set_member(satchel->keyring, &joining->code.org, 0);
    return client_keyfile_save(satchel, joining->open_options, fault);
}

static enum sat_err resume_home(struct joining *joining, struct sat_fault *fault)
{
    struct satchel *satchel = joining->satchel;
    enum sat_err err = client_keyfile_open(satchel, joining->open_options, fault);
    if (err) return err;
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(satchel->keyring);
    if (secrets->device != 0)
        return sat_fail(fault, SAT_ERR_EXISTS, "%s is a home already: choose another directory", satchel->home);
    if (!sat_hash_equal(&secrets->org, &joining->code.org))
        return sat_fail(fault, SAT_ERR_EXISTS, "%s has begun to join another organisation: choose another directory",
                        satchel->home);
    return SAT_OK;
}

static enum sat_err prepare_home(struct joining *joining, struct sat_fault *fault)
{
    struct satchel *satchel = joining->satchel;
    enum sat_err err = client_home_enter(satchel->home, &joining->made, fault);
    /* Somebody else's directory does not even get a lock. */
    bool known = joining->made || client_home_has(satchel->home, "lock") || client_home_has(satchel->home, "keyring");
    if (!err && !known) err = client_home_check_empty(satchel->home, fault);
    if (!err) err = client_home_lock(satchel->home, joining->open_options->wait_ms, &satchel->lock, fault);
    if (err) return err;
    /* Only now: another process may have joined here while this one waited for the lock. */
    joining->resume = client_home_has(satchel->home, "keyring");
    err = joining->resume || joining->made ? SAT_OK : client_home_check_empty(satchel->home, fault);
    if (err) return err;
    joining->began = !joining->resume;
    err = joining->resume ? resume_home(joining, fault) : begin_home(joining, fault);
    if (!err) err = open_store(joining, fault);
    if (!err) err = put_membership(joining);
    if (!err) err = client_load(satchel, fault);
    return err;
}

/* ---- The session ---- */

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct joining *joining = context;
    struct satchel *satchel = joining->satchel;
    bool by_invite = box->kind == SAT_BOX_INVITE;
    return sat_keys_open_box(satchel->keys, &satchel->directory, box, by_invite ? &joining->keys.box_public : NULL,
                             by_invite ? &joining->keys.box : NULL);
}

static enum sat_err add_join(struct joining *joining, struct client_links *links)
{
    struct satchel *satchel = joining->satchel;
    const struct sat_invite *invite = sat_directory_invite(&links->ahead, &joining->invite);
    if (!invite) return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "the organisation knows no such invite");
    struct sat_body_join body = {
        .invite = joining->invite,
        .sign = sat_keyring_sign_public(satchel->keyring),
        .box = sat_keyring_box_public(satchel->keyring),
    };
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_join_encode(&body, &buf);
    /* where to look after a crash, should the link have been accepted */
    enum sat_err err = sat_store_meta_put_u64(satchel->store, "join_device", links->ahead.devices_n + 1);
    if (!err) err = client_links_add_join(links, invite, &joining->keys.sign, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct joining *joining = context;
    *out = (struct sat_link_batch){0};
    if (own_device(joining->satchel)) return SAT_OK; /* an earlier attempt got through */
    struct client_links links;
    /* Whether the invite has expired is the server's to say: this device's clock may be wrong. */
    enum sat_err err = client_links_begin(&links, joining->satchel, 0, arena, &joining->satchel->fault);
    if (!err) err = add_join(joining, &links);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    return err;
}

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    (void)session;
    struct joining *joining = context;
    bool done = action->notice == SAT_NOTICE_IDLE || action->notice == SAT_NOTICE_IN_SYNC;
    return done && own_device(joining->satchel);
}

static enum sat_err run(struct joining *joining, enum sat_replica_mode mode, uint32_t device)
{
    struct satchel *satchel = joining->satchel;
    bool as_device = mode == SAT_REPLICA_DEVICE;
    struct client_session_config config = {
        .replica = {.mode = mode,
                    .server = joining->code.server,
                    .org = joining->code.org,
                    .device = device,
                    .key = as_device ? &sat_keyring_secrets(satchel->keyring)->sign : &joining->keys.sign,
                    .invite = joining->invite,
                    .trust_seq = joining->code.dir_seq,
                    .directory_only = true,
                    .hooks = {.context = joining, .open_box = open_box, .build_links = as_device ? NULL : build_links}},
        .urls = {joining->code.url},
        .timeout_ms = joining->options->timeout_ms ? joining->options->timeout_ms : TIMEOUT_MS,
        .notice = on_notice,
        .context = joining,
    };
    memcpy(config.replica.trust_hash, joining->code.dir_hash, sizeof config.replica.trust_hash);
    struct client_session_result result;
    return client_session_run(satchel, &config, &result);
}

/* As the holder of the invite; and where an earlier attempt may have used it up, as the device that it made. */
static enum sat_err ask_server(struct joining *joining)
{
    struct satchel *satchel = joining->satchel;
    uint64_t device = 0;
    enum sat_err err = run(joining, SAT_REPLICA_INVITEE, 0);
    if (err != SAT_ERR_INVITE_USED || !joining->resume) return err;
    struct sat_fault used = satchel->fault;
    if (sat_store_meta_get_u64(satchel->store, "join_device", 0, &device) || device == 0) return err;
    enum sat_err retried = run(joining, SAT_REPLICA_DEVICE, (uint32_t)device);
    if (retried == SAT_ERR_DENIED || retried == SAT_ERR_TAMPERED) { /* the device of that number is somebody else's */
        satchel->fault = used;
        return err;
    }
    return retried;
}

/* ---- Afterwards ---- */

static enum sat_err write_own_name(struct joining *joining)
{
    struct satchel *satchel = joining->satchel;
    const char *name = joining->options->device_name;
    enum sat_err err = sat_store_begin(satchel->store);
    if (err) return err;
    err = client_write_device_name(satchel, client_device(satchel), name ? name : client_machine_name(&joining->arena));
    if (!err) err = sat_store_commit(satchel->store);
    if (err) sat_store_rollback(satchel->store);
    return err;
}

static enum sat_err settle_in(struct joining *joining, struct sat_fault *fault)
{
    struct satchel *satchel = joining->satchel;
    uint32_t device = own_device(satchel);
    if (!device) return sat_fail(fault, SAT_ERR_CLOSED, "the server did not take the new device in");
    sat_keyring_set_member(satchel->keyring, &joining->code.org, device);
    enum sat_err err = write_own_name(joining);
    /* last: only with its number is the home complete */
    if (!err) err = client_keyfile_save(satchel, joining->open_options, fault);
    return err;
}

/* After a failure the home goes, unless the link may have been sent: then the next attempt needs its keys. */
static void clean_up(struct joining *joining, struct sat_fault *fault)
{
    struct satchel *satchel = joining->satchel;
    uint64_t device = 0;
    bool sent = satchel->store && !sat_store_meta_get_u64(satchel->store, "join_device", 0, &device) && device;
    if (!joining->began || satchel->lock < 0) return;
    bool final = sat_err_exit_code(fault->err) == 4; /* the server said no: nothing was accepted */
    if (sent && !final) return;
    sat_store_close(satchel->store);
    satchel->store = NULL;
    client_home_remove(satchel->home, joining->made);
}

static enum sat_err join(struct joining *joining, struct sat_fault *fault)
{
    struct satchel *satchel = joining->satchel;
    enum sat_err err = prepare_home(joining, fault);
    if (!err) err = ask_server(joining);
    if (!err) err = settle_in(joining, fault);
    if (!err) return SAT_OK;
    if (satchel->fault.err == err) *fault = satchel->fault;
    client_explain(satchel, err, fault);
    clean_up(joining, fault);
    return err;
}

static enum sat_err check_options(struct joining *joining, struct sat_fault *fault)
{
    struct client_address address;
    if (!joining->options->code) return sat_fail(fault, SAT_ERR_INVALID, "there is no invite code");
    enum sat_err err = sat_invite_code_parse(joining->options->code, &joining->code, fault);
    if (!err) err = client_address_parse(joining->code.url, &address, fault);
    if (!err && joining->options->device_name)
        err = client_check_name("device's name", joining->options->device_name, fault);
    if (err) return err;
    sat_invite_keys_derive(&joining->code, &joining->keys);
    joining->invite = sat_invite_id(&joining->keys.sign_public, &joining->keys.box_public);
    return SAT_OK;
}

int satchel_join(const char *home, const struct satchel_open_options *open_options,
                 const struct satchel_join_options *options, struct satchel **out, struct satchel_error *error)
{
    struct sat_fault fault = {0};
    struct joining joining = {.open_options = open_options, .options = options};
    sat_arena_init(&joining.arena);
    *out = NULL;
    enum sat_err err = client_new(home, &joining.satchel, &fault); /* first: it starts libsodium */
    if (!err) err = check_options(&joining, &fault);
    if (!err) err = join(&joining, &fault);
    if (err)
        satchel_close(joining.satchel);
    else
        *out = joining.satchel;
    sat_arena_deinit(&joining.arena);
    sodium_memzero(&joining, sizeof joining);
    return client_end_error(error, &fault, err);
}
