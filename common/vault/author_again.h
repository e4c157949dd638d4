/* Writing own work again that cannot stand under its dots (MERGE 8, 11): behind a bundle that was refused, or by a
 * device that took a new index. Each change is written anew as a draft, in the old order, with what it had seen when it
 * was written: own dots that were written again are mapped, those that were not are left out. What it keeps is found
 * anew on the accepted base, as what it stood on may not have come there. The same put is never made again on what is
 * here today: that would claim to have seen what its author had not.
 *
 * So is others' work that a server has lost, and whose numbers are another bundle's by now: by whoever holds it. */
#ifndef SAT_VAULT_AUTHOR_AGAIN_H
#define SAT_VAULT_AUTHOR_AGAIN_H

#include "common/sync/replica.h"
#include "common/vault/record.h"

struct sat_again_place { /* one space; what is there from a counter on is written again */
    int64_t sid;
    uint64_t first; /* of a pending bundle or a draft: all from here on */
    uint64_t cut;   /* what changes had seen of the old device above this they have not seen, but for what is mapped */
};

struct sat_again_change { /* one that is about to be written again */
    int64_t sid;
    struct sat_record_id record;
    struct sat_dot dot;
    const struct sat_header *header;
    const struct sat_body *body;
    const struct sat_hash *rest; /* NULL: it never was frozen */
    /* What that device has behind that number was written again just now, and has seen nothing of what is still to be,
     * whatever its vector covers by number. Zeros: nothing was. */
    struct sat_dot written;
    /* Others that are about to be written again and are in no store any more; itself, too. */
    const struct sat_again_change *beside;
    uint32_t beside_n;
};

struct sat_again_answer {
    bool found; /* it is in the log already, as itself or as an origin, or was refused: it is not written again … */
    struct sat_dot now; /* … and later ones see this instead; counter 0: nothing */
    /* Nobody can tell whether it was there, and was replaced: it is written again, as older than all that it does not
     * replace, so that it is shown beside that and never in its place (docs/decisions/0102). */
    bool doubtful;
};

struct sat_again_handed { /* bundles of one device, in its chain's order; their numbers may be others' in the log */
    const struct sat_bundle *bundles;
    uint32_t n;
    uint32_t known; /* of the first ones it is told what became of them; those behind are written again */
};

struct sat_again {
    uint32_t device; /* whose the old dots are; the new ones are the keyring's device's, counted on from "counter" */
    const struct sat_again_place *places; /* the order is that of the counters, across all of them */
    uint32_t places_n;
    /* A server that was set back has taken other work under the numbers of bundles than that which waits in the one
     * place to be given back: that, and what stands on it, whoever wrote it, is written again by this device; of its
     * own drafts and pending bundles only what stands on it. NULL: nothing of the kind (docs/decisions/0105). */
    const struct sat_taken *taken;
    /* What is no part of this store, and is written again in the one place; nothing of the own work is. NULL: nothing
     * of the kind (docs/decisions/0191). */
    const struct sat_again_handed *handed;
    bool drafts_stay; /* bundles alone */
    bool keep;    /* bundles are kept aside (SAT_ASIDE_KEPT), by which it is known later whether they were refused */
    bool origins; /* each says which change it repeats (common/vault/origin.h), unless it says one already, or is as
                     large as can be */
    /* What is known of that change? NULL: that it is new. */
    void *context;
    enum sat_err (*known)(void *context, const struct sat_again_change *change, struct sat_again_answer *out);
};

struct sat_again_pair {
    int64_t sid;
    struct sat_record_id record;
    struct sat_dot old, now;
    /* It came with a move, and is known by what it is a copy of: `now` may be somebody else's copy of that. */
    bool by_origin;
};

struct sat_again_done {
    struct sat_again_pair *pairs; /* by the old counter; the arena's */
    uint32_t n;
    uint32_t written; /* drafts made */
    uint32_t aside;   /* bundles put aside */
};

/* Inside the caller's transaction; after an error the caller rolls back. The old drafts and pending bundles are gone
 * then: those that were refused (or handed in), or cannot be opened, are put aside verbatim, with the reason; but for
 * one of which only a part comes too late (SAT_ERR_COLLECTED), which is written again in parts, copies of what moved,
 * which know of the collection then, and one that names a place of the log that is compacted. What covers a moved
 * record goes without being written again where a copy of it was put aside. SAT_ERR_TOO_LARGE: one does not fit any
 * more; SAT_ERR_CORRUPT: a damaged draft. */
enum sat_err sat_author_again(const struct sat_vault *vault, const struct sat_again *again, struct sat_arena *arena,
                              struct sat_again_done *out) SAT_MUST_CHECK;

/* The first bundle that waits in the one place to be given back, and of which known() knows some. */
enum sat_err sat_author_find_known(const struct sat_vault *vault, const struct sat_again *what, struct sat_taken *out,
                                   bool *found) SAT_MUST_CHECK;
/* Does known() know some of the bundle, or doubt it? Nothing of one that cannot be opened. */
enum sat_err sat_author_knows(const struct sat_vault *vault, const struct sat_again *what,
                              const struct sat_bundle *bundle, bool *known) SAT_MUST_CHECK;

#endif
