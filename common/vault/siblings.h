/* The claims to one cell, and what its rule (rules.h) makes of them: who gives way to whom, who is left beside each
 * other, which one is shown. */
#ifndef SAT_VAULT_SIBLINGS_H
#define SAT_VAULT_SIBLINGS_H

#include "common/vault/cells.h"
#include "common/vault/types.h"

/* What a source says of a cell. */
struct sat_claim {
    const struct sat_cell *cell;
    const struct sat_source *source;
};

/* What a cell is subject to. */
struct sat_law {
    const struct sat_rule *rule;
    const struct sat_field *field; /* NULL: of every record, or of a later version */
    bool unknown;                  /* of a later version: what its rule is nobody knows here */
};

/* The record that the claims are about. */
struct sat_ground {
    const struct sat_type *type;         /* NULL: of a later version */
    const struct sat_source *submission; /* by which it is submitted: the first; NULL: it is not, or never is */
};

/* The record as far as its rules ask for it; `type` by number, 0 for none. */
struct sat_ground sat_ground_of(const struct sat_source *sources, uint32_t n, uint16_t type);
struct sat_law sat_law_of(const struct sat_ground *ground, const struct sat_cell *cell);

/* Of two values the greater one, as strcmp() tells: nothing is less than anything; of words in a list (types.def) the
 * later one is the greater, and one that is not in it greater than those that are. `field` may be NULL. */
int sat_value_order(const struct sat_field *field, const struct sat_value *a, const struct sat_value *b);

/* Newer: a later effective time, then the greater dot. Total, as dots are unique. */
int sat_source_compare_age(const struct sat_source *a, const struct sat_source *b);
/* Earlier by receipt; what has none yet comes behind, in the order of its dots. */
bool sat_source_earlier(const struct sat_source *a, const struct sat_source *b);

/* Does x, which the author of y had seen, give way to it? */
bool sat_claim_yields(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *x,
                      const struct sat_claim *y);
/* Would putting the value into the cell, as it is seen, change nothing whatever the rule is? */
bool sat_says_nothing_new(const struct sat_law *law, const struct sat_merged *merged, const struct sat_value *value);
/* dominated[i] for each of the n claims to one cell, all of different sources: another one had seen it, and it gives
 * way. */
void sat_claims_dominated(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *claims,
                          size_t n, bool *dominated);
/* Which of the n siblings, newest first, is shown; and whether its value and another one are for a person to settle. */
size_t sat_claims_shown(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *siblings,
                        size_t n, bool *conflict);

#endif
