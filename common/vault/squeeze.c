#include "common/vault/squeeze.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/base/check.h"
#include "common/vault/dictionary_1.h"

enum {
    METHOD_STORED = 0,
    METHOD_ZSTD_1 = 1,
    PAD_MARK = 0x80,
    BUCKET_STEP = 32,
    BUCKET_LINEAR_MAX = 256,
    LEVEL = 4,            /* 5 saves 2 bytes of a thousand, 12 saves 2 of a hundred; padding takes most of it back. In a
                             quarter more, and six times, the time */
    FRAME_HEAD_BYTES = 6, /* magic, descriptor, window */
    BLOCK_HEAD_BYTES = 3,
    HEAD_BYTES = FRAME_HEAD_BYTES + BLOCK_HEAD_BYTES,
    BLOCK_BYTES_MAX = 128 * 1024,
    SMALL_BYTES = 2048, /* nearly every record inflates into this, on the stack */
};

/* A frame of zstd's with neither size, checksum nor dictionary id, for a window of 128 KiB. What sat_squeeze() makes
 * has one block, so that all nine bytes before its contents follow from its length, and none of them is kept. */
static const uint8_t FRAME_HEAD[FRAME_HEAD_BYTES] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38};

/* The compressing half is made when it is first needed: to digest the dictionary for it takes a millisecond or two, and
 * whoever only reads never needs it. */
struct sat_squeezer {
    ZSTD_CCtx *compressor; /* NULL: not made yet */
    ZSTD_CDict *compression_dictionary;
    ZSTD_DCtx *inflater;
    ZSTD_DDict *inflation_dictionary;
};

enum sat_err sat_squeezer_new(struct sat_squeezer **out)
{
    struct sat_squeezer *squeezer = malloc(sizeof *squeezer);
    *out = squeezer;
    if (!squeezer) return SAT_ERR_NO_MEMORY;
    *squeezer = (struct sat_squeezer){
        .inflater = ZSTD_createDCtx(),
        .inflation_dictionary = ZSTD_createDDict(sat_dictionary_1, sat_dictionary_1_bytes),
    };
    if (squeezer->inflater && squeezer->inflation_dictionary) return SAT_OK;
    sat_squeezer_free(squeezer);
    *out = NULL;
    return SAT_ERR_NO_MEMORY;
}

void sat_squeezer_free(struct sat_squeezer *squeezer)
{
    if (!squeezer) return;
    ZSTD_freeCCtx(squeezer->compressor); /* NULL is fine for all four */
    ZSTD_freeCDict(squeezer->compression_dictionary);
    ZSTD_freeDCtx(squeezer->inflater);
    ZSTD_freeDDict(squeezer->inflation_dictionary);
    free(squeezer);
}

size_t sat_squeeze_bucket(size_t len)
{
    sat_check(len < SIZE_MAX / 4);
    if (len == 0) return BUCKET_STEP;
    if (len <= BUCKET_LINEAR_MAX) return (len + BUCKET_STEP - 1) / BUCKET_STEP * BUCKET_STEP;
    size_t bucket = BUCKET_LINEAR_MAX;
    while (bucket < len) bucket = (bucket + bucket / 4 + BUCKET_STEP - 1) / BUCKET_STEP * BUCKET_STEP;
    return bucket;
}

/* The three bytes before a block: last, compressed, `len` bytes. */
static void encode_block_head(size_t len, uint8_t out[BLOCK_HEAD_BYTES])
{
    uint32_t head = (uint32_t)len << 3 | 2u << 1 | 1u;
    for (size_t i = 0; i < BLOCK_HEAD_BYTES; i++) out[i] = (uint8_t)(head >> (8 * i));
}

/* Is it a frame of one compressed block, from which the first nine bytes can be left out? */
static bool frame_is_plain(const uint8_t *frame, size_t len)
{
    uint8_t head[BLOCK_HEAD_BYTES];
    if (len <= HEAD_BYTES || len - HEAD_BYTES > BLOCK_BYTES_MAX) return false;
    encode_block_head(len - HEAD_BYTES, head);
    return memcmp(frame, FRAME_HEAD, FRAME_HEAD_BYTES - 1) == 0 &&
           memcmp(frame + FRAME_HEAD_BYTES, head, BLOCK_HEAD_BYTES) == 0;
}

/* For frames without what can be left out. Parameters and dictionary stay with the compressor, frame after frame.
 * False: there is no memory for it. */
static bool make_compressor(struct sat_squeezer *squeezer)
{
    ZSTD_CCtx *compressor = ZSTD_createCCtx();
    ZSTD_CDict *dictionary = compressor ? ZSTD_createCDict(sat_dictionary_1, sat_dictionary_1_bytes, LEVEL) : NULL;
    if (!dictionary) {
        ZSTD_freeCCtx(compressor);
        return false;
    }
    sat_check(!ZSTD_isError(ZSTD_CCtx_setParameter(compressor, ZSTD_c_contentSizeFlag, 0)) &&
              !ZSTD_isError(ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, 0)) &&
              !ZSTD_isError(ZSTD_CCtx_setParameter(compressor, ZSTD_c_dictIDFlag, 0)) &&
              !ZSTD_isError(ZSTD_CCtx_refCDict(compressor, dictionary)));
    squeezer->compressor = compressor;
    squeezer->compression_dictionary = dictionary;
    return true;
}

static size_t compress_frame(struct sat_squeezer *squeezer, struct sat_span plain, uint8_t *out, size_t cap)
{
    if (!squeezer->compressor && !make_compressor(squeezer)) return 0; /* stored as it is, this once */
    size_t len = ZSTD_compress2(squeezer->compressor, out, cap, plain.at, plain.len);
    return ZSTD_isError(len) ? 0 : len;
}

/* Appends method and data compressed; false, with nothing appended, where storing is as good. */
static bool put_compressed(struct sat_squeezer *squeezer, struct sat_span plain, struct sat_buf *out)
{
    struct sat_buf frame;
    bool done = false;
    sat_buf_init(&frame);
    sat_buf_reserve(&frame, ZSTD_compressBound(plain.len));
    frame.len = compress_frame(squeezer, plain, frame.at, frame.cap);
    if (frame_is_plain(frame.at, frame.len) && frame.len - HEAD_BYTES < plain.len) {
        sat_put_u8(out, METHOD_ZSTD_1);
        sat_put_bytes(out, frame.at + HEAD_BYTES, frame.len - HEAD_BYTES);
        done = true;
    }
    sat_buf_wipe(&frame);
    return done;
}

void sat_squeeze(struct sat_squeezer *squeezer, struct sat_span plain, bool compress, struct sat_buf *out)
{
    size_t begin = out->len;
    if (!compress || !put_compressed(squeezer, plain, out)) {
        sat_put_u8(out, METHOD_STORED);
        sat_put_span(out, plain);
    }
    sat_put_u8(out, PAD_MARK);
    size_t padding = sat_squeeze_bucket(out->len - begin) - (out->len - begin);
    sat_buf_reserve(out, padding);
    if (padding) memset(out->at + out->len, 0, padding);
    out->len += padding;
}

/* Inflates into `cap` bytes; SIZE_MAX when it is broken or does not fit. */
static size_t inflate_into(struct sat_squeezer *squeezer, struct sat_span frame, uint8_t *out, size_t cap)
{
    size_t len =
        ZSTD_decompress_usingDDict(squeezer->inflater, out, cap, frame.at, frame.len, squeezer->inflation_dictionary);
    return ZSTD_isError(len) ? SIZE_MAX : len;
}

static enum sat_err inflate(struct sat_squeezer *squeezer, struct sat_span frame, size_t plain_max, struct sat_buf *out)
{
    uint8_t small[SMALL_BYTES];
    size_t small_cap = plain_max < sizeof small ? plain_max : sizeof small;
    size_t len = inflate_into(squeezer, frame, small, small_cap);
    if (len != SIZE_MAX) {
        sat_put_bytes(out, small, len);
    } else if (plain_max > small_cap) {
        sat_buf_reserve(out, plain_max);
        len = inflate_into(squeezer, frame, out->at + out->len, plain_max);
        if (len != SIZE_MAX) out->len += len;
    }
    sodium_memzero(small, small_cap);
    return len == SIZE_MAX ? SAT_ERR_UNDECRYPTABLE : SAT_OK;
}

static enum sat_err take_compressed(struct sat_squeezer *squeezer, struct sat_span data, size_t plain_max,
                                    struct sat_buf *out)
{
    uint8_t block_head[BLOCK_HEAD_BYTES];
    struct sat_buf frame;
    if (data.len == 0 || data.len > BLOCK_BYTES_MAX) return SAT_ERR_UNDECRYPTABLE;
    encode_block_head(data.len, block_head);
    sat_buf_init(&frame);
    sat_buf_reserve(&frame, HEAD_BYTES + data.len);
    sat_put_bytes(&frame, FRAME_HEAD, sizeof FRAME_HEAD);
    sat_put_bytes(&frame, block_head, sizeof block_head);
    sat_put_span(&frame, data);
    enum sat_err err = inflate(squeezer, sat_buf_span(&frame), plain_max, out);
    sat_buf_wipe(&frame);
    return err;
}

enum sat_err sat_unsqueeze(struct sat_squeezer *squeezer, struct sat_span squeezed, size_t plain_max,
                           struct sat_buf *out)
{
    if (squeezed.len == 0) return SAT_ERR_UNDECRYPTABLE;
    uint8_t method = squeezed.at[0];
    if (method > METHOD_ZSTD_1) return SAT_ERR_UPGRADE_NEEDED;
    size_t mark = squeezed.len - 1;
    while (mark > 0 && squeezed.at[mark] == 0) mark--;
    if (mark == 0 || squeezed.at[mark] != PAD_MARK || squeezed.len != sat_squeeze_bucket(mark + 1))
        return SAT_ERR_UNDECRYPTABLE;
    struct sat_span data = sat_span(squeezed.at + 1, mark - 1);
    if (method == METHOD_ZSTD_1) return take_compressed(squeezer, data, plain_max, out);
    if (data.len > plain_max) return SAT_ERR_UNDECRYPTABLE;
    sat_put_span(out, data);
    return SAT_OK;
}
