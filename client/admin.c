/* Administration: links for the directory and the names that go with them, in one session. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "client/conflicts.h"
#include "client/links.h"
#include "client/membership.h"
#include "client/names.h"
#include "client/sync.h"
#include "client/transport.h"
#include "common/proof/directory_index.h"
#include "common/vault/invite.h"

enum { TIMEOUT_MS = 30 * 1000 };
#define WEEK_MS (UINT64_C(7) * 24 * 3600 * 1000)

/* One act of an admin: how its links are made from the directory as it is, and what is written beside them once
 * they are in. */
struct act {
    struct satchel *satchel;
    enum sat_err (*build)(struct act *act, struct client_links *links);
    enum sat_err (*after)(struct act *act); /* in the transaction that stores the links; may be NULL */
    bool appended;
    uint32_t user;
    uint8_t role, rights;
    const char *name;
    struct sat_space_id space;
    struct sat_epoch_key key; /* secret */
    uint64_t valid_ms;
    struct sat_invite_code code; /* secret */
    struct sat_hash invite_link;
    const char *url; /* where to do it; NULL: where the server is known to be */
    struct sat_body_server_key server;
};

/* A clock that is behind the directory's own time would make invites that have expired. */
static uint64_t directory_time(const struct satchel *satchel)
{
    uint64_t now_ms = client_now_ms();
    return now_ms > satchel->directory.time_ms ? now_ms : satchel->directory.time_ms;
}

/* ---- The session ---- */

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct act *act = context;
    struct client_links links;
    *out = (struct sat_link_batch){0};
    if (act->appended) return SAT_OK; /* asked again for the names' sake: there is nothing more */
    enum sat_err err =
        client_links_begin(&links, act->satchel, directory_time(act->satchel), arena, &act->satchel->fault);
    if (!err) err = act->build(act, &links);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    return err;
}

static enum sat_err links_appended(void *context)
{
    struct act *act = context;
    act->appended = true;
    return act->after ? act->after(act) : SAT_OK;
}

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    struct act *act = context;
    uint16_t type;
    bool conflict;
    switch (action->notice) {
    case SAT_NOTICE_LINKS_APPENDED:
        client_session_poke(session); /* the names follow */
        return false;
    case SAT_NOTICE_IN_SYNC:
    case SAT_NOTICE_IDLE:
        return act->appended;
    case SAT_NOTICE_RECORD:
        (void)!client_conflicts_look(act->satchel, action->sid, &action->record, false,
                                     client_session_is_alone(session, action), &type, &conflict);
        return false;
    case SAT_NOTICE_CONNECTED:
    case SAT_NOTICE_DIRECTORY:
    case SAT_NOTICE_REFUSED:
    case SAT_NOTICE_LINKS_REFUSED:
    case SAT_NOTICE_CREATED:
    case SAT_NOTICE_FAILED:
        return false;
    }
    return false;
}

static enum sat_err check_admin(struct satchel *satchel)
{
    if (satchel->tx)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open: commit it or roll it back first");
    if (!client_is_admin(satchel)) return sat_fail(&satchel->fault, SAT_ERR_DENIED, "only an admin may do that");
    const struct sat_sign_key *key = &sat_keyring_secrets(satchel->keyring)->admin;
    if (sodium_is_zero(key->b, sizeof key->b))
        return sat_fail(&satchel->fault, SAT_ERR_LOCKED,
                        "the admin key is locked: the admin's own passphrase is needed");
    return SAT_OK;
}

/* Once the links are in, the act is done: names that did not get through now go with the next sync. */
static enum sat_err run(struct act *act)
{
    struct satchel *satchel = act->satchel;
    struct client_session_config config = {
        .replica = {.hooks = {.context = act, .build_links = build_links, .links_appended = links_appended}},
        .urls = {act->url},
        .timeout_ms = TIMEOUT_MS,
        .notice = on_notice,
        .context = act,
    };
    struct client_session_result result;
    enum sat_err err = client_conflicts_known(satchel);
    if (!err) err = client_sync_run(satchel, &config, &result);
    if (err && !act->appended) return err;
    client_touch(satchel);
    err = client_conflicts_save(satchel);
    return err ? err : client_membership_synced(satchel, result.met_at, result.in_sync);
}

/* ---- Finding people and places, once more after a sync if need be: another admin may have made them ---- */

static enum sat_err find_user(struct satchel *satchel, const char *name, uint32_t *user)
{
    enum sat_err err = client_find_user(satchel, name ? name : "", user, &satchel->fault);
    if (err != SAT_ERR_NOT_FOUND || !client_sync_quietly(satchel)) return err;
    return client_find_user(satchel, name ? name : "", user, &satchel->fault);
}

static enum sat_err find_space(struct satchel *satchel, const char *name, struct sat_space_id *space)
{
    enum sat_err err = client_find_space(satchel, name ? name : "", space, &satchel->fault);
    if (err != SAT_ERR_NOT_FOUND || !client_sync_quietly(satchel)) return err;
    return client_find_space(satchel, name ? name : "", space, &satchel->fault);
}

/* ---- People ---- */

/* A name is taken by one that people would take for it. */
static enum sat_err refuse_taken(struct satchel *satchel, const char *what, const char *taken, const char *name)
{
    if (!taken) return SAT_OK;
    const char *why = strcmp(taken, name) == 0 ? "" : ": names that differ only in case or white space count as one";
    return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "there is a %s \"%.100s\" already%s", what, taken, why);
}

static enum sat_err check_user_is_new(struct satchel *satchel, const char *name)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = refuse_taken(satchel, "user", client_user_like(satchel, name, &arena), name);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err build_user(struct act *act, struct client_links *links)
{
    enum sat_err err = check_user_is_new(act->satchel, act->name);
    if (err) return err;
    act->user = links->ahead.users_n + 1;
    struct sat_body_user body = {.user = act->user, .role = act->role, .state = SAT_USER_ACTIVE};
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_user_encode(&body, &buf);
    err = client_links_add(links, SAT_LINK_USER, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err name_user(struct act *act)
{
    return client_write_user_name(act->satchel, act->user, act->name);
}

int satchel_user_add(struct satchel *satchel, const char *name, const char *role)
{
    struct act act = {.satchel = satchel, .build = build_user, .after = name_user, .name = name};
    client_begin(satchel);
    enum sat_err err = check_admin(satchel);
    if (!err) err = client_check_name("user's name", name, &satchel->fault);
    if (!err && (!role || sat_role_parse(role, &act.role)))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID,
                       "\"%.40s\" is no role: admin, manager, rep, auditor or service", role ? role : "");
    if (!err) err = check_user_is_new(satchel, name);
    if (!err) err = run(&act);
    return client_end(satchel, err);
}

/* ---- Territories ---- */

static enum sat_err check_territory_is_new(struct satchel *satchel, const char *name)
{
    uint8_t id[16];
    if (client_name_is_like(name, "org") || client_name_is_like(name, "people"))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "\"%s\" is reserved: choose another name", name);
    if (!sat_uuid_parse(name, id))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a territory's name must not look like an id");
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = refuse_taken(satchel, "territory", client_space_like(satchel, name, &arena), name);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err build_territory(struct act *act, struct client_links *links)
{
    enum sat_err err = check_territory_is_new(act->satchel, act->name);
    return err ? err : client_links_add_space(links, &act->space, SAT_SPACE_TERRITORY, &act->key);
}

static enum sat_err name_territory(struct act *act)
{
    enum sat_err err = sat_keys_add(act->satchel->keys, &act->space, 1, &act->key);
    return err ? err : client_write_space_name(act->satchel, &act->space, act->name);
}

int satchel_territory_add(struct satchel *satchel, const char *name)
{
    struct act act = {.satchel = satchel, .build = build_territory, .after = name_territory, .name = name};
    client_begin(satchel);
    uint8_t random[10];
    sat_entropy_fill(&satchel->entropy, random, sizeof random);
    sat_uuid_v7(client_now_ms(), random, act.space.b);
    enum sat_err err = check_admin(satchel);
    if (!err) err = client_check_name("territory's name", name, &satchel->fault);
    if (!err) err = check_territory_is_new(satchel, name);
    if (!err) err = run(&act);
    sodium_memzero(&act.key, sizeof act.key);
    return client_end(satchel, err);
}

static enum sat_err build_grant(struct act *act, struct client_links *links)
{
    return client_links_add_grant(links, &act->space, act->user, act->rights);
}

/* To manage is to read and write as well, to write is to read as well. */
static uint8_t whole_rights(int rights)
{
    if (rights == 0 || (rights & SATCHEL_MANAGE)) rights |= SATCHEL_WRITE;
    if (rights & SATCHEL_WRITE) rights |= SATCHEL_READ;
    return (uint8_t)(rights & (SATCHEL_READ | SATCHEL_WRITE | SATCHEL_MANAGE));
}

int satchel_territory_grant(struct satchel *satchel, const char *territory, const char *user, int rights)
{
    struct act act = {.satchel = satchel, .build = build_grant, .rights = whole_rights(rights)};
    client_begin(satchel);
    enum sat_err err = check_admin(satchel);
    if (!err) err = find_space(satchel, territory, &act.space);
    if (!err) err = find_user(satchel, user, &act.user);
    if (!err) err = run(&act);
    return client_end(satchel, err);
}

/* ---- Invites ---- */

static enum sat_err build_invite(struct act *act, struct client_links *links)
{
    struct satchel *satchel = act->satchel;
    struct sat_invite_keys keys;
    act->code.org = links->ahead.org;
    act->code.server = links->ahead.server;
    sat_entropy_fill(&satchel->entropy, act->code.secret, sizeof act->code.secret);
    sat_invite_keys_derive(&act->code, &keys);
    struct sat_body_invite body = {
        .sign = keys.sign_public,
        .box = keys.box_public,
        .user = act->user,
        .role = sat_directory_user(&links->ahead, act->user)->role,
        .expires_ms = links->now_ms + act->valid_ms,
    };
    sodium_memzero(&keys, sizeof keys);
    enum sat_err err = client_links_add_invite(links, &body);
    act->code.dir_seq = links->ahead.seq;
    act->invite_link = sat_directory_hash_at(&links->ahead, links->ahead.seq);
    return err;
}

/* Whoever has the code gets keys at once; roles that are worth more have to be approved by a device, which comes
 * later. */
static enum sat_err check_role(struct satchel *satchel, uint32_t user)
{
    uint8_t role = sat_directory_user(&satchel->directory, user)->role;
    if (role == SAT_ROLE_REP || role == SAT_ROLE_SERVICE) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_NOT_YET,
                    "an invite for the role %s has to be approved by a device, which comes with a later version",
                    sat_role_name(role));
}

static enum sat_err invite(struct act *act, const char *user, char **code)
{
    struct satchel *satchel = act->satchel;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct client_membership membership;
    enum sat_err err = check_admin(satchel);
    if (!err) err = find_user(satchel, user, &act->user);
    if (!err) err = check_role(satchel, act->user);
    if (!err) err = client_membership_get(satchel, &arena, &membership);
    const char *moved_to = satchel->directory.server_url;
    if (!err) (void)snprintf(act->code.url, sizeof act->code.url, "%s", moved_to[0] ? moved_to : membership.server_url);
    if (!err) err = run(act);
    memcpy(act->code.dir_hash, act->invite_link.b, sizeof act->code.dir_hash);
    if (!err) *code = client_text(sat_invite_code_format(&act->code, &arena));
    sat_arena_deinit(&arena);
    return err;
}

int satchel_invite(struct satchel *satchel, const char *user, uint64_t valid_ms, char **code)
{
    struct act act = {.satchel = satchel, .build = build_invite, .valid_ms = valid_ms ? valid_ms : WEEK_MS};
    client_begin(satchel);
    *code = NULL;
    enum sat_err err = valid_ms <= 520 * WEEK_MS
                           ? invite(&act, user, code)
                           : sat_fail(&satchel->fault, SAT_ERR_INVALID, "an invite may be valid for ten years at most");
    sodium_memzero(&act.code, sizeof act.code);
    return client_end(satchel, err);
}

/* ---- The server's address and identity ---- */

static enum sat_err build_server(struct act *act, struct client_links *links)
{
    struct sat_body_server_key body = act->server;
    struct sat_buf buf;
    static const struct sat_public_key none;
    if (memcmp(&body.server, &none, sizeof none) == 0) body.server = links->ahead.server;
    sat_buf_init(&buf);
    sat_body_server_key_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_SERVER_KEY, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err check_server(struct satchel *satchel, const char *url, const char *pin, struct act *act)
{
    struct client_address address;
    if (!url && !pin)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "neither an address nor a pin is given: nothing to set");
    if (pin && sat_hex_parse(pin, act->server.server.b, sizeof act->server.server.b))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                        "the pin is not a server's identity key: 64 hexadecimal digits");
    if (!url) return SAT_OK;
    if (strlen(url) > SAT_URL_BYTES_MAX)
        return sat_fail(&satchel->fault, SAT_ERR_TOO_LARGE, "the server's address is too long");
    (void)snprintf(act->server.url, sizeof act->server.url, "%s", url);
    return client_address_parse(url, &address, &satchel->fault);
}

int satchel_server_set(struct satchel *satchel, const char *url, const char *pin)
{
    /* Through the new address, so that it is known to lead to this organisation; that the server has the new identity
     * is what it looks at itself. */
    struct act act = {.satchel = satchel, .build = build_server, .url = url};
    client_begin(satchel);
    enum sat_err err = check_admin(satchel);
    if (!err) err = check_server(satchel, url, pin, &act);
    if (!err) err = run(&act);
    return client_end(satchel, err);
}
