/* Joining by an invite. After a crash at any point the same command with the same code goes on where it stopped. */
#include <sodium.h>
#include <string.h>

#include "client/arrival.h"
#include "client/links.h"
#include "client/names.h"
#include "client/session.h"
#include "client/transport.h"
#include "common/vault/invite.h"

enum { TIMEOUT_MS = 30 * 1000 };

struct joining {
    struct client_arrival arrival;
    const struct satchel_join_options *options;
    struct sat_invite_code code; /* secret */
    struct sat_invite_keys keys; /* secret */
    struct sat_hash invite;
};

/* ---- The session ---- */

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct joining *joining = context;
    struct satchel *satchel = joining->arrival.satchel;
    bool by_invite = box->kind == SAT_BOX_INVITE;
    return sat_keys_open_box(satchel->keys, &satchel->directory, box, by_invite ? &joining->keys.box_public : NULL,
                             by_invite ? &joining->keys.box : NULL);
}

static enum sat_err add_join(struct joining *joining, struct client_links *links)
{
    struct satchel *satchel = joining->arrival.satchel;
    const struct sat_invite *invite = sat_directory_invite(&links->ahead, &joining->invite);
    if (!invite) return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "the organisation knows no such invite");
    struct sat_body_join body = {
        .invite = joining->invite,
        .sign = sat_keyring_sign_public(satchel->keyring),
        .box = sat_keyring_box_public(satchel->keyring),
    };
    struct sat_buf buf;
    sat_buf_init(&buf);
    bool signs = invite->role == SAT_ROLE_ADMIN || invite->role == SAT_ROLE_MANAGER;
    enum sat_err err = signs ? client_arrival_admin_key(&joining->arrival, &body.admin_sign) : SAT_OK;
    sat_body_join_encode(&body, &buf);
    if (!err) err = client_arrival_expect(&joining->arrival, links->ahead.devices_n + 1);
    if (!err) err = client_links_add_join(links, invite, &joining->keys.sign, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct joining *joining = context;
    struct satchel *satchel = joining->arrival.satchel;
    *out = (struct sat_link_batch){0};
    if (client_arrival_device(satchel)) return SAT_OK; /* an earlier attempt got through */
    struct client_links links;
    /* Whether the invite has expired is the server's to say: this device's clock may be wrong. */
    enum sat_err err = client_links_begin(&links, satchel, 0, arena, &satchel->fault);
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
    return done && client_arrival_device(joining->arrival.satchel);
}

static enum sat_err run(struct joining *joining, enum sat_replica_mode mode, uint32_t device)
{
    struct satchel *satchel = joining->arrival.satchel;
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
    struct satchel *satchel = joining->arrival.satchel;
    enum sat_err err = run(joining, SAT_REPLICA_INVITEE, 0);
    uint32_t device = client_arrival_expected(&joining->arrival);
    if (err != SAT_ERR_INVITE_USED || !joining->arrival.resume || !device) return err;
    struct sat_fault used = satchel->fault;
    enum sat_err retried = run(joining, SAT_REPLICA_DEVICE, device);
    if (retried == SAT_ERR_DENIED || retried == SAT_ERR_TAMPERED) { /* the device of that number is somebody else's */
        satchel->fault = used;
        return err;
    }
    return retried;
}

static enum sat_err join(struct joining *joining, struct sat_fault *fault)
{
    struct client_arrival *arrival = &joining->arrival;
    struct satchel *satchel = arrival->satchel;
    arrival->org = joining->code.org;
    arrival->server = joining->code.server;
    arrival->server_url = joining->code.url;
    enum sat_err err = client_arrival_prepare(arrival, fault);
    if (!err) err = ask_server(joining);
    if (!err) err = client_arrival_settle(arrival, fault);
    if (!err) return SAT_OK;
    if (satchel->fault.err == err) *fault = satchel->fault;
    client_explain(satchel, err, fault);
    client_arrival_clean_up(arrival, fault);
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
    struct joining joining = {.arrival = {.open_options = open_options, .device_name = options->device_name},
                              .options = options};
    *out = NULL;
    enum sat_err err = client_new(home, &joining.arrival.satchel, &fault); /* first: it starts libsodium */
    if (!err) err = check_options(&joining, &fault);
    if (!err) err = join(&joining, &fault);
    if (err)
        satchel_close(joining.arrival.satchel);
    else
        *out = joining.arrival.satchel;
    sodium_memzero(&joining, sizeof joining);
    return client_end_error(error, &fault, err);
}
