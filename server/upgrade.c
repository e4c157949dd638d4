#define _GNU_SOURCE
#include "server/upgrade.h"

#include <libwebsockets.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/message.h"

/* What this server speaks, newest first: the current version and, once there is one, the previous. sockets.c has a
 * protocol for each. */
static const char *const spoken[] = {SAT_SUBPROTOCOL};

static enum sat_err read_path(char *path, struct satd_upgrade *out)
{
    static const char root[] = "/satchel/";
    if (strncmp(path, root, sizeof root - 1) != 0) return SAT_ERR_NOT_FOUND;
    char *org = path + sizeof root - 1, *slash = strchr(org, '/');
    if (!slash) return SAT_ERR_NOT_FOUND;
    *slash = 0;
    out->founding = strcmp(org, "new") == 0;
    if (!out->founding && sat_hex_parse(org, out->org.b, sizeof out->org.b) != SAT_OK) return SAT_ERR_NOT_FOUND;
    char *nonce = slash + 1, *hint = strchr(nonce, '/');
    if (hint) *hint++ = 0;
    if (hint && sat_hex_parse(hint, out->server_hint, sizeof out->server_hint) != SAT_OK) return SAT_ERR_NOT_FOUND;
    return sat_hex_parse(nonce, out->client_nonce, sizeof out->client_nonce) == SAT_OK ? SAT_OK : SAT_ERR_NOT_FOUND;
}

/* Whoever does not say a number says nothing. */
static uint32_t read_frame_bytes(struct lws *wsi)
{
    char text[16]; /* "frame=" and as many digits as do not overflow */
    const char *at = lws_get_urlarg_by_name(wsi, "frame=", text, sizeof text);
    uint32_t bytes = 0;
    for (; at && *at >= '0' && *at <= '9'; at++) bytes = bytes * 10 + (uint32_t)(*at - '0');
    if (bytes == 0 || *at) return 0;
    return bytes < SAT_FRAME_BYTES_MIN ? SAT_FRAME_BYTES_MIN : bytes;
}

static bool is_spoken(const char *word)
{
    for (size_t i = 0; i < sizeof spoken / sizeof spoken[0]; i++)
        if (strcmp(word, spoken[i]) == 0) return true;
    return false;
}

/* Is one of ours in the list that the client offers? libwebsockets would also accept none at all. */
static enum sat_err read_subprotocols(struct lws *wsi)
{
    char list[256];
    int len = lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL);
    if (len <= 0) return SAT_ERR_PROTOCOL;
    if ((size_t)len >= sizeof list || lws_hdr_copy(wsi, list, sizeof list, WSI_TOKEN_PROTOCOL) <= 0)
        return SAT_ERR_VERSION;
    char *rest = list;
    for (char *word; (word = strsep(&rest, ", ")) != NULL;)
        if (is_spoken(word)) return SAT_OK;
    return SAT_ERR_VERSION;
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
    out->frame_bytes = read_frame_bytes(wsi);
    return err == SAT_OK ? read_subprotocols(wsi) : err;
}
