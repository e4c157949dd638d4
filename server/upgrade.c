#define _GNU_SOURCE
#include "server/upgrade.h"

#include <libwebsockets.h>
#include <string.h>

#include "common/wire/message.h"

struct satd_answer {
    unsigned status;
    const char *body;
};

static const struct satd_answer ok = {HTTP_STATUS_OK, "{\"status\":\"ok\"}\n"};
static const struct satd_answer draining_now = {HTTP_STATUS_SERVICE_UNAVAILABLE, "{\"status\":\"draining\"}\n"};
static const struct satd_answer not_found = {HTTP_STATUS_NOT_FOUND, "{\"error\":\"not_found\"}\n"};

/* ---- Upgrades ---- */

static enum sat_err read_path(char *path, struct satd_upgrade *out)
{
    static const char root[] = "/satchel/";
    if (strncmp(path, root, sizeof root - 1) != 0) return SAT_ERR_NOT_FOUND;
    char *org = path + sizeof root - 1, *slash = strchr(org, '/');
    if (!slash) return SAT_ERR_NOT_FOUND;
    *slash = 0;
    out->founding = strcmp(org, "new") == 0;
    if (!out->founding && sat_hex_parse(org, out->org.b, sizeof out->org.b) != SAT_OK) return SAT_ERR_NOT_FOUND;
    return sat_hex_parse(slash + 1, out->client_nonce, sizeof out->client_nonce) == SAT_OK ? SAT_OK : SAT_ERR_NOT_FOUND;
}

/* Is our subprotocol in the list that the client offers? libwebsockets would also accept none at all. */
static bool offers_subprotocol(struct lws *wsi)
{
    char list[256];
    if (lws_hdr_copy(wsi, list, sizeof list, WSI_TOKEN_PROTOCOL) <= 0) return false;
    char *rest = list;
    for (char *word; (word = strsep(&rest, ", ")) != NULL;)
        if (strcmp(word, SAT_SUBPROTOCOL) == 0) return true;
    return false;
}

enum sat_err satd_upgrade_read(struct lws *wsi, struct satd_upgrade *out)
{
    char path[256];
    *out = (struct satd_upgrade){0};
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI);
    if (len <= 0) return SAT_ERR_PROTOCOL;
    if ((size_t)len >= sizeof path || lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) <= 0)
        return SAT_ERR_NOT_FOUND;
    enum sat_err err = read_path(path, out);
    if (err != SAT_OK) return err;
    return offers_subprotocol(wsi) ? SAT_OK : SAT_ERR_VERSION;
}

int satd_upgrade_refuse(struct lws *wsi, enum sat_err err)
{
    unsigned status = HTTP_STATUS_BAD_REQUEST;
    if (err == SAT_ERR_NOT_FOUND) status = HTTP_STATUS_NOT_FOUND;
    if (err == SAT_ERR_BUSY) status = HTTP_STATUS_SERVICE_UNAVAILABLE;
    (void)lws_return_http_status(wsi, status, NULL);
    return -1;
}

/* ---- Requests ---- */

static const struct satd_answer *answer_for(const char *path, size_t len, bool draining)
{
    struct sat_span asked = sat_span(path, len);
    if (sat_span_equal(asked, sat_span_text("/healthz"))) return &ok;
    if (sat_span_equal(asked, sat_span_text("/readyz"))) return draining ? &draining_now : &ok;
    return &not_found;
}

int satd_http_request(struct lws *wsi, bool draining, const struct satd_answer **out)
{
    uint8_t buffer[LWS_PRE + 1024], *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer - 1;
    char *path = NULL;
    int len = 0;
    if (lws_http_get_uri_and_method(wsi, &path, &len) != LWSHUMETH_GET || !path || len < 0) {
        (void)lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, NULL);
        return -1;
    }
    *out = answer_for(path, (size_t)len, draining);
    if (lws_add_http_common_headers(wsi, (*out)->status, "application/json", strlen((*out)->body), &at, end)) return -1;
    if (lws_finalize_write_http_header(wsi, start, &at, end)) return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

int satd_http_body(struct lws *wsi, const struct satd_answer *answer)
{
    uint8_t buffer[LWS_PRE + 64];
    size_t len = strlen(answer->body);
    memcpy(buffer + LWS_PRE, answer->body, len);
    if (lws_write(wsi, buffer + LWS_PRE, len, LWS_WRITE_HTTP_FINAL) != (int)len) return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}
