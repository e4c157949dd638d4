#include "common/proof/header.h"

#include "common/base/check.h"
#include "common/base/limits.h"

enum {
    FLAGS_ALL = SAT_HEADER_DELETION | SAT_HEADER_SEEN | SAT_HEADER_KEPT | SAT_HEADER_HOLES | SAT_HEADER_BLOBS |
                SAT_HEADER_DISPUTED,
    DOT_BYTES_MIN = 2,
};

/* ---- What a header may say; the encoder checks its caller with it, the decoder its input. ---- */

static bool dots_are_sound(struct sat_dots dots)
{
    for (uint32_t i = 0; i < dots.n; i++) {
        struct sat_dot dot = dots.at[i];
        if (dot.device == 0 || dot.counter == 0 || dot.counter > SAT_COUNTER_MAX) return false;
        if (i > 0 && sat_dot_compare(dots.at[i - 1], dot) >= 0) return false;
    }
    return true;
}

static bool one_dot_per_device(struct sat_dots sorted)
{
    for (uint32_t i = 1; i < sorted.n; i++)
        if (sorted.at[i - 1].device == sorted.at[i].device) return false;
    return true;
}

/* Both are sorted by device, so one walk through them is enough. */
static bool all_under(struct sat_dots dots, struct sat_dots seen)
{
    uint32_t s = 0;
    for (uint32_t i = 0; i < dots.n; i++) {
        while (s < seen.n && seen.at[s].device < dots.at[i].device) s++;
        if (s == seen.n || seen.at[s].device != dots.at[i].device) return false;
        if (dots.at[i].counter > seen.at[s].counter) return false;
    }
    return true;
}

static bool share_a_dot(struct sat_dots a, struct sat_dots b)
{
    for (uint32_t i = 0, k = 0; i < a.n && k < b.n;) {
        int order = sat_dot_compare(a.at[i], b.at[k]);
        if (order == 0) return true;
        if (order < 0)
            i++;
        else
            k++;
    }
    return false;
}

static enum sat_err judge(const struct sat_header *header)
{
    if (header->hlc >> 16 > SAT_TIME_MS_MAX) return SAT_ERR_MALFORMED;
    if (header->disputed && !header->deletion) return SAT_ERR_MALFORMED;
    if (!dots_are_sound(header->seen) || !dots_are_sound(header->kept) || !dots_are_sound(header->holes))
        return SAT_ERR_MALFORMED;
    if (!one_dot_per_device(header->seen)) return SAT_ERR_MALFORMED;
    if (header->seen.n > SAT_SEEN_MAX || header->blobs_n > SAT_BLOBS_MAX) return SAT_ERR_BOUNDS;
    if ((uint64_t)header->kept.n + header->holes.n > SAT_KEPT_HOLES_MAX) return SAT_ERR_BOUNDS;
    if (!all_under(header->kept, header->seen) || !all_under(header->holes, header->seen)) return SAT_ERR_BOUNDS;
    return share_a_dot(header->kept, header->holes) ? SAT_ERR_BOUNDS : SAT_OK;
}

/* ---- Encoding ---- */

static void put_dots(struct sat_buf *out, struct sat_dots dots)
{
    if (dots.n == 0) return;
    sat_put_varint(out, dots.n);
    for (uint32_t i = 0; i < dots.n; i++) {
        sat_put_varint(out, dots.at[i].device);
        sat_put_varint(out, dots.at[i].counter);
    }
}

void sat_header_encode(const struct sat_header *header, struct sat_buf *out)
{
    sat_check(judge(header) == SAT_OK);
    size_t start = out->len;
    unsigned flags = (header->deletion ? SAT_HEADER_DELETION : 0) | (header->seen.n ? SAT_HEADER_SEEN : 0) |
                     (header->kept.n ? SAT_HEADER_KEPT : 0) | (header->holes.n ? SAT_HEADER_HOLES : 0) |
                     (header->blobs_n ? SAT_HEADER_BLOBS : 0) | (header->disputed ? SAT_HEADER_DISPUTED : 0);
    sat_put_u8(out, (uint8_t)flags);
    sat_put_u64(out, header->hlc);
    put_dots(out, header->seen);
    put_dots(out, header->kept);
    put_dots(out, header->holes);
    if (header->blobs_n) sat_put_varint(out, header->blobs_n);
    for (uint32_t i = 0; i < header->blobs_n; i++) sat_put_bytes(out, header->blobs[i].b, sizeof header->blobs[i].b);
    sat_check(out->len - start <= SAT_HEADER_BYTES_MAX);
}

/* ---- Decoding ---- */

/* A count within its limit and not more than the bytes that are left can hold, so that memory follows what was sent. */
static enum sat_err take_count(struct sat_reader *reader, uint32_t max, size_t item_bytes_min, uint32_t *out)
{
    uint64_t n = sat_take_varint(reader, UINT32_MAX);
    *out = 0;
    if (reader->failed || n == 0) return SAT_ERR_MALFORMED;
    if (n > max) return SAT_ERR_BOUNDS;
    if (n > sat_reader_left(reader) / item_bytes_min) return SAT_ERR_MALFORMED;
    *out = (uint32_t)n;
    return SAT_OK;
}

static enum sat_err take_dots(struct sat_reader *reader, uint32_t max, struct sat_arena *arena, struct sat_dots *out)
{
    enum sat_err err = take_count(reader, max, DOT_BYTES_MIN, &out->n);
    if (err) return err;
    struct sat_dot *dots = sat_arena_array(arena, out->n, sizeof *dots);
    for (uint32_t i = 0; i < out->n; i++) {
        dots[i].device = (uint32_t)sat_take_varint(reader, UINT32_MAX);
        dots[i].counter = sat_take_varint(reader, SAT_COUNTER_MAX);
    }
    out->at = dots;
    return reader->failed ? SAT_ERR_MALFORMED : SAT_OK;
}

static enum sat_err take_blobs(struct sat_reader *reader, struct sat_arena *arena, struct sat_header *out)
{
    enum sat_err err = take_count(reader, SAT_BLOBS_MAX, sizeof(struct sat_hash), &out->blobs_n);
    if (err) return err;
    struct sat_hash *blobs = sat_arena_array(arena, out->blobs_n, sizeof *blobs);
    for (uint32_t i = 0; i < out->blobs_n; i++) sat_take_bytes(reader, blobs[i].b, sizeof blobs[i].b);
    out->blobs = blobs;
    return SAT_OK;
}

enum sat_err sat_header_decode(struct sat_span bytes, struct sat_arena *arena, struct sat_header *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    *out = (struct sat_header){0};
    if (bytes.len > SAT_HEADER_BYTES_MAX) return SAT_ERR_BOUNDS;
    unsigned flags = sat_take_u8(&reader);
    if (flags & ~(unsigned)FLAGS_ALL) return SAT_ERR_MALFORMED;
    out->deletion = flags & SAT_HEADER_DELETION;
    out->disputed = flags & SAT_HEADER_DISPUTED;
    out->hlc = sat_take_u64(&reader);
    enum sat_err err = reader.failed ? SAT_ERR_MALFORMED : SAT_OK;
    if (!err && (flags & SAT_HEADER_SEEN)) err = take_dots(&reader, SAT_SEEN_MAX, arena, &out->seen);
    if (!err && (flags & SAT_HEADER_KEPT)) err = take_dots(&reader, SAT_KEPT_HOLES_MAX, arena, &out->kept);
    if (!err && (flags & SAT_HEADER_HOLES)) err = take_dots(&reader, SAT_KEPT_HOLES_MAX, arena, &out->holes);
    if (!err && (flags & SAT_HEADER_BLOBS)) err = take_blobs(&reader, arena, out);
    if (!err) err = sat_reader_end(&reader);
    return err ? err : judge(out);
}
