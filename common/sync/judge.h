/* Judging a bundle: is it whole, signed, allowed, in its place, and honest about what its author can have seen? The
 * server judges what is pushed and a client what it pulls, by the same code and against the same positions, so that a
 * late puller decides as an early one did (MERGE 21; CRYPTO, "Bounds on vectors", "Authority without clocks"). Blind:
 * needs no key but public ones. */
#ifndef SAT_SYNC_JUDGE_H
#define SAT_SYNC_JUDGE_H

#include "common/proof/directory.h"
#include "common/proof/header.h"
#include "common/store/store.h"

struct sat_judge {
    struct sat_store *store;
    const struct sat_directory *directory;
    const struct sat_space_row *space; /* its log just before the bundle, or as it is now: */
    uint64_t seq;                      /* … and the bundle was passed over as this entry; 0: it is the next */
    uint64_t dir_at;                   /* the directory's position at acceptance */
    bool stubs_allowed;                /* a client may be sent stubs, or give some back; nobody pushes any */
    bool in_full;                      /* … but nobody has judged the rest before */
    const struct sat_lives *lives;     /* of the log; NULL: it is in its first */
    bool came_back;    /* it was in a former life of this log, as a signed head proves: what it stood on may have been
                        * compacted by those who give back, and comes no more */
    uint64_t *trusted; /* a client: raised to where a collection must say that it is below the floor,
                        * as runs stand where what speaks for the bundle would be; NULL: never */
    bool *was_further; /* set where the author has witnessed more of this very life than there is; NULL: nobody asks */
    bool others_may_come; /* the server: what an author has seen, or what replaced a change before he did, may yet be
                           * given back: STALE in place of BOUNDS */
};

/* What speaks for a bundle, or a statement, is within a run: those who were there have seen it, and the log's root says
 * that it is the same log. That is believed below a floor which a collection of this very log names (compact.h). */
bool sat_judge_trusts(const struct sat_judge *judge, uint64_t upto);
/* What was before something that came back, in its author's chain: nobody has it any more, unless there is a receipt
 * for it. */
enum sat_err sat_judge_is_gone(const struct sat_judge *judge, const struct sat_hash *prev, bool *gone) SAT_MUST_CHECK;
/* Completes the short form from what the store and directory know. SAT_ERR_STALE: ask for the full form, or for what
 * lies before. */
enum sat_err sat_judge_complete(const struct sat_judge *judge, struct sat_bundle *bundle) SAT_MUST_CHECK;

/* Judges a complete bundle; headers[i] (manifest.count of them) are decoded into the arena, those of stubs stay empty.
 * SAT_ERR_STALE (its chain's predecessor is not here), SAT_ERR_FORK (another bundle has one of its dots),
 * SAT_ERR_DENIED, SAT_ERR_TAMPERED, SAT_ERR_BOUNDS, SAT_ERR_BAD_CHAIN, SAT_ERR_COLLECTED (of a record that was
 * forgotten, by who had not seen it deleted), SAT_ERR_UPGRADE_NEEDED (suite), SAT_ERR_MALFORMED (header), or a local
 * error. */
enum sat_err sat_judge_bundle(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_arena *arena,
                              struct sat_header *headers, struct sat_fault *fault) SAT_MUST_CHECK;
/* Position, right and signature alone, for who writes again what the log cannot take as it is. SAT_ERR_DENIED,
 * SAT_ERR_TAMPERED, SAT_ERR_FORK (another directory), SAT_ERR_UPGRADE_NEEDED. */
enum sat_err sat_judge_right(const struct sat_judge *judge, const struct sat_bundle *bundle,
                             struct sat_fault *fault) SAT_MUST_CHECK;
/* Of a bundle that is on the log, what has come behind it: the changes that are no stubs. As above. */
enum sat_err sat_judge_filled(const struct sat_judge *judge, const struct sat_bundle *bundle, struct sat_arena *arena,
                              struct sat_header *headers, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
