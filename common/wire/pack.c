#include "common/wire/pack.h"

#include <msgpack.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/utf8.h"

/* ---- Writing ---- */

static int append(void *data, const char *bytes, size_t len)
{
    sat_put_bytes(data, bytes, len);
    return 0;
}

static msgpack_packer packer(struct sat_buf *out)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, append);
    return packer;
}

void sat_pack_array(struct sat_buf *out, uint32_t n)
{
    msgpack_packer p = packer(out);
    (void)msgpack_pack_array(&p, n);
}

void sat_pack_nil(struct sat_buf *out)
{
    msgpack_packer p = packer(out);
    (void)msgpack_pack_nil(&p);
}

void sat_pack_bool(struct sat_buf *out, bool v)
{
    msgpack_packer p = packer(out);
    (void)(v ? msgpack_pack_true(&p) : msgpack_pack_false(&p));
}

void sat_pack_u64(struct sat_buf *out, uint64_t v)
{
    msgpack_packer p = packer(out);
    (void)msgpack_pack_uint64(&p, v);
}

void sat_pack_i64(struct sat_buf *out, int64_t v)
{
    msgpack_packer p = packer(out);
    (void)msgpack_pack_int64(&p, v);
}

void sat_pack_text(struct sat_buf *out, struct sat_span utf8)
{
    msgpack_packer p = packer(out);
    sat_check(utf8.len <= UINT32_MAX);
    (void)msgpack_pack_str(&p, utf8.len);
    sat_put_span(out, utf8);
}

void sat_pack_bin(struct sat_buf *out, struct sat_span bytes)
{
    msgpack_packer p = packer(out);
    sat_check(bytes.len <= UINT32_MAX);
    (void)msgpack_pack_bin(&p, bytes.len);
    sat_put_span(out, bytes);
}

void sat_pack_raw(struct sat_buf *out, struct sat_span value)
{
    sat_check(value.len > 0);
    sat_put_span(out, value);
}

/* ---- Reading ---- */

enum form { NONE, NIL, BOOL, UNSIGNED, SIGNED, FLOAT, TEXT, BIN, EXT, ARRAY, MAP };

/* What precedes a value's payload: its form and one number: the value itself, a length in bytes, a count of items. */
struct head {
    enum form form;
    uint64_t number; /* SIGNED: two's complement */
    size_t size;     /* bytes of the head */
};

/* The first bytes 0xc0 to 0xdf: form, width of the big-endian number that follows, the number where it is implied. */
static const struct {
    uint8_t form, width, implied;
} forms[32] = {
    {NIL, 0, 0},      {NONE, 0, 0},     {BOOL, 0, 0},     {BOOL, 0, 1},     {BIN, 1, 0},    {BIN, 2, 0},
    {BIN, 4, 0},      {EXT, 1, 0},      {EXT, 2, 0},      {EXT, 4, 0},      {FLOAT, 0, 4},  {FLOAT, 0, 8},
    {UNSIGNED, 1, 0}, {UNSIGNED, 2, 0}, {UNSIGNED, 4, 0}, {UNSIGNED, 8, 0}, {SIGNED, 1, 0}, {SIGNED, 2, 0},
    {SIGNED, 4, 0},   {SIGNED, 8, 0},   {EXT, 0, 1},      {EXT, 0, 2},      {EXT, 0, 4},    {EXT, 0, 8},
    {EXT, 0, 16},     {TEXT, 1, 0},     {TEXT, 2, 0},     {TEXT, 4, 0},     {ARRAY, 2, 0},  {ARRAY, 4, 0},
    {MAP, 2, 0},      {MAP, 4, 0},
};

static struct head fixed_head(uint8_t byte)
{
    if (byte < 0x80) return (struct head){UNSIGNED, byte, 1};
    if (byte < 0x90) return (struct head){MAP, byte & 0x0f, 1};
    if (byte < 0xa0) return (struct head){ARRAY, byte & 0x0f, 1};
    if (byte < 0xc0) return (struct head){TEXT, byte & 0x1f, 1};
    return (struct head){SIGNED, (uint64_t)(int64_t)(int8_t)byte, 1};
}

/* The head at the cursor, which stays; form NONE if there is none or it is cut off. */
static struct head peek_head(const struct sat_unpack *unpack)
{
    struct head none = {NONE, 0, 0};
    if (unpack->err || unpack->pos == unpack->len) return none;
    const uint8_t *at = unpack->at + unpack->pos;
    if (at[0] < 0xc0 || at[0] >= 0xe0) return fixed_head(at[0]);
    size_t width = forms[at[0] - 0xc0].width;
    if (unpack->len - unpack->pos - 1 < width) return none;
    struct head head = {forms[at[0] - 0xc0].form, forms[at[0] - 0xc0].implied, 1 + width};
    if (width == 0) return head;
    for (size_t i = 1; i <= width; i++) head.number = head.number << 8 | at[i];
    /* Sign extension of what is narrower than 64 bits. */
    uint64_t sign = (uint64_t)1 << (8 * width - 1);
    if (head.form == SIGNED) head.number = (head.number ^ sign) - sign;
    return head;
}

/* Takes a head of one of two forms (the same twice for one). */
static struct head take_head(struct sat_unpack *unpack, enum form form, enum form or_form)
{
    struct head head = peek_head(unpack);
    if (head.form == NONE || (head.form != form && head.form != or_form)) {
        sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
        return (struct head){NONE, 0, 0};
    }
    unpack->pos += head.size;
    return head;
}

static size_t left(const struct sat_unpack *unpack)
{
    return unpack->err ? 0 : unpack->len - unpack->pos;
}

void sat_unpack_init(struct sat_unpack *unpack, struct sat_span bytes)
{
    *unpack = (struct sat_unpack){.at = bytes.at, .len = bytes.len};
}

void sat_unpack_fail(struct sat_unpack *unpack, enum sat_err err)
{
    sat_check(err != SAT_OK);
    if (!unpack->err) unpack->err = err;
}

enum sat_pack_kind sat_unpack_peek(const struct sat_unpack *unpack)
{
    switch (peek_head(unpack).form) {
    case NONE:
        return SAT_PACK_NONE;
    case NIL:
        return SAT_PACK_NIL;
    case BOOL:
        return SAT_PACK_BOOL;
    case UNSIGNED:
    case SIGNED:
        return SAT_PACK_INT;
    case TEXT:
        return SAT_PACK_TEXT;
    case BIN:
        return SAT_PACK_BIN;
    case ARRAY:
        return SAT_PACK_ARRAY;
    case FLOAT:
    case EXT:
    case MAP:
        return SAT_PACK_OTHER;
    }
    return SAT_PACK_NONE;
}

uint32_t sat_unpack_array(struct sat_unpack *unpack, uint32_t max)
{
    struct head head = take_head(unpack, ARRAY, ARRAY);
    if (head.number > max) sat_unpack_fail(unpack, SAT_ERR_TOO_LARGE);
    /* An item takes a byte at least, so memory for the items follows what was sent. */
    if (head.number > left(unpack)) sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
    return unpack->err ? 0 : (uint32_t)head.number;
}

void sat_unpack_array_of(struct sat_unpack *unpack, uint32_t n)
{
    struct head head = take_head(unpack, ARRAY, ARRAY);
    if (head.number != n) sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
}

void sat_unpack_nil(struct sat_unpack *unpack)
{
    (void)take_head(unpack, NIL, NIL);
}

bool sat_unpack_bool(struct sat_unpack *unpack)
{
    return take_head(unpack, BOOL, BOOL).number != 0;
}

uint64_t sat_unpack_u64(struct sat_unpack *unpack, uint64_t max)
{
    struct head head = take_head(unpack, UNSIGNED, SIGNED);
    bool negative = head.form == SIGNED && head.number > INT64_MAX;
    if (negative || head.number > max) sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
    return unpack->err ? 0 : head.number;
}

int64_t sat_unpack_i64(struct sat_unpack *unpack)
{
    struct head head = take_head(unpack, UNSIGNED, SIGNED);
    if (head.form == UNSIGNED && head.number > INT64_MAX) sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
    return unpack->err ? 0 : (int64_t)head.number;
}

static struct sat_span take_payload(struct sat_unpack *unpack, enum form form, size_t len_max)
{
    struct head head = take_head(unpack, form, form);
    if (head.number > len_max) sat_unpack_fail(unpack, SAT_ERR_TOO_LARGE);
    if (head.number > left(unpack)) sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
    if (unpack->err) return (struct sat_span){0};
    struct sat_span span = sat_span(unpack->at + unpack->pos, (size_t)head.number);
    unpack->pos += span.len;
    return span;
}

struct sat_span sat_unpack_text(struct sat_unpack *unpack, size_t len_max)
{
    struct sat_span span = take_payload(unpack, TEXT, len_max);
    if (sat_utf8_valid(span)) return span;
    sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
    return (struct sat_span){0};
}

struct sat_span sat_unpack_bin(struct sat_unpack *unpack, size_t len_max)
{
    return take_payload(unpack, BIN, len_max);
}

void sat_unpack_bytes(struct sat_unpack *unpack, void *out, size_t len)
{
    struct sat_span span = take_payload(unpack, BIN, SIZE_MAX);
    if (span.len != len) sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
    if (unpack->err)
        memset(out, 0, len);
    else if (len)
        memcpy(out, span.at, len);
}

/* Steps over a head and its payload; gives the number of values that follow inside it. */
static uint64_t step(struct sat_unpack *unpack)
{
    struct head head = peek_head(unpack);
    uint64_t payload = 0, items = 0;
    switch (head.form) {
    case NONE:
        sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
        return 0;
    case NIL:
    case BOOL:
    case UNSIGNED:
    case SIGNED:
        break;
    case FLOAT:
    case TEXT:
    case BIN:
        payload = head.number;
        break;
    case EXT:
        payload = head.number + 1; /* its type */
        break;
    case ARRAY:
        items = head.number;
        break;
    case MAP:
        items = head.number * 2;
        break;
    }
    unpack->pos += head.size;
    if (payload > left(unpack) || items > left(unpack)) {
        sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
        return 0;
    }
    unpack->pos += (size_t)payload;
    return items;
}

struct sat_span sat_unpack_raw(struct sat_unpack *unpack)
{
    size_t start = unpack->pos;
    uint64_t open[SAT_PACK_DEPTH_MAX + 1] = {1}; /* values still to come at each depth */
    size_t depth = 0;
    while (!unpack->err) {
        if (open[depth] == 0) {
            if (depth-- == 0) return sat_span(unpack->at + start, unpack->pos - start);
            continue;
        }
        open[depth]--;
        uint64_t items = step(unpack);
        if (items == 0) continue;
        if (++depth > SAT_PACK_DEPTH_MAX) {
            sat_unpack_fail(unpack, SAT_ERR_MALFORMED);
            break;
        }
        open[depth] = items;
    }
    return (struct sat_span){0};
}

enum sat_err sat_unpack_end(const struct sat_unpack *unpack)
{
    if (unpack->err) return unpack->err;
    return unpack->pos == unpack->len ? SAT_OK : SAT_ERR_MALFORMED;
}
