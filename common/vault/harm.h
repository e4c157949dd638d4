/* What changes do to a record that was shown: they archive it, or another value is shown where one was. Not what is
 * new: a record, or a value where there was none. Nor a move, which takes nothing away (docs/decisions/0067). */
#ifndef SAT_VAULT_HARM_H
#define SAT_VAULT_HARM_H

#include "common/sync/brake.h"
#include "common/vault/record.h"

/* By others' changes behind the log's entry `seq`, but for those that somebody stands by (sat_directory_meant()). */
enum sat_err sat_harm_received(const struct sat_vault *vault, int64_t sid, const struct sat_space_id *space,
                               const struct sat_record_id *record, uint64_t seq, struct sat_harm *out) SAT_MUST_CHECK;
/* By this device's drafts. */
enum sat_err sat_harm_drafted(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *record,
                              struct sat_harm *out) SAT_MUST_CHECK;

#endif
