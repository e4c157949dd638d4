/* What writing again (author_again.h) has to know of moves: which of its changes are copies that came with a record,
 * and which drafts cover what has gone to where the copies do not arrive (decision 108). */
#ifndef SAT_VAULT_AUTHOR_COPIES_H
#define SAT_VAULT_AUTHOR_COPIES_H

#include "common/base/buf.h"
#include "common/vault/record.h"

/* Has it come with a record that moved, from another space or back from there? An origin in the space itself is that of
 * a copy where it stands in the log; else it says what was written again here. */
enum sat_err sat_copies_is(const struct sat_vault *vault, int64_t sid, const struct sat_body *body,
                           bool *copy) SAT_MUST_CHECK;

/* Where the record was collected meanwhile, who brings a copy knows that, as if he made it now: its header says so. */
enum sat_err sat_copies_see(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *record,
                            const struct sat_body *body, struct sat_arena *arena,
                            struct sat_header *header) SAT_MUST_CHECK;

/* What was put aside in a space is noted. */
void sat_copies_refused(struct sat_buf *notes, int64_t sid, const struct sat_record_id *record);
/* Does it cover what has gone to where something of the record was refused, or stand on such a one, which it keeps
 * while it covers the rest with it? The record stays where it was then; and that it does is noted. */
enum sat_err sat_copies_lack(const struct sat_vault *vault, struct sat_buf *notes, int64_t sid,
                             const struct sat_record_id *record, const struct sat_header *header,
                             const struct sat_body *body, bool *lack) SAT_MUST_CHECK;

#endif
