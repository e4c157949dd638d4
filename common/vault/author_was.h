/* What own work was before it was written again (author_again.h): its header and body as they were, sealed as drafts
 * are. By that it is told what the log has and has forgotten: a stub is the hash of a ciphertext, and who seals the
 * same under the same manifest gets the same (docs/decisions/0096). Kept until nothing waits any more. */
#ifndef SAT_VAULT_AUTHOR_WAS_H
#define SAT_VAULT_AUTHOR_WAS_H

#include "common/vault/record.h"

struct sat_was {
    struct sat_record_id record;
    struct sat_header header;
    struct sat_body body;
};

/* Before it stood under this dot, which is this home's own: what it stood under then may be other work's as well, which
 * was lost, too. In the caller's transaction. Sorts the body's cells. */
enum sat_err sat_was_put(const struct sat_vault *vault, struct sat_dot now, struct sat_was *was) SAT_MUST_CHECK;
/* Under which dot that was; device 0: none that is known. */
enum sat_err sat_was_follow(const struct sat_vault *vault, struct sat_dot now, struct sat_dot before) SAT_MUST_CHECK;
enum sat_err sat_was_before(const struct sat_vault *vault, struct sat_dot now, struct sat_arena *arena,
                            struct sat_dot *out) SAT_MUST_CHECK;
enum sat_err sat_was_get(const struct sat_vault *vault, struct sat_dot now, struct sat_arena *arena,
                         struct sat_was *out, bool *found) SAT_MUST_CHECK;
enum sat_err sat_was_clear(struct sat_store *store) SAT_MUST_CHECK;

enum sat_was_answer { SAT_WAS_UNKNOWN, SAT_WAS_SAME, SAT_WAS_ANOTHER };
/* Is it what the log has under that dot? rest: what it was frozen as here, or zeros. Unknown where the log's bundle, or
 * its key, is not here; and where the log has nothing there. */
enum sat_err sat_was_sent(const struct sat_vault *vault, int64_t sid, struct sat_dot dot, struct sat_was *was,
                          const struct sat_hash *rest, struct sat_arena *arena,
                          enum sat_was_answer *out) SAT_MUST_CHECK;

#endif
