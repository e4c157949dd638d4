/* The judgement of WebSocket upgrades, before they happen: which org, and do both sides speak a version in common? */
#ifndef SATD_UPGRADE_H
#define SATD_UPGRADE_H

#include "common/base/id.h"

struct lws;

struct satd_upgrade { /* /satchel/<org>/<client nonce>, and if the client says which identity it knows, /<16 hex of it>
                       */
    bool founding;    /* the org is "new" */
    struct sat_hash org;
    uint8_t client_nonce[32];
    uint8_t server_hint[8]; /* zeros: it does not say */
    uint32_t frame_bytes;   /* of ?frame=, within what there is; 0: it does not say */
};

/* Reads the request's path and subprotocols. SAT_ERR_NOT_FOUND (the path), SAT_ERR_VERSION (of all subprotocols that
 * are offered none is ours), SAT_ERR_PROTOCOL (the method, or no subprotocol at all). */
enum sat_err satd_upgrade_read(struct lws *wsi, struct satd_upgrade *out) SAT_MUST_CHECK;

#endif
