#define _GNU_SOURCE
#include "server/http.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/wire/message.h"
#include "server/clock.h"
#include "server/line.h"

static const char JSON[] = "application/json", PROMETHEUS[] = "text/plain; version=0.0.4; charset=utf-8";

struct satd_reply {
    struct sat_buf body; /* behind LWS_PRE bytes of room */
};

enum { HEADERS_BYTES_MAX = 1024, UPGRADE_REQUIRED = 426 };

/* ---- Who is asking ---- */

struct satd_ip satd_http_from(struct lws *wsi, const struct satd_proxies *proxies)
{
    char forwarded[512] = "";
    struct satd_ip peer = satd_ip_of_socket(lws_get_socket_fd(wsi));
    if (proxies->n && lws_hdr_copy(wsi, forwarded, sizeof forwarded, WSI_TOKEN_X_FORWARDED_FOR) < 0) forwarded[0] = 0;
    return satd_proxies_client(proxies, &peer, forwarded);
}

/* Whoever has been forwarded is not local, whatever the header says. */
bool satd_http_is_local(struct lws *wsi)
{
    struct satd_ip peer = satd_ip_of_socket(lws_get_socket_fd(wsi));
    return satd_ip_is_loopback(&peer) && lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) == 0;
}

/* ---- Answers ---- */

/* What is spoken here. It stands in the body, too; but libwebsockets, for one, shows its user no body of a refusal. */
static int write_versions(struct lws *wsi, uint8_t **at, uint8_t *end)
{
    static const char upgrade[] = "websocket", spoken[] = SAT_SUBPROTOCOL;
    return lws_add_http_header_by_token(wsi, WSI_TOKEN_UPGRADE, (const uint8_t *)upgrade, sizeof upgrade - 1, at,
                                        end) ||
           lws_add_http_header_by_token(wsi, WSI_TOKEN_PROTOCOL, (const uint8_t *)spoken, sizeof spoken - 1, at, end);
}

static int write_headers(struct lws *wsi, unsigned status, const char *type, size_t len, uint64_t retry_ms)
{
    uint8_t buffer[LWS_PRE + HEADERS_BYTES_MAX], *start = buffer + LWS_PRE, *at = start,
                                                 *end = buffer + sizeof buffer - 1;
    char seconds[24];
    int n = snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(retry_ms + 999) / 1000);
    if (lws_add_http_common_headers(wsi, status, type, len, &at, end)) return -1;
    if (retry_ms &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_RETRY_AFTER, (const uint8_t *)seconds, n, &at, end))
        return -1;
    if (status == UPGRADE_REQUIRED && write_versions(wsi, &at, end) != 0) return -1;
    return lws_finalize_write_http_header(wsi, start, &at, end) ? -1 : 0;
}

static int answer(struct lws *wsi, unsigned status, const char *type, struct sat_span body, struct satd_reply **out)
{
    static const uint8_t room[LWS_PRE];
    struct satd_reply *reply = calloc(1, sizeof *reply);
    sat_check(reply != NULL);
    sat_buf_init(&reply->body);
    sat_put_bytes(&reply->body, room, sizeof room);
    sat_put_span(&reply->body, body);
    satd_http_reply_free(*out);
    *out = reply;
    if (write_headers(wsi, status, type, body.len, 0) != 0) return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

void satd_http_reply_free(struct satd_reply *reply)
{
    if (reply) sat_buf_deinit(&reply->body);
    free(reply);
}

int satd_http_body(struct lws *wsi, struct satd_reply *reply)
{
    size_t len = reply->body.len - LWS_PRE;
    if (lws_write(wsi, reply->body.at + LWS_PRE, len, LWS_WRITE_HTTP_FINAL) != (int)len) return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* ---- Requests ---- */

/* A full disk does not make a server unready: what is there can be read, and a proxy that took the server out of
 * service would stop that too. */
static int answer_ready(struct lws *wsi, const struct satd_http *http, struct satd_reply **out)
{
    enum sat_err err = satd_disk_try(http->disk, satd_mono_ms());
    bool low = satd_disk_is_low(http->disk) || err == SAT_ERR_DISK_FULL;
    if (http->draining)
        return answer(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE, JSON, sat_span_text("{\"status\":\"draining\"}\n"), out);
    if (err != SAT_OK && !low)
        return answer(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE, JSON,
                      sat_span_text("{\"status\":\"the data directory cannot be written\"}\n"), out);
    return answer(wsi, HTTP_STATUS_OK, JSON,
                  sat_span_text(low ? "{\"status\":\"ok\",\"disk\":\"full\"}\n" : "{\"status\":\"ok\"}\n"), out);
}

static int answer_metrics(struct lws *wsi, const struct satd_http *http, struct satd_reply **out)
{
    struct sat_buf page;
    sat_buf_init(&page);
    satd_metrics_of_process(http->metrics);
    satd_metrics_write(http->metrics, &page);
    int result = answer(wsi, HTTP_STATUS_OK, PROMETHEUS, sat_buf_span(&page), out);
    sat_buf_deinit(&page);
    return result;
}

int satd_http_request(struct lws *wsi, const struct satd_http *http, struct satd_reply **out)
{
    char *path = NULL;
    int len = 0;
    if (lws_http_get_uri_and_method(wsi, &path, &len) != LWSHUMETH_GET || !path || len < 0) {
        (void)lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, NULL);
        return -1;
    }
    struct sat_span asked = sat_span(path, (size_t)len);
    if (http->metrics_here && sat_span_equal(asked, sat_span_text("/metrics"))) return answer_metrics(wsi, http, out);
    if (http->service && sat_span_equal(asked, sat_span_text("/readyz"))) return answer_ready(wsi, http, out);
    if (http->service && sat_span_equal(asked, sat_span_text("/healthz")))
        return answer(wsi, HTTP_STATUS_OK, JSON, sat_span_text("{\"status\":\"ok\"}\n"), out);
    return answer(wsi, HTTP_STATUS_NOT_FOUND, JSON, sat_span_text("{\"error\":\"not_found\"}\n"), out);
}

/* ---- Refusals ---- */

static unsigned status_of(enum sat_err err)
{
    if (err == SAT_ERR_NOT_FOUND) return HTTP_STATUS_NOT_FOUND;
    if (err == SAT_ERR_BUSY) return HTTP_STATUS_SERVICE_UNAVAILABLE;
    return err == SAT_ERR_VERSION ? UPGRADE_REQUIRED : HTTP_STATUS_BAD_REQUEST;
}

int satd_http_refuse(struct lws *wsi, enum sat_err err, uint64_t retry_ms)
{
    struct satd_line line;
    satd_line_begin(&line);
    satd_line_text(&line, "error", sat_err_name(err));
    satd_line_text(&line, "class", sat_err_class_name(sat_err_class(err)));
    satd_line_text(&line, "message", err == SAT_ERR_VERSION ? "this server speaks other versions" : sat_err_text(err));
    if (err == SAT_ERR_VERSION) satd_line_text(&line, "speaks", SAT_SUBPROTOCOL);
    if (retry_ms) satd_line_number(&line, "retry_ms", retry_ms);
    satd_line_end(&line);
    uint8_t body[LWS_PRE + sizeof line.at];
    memcpy(body + LWS_PRE, line.at, line.len);
    if (write_headers(wsi, status_of(err), JSON, line.len, retry_ms) == 0)
        (void)lws_write(wsi, body + LWS_PRE, line.len, LWS_WRITE_HTTP_FINAL);
    return -1;
}
