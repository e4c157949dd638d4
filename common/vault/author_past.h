/* What a record's past in a space says about its changes: which of them repeats which, and which of them the author of
 * another one had in front of him. A copy claims no more than that (docs/decisions/0098). */
#ifndef SAT_VAULT_AUTHOR_PAST_H
#define SAT_VAULT_AUTHOR_PAST_H

#include "common/vault/origin.h"
#include "common/vault/record.h"

/* What a change repeats, or itself: then it may be named by its bytes, as it was sent, or by what it says, as it had
 * not been when it was copied. Borrows both. */
struct sat_root {
    struct sat_origin origin;
    const struct sat_record_id *record;
    const struct sat_source *itself; /* NULL: it is a copy */
};
struct sat_root sat_root_of(const struct sat_space_id *space, const struct sat_record_id *record,
                            const struct sat_source *source);
/* Is it a copy of that? */
bool sat_root_is_repeated(const struct sat_root *root, const struct sat_source *copy);

/* May the author of y have known x? */
bool sat_source_may_have_known(const struct sat_source *y, const struct sat_source *x);
bool sat_source_covers(const struct sat_source *y, struct sat_dot dot);

struct sat_past {
    struct sat_space_row space;
    struct sat_source *items; /* all that is known of the record, in order of the dots */
    struct sat_root *roots;   /* of these; of what cannot be read, nothing */
    bool *live, *stub;
    uint64_t *seq;
    uint32_t *by_root; /* places, in order of what they are, or repeat */
    uint32_t n;
};
/* The arena owns it; record is borrowed. */
enum sat_err sat_past_load(const struct sat_vault *vault, const struct sat_space_row *space,
                           const struct sat_record_id *record, struct sat_arena *arena,
                           struct sat_past *out) SAT_MUST_CHECK;
/* Is there a copy of it, or was there one? */
bool sat_past_repeats(const struct sat_past *past, const struct sat_root *root);
/* Which of the originals, changes in this space that can be read and are no moves, had seen what the root is, or what
 * repeats it? seen[i]: originals[i] had. */
void sat_past_had_seen(const struct sat_past *past, const struct sat_root *root,
                       const struct sat_source *const *originals, uint32_t n, bool *seen);

#endif
