#include "client/watch.h"

/* Whoever looks less often than this does something else in between. */
enum { LOOK_MS_MAX = 1000 };

void client_watch_begin(struct client_watch *watch, uint32_t patience_ms, uint64_t now_ms)
{
    if (patience_ms && patience_ms < CLIENT_PATIENCE_MS_MIN) patience_ms = CLIENT_PATIENCE_MS_MIN;
    *watch = (struct client_watch){.patience_ms = patience_ms, .looked_ms = now_ms};
}

void client_watch_heard(struct client_watch *watch)
{
    watch->silent_ms = 0;
    watch->asked = false;
}

void client_watch_moved(struct client_watch *watch)
{
    client_watch_heard(watch);
    watch->still_ms = 0;
}

enum client_watch_finding client_watch_look(struct client_watch *watch, uint64_t now_ms, bool awaiting)
{
    uint64_t since_ms = now_ms > watch->looked_ms ? now_ms - watch->looked_ms : 0;
    uint32_t spent_ms = since_ms < LOOK_MS_MAX ? (uint32_t)since_ms : LOOK_MS_MAX;
    watch->looked_ms = now_ms;
    if (!watch->patience_ms) return CLIENT_WATCH_FINE;
    watch->silent_ms += spent_ms;
    watch->still_ms = awaiting ? watch->still_ms + spent_ms : 0;
    if (watch->silent_ms >= watch->patience_ms) return CLIENT_WATCH_SILENT;
    return watch->still_ms >= watch->patience_ms ? CLIENT_WATCH_STILL : CLIENT_WATCH_FINE;
}

bool client_watch_asks(const struct client_watch *watch)
{
    return watch->patience_ms && !watch->asked && watch->silent_ms >= watch->patience_ms / 2;
}

void client_watch_asked(struct client_watch *watch)
{
    watch->asked = true;
}
