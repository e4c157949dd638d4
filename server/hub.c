#define _GNU_SOURCE
#include "server/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "server/clock.h"
#include "server/nursery.h"
#include "server/org.h"

enum { MAINTAIN_MS = 1000, MAINTAIN_BUDGET = 1000 /* some milliseconds */ };
enum { ROUND_MS = 50 /* then the sockets come first again */, BUSY_RETRY_MS = 5000, STORED_RETRY_MS = 60000 };

struct satd_hub {
    struct satd_hub_config config;
    struct satd_org nursery;
    struct satd_org *orgs, *turn; /* a list; where the next round begins, NULL: at the nursery */
    uint32_t orgs_n;
    uint64_t uses;
    struct sat_arena arena; /* of the batch that is being stepped */
};

struct satd_hub *satd_hub_new(const struct satd_hub_config *config)
{
    struct satd_hub *hub = calloc(1, sizeof *hub);
    sat_check(hub != NULL);
    hub->config = *config;
    hub->nursery.hub = hub;
    satd_quota_init(&hub->nursery.quota, config->limits);
    sat_arena_init(&hub->arena);
    satd_nursery_sweep(config);
    return hub;
}

static void free_org(struct satd_org *org)
{
    sat_host_free(org->host);
    sat_store_close(org->store);
    satd_room_deinit(&org->room);
    satd_quota_deinit(&org->quota);
    free(org);
}

void satd_hub_free(struct satd_hub *hub)
{
    if (!hub) return;
    while (hub->orgs) {
        struct satd_org *org = hub->orgs;
        hub->orgs = org->next;
        free_org(org);
    }
    satd_room_deinit(&hub->nursery.room);
    satd_quota_deinit(&hub->nursery.quota);
    sat_arena_deinit(&hub->arena);
    free(hub);
}

struct satd_org *satd_hub_nursery(struct satd_hub *hub)
{
    return &hub->nursery;
}

void satd_hub_greet(const struct satd_hub *hub, const struct sat_hash *org, const struct sat_event *opened,
                    struct sat_buf *out)
{
    const struct sat_sign_key *identity = satd_org_identity(&hub->nursery, opened->server_hint);
    sat_host_greet_new(identity, org, opened->client_nonce, &opened->binding, satd_wall_ms(), &hub->config.entropy,
                       out);
}

uint32_t satd_hub_orgs_open(const struct satd_hub *hub)
{
    return hub->orgs_n;
}

/* ---- Opening and closing ---- */

/* An org whose key is not here could greet nobody who believes it. */
static enum sat_err check_identity(const struct satd_hub *hub, const struct satd_org *org, struct sat_fault *fault)
{
    char pin[65];
    const struct sat_public_key *trusted = &sat_host_directory(org->host)->server;
    if (satd_identities_find(hub->config.identities, trusted->b, sizeof trusted->b)) return SAT_OK;
    sat_hex_format(trusted->b, sizeof trusted->b, pin);
    return sat_fail(fault, SAT_ERR_CONFIG,
                    "the identity that this org trusts is not here: bring its key file back, as identity-%s.key", pin);
}

static enum sat_err open_store(struct satd_hub *hub, const struct sat_hash *id, struct satd_org *org,
                               struct sat_fault *fault)
{
    char path[4200], name[SATD_ORG_NAME_SIZE];
    satd_org_name(id, name);
    if (faccessat(hub->config.dir->orgs_fd, name, F_OK, 0) != 0)
        return sat_fail(fault, SAT_ERR_NOT_FOUND, "this server has no such org");
    int len = snprintf(path, sizeof path, "%s/orgs/%s", hub->config.dir->path, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return sat_fail(fault, SAT_ERR_CONFIG, "the path of the data directory is too long");
    enum sat_err err = sat_store_open(path, SAT_STORE_OPEN, &org->store, fault);
    if (err != SAT_OK) return sat_fail_keep(fault, err);
    const struct satd_identities *identities = hub->config.identities;
    struct sat_host_config config = {.store = org->store,
                                     .server = identities->keys,
                                     .former = identities->keys + 1,
                                     .former_n = identities->n - 1,
                                     .entropy = hub->config.entropy,
                                     .collect_every_ms = hub->config.limits->collect_every_ms,
                                     .collect_after_ms = hub->config.limits->collect_after_ms};
    err = sat_host_new(&config, &org->host, fault);
    if (err == SAT_OK) err = check_identity(hub, org, fault);
    return err == SAT_OK ? SAT_OK : sat_fail_keep(fault, err);
}

static void close_org(struct satd_hub *hub, struct satd_org *org)
{
    struct satd_org **at = &hub->orgs;
    while (*at != org) at = &(*at)->next;
    *at = org->next;
    if (hub->turn == org) hub->turn = org->next;
    hub->orgs_n--;
    satd_log(hub->config.log, ORG_CLOSED, satd_id("org", org->id.b, sizeof org->id.b));
    free_org(org);
}

/* Makes a place for one org more, if need be by closing the one without guests that was used longest ago. */
static enum sat_err make_place(struct satd_hub *hub, struct sat_fault *fault)
{
    struct satd_org *oldest = NULL;
    if (hub->orgs_n < hub->config.limits->stores_open) return SAT_OK;
    for (struct satd_org *org = hub->orgs; org; org = org->next)
        if (org->room.guests == 0 && (!oldest || org->used < oldest->used)) oldest = org;
    if (!oldest) return sat_fail(fault, SAT_ERR_BUSY, "too many organisations are in use on this server at once");
    close_org(hub, oldest);
    return SAT_OK;
}

static enum sat_err open_org(struct satd_hub *hub, const struct sat_hash *id, struct satd_org **out,
                             struct sat_fault *fault)
{
    struct satd_log *log = hub->config.log;
    struct satd_org *org = calloc(1, sizeof *org);
    sat_check(org != NULL);
    org->hub = hub;
    org->id = *id;
    satd_quota_init(&org->quota, hub->config.limits);
    uint64_t start_ms = satd_mono_ms();
    enum sat_err err = open_store(hub, id, org, fault);
    if (err != SAT_OK) {
        satd_count_reason(hub->config.metrics, SATD_METRIC_ORGS_FAILED, err);
        if (err != SAT_ERR_NOT_FOUND)
            satd_log(log, ORG_OPEN_FAILED, satd_id("org", id->b, sizeof id->b), satd_fault(fault));
        free_org(org);
        return err;
    }
    org->next = hub->orgs;
    hub->orgs = org;
    hub->orgs_n++;
    *out = org;
    satd_count(hub->config.metrics, SATD_METRIC_ORGS_OPENED, 1);
    satd_log(log, ORG_OPENED, satd_id("org", id->b, sizeof id->b), satd_number("took_ms", satd_mono_ms() - start_ms),
             satd_number("open", hub->orgs_n));
    return SAT_OK;
}

enum sat_err satd_hub_org(struct satd_hub *hub, const struct sat_hash *id, struct satd_org **out,
                          struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    *out = NULL;
    for (struct satd_org *org = hub->orgs; org && !*out; org = org->next)
        if (sat_hash_equal(&org->id, id)) *out = org;
    if (!*out) err = make_place(hub, fault);
    if (err == SAT_OK && !*out) err = open_org(hub, id, out, fault);
    if (err != SAT_OK) return err;
    (*out)->used = ++hub->uses;
    if ((*out)->room.guests < hub->config.limits->org_peers) return SAT_OK;
    *out = NULL;
    return sat_fail(fault, SAT_ERR_BUSY, "your organisation has as many connections as it may have");
}

/* ---- Guests ---- */

/* As the engine chooses it. */
const struct sat_sign_key *satd_org_identity(const struct satd_org *org, const uint8_t hint[8])
{
    const struct satd_identities *identities = org->hub->config.identities;
    const struct sat_sign_key *key = satd_identities_find(identities, hint, 8);
    if (key || !org->host) return key ? key : identities->keys;
    const struct sat_public_key *trusted = &sat_host_directory(org->host)->server;
    return satd_identities_find(identities, trusted->b, sizeof trusted->b);
}

struct satd_guest *satd_org_enter(struct satd_org *org, const struct sat_event *opened)
{
    return satd_guest_enter(&org->room, opened);
}

struct satd_account *satd_org_join(struct satd_org *org, uint32_t device)
{
    return satd_quota_join(&org->quota, device, satd_mono_ms());
}

bool satd_org_knows(const struct satd_org *org, uint64_t peer, uint32_t *device)
{
    *device = org->host ? sat_host_peer_device(org->host, peer) : 0;
    return org->host && sat_host_peer_known(org->host, peer);
}

enum sat_err satd_org_frame(struct satd_org *org, uint64_t peer, uint64_t now_ms, struct sat_buf *out)
{
    return org->host ? sat_host_frame(org->host, peer, now_ms, out) : SAT_OK;
}

/* Is there room for work? Directory links are few and let an admin mend things: an org's own limit is not for them. */
static struct satd_refusal look_for_room(struct satd_org *org, const struct satd_said *said)
{
    const struct satd_hub_config *config = &org->hub->config;
    uint64_t now_ms = satd_mono_ms();
    if (satd_disk_is_low(config->disk))
        return (struct satd_refusal){SAT_ERR_BUSY, satd_retry_ms(BUSY_RETRY_MS), SATD_NO_ROOM};
    if (now_ms < org->resting_until_ms)
        return (struct satd_refusal){SAT_ERR_BUSY, satd_retry_ms(BUSY_RETRY_MS), org->resting_text};
    if (said->kind == SATD_SAID_PUSH && satd_org_stored_bytes(org, config->dir, now_ms) >= config->limits->stored_bytes)
        return (struct satd_refusal){SAT_ERR_TOO_LARGE, satd_retry_ms(STORED_RETRY_MS),
                                     "your organisation has used up its room on this server"};
    return (struct satd_refusal){0};
}

struct satd_refusal satd_org_admit(struct satd_org *org, struct satd_account *device, const struct satd_said *said,
                                   size_t bytes)
{
    struct satd_refusal why = {0};
    if (said->kind != SATD_SAID_OTHER) why = look_for_room(org, said);
    if (why.err != SAT_OK) return why;
    return satd_quota_charge(&org->quota, device, bytes, said->changes, said->kind != SATD_SAID_OTHER, satd_mono_ms());
}

/* ---- Steps ---- */

bool satd_hub_waits(const struct satd_hub *hub)
{
    if (satd_room_waits(&hub->nursery.room)) return true;
    for (const struct satd_org *org = hub->orgs; org; org = org->next)
        if (satd_room_waits(&org->room)) return true;
    return false;
}

static struct sat_event *as_array(const struct satd_batch *batch, struct sat_arena *arena)
{
    struct sat_event *events = sat_arena_array(arena, batch->events, sizeof *events);
    uint32_t n = 0;
    for (const struct satd_waiting *waiting = batch->first; waiting; waiting = waiting->next)
        events[n++] = waiting->event;
    sat_check(n == batch->events);
    return events;
}

static void step_org(struct satd_hub *hub, struct satd_org *org, const struct satd_hub_calls *calls)
{
    struct sat_actions actions;
    struct satd_batch batch = satd_room_take(&org->room);
    const struct sat_event *events = as_array(&batch, &hub->arena);
    sat_actions_init(&actions, &hub->arena);
    if (org == &hub->nursery)
        satd_nursery_step(&hub->config, satd_wall_ms(), events, batch.events, &actions);
    else
        satd_org_step(org, &hub->config, events, batch.events, &actions);
    for (const struct sat_action *action = actions.first; action; action = action->next)
        calls->deliver(calls->context, action);
    for (uint32_t i = 0; i < batch.events; i++)
        if (events[i].kind != SAT_EVENT_CLOSED) calls->heard(calls->context, events[i].peer);
    satd_batch_free(&batch);
    sat_arena_reset(&hub->arena);
}

/* Delivering may bring peers to leave, but no org is opened or closed meanwhile: the list stays as it is. */
void satd_hub_step(struct satd_hub *hub, const struct satd_hub_calls *calls)
{
    uint64_t until_ms = satd_mono_ms() + ROUND_MS;
    if (satd_room_waits(&hub->nursery.room)) step_org(hub, &hub->nursery, calls);
    struct satd_org *org = hub->turn ? hub->turn : hub->orgs;
    for (uint32_t i = 0; i < hub->orgs_n && satd_mono_ms() < until_ms; i++) {
        if (satd_room_waits(&org->room)) step_org(hub, org, calls);
        org = org->next ? org->next : hub->orgs;
    }
    hub->turn = org;
}

/* One that has rested the longest, if it is time to look at it again. Never one whose store has failed. */
static struct satd_org *find_idle(struct satd_hub *hub, uint64_t now_ms)
{
    struct satd_org *out = NULL;
    for (struct satd_org *org = hub->orgs; org; org = org->next) {
        if (now_ms < org->resting_until_ms || now_ms - org->maintained_ms < MAINTAIN_MS) continue;
        if (!out || org->maintained_ms < out->maintained_ms) out = org;
    }
    return out;
}

void satd_hub_maintain(struct satd_hub *hub, const struct satd_hub_calls *calls)
{
    struct sat_actions actions;
    uint64_t now_ms = satd_mono_ms();
    if (satd_hub_waits(hub) || satd_disk_is_low(hub->config.disk)) return;
    struct satd_org *org = find_idle(hub, now_ms);
    if (!org) return;
    sat_actions_init(&actions, &hub->arena);
    satd_org_maintain(org, &hub->config, MAINTAIN_BUDGET, &actions);
    for (const struct sat_action *action = actions.first; action; action = action->next)
        calls->deliver(calls->context, action);
    sat_arena_reset(&hub->arena);
    org->maintained_ms = now_ms;
}
