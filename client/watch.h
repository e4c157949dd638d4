/* Whether a connection still does what it is for. A decision and nothing else: no clock, no socket.
 *
 * Two things are looked at. Silence: nothing at all has come, not even an answer to a ping: the other side has vanished
 * (a half-open connection). Stillness: signs of life come, but nothing of what is waited for, nor does anything that is
 * to be sent get away: something in between swallows messages, most likely because they are large. However slow a line
 * is, as long as it moves it is neither.
 *
 * Only time counts in which somebody looked: a program that was stopped, or had much to store, has not been waiting. */
#ifndef CLIENT_WATCH_H
#define CLIENT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_PATIENCE_MS 40000u
#define CLIENT_PATIENCE_MS_MIN 1000u

struct client_watch {
    uint32_t patience_ms; /* 0: nothing is watched */
    uint64_t looked_ms;
    uint32_t silent_ms, still_ms;
    bool asked; /* a ping went out in this silence */
};

enum client_watch_finding { CLIENT_WATCH_FINE, CLIENT_WATCH_SILENT, CLIENT_WATCH_STILL };

void client_watch_begin(struct client_watch *watch, uint32_t patience_ms, uint64_t now_ms);
/* Something came, whatever it was. */
void client_watch_heard(struct client_watch *watch);
/* A part of a message came, or got away. */
void client_watch_moved(struct client_watch *watch);
/* awaiting: something is to come. */
enum client_watch_finding client_watch_look(struct client_watch *watch, uint64_t now_ms, bool awaiting);
/* It has been silent for so long that a ping should go out; once for each silence. */
bool client_watch_asks(const struct client_watch *watch);
void client_watch_asked(struct client_watch *watch);

#endif
