/* The brake (docs/decisions/0067): how many records that were shown would be archived or overwritten, by whom. A tally
 * of one space in one direction; what happens to a record can only be said by who has the keys, and is asked only when
 * so many records are touched that it could be too much. */
#ifndef SAT_SYNC_BRAKE_H
#define SAT_SYNC_BRAKE_H

#include "common/base/err.h"
#include "common/base/id.h"
#include "common/proof/directory.h"

enum sat_harm_kind { SAT_HARM_NONE, SAT_HARM_OVERWRITTEN, SAT_HARM_ARCHIVED };
struct sat_harm { /* what became of a record */
    enum sat_harm_kind kind;
    struct sat_dot dot; /* by which change */
};

struct sat_brake_author {
    uint32_t device;
    uint64_t first, last; /* counters of the first and the last change that did something */
    uint64_t records;
};

struct sat_brake_slot {
    struct sat_record_id record;
    uint8_t state; /* of enum in brake.c */
};

struct sat_brake {
    struct sat_brake_slot *slots; /* open-addressed */
    uint32_t cap, n;              /* cap: a power of two, or 0; n: records that were touched */
    uint32_t todo;                /* of them: touched since it was looked at them */
    uint64_t archived, overwritten;
    uint64_t fresh; /* records that came new: they do not count among those that there were */
    struct sat_brake_author *authors;
    uint32_t authors_n;
};

/* Zeros are an empty tally. */
void sat_brake_clear(struct sat_brake *brake);
void sat_brake_touch(struct sat_brake *brake, const struct sat_record_id *record);
struct sat_brake_question {
    const struct sat_directory *directory; /* its policies */
    /* What became of a record? */
    enum sat_err (*ask)(void *context, const struct sat_record_id *record, struct sat_harm *out);
    /* How many records does the space show, with those that were archived just now? */
    enum sat_err (*count)(void *context, uint64_t *of);
    void *context;
};
/* Is it more than the policy lets through unasked? Asks about those that were touched since, if there are enough of
 * them for that, and about the space only if it matters (else *of is 0). */
enum sat_err sat_brake_look(struct sat_brake *brake, const struct sat_brake_question *question, bool *too_much,
                            uint64_t *of) SAT_MUST_CHECK;

/* How it stands; borrows the authors. */
struct sat_brake_report {
    uint64_t archived, overwritten, of;
    const struct sat_brake_author *authors; /* most records first */
    uint32_t authors_n;
};
void sat_brake_report(struct sat_brake *brake, uint64_t of, struct sat_brake_report *out);

#endif
