/* Making: bundles and heads that are nearly right, from a few bytes of an input, so that a fuzzer plays with what they
 * say (records, vectors, witnesses) and not with how it is written. */
#ifndef TESTS_FUZZ_MAKE_H
#define TESTS_FUZZ_MAKE_H

#include "tests/fuzz/mend.h"

enum { FUZZ_RECORDS = 4 }; /* that changes are made for: fuzz_record() */

struct sat_record_id fuzz_record(uint32_t index);

/* A bundle of one to four changes by a device in a space, in its wire form; the arena owns it. Its headers keep the
 * syntax of headers; whether they keep any other rule is the input's choice. Its bodies are nothing that anybody could
 * read; with a squeezer in `place` they are pieces of the input, sealed as a member seals. */
struct sat_span fuzz_make_bundle(struct sat_span *input, const struct fuzz_place *place, uint64_t now_ms,
                                 struct sat_arena *arena);

/* The head that a server would sign of what `space` holds, or one that lies in one point; `log_epoch` is the log's. */
struct sat_head fuzz_make_head(struct sat_span *input, const struct sat_space_row *space,
                               const struct sat_log_epoch *log_epoch, const struct sat_directory *directory,
                               uint64_t now_ms);

#endif
