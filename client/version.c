#include "client/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/wire/message.h"
#include "common/wire/pack.h"

enum {
    HTTP_BAD_REQUEST = 400,
    HTTP_OK = 200,
    HTTP_REDIRECT_END = 400,
    HTTP_UPGRADE_REQUIRED = 426,
    HTTP_TOO_MANY_REQUESTS = 429,
    HTTP_BAD_GATEWAY = 502,
    HTTP_UNAVAILABLE = 503,
    HTTP_GATEWAY_TIMEOUT = 504,
    HTTP_SIGN_IN_REQUIRED = 511
};
enum { DIGITS_MAX = 9, FIELDS_MAX = 64 };

struct window {
    uint32_t oldest, newest; /* 0: none was named */
};

static void widen(struct window *window, uint32_t version)
{
    if (version == 0) return;
    if (!window->oldest || version < window->oldest) window->oldest = version;
    if (version > window->newest) window->newest = version;
}

/* The number behind the next `name` in the text, from *at on; *at moves behind it. False: there is none. */
static bool find_number(struct sat_span text, const char *name, size_t *at, uint32_t *number)
{
    size_t len = strlen(name);
    for (; *at + len < text.len; ++*at) {
        if (memcmp(text.at + *at, name, len) != 0) continue;
        size_t digits = 0;
        *number = 0;
        for (*at += len; *at < text.len && text.at[*at] >= '0' && text.at[*at] <= '9'; ++*at)
            *number = digits++ < DIGITS_MAX ? *number * 10 + (uint32_t)(text.at[*at] - '0') : 0;
        return true;
    }
    return false;
}

/* Every "satchel.N" in the text. */
static struct window read_window(struct sat_span text)
{
    struct window window = {0};
    uint32_t version;
    for (size_t at = 0; find_number(text, "satchel.", &at, &version);) widen(&window, version);
    return window;
}

static uint64_t read_retry(struct sat_span text)
{
    uint32_t number;
    size_t at = 0;
    if (find_number(text, "Retry-After: ", &at, &number)) return (uint64_t)number * 1000;
    at = 0;
    return find_number(text, "\"retry_ms\":", &at, &number) ? number : 0;
}

/* Names both sides and says which of them is to be replaced. */
static void say(const struct window *window, char *said, size_t size)
{
    char theirs[40];
    if (window->oldest == window->newest)
        (void)snprintf(theirs, sizeof theirs, "version %" PRIu32, window->oldest);
    else
        (void)snprintf(theirs, sizeof theirs, "versions %" PRIu32 " to %" PRIu32, window->oldest, window->newest);
    bool older = window->newest < SAT_PROTOCOL_VERSION;
    (void)snprintf(said, size,
                   "%s is too old: the server speaks %s of the protocol, this program version %d; %s. Nothing is lost: "
                   "what is pending is kept and goes with a later sync",
                   older ? "the server" : "this program", theirs, SAT_PROTOCOL_VERSION,
                   older ? "ask its operator for a newer one" : "install a newer one");
}

enum sat_err client_version_refusal(unsigned status, struct sat_span text, const char *where, char *said, size_t size,
                                    uint64_t *retry_ms)
{
    struct window window = read_window(text);
    bool ours = window.oldest <= SAT_PROTOCOL_VERSION && window.newest >= SAT_PROTOCOL_VERSION;
    *retry_ms = read_retry(text);
    if ((status == HTTP_UPGRADE_REQUIRED || status == HTTP_BAD_REQUEST) && window.newest && !ours) {
        say(&window, said, size);
        return SAT_ERR_VERSION;
    }
    if (status == HTTP_UPGRADE_REQUIRED) {
        (void)snprintf(
            said, size,
            "the server and this program (version %d) have no version of the protocol in common: one of them "
            "is too old. Nothing is lost: what is pending is kept",
            SAT_PROTOCOL_VERSION);
        return SAT_ERR_VERSION;
    }
    if (status == HTTP_TOO_MANY_REQUESTS || status == HTTP_UNAVAILABLE) {
        char when[40] = "later";
        if (*retry_ms) (void)snprintf(when, sizeof when, "in %" PRIu64 " s", (*retry_ms + 999) / 1000);
        (void)snprintf(said, size, "the server is busy; try again %s (HTTP %u)", when, status);
        return SAT_ERR_BUSY;
    }
    if (status == HTTP_BAD_GATEWAY || status == HTTP_GATEWAY_TIMEOUT) {
        (void)snprintf(said, size, "%.150s answers, but does not reach the server behind it (HTTP %u)", where, status);
        return SAT_ERR_UNREACHABLE;
    }
    if ((status >= HTTP_OK && status < HTTP_REDIRECT_END) || status == HTTP_SIGN_IN_REQUIRED) {
        (void)snprintf(said, size,
                       "this network wants a page to be seen first (a captive portal answers for %.100s, HTTP %u): "
                       "sign in to it with a browser, then try again. Nothing is lost: what is pending is kept",
                       where, status);
        return SAT_ERR_UNREACHABLE;
    }
    (void)snprintf(said, size, "%.150s answers, but not as a Satchel server (HTTP %u)", where, status);
    return SAT_ERR_UNREACHABLE;
}

bool client_version_of_hello(struct sat_span message, char *said, size_t size)
{
    struct sat_unpack in;
    sat_unpack_init(&in, message);
    uint32_t fields = sat_unpack_array(&in, FIELDS_MAX);
    uint64_t number = sat_unpack_u64(&in, UINT32_MAX), version = sat_unpack_u64(&in, UINT32_MAX);
    if (in.err || fields < 2 || number != SAT_MESSAGE_HELLO || version == SAT_PROTOCOL_VERSION || version == 0)
        return false;
    say(&(struct window){(uint32_t)version, (uint32_t)version}, said, size);
    return true;
}
