/* Bytes: borrowed spans, growing buffers, and a reader that fails stickily.
 *
 * Everything that is signed or hashed is written with these: little-endian, fixed width, variable parts behind a
 * u32 length. Varints (LEB128, shortest form only) appear where a byte on the wire counts. A writer or a reader
 * remembers its first failure, so that a caller writes or reads all fields and looks once at the end. */
#ifndef SAT_BASE_BYTES_H
#define SAT_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"

/* Borrowed bytes: whoever hands one out says how long they live. */
struct sat_span {
    const uint8_t *at;
    size_t len;
};

#define SAT_SPAN(array) ((struct sat_span){(const uint8_t *)(array), sizeof(array)})

struct sat_span sat_span(const void *at, size_t len);
struct sat_span sat_span_text(const char *text);                              /* without the NUL */
bool sat_span_equal(struct sat_span a, struct sat_span b);                    /* not for secrets */
int sat_span_compare(struct sat_span a, struct sat_span b);                   /* bytewise, shorter first: <0, 0, >0 */
struct sat_span sat_span_copy(struct sat_arena *arena, struct sat_span span); /* the arena owns the copy */

/* A growing buffer on the heap; owns its bytes. */
struct sat_buf {
    uint8_t *at;
    size_t len, cap;
};

void sat_buf_init(struct sat_buf *buf);
void sat_buf_deinit(struct sat_buf *buf);
void sat_buf_wipe(struct sat_buf *buf); /* as deinit, for secrets: overwrites first */
void sat_buf_clear(struct sat_buf *buf);
struct sat_span sat_buf_span(const struct sat_buf *buf); /* borrowed until the next write */
void sat_buf_reserve(struct sat_buf *buf, size_t extra);
void sat_put_u8(struct sat_buf *buf, uint8_t v);
void sat_put_u16(struct sat_buf *buf, uint16_t v);
void sat_put_u32(struct sat_buf *buf, uint32_t v);
void sat_put_u64(struct sat_buf *buf, uint64_t v);
void sat_put_varint(struct sat_buf *buf, uint64_t v);
void sat_put_bytes(struct sat_buf *buf, const void *at, size_t len);
void sat_put_span(struct sat_buf *buf, struct sat_span span);    /* the bytes alone */
void sat_put_counted(struct sat_buf *buf, struct sat_span span); /* u32 length, then the bytes */

/* A reader over borrowed bytes; what it gives out borrows from them. After a failure every take gives zeros. */
struct sat_reader {
    const uint8_t *at;
    size_t len, pos;
    bool failed;
};

void sat_reader_init(struct sat_reader *reader, struct sat_span span);
uint8_t sat_take_u8(struct sat_reader *reader);
uint16_t sat_take_u16(struct sat_reader *reader);
uint32_t sat_take_u32(struct sat_reader *reader);
uint64_t sat_take_u64(struct sat_reader *reader);
uint64_t sat_take_varint(struct sat_reader *reader,
                         uint64_t max); /* fails above max and on a longer form than needed */
void sat_take_bytes(struct sat_reader *reader, void *out, size_t len);
struct sat_span sat_take_span(struct sat_reader *reader, size_t len);
struct sat_span sat_take_counted(struct sat_reader *reader, size_t len_max);
size_t sat_reader_left(const struct sat_reader *reader);
/* SAT_OK if nothing failed and nothing is left over, else SAT_ERR_MALFORMED. */
enum sat_err sat_reader_end(const struct sat_reader *reader) SAT_MUST_CHECK;

#endif
