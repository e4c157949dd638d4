/* msgpack, written and read piece by piece: the only place that includes <msgpack.h>.
 *
 * Writing appends to a struct sat_buf and cannot fail. Reading is a cursor over borrowed bytes that fails stickily:
 * read all fields and look once, at sat_unpack_end(). It allocates nothing, whatever the bytes claim: a count larger
 * than what is left is malformed at once, and nothing recurses. (msgpack-c's own reader builds a tree in a zone sized
 * by the sender's counts; so only its writer is used, and a test holds the cursor against its reader.) Longer forms
 * than needed are read too; the writer always makes the shortest. */
#ifndef SAT_WIRE_PACK_H
#define SAT_WIRE_PACK_H

#include "common/base/bytes.h"

void sat_pack_array(struct sat_buf *out, uint32_t n); /* the next n values are its items */
void sat_pack_nil(struct sat_buf *out);
void sat_pack_bool(struct sat_buf *out, bool v);
void sat_pack_u64(struct sat_buf *out, uint64_t v);
void sat_pack_i64(struct sat_buf *out, int64_t v);
void sat_pack_text(struct sat_buf *out, struct sat_span utf8);
void sat_pack_bin(struct sat_buf *out, struct sat_span bytes);
void sat_pack_raw(struct sat_buf *out, struct sat_span value); /* a value that is msgpack already */

enum sat_pack_kind {
    SAT_PACK_NONE, /* the end, or after a failure, or a byte that starts nothing */
    SAT_PACK_NIL,
    SAT_PACK_BOOL,
    SAT_PACK_INT,
    SAT_PACK_TEXT,
    SAT_PACK_BIN,
    SAT_PACK_ARRAY,
    SAT_PACK_OTHER, /* a map, a float, an extension: nothing of ours, but it can be skipped */
};

#define SAT_PACK_DEPTH_MAX 16 /* arrays within arrays in a skipped value */

struct sat_unpack {
    const uint8_t *at;
    size_t len, pos;
    enum sat_err err; /* the first failure: SAT_ERR_MALFORMED; SAT_ERR_TOO_LARGE for a count or length above its max */
};

/* After a failure each of these gives zero, false or an empty span. Spans borrow from the input. */
void sat_unpack_init(struct sat_unpack *unpack, struct sat_span bytes);
enum sat_pack_kind sat_unpack_peek(const struct sat_unpack *unpack); /* of the next value */
uint32_t sat_unpack_array(struct sat_unpack *unpack, uint32_t max);  /* its number of items, which follow */
void sat_unpack_array_of(struct sat_unpack *unpack, uint32_t n);     /* an array of exactly n */
void sat_unpack_nil(struct sat_unpack *unpack);
bool sat_unpack_bool(struct sat_unpack *unpack);
uint64_t sat_unpack_u64(struct sat_unpack *unpack, uint64_t max); /* above max: malformed */
int64_t sat_unpack_i64(struct sat_unpack *unpack);
struct sat_span sat_unpack_text(struct sat_unpack *unpack, size_t len_max); /* valid UTF-8 without NUL */
struct sat_span sat_unpack_bin(struct sat_unpack *unpack, size_t len_max);
/* A bin of exactly `len` bytes, copied: ids, hashes, keys. */
void sat_unpack_bytes(struct sat_unpack *unpack, void *out, size_t len);
/* The next value whole, whatever it is, down to SAT_PACK_DEPTH_MAX. */
struct sat_span sat_unpack_raw(struct sat_unpack *unpack);
/* The caller's own finding; the first failure stays. */
void sat_unpack_fail(struct sat_unpack *unpack, enum sat_err err);
/* SAT_OK if nothing failed and nothing is left over. */
enum sat_err sat_unpack_end(const struct sat_unpack *unpack) SAT_MUST_CHECK;

#endif
