#include "client/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/wire/message.h"
#include "common/wire/pack.h"

enum { HTTP_BAD_REQUEST = 400, HTTP_UPGRADE_REQUIRED = 426, HTTP_TOO_MANY_REQUESTS = 429, HTTP_UNAVAILABLE = 503 };
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

/* Every "satchel.N" in the text. */
static struct window read_window(struct sat_span text)
{
    static const char name[] = "satchel.";
    const size_t len = sizeof name - 1;
    struct window window = {0};
    for (size_t at = 0; at + len < text.len; at++) {
        if (memcmp(text.at + at, name, len) != 0) continue;
        uint32_t version = 0;
        size_t digits = 0;
        for (const uint8_t *digit = text.at + at + len; digit < text.at + text.len && digits <= DIGITS_MAX; digit++) {
            if (*digit < '0' || *digit > '9') break;
            version = digits++ < DIGITS_MAX ? version * 10 + (uint32_t)(*digit - '0') : 0;
        }
        widen(&window, version);
    }
    return window;
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

enum sat_err client_version_refusal(unsigned status, struct sat_span text, const char *where, char *said, size_t size)
{
    struct window window = read_window(text);
    bool ours = window.oldest <= SAT_PROTOCOL_VERSION && window.newest >= SAT_PROTOCOL_VERSION;
    if ((status == HTTP_UPGRADE_REQUIRED || status == HTTP_BAD_REQUEST) && window.newest && !ours) {
        say(&window, said, size);
        return SAT_ERR_VERSION;
    }
    if (status == HTTP_TOO_MANY_REQUESTS || status == HTTP_UNAVAILABLE) {
        (void)snprintf(said, size, "the server at %.150s is busy (HTTP %u); try again later", where, status);
        return SAT_ERR_BUSY;
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
