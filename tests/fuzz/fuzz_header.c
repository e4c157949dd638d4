/* A change's header: there is one encoding, and every other is refused. */
#include "common/proof/header.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_arena arena;
    struct sat_header header;
    struct sat_buf again;
    sat_arena_init(&arena);
    sat_buf_init(&again);
    if (sat_header_decode(sat_span(data, size), &arena, &header) == SAT_OK) {
        sat_header_encode(&header, &again);
        sat_check(sat_span_equal(sat_span(data, size), sat_buf_span(&again)));
    }
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
    return 0;
}
