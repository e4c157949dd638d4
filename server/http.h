/* Plain HTTP: health, readiness, metrics, and refusals of upgrades that say why. Everything is answered at once from
 * memory; a request has no body that matters. */
#ifndef SATD_HTTP_H
#define SATD_HTTP_H

#include "server/disk.h"
#include "server/proxies.h"

struct lws;
struct satd_reply; /* what is left to write of an answer; heap */

struct satd_http {
    struct satd_disk *disk; /* borrowed, as the next */
    struct satd_metrics *metrics;
    bool draining;
    bool service; /* the service's own port, not the metrics' */
    bool metrics_here;
};

/* Writes the headers of the answer and asks for the socket; returns what the callback is to return. *out is to be given
 * to satd_http_body() when it can be written, and freed. */
int satd_http_request(struct lws *wsi, const struct satd_http *http, struct satd_reply **out);
int satd_http_body(struct lws *wsi, struct satd_reply *reply);
void satd_http_reply_free(struct satd_reply *reply); /* NULL is fine */
/* Answers an upgrade by a status, a JSON object and, with a retry_ms, when to come back; returns what the callback is
 * to return. */
int satd_http_refuse(struct lws *wsi, enum sat_err err, uint64_t retry_ms);
/* Who is at the other end. */
struct satd_ip satd_http_from(struct lws *wsi, const struct satd_proxies *proxies);
/* Does the connection come from this machine, and directly so? */
bool satd_http_is_local(struct lws *wsi);

#endif
