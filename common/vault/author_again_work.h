/* Writing work again, from inside (author_again.c): what the part that takes others' work over needs (author_taken.c).
 */
#ifndef SAT_VAULT_AUTHOR_AGAIN_WORK_H
#define SAT_VAULT_AUTHOR_AGAIN_WORK_H

#include "common/vault/author_again.h"
#include "common/vault/author_draft.h"

/* What waited to be given back in the place, of one device from a counter on: it goes, and is written again. */
struct sat_again_gone {
    uint32_t device;
    uint64_t first;
};

struct sat_again_work {
    const struct sat_again *what;
    struct sat_vault vault; /* as the caller's, without what is still to be written again */
    struct sat_drafter drafter;
    struct sat_arena *pairs_arena;
    struct sat_again_done *out;
    uint32_t cap;
    uint64_t last;               /* the counter before the first that is written */
    struct sat_again_gone *gone; /* the pairs' arena's */
    uint32_t gone_n;
    const struct sat_dot *proven; /* of others: what the author of what was handed in is proven to have seen */
    uint32_t proven_n;
    const struct sat_again_change *beside; /* all that was taken away, … */
    uint32_t beside_n;
    struct sat_arena batch; /* of one bundle or draft; of all that was taken */
    struct sat_arena arena; /* of one change */
    struct sat_buf plain, origin;
    struct sat_buf refused; /* of what was put aside: sid ‖ record; −sid ‖ record of moves that went with it */
};

/* One change that is to be written again. */
struct sat_again_old {
    const struct sat_again_place *place;
    struct sat_record_id record;
    uint32_t device;
    uint64_t counter; /* 0: a stub, of which nothing is left to be written */
    uint64_t dir_seq; /* that its bundle was written at; 0: a draft */
    struct sat_header header;
    struct sat_body body;
    const struct sat_hash *rest; /* NULL: it never was frozen */
};

const struct sat_again_gone *sat_again_gone(const struct sat_again_work *again, uint32_t device);
bool sat_again_is_gone(const struct sat_again_work *again, struct sat_dot dot);
struct sat_again_change sat_again_change_of(const struct sat_again_old *old);
/* Writes it again, unless it is known. */
enum sat_err sat_again_take(struct sat_again_work *again, struct sat_again_old *old) SAT_MUST_CHECK;
/* Its changes; stubs have no counter. */
enum sat_err sat_again_open(struct sat_again_work *again, const struct sat_again_place *place,
                            const struct sat_bundle *bundle, struct sat_again_old *out) SAT_MUST_CHECK;
enum sat_err sat_again_put_aside(struct sat_again_work *again, const struct sat_bundle *bundle, enum sat_err why,
                                 enum sat_aside_state state, uint64_t recv_ms) SAT_MUST_CHECK;
/* author_taken.c: all that is taken over in the one place, which then says what of the own work stands on it. */
enum sat_err sat_again_take_taken(struct sat_again_work *again, struct sat_again_place *place) SAT_MUST_CHECK;
enum sat_err sat_again_take_handed(struct sat_again_work *again, struct sat_again_place *place) SAT_MUST_CHECK;
/* What has become of it, if that is known. */
enum sat_err sat_again_know(struct sat_again_work *again, const struct sat_again_old *old,
                            struct sat_again_answer *answer) SAT_MUST_CHECK;

#endif
