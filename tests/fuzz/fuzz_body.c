/* A change's body: what is sealed. */
#include "common/vault/body.h"
#include "common/vault/origin.h"
#include "tests/fuzz/fuzz.h"

/* An origin that decodes is the one encoding of itself, or a longer form of it, and means the same again. */
static void check_origin(struct sat_span bytes)
{
    struct sat_origin first, second;
    struct sat_buf again;
    if (sat_origin_decode(bytes, &first)) return;
    sat_buf_init(&again);
    sat_origin_encode(&first, &again);
    sat_check(again.len <= bytes.len);
    fuzz_must(sat_origin_decode(sat_buf_span(&again), &second));
    sat_check(sat_origin_equal(&first, &second) && sat_hash_equal(&first.rest, &second.rest));
    sat_check(first.dot.device && first.dot.counter);
    sat_buf_deinit(&again);
}

/* What decodes encodes again, and that decodes to the same cells. */
static void check_body(struct sat_span bytes, struct sat_arena *arena)
{
    struct sat_body first, second;
    struct sat_buf again;
    enum sat_err err = sat_body_decode(bytes, arena, &first);
    if (err) return;
    sat_buf_init(&again);
    fuzz_must(sat_body_encode(&first, &again));
    sat_check(again.len <= bytes.len);
    fuzz_must(sat_body_decode(sat_buf_span(&again), arena, &second));
    sat_check(first.type == second.type && first.schema == second.schema && first.cells_n == second.cells_n);
    sat_check(sat_span_equal(first.origin, second.origin));
    for (uint32_t i = 0; i < first.cells_n; i++) {
        sat_check(sat_cell_compare(&first.cells[i], &second.cells[i]) == 0);
        sat_check(sat_value_equal(&first.cells[i].value, &second.cells[i].value));
    }
    check_origin(first.origin);
    sat_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    check_body(sat_span(data, size), &arena);
    check_origin(sat_span(data, size));
    sat_arena_deinit(&arena);
    return 0;
}
