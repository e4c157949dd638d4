/* The golden vectors of a log (entries, lives, ranges, heads, cursors, what is stated in it), and the organisation,
 * space and time that all of proof.json is about. */
#ifndef SAT_TESTS_VECTORS_EMIT_LOG_H
#define SAT_TESTS_VECTORS_EMIT_LOG_H

#include "tests/vectors/emit.h"

#define EMIT_TIME_MS ((uint64_t)1767225600000) /* 2026-01-01 */

struct sat_space_id emit_some_space(void);
struct sat_log_epoch emit_some_log_epoch(void);
struct sat_hash emit_some_org(void);
void emit_log_all(struct emit *emit);

#endif
