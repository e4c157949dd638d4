#define _GNU_SOURCE
#include "server/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "server/clock.h"
#include "server/nursery.h"

/* A batch is one transaction: beyond these it takes long enough for others to notice. */
enum { BATCH_EVENTS_MAX = 1024, BATCH_BYTES_MAX = 16 * SAT_MESSAGE_BYTES_MAX };

struct waiting { /* an event in the batch; the arena owns it */
    struct sat_event event;
    struct waiting *next;
};

struct satd_org {
    struct satd_hub *hub;
    struct satd_org *next;
    struct sat_hash id;
    struct sat_store *store; /* with host: NULL in the nursery */
    struct sat_host *host;
    struct waiting *first, *last;
    uint32_t n;
};

struct satd_hub {
    struct satd_hub_config config;
    struct satd_org nursery;
    struct satd_org *orgs;
    struct sat_arena arenas[2]; /* one is filled while the other is stepped */
    unsigned filling;
    uint32_t waiting;
};

struct satd_hub *satd_hub_new(const struct satd_hub_config *config)
{
    struct satd_hub *hub = calloc(1, sizeof *hub);
    sat_check(hub != NULL);
    hub->config = *config;
    hub->nursery.hub = hub;
    sat_arena_init(&hub->arenas[0]);
    sat_arena_init(&hub->arenas[1]);
    satd_nursery_sweep(config);
    return hub;
}

static void free_org(struct satd_org *org)
{
    sat_host_free(org->host);
    sat_store_close(org->store);
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
    sat_arena_deinit(&hub->arenas[0]);
    sat_arena_deinit(&hub->arenas[1]);
    free(hub);
}

struct satd_org *satd_hub_nursery(struct satd_hub *hub)
{
    return &hub->nursery;
}

static enum sat_err open_org(struct satd_hub *hub, const struct sat_hash *id, struct satd_org *org,
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
    struct sat_host_config config = {.store = org->store, .server = hub->config.server, .entropy = hub->config.entropy};
    err = sat_host_new(&config, &org->host, fault);
    return err == SAT_OK ? SAT_OK : sat_fail_keep(fault, err);
}

enum sat_err satd_hub_org(struct satd_hub *hub, const struct sat_hash *id, struct satd_org **out,
                          struct sat_fault *fault)
{
    for (struct satd_org *org = hub->orgs; org; org = org->next) {
        if (!sat_hash_equal(&org->id, id)) continue;
        *out = org;
        return SAT_OK;
    }
    struct satd_org *org = calloc(1, sizeof *org);
    if (!org) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    org->hub = hub;
    org->id = *id;
    uint64_t start_ms = satd_mono_ms();
    enum sat_err err = open_org(hub, id, org, fault);
    if (err != SAT_OK) {
        if (err != SAT_ERR_NOT_FOUND)
            satd_log(hub->config.log, ORG_OPEN_FAILED, satd_id("org", id->b, sizeof id->b), satd_fault(fault));
        free_org(org);
        return err;
    }
    org->next = hub->orgs;
    hub->orgs = org;
    *out = org;
    satd_log(hub->config.log, ORG_OPENED, satd_id("org", id->b, sizeof id->b),
             satd_number("took_ms", satd_mono_ms() - start_ms));
    return SAT_OK;
}

void satd_org_add(struct satd_org *org, const struct sat_event *event)
{
    struct sat_arena *arena = &org->hub->arenas[org->hub->filling];
    struct waiting *waiting = sat_arena_alloc(arena, sizeof *waiting);
    waiting->event = *event;
    waiting->event.bytes = sat_span_copy(arena, event->bytes);
    if (org->last)
        org->last->next = waiting;
    else
        org->first = waiting;
    org->last = waiting;
    org->n++;
    org->hub->waiting++;
}

bool satd_hub_waiting(const struct satd_hub *hub)
{
    return hub->waiting > 0;
}

bool satd_hub_full(const struct satd_hub *hub)
{
    return hub->waiting >= BATCH_EVENTS_MAX || hub->arenas[hub->filling].used_bytes >= BATCH_BYTES_MAX;
}

/* The org's events as an array, taken out of it. */
static struct sat_event *take_batch(struct satd_org *org, struct sat_arena *arena, uint32_t *n)
{
    struct sat_event *events = sat_arena_array(arena, org->n, sizeof *events);
    *n = 0;
    for (const struct waiting *waiting = org->first; waiting; waiting = waiting->next) events[(*n)++] = waiting->event;
    sat_check(*n == org->n);
    org->first = org->last = NULL;
    org->n = 0;
    return events;
}

static void step_host(struct satd_org *org, uint64_t now_ms, const struct sat_event *events, uint32_t n,
                      struct sat_actions *out)
{
    struct satd_log *log = org->hub->config.log;
    uint64_t start_ms = satd_mono_ms();
    enum sat_err err = sat_host_step(org->host, now_ms, events, n, out);
    if (err == SAT_OK) {
        satd_log(log, STEP, satd_id("org", org->id.b, sizeof org->id.b), satd_number("events", n),
                 satd_number("took_ms", satd_mono_ms() - start_ms));
        return;
    }
    struct sat_fault fault = {0};
    const struct sat_fault *of_store = sat_store_fault(org->store);
    if (of_store && of_store->err == err) fault = *of_store;
    (void)sat_fail_keep(&fault, err);
    satd_log(log, STEP_FAILED, satd_id("org", org->id.b, sizeof org->id.b), satd_number("events", n),
             satd_fault(&fault));
}

struct batch {
    struct satd_org *org;
    struct sat_event *events;
    uint32_t n;
};

void satd_hub_step(struct satd_hub *hub, uint64_t now_ms, satd_deliver *deliver, void *context)
{
    struct sat_arena *arena = &hub->arenas[hub->filling];
    uint32_t batches_n = 0;
    size_t orgs_n = 1;
    for (struct satd_org *org = hub->orgs; org; org = org->next) orgs_n++;
    struct batch *batches = sat_arena_array(arena, orgs_n, sizeof *batches);
    for (struct satd_org *org = &hub->nursery; org; org = org == &hub->nursery ? hub->orgs : org->next) {
        if (!org->n) continue;
        batches[batches_n].org = org;
        batches[batches_n].events = take_batch(org, arena, &batches[batches_n].n);
        batches_n++;
    }
    hub->waiting = 0;
    hub->filling = !hub->filling;
    for (uint32_t i = 0; i < batches_n; i++) {
        struct sat_actions actions;
        sat_actions_init(&actions, arena);
        if (batches[i].org == &hub->nursery)
            satd_nursery_step(&hub->config, now_ms, batches[i].events, batches[i].n, &actions);
        else
            step_host(batches[i].org, now_ms, batches[i].events, batches[i].n, &actions);
        for (const struct sat_action *action = actions.first; action; action = action->next) deliver(context, action);
    }
    sat_arena_reset(arena);
}

enum sat_err satd_org_frame(struct satd_org *org, uint64_t peer, uint64_t now_ms, struct sat_buf *out)
{
    return org->host ? sat_host_frame(org->host, peer, now_ms, out) : SAT_OK;
}

bool satd_org_knows(const struct satd_org *org, uint64_t peer)
{
    return org->host && sat_host_peer_known(org->host, peer);
}
