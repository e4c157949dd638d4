/* The brake, on a client: what the drafts would do to a space is counted before they are frozen; what came in is told
 * by the replica. Here is what was held, in the session that is under way or was last, and what its person hears of it
 * (docs/decisions/0067). */
#ifndef CLIENT_BRAKE_H
#define CLIENT_BRAKE_H

#include <jansson.h>

#include "common/base/arena.h"
#include "common/sync/brake.h"
#include "common/sync/step.h"

struct satchel;

struct client_hold { /* a mass change in one space and direction */
    struct sat_space_id space;
    bool out;         /* of this device's own drafts */
    bool let_through; /* as the person wished */
    uint64_t archived, overwritten, of;
    struct sat_brake_author *authors; /* most records first */
    uint32_t authors_n;
};
struct client_brake_place;
struct client_brake {
    struct client_hold *holds;
    uint32_t holds_n;
    struct client_brake_place *places; /* spaces with drafts */
    uint32_t places_n;
    uint64_t next; /* drafts from this counter on are not counted yet */
    int64_t *held; /* spaces that keep their drafts */
    uint32_t held_n;
};

/* A session begins, or the handle ends. */
void client_brake_reset(struct client_brake *brake);
/* Counts the drafts that are new; spaces where they are too much are in satchel->brake.held then, and last among the
 * holds. */
enum sat_err client_brake_drafts(struct satchel *satchel) SAT_MUST_CHECK;
/* SAT_NOTICE_BRAKE. */
void client_brake_note(struct satchel *satchel, const struct sat_action *action);
/* The session has ended: what is held is written down for client_brake_status(), if it got as far as to know. */
void client_brake_end(struct satchel *satchel, enum sat_err err);

/* How many spaces wait for a word. */
uint32_t client_brake_waiting(const struct satchel *satchel);
const char *client_brake_text(struct satchel *satchel, const struct client_hold *hold, struct sat_arena *arena);
/* What the last sync held, as a list of objects; without names where `lapsed`. */
json_t *client_brake_status(struct satchel *satchel, bool lapsed, struct sat_arena *arena);

/* The person wants it so: what the drafts would do, and what the last session let through, is signed for, where this
 * device may, so that the others are not asked. Each in a session of its own, if there is something; a failure of the
 * links alone is told to `note`, and is none. */
enum sat_err client_brake_confirm_drafts(struct satchel *satchel, void (*note)(void *context, const char *text),
                                         void *context) SAT_MUST_CHECK;
enum sat_err client_brake_confirm_received(struct satchel *satchel, void (*note)(void *context, const char *text),
                                           void *context) SAT_MUST_CHECK;

#endif
