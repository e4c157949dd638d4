/* The file that says where a wipe stands: as it is, and with a checksum that holds. What decodes encodes to the same.
 */
#include "client/wipe_file.h"
#include "common/proof/hash.h"
#include "tests/fuzz/fuzz.h"

enum { CHECKSUM_BYTES = 8 };

static void check(struct sat_span bytes)
{
    struct client_wipe_file file;
    struct sat_arena arena;
    struct sat_buf again;
    sat_arena_init(&arena);
    sat_buf_init(&again);
    if (client_wipe_decode(bytes, &arena, &file)) {
        client_wipe_encode(&file, &again);
        sat_check(file.urls[0] && sat_span_equal(bytes, sat_buf_span(&again)));
    }
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_buf whole;
    check(input);
    sat_buf_init(&whole);
    sat_put_span(&whole, input);
    struct sat_hash checksum = sat_hash("wipe-file", input);
    sat_put_bytes(&whole, checksum.b, CHECKSUM_BYTES);
    check(sat_buf_span(&whole));
    sat_buf_deinit(&whole);
    return 0;
}
