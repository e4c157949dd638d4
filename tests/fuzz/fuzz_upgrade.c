/* What both sides read of HTTP before there is a WebSocket: the server the path and the subprotocols, the client an
 * answer that is no upgrade, and a hello of another version. The first byte says which. The server's reader takes its
 * headers from libwebsockets, so its file is included here with an input in their place. */
#define _GNU_SOURCE

#include <libwebsockets.h>
#include <string.h>
#include <strings.h>

#include "client/version.h"
#include "tests/fuzz/fuzz.h"

enum { SAID_SIZE = 400 };

struct headers {
    const char *path, *arguments, *subprotocols; /* NULL: it was not sent */
};

static struct headers the_headers;

static const char *header(enum lws_token_indexes token)
{
    return token == WSI_TOKEN_GET_URI ? the_headers.path : the_headers.subprotocols;
}

static int header_length(enum lws_token_indexes token)
{
    return header(token) ? (int)strlen(header(token)) : 0;
}

static int header_copy(char *out, int size, enum lws_token_indexes token)
{
    int len = header_length(token);
    if (len >= size) return -1;
    memcpy(out, header(token) ? header(token) : "", (size_t)len + 1);
    return len;
}

/* As libwebsockets: one that has no room ends the search. */
static const char *argument(const char *name, char *out, int size)
{
    for (const char *at = the_headers.arguments; at;) {
        size_t len = strcspn(at, "&");
        if (len >= (size_t)size) return NULL;
        memcpy(out, at, len);
        out[len] = 0;
        if (strncmp(out, name, strlen(name)) == 0) return out + strlen(name);
        at = at[len] ? at + len + 1 : NULL;
    }
    return NULL;
}

#define lws_hdr_total_length(wsi, token) ((void)(wsi), header_length(token))
#define lws_hdr_copy(wsi, out, size, token) ((void)(wsi), header_copy(out, (int)(size), token))
#define lws_get_urlarg_by_name(wsi, name, out, size) ((void)(wsi), argument(name, out, (int)(size)))
#include "server/upgrade.c"
#undef lws_get_urlarg_by_name
#undef lws_hdr_total_length
#undef lws_hdr_copy

/* What was read says the path again, in whatever case its digits were. */
static void check_path(const char *path, const struct satd_upgrade *upgrade)
{
    char org[65] = "new", nonce[65], hint[17], again[200];
    static const uint8_t zeros[8];
    if (!upgrade->founding) sat_hex_format(upgrade->org.b, sizeof upgrade->org.b, org);
    sat_hex_format(upgrade->client_nonce, sizeof upgrade->client_nonce, nonce);
    sat_hex_format(upgrade->server_hint, sizeof upgrade->server_hint, hint);
    bool hinted = memcmp(upgrade->server_hint, zeros, sizeof zeros) != 0;
    (void)snprintf(again, sizeof again, "/satchel/%s/%s/%s", org, nonce, hint);
    bool same = strcasecmp(path, again) == 0;
    again[strlen(again) - sizeof hint] = 0;
    sat_check(same || (!hinted && strcasecmp(path, again) == 0));
}

static void check_request(struct sat_span input, struct sat_arena *arena)
{
    struct satd_upgrade upgrade;
    struct sat_span path = fuzz_piece(&input);
    char *mark = sat_arena_text(arena, (const char *)path.at, path.len);
    the_headers.path = strsep(&mark, "?");
    the_headers.arguments = mark;
    the_headers.subprotocols = input.len ? sat_arena_text(arena, (const char *)input.at, input.len) : NULL;
    enum sat_err err = satd_upgrade_read(NULL, &upgrade);
    sat_check(!err || err == SAT_ERR_NOT_FOUND || err == SAT_ERR_VERSION || err == SAT_ERR_PROTOCOL);
    sat_check(upgrade.frame_bytes == 0 || (mark && upgrade.frame_bytes >= SAT_FRAME_BYTES_MIN));
    if (err) return;
    check_path(the_headers.path, &upgrade);
    sat_check(strstr(the_headers.subprotocols, SAT_SUBPROTOCOL) != NULL);
}

static void check_refusal(struct sat_span input)
{
    static const unsigned statuses[] = {400, 404, 426, 429, 503, 200};
    char said[SAID_SIZE] = "";
    uint64_t retry_ms;
    unsigned status = statuses[fuzz_byte(&input) % (sizeof statuses / sizeof statuses[0])];
    enum sat_err err = client_version_refusal(status, input, "ws://127.0.0.1:7443", said, sizeof said, &retry_ms);
    sat_check(err == SAT_ERR_VERSION || err == SAT_ERR_BUSY || err == SAT_ERR_UNREACHABLE);
    sat_check(retry_ms <= (uint64_t)999999999 * 1000);
    fuzz_check_sentence(said);
}

/* A hello of this version is none of another's. */
static void check_hello(struct sat_span input)
{
    char said[SAID_SIZE] = "";
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    bool other = client_version_of_hello(input, said, sizeof said);
    if (other) fuzz_check_sentence(said);
    if (sat_message_decode(input, SAT_SENDER_SERVER, &arena, &message) == SAT_OK)
        sat_check(!other || message.as.HELLO.version != SAT_PROTOCOL_VERSION);
    sat_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint8_t which = fuzz_byte(&input);
    if (which % 3 == 0) check_request(input, &arena);
    if (which % 3 == 1) check_refusal(input);
    if (which % 3 == 2) check_hello(input);
    sat_arena_deinit(&arena);
    return 0;
}
