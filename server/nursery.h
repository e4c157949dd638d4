/* Where orgs are founded: a peer on the path /satchel/new/ is greeted, sends one `create` message with a token, gets
 * its answer, and is closed. The new store is made under a temporary name and takes its own only when it is complete
 * and the token is used up: a crash leaves no half org, and at worst a used token. */
#ifndef SATD_NURSERY_H
#define SATD_NURSERY_H

#include "server/hub.h"

/* As sat_host_step(), for the nursery's peers. Never fails as a whole. */
void satd_nursery_step(const struct satd_hub_config *config, uint64_t now_ms, const struct sat_event *events,
                       uint32_t n, struct sat_actions *out);
/* Removes stores that were not finished. */
void satd_nursery_sweep(const struct satd_hub_config *config);
/* "<64 hex>.db", the name of an org's store in DIR/orgs. */
enum { SATD_ORG_NAME_SIZE = 64 + 3 + 1 };
void satd_org_name(const struct sat_hash *id, char out[SATD_ORG_NAME_SIZE]);

#endif
