/* A session's end by itself: time is up, the bytes are used up, the caller wants to stop, or nothing moves. */
#include "client/session_state.h"
#include "common/base/limits.h"

enum { LOOK_MS = 500 };

/* ---- Whether it still moves ---- */

static const char STALLED[] = "the connection stands, but nothing more comes over it: something on the way may swallow "
                              "large messages";

void client_session_stall(struct client_session *session)
{
    session->stalled = true;
    client_session_fail(session, SAT_ERR_TIMED_OUT, STALLED);
}

void client_session_heard(struct client_session *session)
{
    client_watch_heard(&session->watch);
}

void client_session_moved(struct client_session *session)
{
    client_watch_moved(&session->watch);
}

bool client_session_is_silent(const struct client_session *session)
{
    return !session->done && client_watch_asks(&session->watch);
}

bool client_session_asks(struct client_session *session)
{
    bool asks = client_session_is_silent(session);
    if (asks) client_watch_asked(&session->watch);
    return asks;
}

bool client_session_is_metered(const struct client_session *session)
{
    return session->config->bytes_max;
}

uint32_t client_session_frame_bytes(const struct client_session *session)
{
    uint32_t bytes = session->config->frame_bytes;
    return bytes && bytes < SAT_FRAGMENT_BYTES ? bytes : SAT_FRAGMENT_BYTES;
}

static void look_for_life(struct client_session *session, uint64_t now_ms)
{
    bool awaiting = session->done || !sat_replica_rests(session->replica);
    enum client_watch_finding finding = client_watch_look(&session->watch, now_ms, awaiting);
    if (finding == CLIENT_WATCH_FINE) return;
    if (session->done) {
        session->gone = true; /* what is queued will not go any more */
    } else if (finding == CLIENT_WATCH_STILL) {
        client_session_stall(session);
    } else {
        session->silent = awaiting;
        client_session_fail(session, SAT_ERR_TIMED_OUT, "the server gives no sign of life any more");
    }
}

bool session_is_used_up(const struct client_session *session, uint64_t more)
{
    struct sat_replica_counts counts = sat_replica_counts(session->replica);
    uint64_t max = session->config->bytes_max;
    return max && counts.bytes_in + counts.bytes_out >= max + more;
}

/* What was pushed is waited for a little: else it would be paid for twice. */
static void look_at_bytes(struct client_session *session)
{
    const struct client_session_config *config = session->config;
    uint64_t more = sat_replica_awaits_echo(session->replica) ? SAT_FRAME_BYTES_TARGET : 0;
    if (!session_is_used_up(session, more)) return;
    session->used_up = true;
    if (config->live)
        session->done = true;
    else
        client_session_fail(session, SAT_ERR_TIMED_OUT,
                            "the bytes that this sync may use are used up; what is done stays, and the next one goes "
                            "on from here");
}

/* Time is up, or the caller wants to stop: what that means depends on what was promised. */
static void look_around(struct client_session *session)
{
    const struct client_session_config *config = session->config;
    uint64_t now_ms = client_monotonic_ms();
    bool late = session->deadline_ms && now_ms >= session->deadline_ms;
    bool stopped = config->stop && *config->stop;
    if (late && session->done) session->gone = true; /* what is queued will not go any more */
    if (session->open) look_for_life(session, now_ms);
    if (!session->done) look_at_bytes(session);
    if (session->done) return;
    if (config->live && (stopped || (late && session->met))) {
        session->done = true;
    } else if (stopped) {
        client_session_fail(session, SAT_ERR_CLOSED, "stopped before it was done");
    } else if (late && session->open) {
        client_session_fail(session, SAT_ERR_TIMED_OUT, "the server did not finish answering in time");
    } else if (late || (!session->met && session->connect_by_ms && now_ms >= session->connect_by_ms)) {
        client_session_fail(session, SAT_ERR_TIMED_OUT, "the server did not answer in time");
    }
}

bool client_session_over(struct client_session *session)
{
    look_around(session);
    /* What was queued before the end is still sent, unless waiting for the socket is what took too long. */
    return session->gone || (session->done && (!session->first || session->err));
}

uint32_t client_session_wakeup_ms(const struct client_session *session)
{
    uint64_t at_ms = session->deadline_ms, now_ms = client_monotonic_ms();
    if (!session->met && session->connect_by_ms && (!at_ms || session->connect_by_ms < at_ms))
        at_ms = session->connect_by_ms;
    if (session->gone) return UINT32_MAX;
    if (session->open && session->watch.patience_ms && (!at_ms || at_ms > now_ms + LOOK_MS)) at_ms = now_ms + LOOK_MS;
    if (!at_ms) return UINT32_MAX;
    if (at_ms <= now_ms) return 0;
    return at_ms - now_ms < UINT32_MAX ? (uint32_t)(at_ms - now_ms) : UINT32_MAX;
}
