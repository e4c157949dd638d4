/* Key boxes and the root over them. */
#include "common/proof/link.h"
#include "tests/fuzz/fuzz.h"

enum { BOXES_MAX = 64 };

static bool read_box(struct sat_span bytes, struct sat_box *out)
{
    struct sat_buf again;
    if (sat_box_decode(bytes, out)) return false;
    sat_buf_init(&again);
    sat_box_encode(out, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    sat_buf_deinit(&again);
    return true;
}

/* The root says which boxes they are, not in what order they came. */
static void check_root(struct sat_box *boxes, uint32_t n)
{
    struct sat_hash forward = sat_boxes_root(boxes, n);
    for (uint32_t i = 0; i < n / 2; i++) {
        struct sat_box box = boxes[i];
        boxes[i] = boxes[n - 1 - i];
        boxes[n - 1 - i] = box;
    }
    struct sat_hash backward = sat_boxes_root(boxes, n);
    sat_check(sat_hash_equal(&forward, &backward));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_box boxes[BOXES_MAX];
    uint32_t n = 0;
    struct sat_span rest = sat_span(data, size);
    while (rest.len && n < BOXES_MAX) {
        size_t len = rest.len < SAT_BOX_WIRE_BYTES ? rest.len : SAT_BOX_WIRE_BYTES;
        if (read_box(sat_span(rest.at, len), &boxes[n])) n++;
        rest = sat_span(rest.at + len, rest.len - len);
    }
    check_root(boxes, n);
    return 0;
}
