/* A device and one server, which says what an input says: what the target's events are made of. */
#ifndef TESTS_FUZZ_REPLICA_TALK_H
#define TESTS_FUZZ_REPLICA_TALK_H

#include "common/sync/replica.h"
#include "common/wire/message.h"
#include "tests/fuzz/org.h"

enum { DEVICE = 2 };

/* What the first byte says. */
enum {
    NOT_MET = 1,
    ASKS = 2,       /* what admins are shown */
    AS_KIT = 4,     /* … and holds the recovery kit */
    WIPED = 8,      /* its keys are gone, its work is frozen */
    TERRITORY = 16, /* is taken away */
    REVOKED = 32,
    GIVEN_UP = 64, /* it was silent for half a year */
    FORGETS = 128  /* policy keeps one version */
};

struct talk {
    const struct fuzz_org *org;
    struct satchel device;
    struct sat_entropy_stream stream;
    struct sat_replica *replica;
    uint64_t now_ms;
    uint8_t met; /* the input's first byte */
    bool over, lost_space;
    struct sat_log_epoch log_epochs[FUZZ_SPACES]; /* as the server said last */
};

void hears_frames(struct talk *talk); /* … what it has to say by itself */
void hears_step(struct talk *talk, enum sat_event_kind kind, struct sat_span bytes);
void hears(struct talk *talk, struct sat_span message);
void hears_message(struct talk *talk, const struct sat_message *message);
/* The device's own number for a space is its place in the directory. False: there is none, or it does not know it. */
bool hears_find_space(const struct talk *talk, uint64_t sub, struct sat_space_row *out);
/* A space of the org's, mostly the territory; false: the device has not subscribed to it yet. */
bool hears_choose_space(const struct talk *talk, uint8_t where, uint32_t *sub, struct sat_space_row *out);

/* replica_lose.c: what the device knows by then that it has lost; and a territory of which it has nothing, in between.
 */
void loses(struct talk *talk, uint8_t met);
void loses_another(struct talk *talk);

/* replica_taken.c: of the oldest that waits in a space: it is refused, mostly as its numbers are taken; what has them
 * is shown, or something that is no proof of that. */
void hears_refused(struct talk *talk, struct sat_span *input);
void hears_taken(struct talk *talk, struct sat_span *input);

/* replica_forget.c: what a server says that forgets, and a device that tidies its store. */
void hears_of_forgetting(struct talk *talk, struct sat_span *input);

#endif
