/* Coming back with the recovery kit: it lets one new device of an admin in, by a link that replaces it. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/arrival.h"
#include "client/kit.h"
#include "client/links.h"
#include "client/names.h"
#include "client/session.h"
#include "client/transport.h"
#include "common/proof/directory_index.h"

enum { TIMEOUT_MS = 60 * 1000 };

struct recovering {
    struct client_arrival arrival;
    const struct satchel_recover_options *options;
    struct sat_arena arena;
    struct client_kit page;
    struct sat_kit_keys *old; /* guarded memory, as the next two */
    struct sat_kit_keys *new;
    uint8_t *seed; /* of the new kit */
    bool kept;     /* the new kit's page */
};

/* ---- The link ---- */

/* The admin to bring back: whose device was stolen, if an admin's; else the first who is active, else the first. */
static uint32_t choose_user(const struct sat_directory *directory, const struct satchel_recover_options *options)
{
    const struct sat_device *stolen = sat_directory_device(directory, options->repudiate);
    uint32_t first = 0;
    if (options->user) return options->user;
    if (stolen && directory->users[stolen->user - 1].role == SAT_ROLE_ADMIN) return stolen->user;
    for (uint32_t i = 0; i < directory->users_n; i++) {
        const struct sat_user *user = &directory->users[i];
        if (user->role != SAT_ROLE_ADMIN) continue;
        if (user->state == SAT_USER_ACTIVE) return user->number;
        if (!first) first = user->number;
    }
    return first;
}

static enum sat_err keep_kit(struct recovering *recovering)
{
    const struct satchel_recover_options *options = recovering->options;
    if (recovering->kept) return SAT_OK;
    enum sat_err err = client_kit_keep(&recovering->page, recovering->seed, options->keep_kit, options->context,
                                       &recovering->arrival.satchel->fault);
    recovering->kept = !err;
    return err;
}

static enum sat_err add_link(const struct recovering *recovering, struct client_links *links,
                             const struct sat_body_kit *body)
{
    const struct satchel_recover_options *options = recovering->options;
    if (!options->repudiate) return client_links_add_recovery(links, body);
    return client_links_add_repudiation(links, &(struct sat_body_repudiate){options->repudiate, options->since, *body});
}

static enum sat_err add_recovery(struct recovering *recovering, struct client_links *links)
{
    struct client_arrival *arrival = &recovering->arrival;
    const struct satchel_recover_options *options = recovering->options;
    struct sat_body_kit body = {
        .kit_sign = recovering->new->sign_public,
        .kit_box = recovering->new->box_public,
        .user = choose_user(&links->ahead, options),
        .device_sign = sat_keyring_sign_public(arrival->satchel->keyring),
        .device_box = sat_keyring_box_public(arrival->satchel->keyring),
    };
    links->kit = recovering->old;
    links->some_keys = true; /* what a thief changed, others have, or nobody */
    enum sat_err err = client_links_check_kit(links, options->repudiate != 0);
    if (!err) err = client_arrival_admin_key(arrival, &body.admin_sign);
    if (!err) err = client_links_box_for_kit(links, &body.kit_box, &body.boxes);
    if (!err) err = add_link(recovering, links, &body);
    if (!err) err = keep_kit(recovering);
    return err ? err : client_arrival_expect(arrival, links->ahead.devices_n);
}

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct recovering *recovering = context;
    struct satchel *satchel = recovering->arrival.satchel;
    *out = (struct sat_link_batch){0};
    if (client_arrival_device(satchel)) return SAT_OK; /* an earlier attempt got through */
    struct client_links links;
    enum sat_err err = client_links_begin(&links, satchel, satchel->directory.time_ms, arena, &satchel->fault);
    if (!err) err = add_recovery(recovering, &links);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    return err;
}

/* ---- The session ---- */

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct recovering *recovering = context;
    struct satchel *satchel = recovering->arrival.satchel;
    bool by_kit = box->kind == SAT_BOX_KIT;
    return sat_keys_open_box(satchel->keys, &satchel->directory, box, by_kit ? &recovering->old->box_public : NULL,
                             by_kit ? &recovering->old->box : NULL);
}

static bool on_notice(void *context, struct client_session *session, const struct sat_action *action)
{
    (void)session;
    struct recovering *recovering = context;
    bool done = action->notice == SAT_NOTICE_IDLE || action->notice == SAT_NOTICE_IN_SYNC;
    return done && client_arrival_device(recovering->arrival.satchel);
}

static enum sat_err run(struct recovering *recovering, enum sat_replica_mode mode, uint32_t device)
{
    const struct client_arrival *arrival = &recovering->arrival;
    bool as_device = mode == SAT_REPLICA_DEVICE;
    uint32_t timeout_ms = recovering->options->timeout_ms;
    struct client_session_config config = {
        .replica = {.mode = mode,
                    .server = arrival->server,
                    .org = arrival->org,
                    .device = device,
                    .key = as_device ? &sat_keyring_secrets(arrival->satchel->keyring)->sign : &recovering->old->sign,
                    .directory_only = true,
                    .hooks = {.context = recovering,
                              .open_box = open_box,
                              .build_links = as_device ? NULL : build_links}},
        .urls = {arrival->server_url},
        .timeout_ms = timeout_ms ? timeout_ms : TIMEOUT_MS,
        .notice = on_notice,
        .context = recovering,
    };
    struct client_session_result result;
    return client_session_run(arrival->satchel, &config, &result);
}

/* As the holder of the kit; and where an earlier attempt may have replaced it, as the device that it let in. */
static enum sat_err ask_server(struct recovering *recovering)
{
    struct satchel *satchel = recovering->arrival.satchel;
    enum sat_err err = run(recovering, SAT_REPLICA_KIT, 0);
    if (err != SAT_ERR_DENIED && err != SAT_ERR_TAMPERED) return err;
    uint32_t device = client_arrival_expected(&recovering->arrival);
    struct sat_fault said = satchel->fault;
    if (recovering->arrival.resume && device && !run(recovering, SAT_REPLICA_DEVICE, device)) return SAT_OK;
    satchel->fault = said;
    if (err == SAT_ERR_TAMPERED) return err;
    return sat_fail(&satchel->fault, err,
                    "the server does not take this recovery kit: another one has replaced it (%.200s)", said.text);
}

/* ---- In order ---- */

static enum sat_err check_options(struct recovering *recovering, struct sat_fault *fault)
{
    const struct satchel_recover_options *options = recovering->options;
    struct client_arrival *arrival = &recovering->arrival;
    struct client_address address;
    uint8_t seed[SAT_KIT_SEED_BYTES];
    enum sat_err err =
        client_kit_parse(options->kit ? options->kit : "", &recovering->arena, &recovering->page, seed, fault);
    if (!err) sat_kit_keys_derive(seed, recovering->old);
    sodium_memzero(seed, sizeof seed);
    if (err) return err;
    if (sat_hash_is_zero(&recovering->page.org))
        return sat_fail(fault, SAT_ERR_INVALID,
                        "the recovery kit does not say, or not without an error, which organisation it is of");
    if (options->pin && sat_hex_parse(options->pin, recovering->page.server.b, sizeof recovering->page.server.b))
        return sat_fail(fault, SAT_ERR_INVALID, "the pin is not a server's identity key: 64 hexadecimal digits");
    if (sodium_is_zero(recovering->page.server.b, sizeof recovering->page.server.b))
        return sat_fail(fault, SAT_ERR_INVALID, "the recovery kit has no pin: give the server's");
    if (options->server_url) recovering->page.server_url = options->server_url;
    if (!recovering->page.server_url || strlen(recovering->page.server_url) > SAT_URL_BYTES_MAX)
        return sat_fail(fault, SAT_ERR_INVALID, "the recovery kit has no server's address: give it");
    arrival->org = recovering->page.org;
    arrival->server = recovering->page.server;
    arrival->server_url = recovering->page.server_url;
    err = client_address_parse(arrival->server_url, &address, fault);
    if (!err && options->device_name) err = client_check_name("device's name", options->device_name, fault);
    return err;
}

static enum sat_err recover(struct recovering *recovering, struct sat_fault *fault)
{
    struct client_arrival *arrival = &recovering->arrival;
    struct satchel *satchel = arrival->satchel;
    enum sat_err err = check_options(recovering, fault);
    if (err) return err;
    if (!recovering->page.org_name) recovering->page.org_name = "";
    sat_entropy_fill(&satchel->entropy, recovering->seed, SAT_KIT_SEED_BYTES);
    sat_kit_keys_derive(recovering->seed, recovering->new);
    err = client_arrival_prepare(arrival, fault);
    if (!err) err = ask_server(recovering);
    if (!err) err = client_arrival_settle(arrival, fault);
    if (!err) return SAT_OK;
    if (satchel->fault.err == err) *fault = satchel->fault;
    client_explain(satchel, err, fault);
    client_arrival_clean_up(arrival, fault);
    return err;
}

int satchel_recover(const char *home, const struct satchel_open_options *open_options,
                    const struct satchel_recover_options *options, struct satchel **out, struct satchel_error *error)
{
    struct sat_fault fault = {0};
    struct recovering recovering = {.arrival = {.open_options = open_options, .device_name = options->device_name},
                                    .options = options};
    sat_arena_init(&recovering.arena);
    *out = NULL;
    enum sat_err err = client_new(home, &recovering.arrival.satchel, &fault); /* first: it starts libsodium */
    recovering.old = sodium_malloc(sizeof *recovering.old);
    recovering.new = sodium_malloc(sizeof *recovering.new);
    recovering.seed = sodium_malloc(SAT_KIT_SEED_BYTES);
    if (!err && !(recovering.old && recovering.new &&recovering.seed)) err = sat_fail(&fault, SAT_ERR_NO_MEMORY, NULL);
    if (!err) err = recover(&recovering, &fault);
    if (err)
        satchel_close(recovering.arrival.satchel);
    else
        *out = recovering.arrival.satchel;
    sodium_free(recovering.old);
    sodium_free(recovering.new);
    sodium_free(recovering.seed);
    sat_arena_deinit(&recovering.arena);
    return client_end_error(error, &fault, err);
}
