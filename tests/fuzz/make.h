/* Making: bundles, heads, cursors and lives that are nearly right, from a few bytes of an input, so that a fuzzer plays
 * with what they say (records, vectors, witnesses) and not with how it is written. */
#ifndef TESTS_FUZZ_MAKE_H
#define TESTS_FUZZ_MAKE_H

#include "common/proof/life.h"
#include "common/wire/message.h"
#include "tests/fuzz/mend.h"

enum { FUZZ_RECORDS = 4 }; /* that changes are made for: fuzz_record() */

struct sat_record_id fuzz_record(uint32_t index);

/* A bundle of one to four changes by a device in a space, in its wire form; the arena owns it. Its headers keep the
 * syntax of headers; whether they keep any other rule is the input's choice. Its bodies are nothing that anybody could
 * read; with a squeezer in `place` they are pieces of the input, sealed as a member seals. */
struct sat_span fuzz_make_bundle(struct sat_span *input, const struct fuzz_place *place, uint64_t now_ms,
                                 struct sat_arena *arena);

/* Reads such a bundle. Does a part of it travel by itself? */
bool fuzz_has_stubs(struct sat_span bytes, const struct sat_space_id *space, struct sat_bundle *bundle,
                    struct sat_arena *arena);
/* What its author signs instead of a bundle that was refused; *id: that statement's. */
struct sat_span fuzz_make_void(const struct sat_bundle *bundle, struct sat_hash *id, struct sat_arena *arena);

/* The head that a server would sign of what `space` holds, or one that lies in one point; `log_epoch` is the log's. */
struct sat_head fuzz_make_head(struct sat_span *input, const struct sat_space_row *space,
                               const struct sat_log_epoch *log_epoch, const struct sat_directory *directory,
                               uint64_t now_ms);

/* The cursor that `place.device` would sign of what `place` holds, or one that lies in one point; signed by it. */
struct sat_cursor fuzz_make_cursor(struct sat_span *input, const struct fuzz_place *place,
                                   const struct sat_log_epoch *log_epoch, struct sat_signature *signature);

/* What a server says of several devices; the arena owns it. */
struct sat_message fuzz_make_words(struct sat_span *input, const struct fuzz_place *place,
                                   const struct sat_log_epoch *log_epoch, uint32_t sub, struct sat_arena *arena);

/* A life of the log of `place`, behind `parent`, signed by the server: its branch is on that log or not. */
struct sat_life fuzz_make_life(struct sat_span *input, const struct fuzz_place *place,
                               const struct sat_log_epoch *parent);

#endif
