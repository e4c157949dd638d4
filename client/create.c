/* Founding an organisation: the genesis, the spaces org and people with their first epochs, this home as device 1,
 * and the recovery kit. */
#include <sodium.h>
#include <string.h>

#include "client/home.h"
#include "client/keyfile.h"
#include "client/kit.h"
#include "client/links.h"
#include "client/membership.h"
#include "client/names.h"
#include "client/session.h"
#include "client/sync.h"
#include "client/transport.h"
#include "common/vault/invite.h"

enum { TIMEOUT_MS = 30 * 1000, TOKEN_BYTES_MAX = 128, SPACES = 2 };

struct founding {
    struct satchel *satchel;
    const struct satchel_create_options *options;
    struct sat_public_key server;
    uint8_t kit_seed[SAT_KIT_SEED_BYTES]; /* secret */
    struct sat_arena arena;
    struct sat_link_batch batch; /* made before the server is asked */
    struct sat_hash org;
    struct founding_space {
        struct sat_space_id id;
        struct sat_epoch_key key; /* secret */
    } spaces[SPACES];
    bool created;
};

static enum sat_err check_options(const struct satchel_create_options *options, struct founding *founding,
                                  struct sat_fault *fault)
{
    struct client_address address;
    if (!options->server_url || !options->pin || !(options->recovery_kit || options->keep_kit))
        return sat_fail(fault, SAT_ERR_INVALID, "the server or its pin is missing");
    enum sat_err err = client_address_parse(options->server_url, &address, fault);
    if (err) return err;
    if (strlen(options->server_url) > SAT_URL_BYTES_MAX)
        return sat_fail(fault, SAT_ERR_TOO_LARGE, "the server's address is too long");
    if (sat_hex_parse(options->pin, founding->server.b, sizeof founding->server.b))
        return sat_fail(fault, SAT_ERR_INVALID, "the pin is not the server's identity key: 64 hexadecimal digits");
    if (options->token.len == 0 || options->token.len > TOKEN_BYTES_MAX)
        return sat_fail(fault, SAT_ERR_INVALID, "that is no token");
    err = client_check_name("organisation's name", options->org_name, fault);
    if (!err) err = client_check_name("user's name", options->user_name, fault);
    if (!err && options->device_name) err = client_check_name("device's name", options->device_name, fault);
    return err;
}

/* ---- The first links ---- */

static enum sat_err add_genesis(struct founding *founding, struct client_links *links)
{
    struct satchel *satchel = founding->satchel;
    struct sat_body_genesis body = {
        .version = 1,
        .device_sign = sat_keyring_sign_public(satchel->keyring),
        .device_box = sat_keyring_box_public(satchel->keyring),
        .admin_sign = sat_sign_public(&sat_keyring_secrets(satchel->keyring)->admin),
        .server = founding->server,
    };
    sat_entropy_fill(&satchel->entropy, body.random, sizeof body.random);
    sat_entropy_fill(&satchel->entropy, founding->kit_seed, sizeof founding->kit_seed);
    struct sat_kit_keys kit;
    sat_kit_keys_derive(founding->kit_seed, &kit);
    body.kit_sign = kit.sign_public;
    body.kit_box = kit.box_public;
    sodium_memzero(&kit, sizeof kit);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_genesis_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_GENESIS, &buf);
    sat_buf_deinit(&buf);
    if (err) return err;
    founding->org = links->ahead.org;
    sat_keyring_set_member(satchel->keyring, &founding->org, 1);
    return SAT_OK;
}

static enum sat_err add_space(struct founding *founding, struct client_links *links, uint32_t place,
                              enum sat_space_kind kind)
{
    struct founding_space *space = &founding->spaces[place];
    uint8_t random[10];
    sat_entropy_fill(&founding->satchel->entropy, random, sizeof random);
    sat_uuid_v7(links->now_ms, random, space->id.b);
    return client_links_add_space(links, &space->id, kind, &space->key);
}

static enum sat_err make_batch(struct founding *founding, struct sat_fault *fault)
{
    struct client_links links;
    enum sat_err err = client_links_begin(&links, founding->satchel, client_now_ms(), &founding->arena, fault);
    if (!err) err = add_genesis(founding, &links);
    if (!err) err = add_space(founding, &links, 0, SAT_SPACE_ORG);
    if (!err) err = add_space(founding, &links, 1, SAT_SPACE_PEOPLE);
    if (!err) client_links_give(&links, &founding->batch);
    client_links_end(&links);
    return err;
}

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    (void)arena;
    *out = ((struct founding *)context)->batch;
    return SAT_OK;
}

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    (void)session;
    struct founding *founding = context;
    if (action->notice == SAT_NOTICE_CREATED) founding->created = true;
    return founding->created;
}

/* ---- What stays in the home ---- */

static enum sat_err write_names(struct founding *founding)
{
    struct satchel *satchel = founding->satchel;
    const char *device = founding->options->device_name;
    enum sat_err err = client_write_space_name(satchel, &founding->spaces[0].id, founding->options->org_name);
    if (!err) err = client_write_user_name(satchel, 1, founding->options->user_name);
    if (!err) err = client_write_device_name(satchel, 1, device ? device : client_machine_name(&founding->arena));
    return err;
}

static enum sat_err settle_in(struct founding *founding)
{
    struct satchel *satchel = founding->satchel;
    struct client_membership membership = {
        .org = founding->org,
        .server_url = founding->options->server_url,
        .server = founding->server,
        .org_name = founding->options->org_name,
    };
    enum sat_err err = sat_store_begin(satchel->store);
    if (err) return err;
    err = client_membership_put(satchel, &membership);
    for (uint32_t i = 0; i < SPACES && !err; i++)
        err = sat_keys_add(satchel->keys, &founding->spaces[i].id, 1, &founding->spaces[i].key);
    if (!err) err = write_names(founding);
    if (!err) err = sat_store_commit(satchel->store);
    if (err) sat_store_rollback(satchel->store);
    return err;
}

/* ---- The kit ---- */

static struct client_kit kit_of(const struct founding *founding)
{
    return (struct client_kit){
        .org_name = founding->options->org_name,
        .server_url = founding->options->server_url,
        .org = founding->org,
        .server = founding->server,
    };
}

/* Before the server is asked, as the keys in make_home(). */
static enum sat_err keep_kit(const struct founding *founding)
{
    const struct satchel_create_options *options = founding->options;
    struct client_kit kit = kit_of(founding);
    if (!options->keep_kit) return SAT_OK;
    return client_kit_keep(&kit, founding->kit_seed, options->keep_kit, options->context, &founding->satchel->fault);
}

static void hand_over_kit(const struct founding *founding)
{
    struct client_kit kit = kit_of(founding);
    if (founding->options->recovery_kit) *founding->options->recovery_kit = client_kit_page(&kit, founding->kit_seed);
}

/* ---- In order ---- */

static enum sat_err make_home(struct founding *founding, const struct satchel_open_options *open_options,
                              struct sat_fault *fault)
{
    struct satchel *satchel = founding->satchel;
    enum sat_err err = client_home_lock(satchel->home, open_options->wait_ms, &satchel->lock, fault);
    if (!err) err = sat_keyring_new(&satchel->entropy, &satchel->keyring);
    if (err) return err;
    sat_keyring_make_admin(satchel->keyring, &satchel->entropy);
    err = client_home_store(satchel->home, SAT_STORE_CREATE, &satchel->store, fault);
    if (!err) err = client_load(satchel, fault);
    if (!err) err = make_batch(founding, fault);
    /* before the server is asked: an org whose keys could not be written down would be lost */
    if (!err) err = client_keyfile_save(satchel, open_options, fault);
    return err;
}

static enum sat_err ask_server(struct founding *founding)
{
    const struct satchel_create_options *options = founding->options;
    struct client_session_config config = {
        .replica = {.mode = SAT_REPLICA_CREATE,
                    .server = founding->server,
                    .key = &sat_keyring_secrets(founding->satchel->keyring)->sign,
                    .token = sat_span(options->token.at, options->token.len),
                    .hooks = {.context = founding, .build_links = build_links}},
        .urls = {options->server_url},
        .timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS,
        .notice = on_notice,
        .context = founding,
    };
    struct client_session_result result;
    enum sat_err err = client_session_run(founding->satchel, &config, &result);
    if (!err && !founding->created)
        err = sat_fail(&founding->satchel->fault, SAT_ERR_CLOSED, "the server did not create the organisation");
    return err;
}

static enum sat_err found(struct founding *founding, const struct satchel_open_options *open_options,
                          struct sat_fault *fault)
{
    struct satchel *satchel = founding->satchel;
    bool made = false;
    enum sat_err err = client_home_make(satchel->home, &made, fault);
    if (err) return err;
    err = make_home(founding, open_options, fault);
    if (!err) err = keep_kit(founding);
    if (!err) err = ask_server(founding);
    if (!err) err = settle_in(founding);
    if (satchel->fault.err == err) *fault = satchel->fault;
    if (err) {
        client_explain(satchel, err, fault);
        sat_store_close(satchel->store);
        satchel->store = NULL;
        client_home_remove(satchel->home, made);
        return err;
    }
    hand_over_kit(founding);
    client_sync_quietly(satchel); /* the first names; what does not get through now goes with the next sync */
    return SAT_OK;
}

int satchel_org_create(const char *home, const struct satchel_open_options *open_options,
                       const struct satchel_create_options *options, struct satchel **out, struct satchel_error *error)
{
    struct sat_fault fault = {0};
    struct founding founding = {.options = options};
    sat_arena_init(&founding.arena);
    *out = NULL;
    enum sat_err err = check_options(options, &founding, &fault);
    if (!err) err = client_new(home, &founding.satchel, &fault);
    if (!err) err = found(&founding, open_options, &fault);
    if (err)
        satchel_close(founding.satchel);
    else
        *out = founding.satchel;
    sat_arena_deinit(&founding.arena);
    sodium_memzero(&founding, sizeof founding);
    return client_end_error(error, &fault, err);
}
