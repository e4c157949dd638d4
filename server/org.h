/* One org in the hub: its store, its host, its guests, and what happens when its store fails. For the hub alone. */
#ifndef SATD_ORG_H
#define SATD_ORG_H

#include "server/hub.h"

#define SATD_NO_ROOM "the server has no room: what is there can be read, new work must wait"

struct satd_org {
    struct satd_hub *hub;
    struct satd_org *next;
    struct sat_hash id;
    struct sat_store *store; /* with host: NULL in the nursery */
    struct sat_host *host;
    struct satd_room room;
    struct satd_quota quota;
    struct sat_host_counts counted; /* what the metrics have of the host's counts */
    uint64_t used;                  /* the hub's count of uses when this one was used last */
    uint64_t stored_bytes, stored_at_ms;
    uint64_t resting_until_ms; /* the store has failed: no work is tried before this … */
    const char *resting_text;  /* … and this is said */
    uint64_t maintained_ms;    /* when it was last looked at without anybody asking */
};

/* One batch, in one commit; its figures are counted. When the store fails the engine tells the peers. */
void satd_org_step(struct satd_org *org, const struct satd_hub_config *config, const struct sat_event *events,
                   uint32_t n, struct sat_actions *out);
/* sat_host_maintain(), counted and logged in the same way. */
void satd_org_maintain(struct satd_org *org, const struct satd_hub_config *config, uint32_t budget,
                       struct sat_actions *out);
/* The size of its store on the disk, journal included; as it was a moment ago. */
uint64_t satd_org_stored_bytes(struct satd_org *org, const struct satd_datadir *dir, uint64_t now_ms);

#endif
