/* The msgpack cursor: values taken by their kind, and takes that do not ask first. */
#include "common/wire/pack.h"
#include "tests/fuzz/fuzz.h"

enum { LEN_MAX = 4096 };

/* Gives how many items follow inside it. */
static uint32_t copy_value(struct sat_unpack *in, struct sat_buf *out)
{
    uint32_t items = 0;
    struct sat_span raw;
    switch (sat_unpack_peek(in)) {
    case SAT_PACK_NONE:
        sat_unpack_fail(in, SAT_ERR_MALFORMED);
        break;
    case SAT_PACK_NIL:
        sat_unpack_nil(in);
        sat_pack_nil(out);
        break;
    case SAT_PACK_BOOL:
        sat_pack_bool(out, sat_unpack_bool(in));
        break;
    case SAT_PACK_INT:
        sat_pack_i64(out, sat_unpack_i64(in));
        break;
    case SAT_PACK_TEXT:
        sat_pack_text(out, sat_unpack_text(in, LEN_MAX));
        break;
    case SAT_PACK_BIN:
        sat_pack_bin(out, sat_unpack_bin(in, LEN_MAX));
        break;
    case SAT_PACK_ARRAY:
        items = sat_unpack_array(in, LEN_MAX);
        sat_pack_array(out, items);
        break;
    case SAT_PACK_OTHER:
        raw = sat_unpack_raw(in);
        if (raw.len) sat_pack_raw(out, raw);
        break;
    }
    return items;
}

/* Copies value by value; false where something was not well-formed or is missing. */
static bool copy(struct sat_span bytes, struct sat_buf *out)
{
    struct sat_unpack in;
    uint64_t missing = 0;
    sat_unpack_init(&in, bytes);
    while (!in.err && in.pos < in.len) {
        size_t before = in.pos;
        if (missing) missing--;
        missing += copy_value(&in, out);
        sat_check(in.pos <= in.len && (in.err || in.pos > before));
    }
    return sat_unpack_end(&in) == SAT_OK && missing == 0;
}

/* One take that the input names, whatever is there. */
static void take(struct sat_unpack *in, uint8_t which)
{
    uint8_t bytes[16];
    switch (which % 8) {
    case 0:
        (void)sat_unpack_array(in, LEN_MAX);
        return;
    case 1:
        sat_unpack_array_of(in, which / 8);
        return;
    case 2:
        (void)sat_unpack_u64(in, (uint64_t)1 << (which / 8));
        return;
    case 3:
        (void)sat_unpack_i64(in);
        return;
    case 4:
        (void)sat_unpack_text(in, which);
        return;
    case 5:
        sat_unpack_bytes(in, bytes, which / 16);
        return;
    case 6:
        (void)sat_unpack_raw(in);
        return;
    default:
        (void)sat_unpack_bool(in);
        return;
    }
}

static void take_blindly(struct sat_span input)
{
    struct sat_span takes = fuzz_piece(&input);
    struct sat_unpack in;
    sat_unpack_init(&in, input);
    for (size_t i = 0; i < takes.len; i++) {
        enum sat_err before = in.err;
        take(&in, takes.at[i]);
        sat_check(in.pos <= in.len && (!before || in.err == before));
    }
    if (!in.err) return;
    sat_check(sat_unpack_peek(&in) == SAT_PACK_NONE);
    sat_check(sat_unpack_bin(&in, LEN_MAX).len == 0 && sat_unpack_u64(&in, UINT64_MAX) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_buf once, twice;
    sat_buf_init(&once);
    sat_buf_init(&twice);
    if (copy(sat_span(data, size), &once)) {
        sat_check(once.len <= size);
        sat_check(copy(sat_buf_span(&once), &twice));
        sat_check(sat_span_equal(sat_buf_span(&once), sat_buf_span(&twice)));
    }
    sat_buf_deinit(&twice);
    sat_buf_deinit(&once);
    take_blindly(sat_span(data, size));
    return 0;
}
