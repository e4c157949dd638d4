#include "common/base/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

struct sat_span sat_span(const void *at, size_t len)
{
    return (struct sat_span){at, len};
}

struct sat_span sat_span_text(const char *text)
{
    return (struct sat_span){(const uint8_t *)text, strlen(text)};
}

bool sat_span_equal(struct sat_span a, struct sat_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int sat_span_compare(struct sat_span a, struct sat_span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.at, b.at, shorter) : 0;
    if (order) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

struct sat_span sat_span_copy(struct sat_arena *arena, struct sat_span span)
{
    return sat_span(sat_arena_copy(arena, span.at, span.len), span.len);
}

void sat_buf_init(struct sat_buf *buf)
{
    *buf = (struct sat_buf){0};
}

void sat_buf_deinit(struct sat_buf *buf)
{
    free(buf->at);
    *buf = (struct sat_buf){0};
}

/* A plain memset before free() may be dropped by the compiler; a volatile pointer to it may not. */
static void *(*const volatile overwrite)(void *, int, size_t) = memset;

void sat_buf_wipe(struct sat_buf *buf)
{
    if (buf->at) overwrite(buf->at, 0, buf->cap);
    sat_buf_deinit(buf);
}

void sat_buf_clear(struct sat_buf *buf)
{
    buf->len = 0;
}

struct sat_span sat_buf_span(const struct sat_buf *buf)
{
    return sat_span(buf->at, buf->len);
}

void sat_buf_reserve(struct sat_buf *buf, size_t extra)
{
    sat_check(extra < SIZE_MAX / 4 && buf->len < SIZE_MAX / 4);
    if (buf->cap - buf->len >= extra) return;
    size_t cap = buf->cap ? buf->cap * 2 : 256;
    if (cap < buf->len + extra) cap = buf->len + extra;
    /* A fresh block and a wipe of the old one: a buffer may hold plaintext, and realloc would leave copies behind. */
    uint8_t *at = malloc(cap);
    sat_check_memory(at);
    if (buf->at) {
        memcpy(at, buf->at, buf->len);
        overwrite(buf->at, 0, buf->cap);
        free(buf->at);
    }
    buf->at = at;
    buf->cap = cap;
}

void sat_put_bytes(struct sat_buf *buf, const void *at, size_t len)
{
    if (len == 0) return;
    sat_buf_reserve(buf, len);
    memcpy(buf->at + buf->len, at, len);
    buf->len += len;
}

static void put_le(struct sat_buf *buf, uint64_t v, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++) bytes[i] = (uint8_t)(v >> (8 * i));
    sat_put_bytes(buf, bytes, width);
}

void sat_put_u8(struct sat_buf *buf, uint8_t v)
{
    put_le(buf, v, 1);
}

void sat_put_u16(struct sat_buf *buf, uint16_t v)
{
    put_le(buf, v, 2);
}

void sat_put_u32(struct sat_buf *buf, uint32_t v)
{
    put_le(buf, v, 4);
}

void sat_put_u64(struct sat_buf *buf, uint64_t v)
{
    put_le(buf, v, 8);
}

void sat_put_varint(struct sat_buf *buf, uint64_t v)
{
    while (v >= 0x80) {
        sat_put_u8(buf, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    sat_put_u8(buf, (uint8_t)v);
}

void sat_put_span(struct sat_buf *buf, struct sat_span span)
{
    sat_put_bytes(buf, span.at, span.len);
}

void sat_put_counted(struct sat_buf *buf, struct sat_span span)
{
    sat_check(span.len <= UINT32_MAX);
    sat_put_u32(buf, (uint32_t)span.len);
    sat_put_span(buf, span);
}

void sat_reader_init(struct sat_reader *reader, struct sat_span span)
{
    *reader = (struct sat_reader){.at = span.at, .len = span.len};
}

size_t sat_reader_left(const struct sat_reader *reader)
{
    return reader->failed ? 0 : reader->len - reader->pos;
}

struct sat_span sat_take_span(struct sat_reader *reader, size_t len)
{
    if (reader->failed || reader->len - reader->pos < len) {
        reader->failed = true;
        return (struct sat_span){0};
    }
    struct sat_span span = sat_span(reader->at ? reader->at + reader->pos : NULL, len);
    reader->pos += len;
    return span;
}

void sat_take_bytes(struct sat_reader *reader, void *out, size_t len)
{
    struct sat_span span = sat_take_span(reader, len);
    if (reader->failed)
        memset(out, 0, len);
    else if (len)
        memcpy(out, span.at, len);
}

static uint64_t take_le(struct sat_reader *reader, size_t width)
{
    uint8_t bytes[8];
    sat_take_bytes(reader, bytes, width);
    uint64_t v = 0;
    for (size_t i = width; i-- > 0;) v = v << 8 | bytes[i];
    return v;
}

uint8_t sat_take_u8(struct sat_reader *reader)
{
    return (uint8_t)take_le(reader, 1);
}

uint16_t sat_take_u16(struct sat_reader *reader)
{
    return (uint16_t)take_le(reader, 2);
}

uint32_t sat_take_u32(struct sat_reader *reader)
{
    return (uint32_t)take_le(reader, 4);
}

uint64_t sat_take_u64(struct sat_reader *reader)
{
    return take_le(reader, 8);
}

uint64_t sat_take_varint(struct sat_reader *reader, uint64_t max)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = sat_take_u8(reader);
        if (reader->failed) return 0;
        if (shift == 63 && byte > 1) break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        if ((byte == 0 && shift > 0) || v > max) break;
        return v;
    }
    reader->failed = true;
    return 0;
}

struct sat_span sat_take_counted(struct sat_reader *reader, size_t len_max)
{
    uint32_t len = sat_take_u32(reader);
    if (len > len_max) reader->failed = true;
    return sat_take_span(reader, len);
}

enum sat_err sat_reader_end(const struct sat_reader *reader)
{
    return reader->failed || reader->pos != reader->len ? SAT_ERR_MALFORMED : SAT_OK;
}
