/* Lives of a space's log (MERGE 14). A server that was set back to an older copy begins a new life: the log goes on at
 * the branch under another log epoch, and the server signs from where. Who knew the former life accepts the new one
 * only where it continues that.
 *
 *   life     SIG(server, "life", space16 ‖ epoch16 ‖ parent16 ‖ u64 size ‖ root32 ‖ u64 time_ms)
 *   wire     epoch16 ‖ parent16 ‖ u64 size ‖ root32 ‖ u64 time_ms ‖ signature64                        (144 bytes) */
#ifndef SAT_PROOF_LIFE_H
#define SAT_PROOF_LIFE_H

#include "common/base/id.h"
#include "common/proof/sign.h"

struct sat_life {
    struct sat_space_id space;
    struct sat_log_epoch epoch, parent;
    uint64_t size; /* the log's length when it began … */
    struct sat_hash root;
    uint64_t time_ms;
    struct sat_signature signature;
};

void sat_life_sign(struct sat_life *life, const struct sat_hash *org, const struct sat_sign_key *server);
enum sat_err sat_life_verify(const struct sat_life *life, const struct sat_hash *org,
                             const struct sat_public_key *server) SAT_MUST_CHECK;
void sat_life_encode(const struct sat_life *life, struct sat_buf *out);
enum sat_err sat_life_decode(struct sat_span bytes, const struct sat_space_id *space,
                             struct sat_life *out) SAT_MUST_CHECK;

/* The first life of the log of the space that this link made. */
struct sat_log_epoch sat_life_first(const struct sat_hash *link);

/* The lives of one log behind its first, in order: each is the parent of the one behind it. */
struct sat_lives {
    struct sat_life *at;
    uint32_t n;
};
/* The life in which entry `seq` was accepted; `now` is the one that the log is in. */
struct sat_log_epoch sat_lives_at(const struct sat_lives *lives, const struct sat_log_epoch *now, uint64_t seq);
/* … and is that another than the first? */
bool sat_lives_later(const struct sat_lives *lives, uint64_t seq);
/* Is the epoch one of them, or the first? */
bool sat_lives_know(const struct sat_lives *lives, const struct sat_log_epoch *epoch);
/* Each continues the one before, at no smaller size. */
bool sat_lives_chain(const struct sat_lives *lives);

#endif
