/* Merge at cell level, on clients alone (MERGE 5, 6, 9): from the live changes of a record to what a person sees.
 *
 * At cell c, X is dominated if some live Y carries c, Y.seen covers X.dot and Y.holes does not name it. What remain are
 * concurrent siblings; equal values are no conflict; the field's rule picks the one shown, the others stay visible as
 * alternatives. The result depends on the set of changes alone, never on the order in which they came. */
#ifndef SAT_VAULT_CELLS_H
#define SAT_VAULT_CELLS_H

#include "common/proof/header.h"
#include "common/vault/body.h"

/* A live change, decrypted. */
struct sat_source {
    struct sat_dot dot;
    struct sat_hash rest; /* its bytes; zeros of a draft, whose bytes are not decided yet */
    struct sat_header header;
    uint64_t effective; /* min(hlc, receive time in its upper 48 bits); the hlc itself while not accepted */
    uint64_t recv_ms;   /* its receipt: when, */
    uint64_t seq;       /* and as which entry of the log; 0 while not accepted */
    uint8_t role;       /* of who wrote it, when he did (proof/link.h); 0: not known */
    bool pending;       /* a draft or not yet accepted */
    bool readable;    /* false: the body could not be opened or decoded; it takes no part, and is a hole for writers */
    enum sat_err why; /* … as its key is not here (debt), it needs a later version (upgrade_needed), or it is broken */
    struct sat_body body;
};

struct sat_alternative {
    struct sat_value value;
    const struct sat_source *source; /* the newest sibling that says so */
    bool shown;
};

/* One cell of the merged record. */
struct sat_merged {
    uint16_t field;
    bool in_set;
    struct sat_span element;
    struct sat_value value;               /* the one shown */
    const struct sat_source *source;      /* who wrote it */
    struct sat_alternative *alternatives; /* distinct values of the siblings: the shown one, then newest first */
    uint32_t alternatives_n;
    bool conflict; /* there are others for a person to settle; else what is beside the shown one stands there quietly */
};

struct sat_merged_record {
    uint16_t type; /* the lowest among the readable changes'; 0 when nothing is readable */
    bool exists;   /* something readable is live */
    bool deleted;  /* archived */
    bool moved;    /* to another space, and not back: the record is not here. What came late is merged as ever, and has
                      no conflicts here (docs/protocol.md, "Moving") */
    struct sat_space_id moved_to;
    /* Without the cells of a move, SAT_FIELD_CAME_LATE excepted. By field, element; `deleted` (field 0) among them when
     * it was ever written. Whether siblings are a conflict is the field's rule's to say (rules.def): an element of a
     * set has one alternative always. Edit against delete is a conflict of field 0: the alternatives are true (shown,
     * the rm) and false (the concurrent edit). */
    struct sat_merged *cells;
    uint32_t cells_n;
    uint32_t conflicts; /* cells in conflict; among them SAT_FIELD_TYPE, the last of `cells`, where
                           changes of another type are live under this id: those take no part in the other cells, and
                           writers keep them until somebody settles the conflict */
};

/* Who wrote it: of a copy who wrote the original (common/vault/origin.h). */
uint32_t sat_source_author(const struct sat_source *source);
/* Does the change say that the record has moved, or that it is back? Such a one says nothing about the record itself.
 */
bool sat_source_moves(const struct sat_source *source);
/* Where the record has moved to: of the concurrent moves the first by receipt, so that nothing that comes later changes
 * it but somebody who has seen it. NULL: nowhere. */
const struct sat_cell *sat_cells_moved(const struct sat_source *sources, uint32_t n);
/* Is the cell of x, one of the sources, current: written by x and dominated by nothing? */
bool sat_cells_current(const struct sat_source *sources, uint32_t n, const struct sat_source *x,
                       const struct sat_cell *cell);
/* Had the author of y read that change of the record when writing? */
bool sat_source_saw(const struct sat_source *y, struct sat_dot dot);

/* Merges `n` live changes (already past the blind merge). The arena owns *out, which borrows from the sources. */
void sat_cells_merge(const struct sat_source *sources, uint32_t n, struct sat_arena *arena,
                     struct sat_merged_record *out);
/* The cell of a field, or of an element of a set (element.at NULL: of a plain field). NULL: never written. */
const struct sat_merged *sat_merged_cell(const struct sat_merged_record *record, uint16_t field,
                                         struct sat_span element);

/* What a change that has seen all n sources and writes `cells` (sorted) has to keep (MERGE 3): keep[i] is set for each
 * readable source of which a cell is still current after it, and for each without which something that was dominated
 * would come back. The latter happens beside holes alone: A w xy=a1, w y=a2; B, who cannot read a1, w y=b1; C may not
 * drop a2, which b1 dominates, as a2 alone dominates a1 at y. */
void sat_cells_keep(const struct sat_source *sources, uint32_t n, const struct sat_cell *cells, uint32_t cells_n,
                    bool *keep);

#endif
