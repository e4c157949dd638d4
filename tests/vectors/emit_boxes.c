#include "tests/vectors/emit_boxes.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/proof/link.h"

static struct sat_space_id space_of_boxes(void)
{
    struct sat_space_id id;
    emit_fill(id.b, sizeof id.b, 0x33);
    return id;
}

static struct sat_box some_box(uint32_t n)
{
    static const uint8_t kinds[] = {SAT_BOX_DEVICE, SAT_BOX_INVITE, SAT_BOX_KIT};
    struct sat_box box = {
        .space = space_of_boxes(), .epoch = 1 + n / 2, .kind = kinds[n % 3], .number = (uint64_t)1 << (n * 5 % 40)};
    emit_fill(box.bytes, sizeof box.bytes, 0x20 + n);
    return box;
}

static void put_box(struct emit *emit, uint32_t n)
{
    static const char *const names[] = {"of a device", "of an invite", "of the kit"};
    struct sat_box box = some_box(n);
    struct sat_hash leaf = sat_box_leaf(&box);
    struct sat_buf bytes = {0};
    sat_box_encode(&box, &bytes);
    emit_begin(emit, "box", names[n]);
    emit_hex(emit, "space", SAT_SPAN(box.space.b));
    emit_number(emit, "epoch", box.epoch);
    emit_number(emit, "kind", box.kind);
    emit_number(emit, "number", box.number);
    emit_hex(emit, "box", SAT_SPAN(box.bytes));
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&bytes));
    emit_hex(emit, "leaf", SAT_SPAN(leaf.b));
    emit_end(emit);
    sat_buf_deinit(&bytes);
}

static void put_boxes(struct emit *emit, uint32_t n)
{
    struct sat_box boxes[16];
    struct sat_buf bytes = {0}, sorted = {0};
    char name[40];
    sat_check(n <= 16);
    snprintf(name, sizeof name, "%u of them", (unsigned)n);
    emit_begin(emit, "boxes", name);
    emit_list(emit, "boxes");
    for (uint32_t i = 0; i < n; i++) {
        boxes[i] = some_box(i);
        sat_buf_clear(&bytes);
        sat_box_encode(&boxes[i], &bytes);
        emit_item_hex(emit, sat_buf_span(&bytes));
    }
    emit_list_end(emit);
    struct sat_hash root = sat_boxes_root(boxes, n);
    for (uint32_t i = 0; i < n; i++) sat_box_encode(&boxes[i], &sorted);
    emit_outputs(emit);
    emit_hex(emit, "sorted", sat_buf_span(&sorted));
    emit_hex(emit, "boxes_root", SAT_SPAN(root.b));
    emit_end(emit);
    sat_buf_deinit(&sorted);
    sat_buf_deinit(&bytes);
}

void emit_boxes_all(struct emit *emit)
{
    static const uint32_t counts[] = {0, 1, 2, 3, 7, 16};
    for (uint32_t n = 0; n < 3; n++) put_box(emit, n);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) put_boxes(emit, counts[i]);
}
