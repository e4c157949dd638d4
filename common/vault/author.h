/* Writing: from an edit to a draft, from drafts to a frozen bundle (CRYPTO, "Draft, then frozen").
 *
 * A commit makes drafts: dots, clock, seen, kept and holes are decided then, the body is sealed to this device.
 * Freezing, in the transaction before the first send, gives a run of drafts its witness, directory head, nonce,
 * ciphertext and signature; afterwards only those bytes are sent again. */
#ifndef SAT_VAULT_AUTHOR_H
#define SAT_VAULT_AUTHOR_H

#include "common/sync/replica.h"
#include "common/vault/record.h"

struct sat_edit {
    struct sat_record_id record;
    int64_t sid;
    uint16_t type;
    const struct sat_cell *cells; /* what the person set; a cell whose shown value is that already is left out, unless
                                     it settles a conflict */
    uint32_t cells_n;
    bool remove; /* rm: archives the record, keeping all live changes; cells are ignored */
};

/* Turns edits into drafts, in order, inside the caller's transaction; a later one sees what an earlier one wrote. An
 * edit that changes nothing writes nothing (to clear what was never set changes nothing). An edit of a record seen as
 * deleted carries deleted=false and every cell that it shows (MERGE 6). An edit of a cell in conflict with the shown
 * value settles the conflict; so does removing again a record that was edited beside its deletion. One that does not
 * fit a change is written as several, fields before elements of sets. SAT_ERR_NOT_FOUND (remove of a record that is not
 * there), SAT_ERR_INVALID (type differs from the record's; a cell twice), SAT_ERR_TOO_LARGE (the change cannot name all
 * those before it). Sets *written to the number of drafts made. After an error the caller rolls back. */
enum sat_err sat_author_commit(const struct sat_vault *vault, const struct sat_edit *edits, uint32_t n, uint64_t now_ms,
                               uint32_t *written) SAT_MUST_CHECK;

/* A record that goes from one space to another, or, where it has gone already, what came late of it. */
struct sat_move {
    struct sat_record_id record;
    int64_t from, to;
    bool late;        /* it is new, and what it hangs on had gone already */
    bool home;        /* the record is to be in `to` from now on, even if it had been there and has moved away */
    enum sat_err err; /* why it could not: nothing of it is written then */
};

/* Writes moves as drafts, inside the caller's transaction: first all copies, then what covers the originals, which is
 * not sent before the copies have arrived (sat_author_freeze()). A change that the target has, or had, a copy of is not
 * copied again; a move that leaves nothing to be done writes nothing. Reasons in move->err: SAT_ERR_NOT_FOUND (nothing
 * of it is there), SAT_ERR_UNDECRYPTABLE (something of it cannot be read: who cannot read it must not move it),
 * SAT_ERR_TOO_LARGE (or more would stand side by side in the target than the server takes), SAT_ERR_INVALID (to where
 * it is). *written: the drafts made. After an error the caller rolls back. */
enum sat_err sat_author_move(const struct sat_vault *vault, struct sat_move *moves, uint32_t n, uint64_t now_ms,
                             uint32_t *written) SAT_MUST_CHECK;

/* The oldest pending bundle of the space was refused for good: a signed void statement takes its place in the chain, to
 * be pushed like a bundle; it is put aside with its reason; what is behind it is written again (author_again.h). Inside
 * the caller's transaction. *mended: false where that is not so, or where something waits for the admins. */
enum sat_err sat_author_mend(const struct sat_vault *vault, int64_t sid, bool *mended) SAT_MUST_CHECK;

/* Freezes the drafts that may be frozen, inside the caller's transaction. Where this device may write now, those of
 * spaces whose newest verified head is at the cursor (space.head_size == log.size: the witness must cover what was
 * seen), whose current epoch's key is here and which do not owe a new one (by `now_ms`). Where it has lost the right,
 * at the newest position where it had it and whose epoch's key is here, if the chain has not gone beyond: the admins
 * decide about such bundles, which are handed in. Others stay drafts; *out says how many, and which spaces owe an
 * epoch. Ends after `bundles_max` bundles (out->more); the next call goes on. A bundle is a run of contiguous counters
 * in one space within the limits. In a space nothing is frozen past a draft that has to stay, as a device's counters
 * rise along its chain. What covers a moved record waits for its copies, or is dropped (author_cover.h).
 * SAT_ERR_CORRUPT for a damaged draft. */
enum sat_err sat_author_freeze(const struct sat_vault *vault, uint64_t now_ms, uint32_t bundles_max,
                               struct sat_frozen *out) SAT_MUST_CHECK;
/* The same, but in these spaces: what this device may write there stays drafts. */
enum sat_err sat_author_freeze_but(const struct sat_vault *vault, uint64_t now_ms, uint32_t bundles_max,
                                   const int64_t *held, uint32_t held_n, struct sat_frozen *out) SAT_MUST_CHECK;

#endif
