/* Plain HTTP on the service's port: health, and the judgement of WebSocket upgrades before they happen. */
#ifndef SATD_UPGRADE_H
#define SATD_UPGRADE_H

#include "common/base/id.h"

struct lws;

struct satd_upgrade { /* /satchel/<org>/<client nonce> */
    bool founding;    /* the org is "new" */
    struct sat_hash org;
    uint8_t client_nonce[32];
};

/* Reads the request's path and subprotocols. SAT_ERR_NOT_FOUND (the path), SAT_ERR_VERSION (the subprotocol),
 * SAT_ERR_PROTOCOL (the method). */
enum sat_err satd_upgrade_read(struct lws *wsi, struct satd_upgrade *out) SAT_MUST_CHECK;
/* Refuses with an HTTP status; returns what the callback is to return. */
int satd_upgrade_refuse(struct lws *wsi, enum sat_err err);

struct satd_answer; /* to a plain request */
/* Writes the headers of the answer and asks for the socket; returns what the callback is to return. `*out` is what is
 * left to write. */
int satd_http_request(struct lws *wsi, bool draining, const struct satd_answer **out);
int satd_http_body(struct lws *wsi, const struct satd_answer *answer);

#endif
