#include "client/wipe_file.h"

#include <string.h>

#include "common/proof/hash.h"

enum { VERSION = 1, CHECKSUM_BYTES = 8 };

static const char MAGIC[] = "satchel-wipe";
enum { MAGIC_BYTES = sizeof MAGIC - 1 };

void client_wipe_encode(const struct client_wipe_file *file, struct sat_buf *out)
{
    uint8_t n = 0;
    size_t begin = out->len;
    while (n < CLIENT_ADDRESSES_MAX && file->urls[n]) n++;
    sat_put_bytes(out, MAGIC, MAGIC_BYTES);
    sat_put_u16(out, VERSION);
    sat_put_u8(out, (uint8_t)file->step);
    sat_put_span(out, SAT_SPAN(file->org.b));
    sat_put_span(out, SAT_SPAN(file->server.b));
    sat_put_u32(out, file->device);
    sat_put_u64(out, file->receipt.wipe_seq);
    sat_put_u64(out, file->receipt.time_ms);
    sat_put_span(out, SAT_SPAN(file->receipt.signature.b));
    sat_put_u8(out, n);
    for (uint8_t i = 0; i < n; i++) sat_put_counted(out, sat_span_text(file->urls[i]));
    struct sat_hash check = sat_hash("wipe-file", sat_span(out->at + begin, out->len - begin));
    sat_put_bytes(out, check.b, CHECKSUM_BYTES);
}

static bool is_whole(struct sat_span bytes)
{
    if (bytes.len < MAGIC_BYTES + CHECKSUM_BYTES || memcmp(bytes.at, MAGIC, MAGIC_BYTES) != 0) return false;
    size_t len = bytes.len - CHECKSUM_BYTES;
    struct sat_hash check = sat_hash("wipe-file", sat_span(bytes.at, len));
    return memcmp(check.b, bytes.at + len, CHECKSUM_BYTES) == 0;
}

bool client_wipe_decode(struct sat_span bytes, struct sat_arena *arena, struct client_wipe_file *out)
{
    struct sat_reader in;
    *out = (struct client_wipe_file){0};
    if (!is_whole(bytes)) return false;
    sat_reader_init(&in, sat_span(bytes.at + MAGIC_BYTES, bytes.len - MAGIC_BYTES - CHECKSUM_BYTES));
    bool known = sat_take_u16(&in) == VERSION;
    uint8_t step = sat_take_u8(&in);
    sat_take_bytes(&in, out->org.b, sizeof out->org.b);
    sat_take_bytes(&in, out->server.b, sizeof out->server.b);
    out->device = sat_take_u32(&in);
    out->receipt.wipe_seq = sat_take_u64(&in);
    out->receipt.time_ms = sat_take_u64(&in);
    sat_take_bytes(&in, out->receipt.signature.b, sizeof out->receipt.signature.b);
    uint8_t n = sat_take_u8(&in);
    known = known && (step == CLIENT_WIPE_SIGNED || step == CLIENT_WIPE_TOLD) && n > 0 && n <= CLIENT_ADDRESSES_MAX;
    out->step = (enum client_wipe_step)step;
    for (uint8_t i = 0; known && i < n; i++) {
        struct sat_span url = sat_take_counted(&in, SAT_URL_BYTES_MAX);
        if (!url.len || memchr(url.at, 0, url.len)) return false;
        out->urls[i] = sat_arena_text(arena, (const char *)url.at, url.len);
    }
    return known && sat_reader_end(&in) == SAT_OK;
}
