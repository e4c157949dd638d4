/* What is told of a record when its life ends badly: all that a home knows of it, in both territories. */
#include <inttypes.h>

#include "common/base/check.h"
#include "common/vault/origin.h"
#include "common/vault/types.h"
#include "tests/sim/storm.h"

static void tell_dots(const char *name, struct sat_dots dots)
{
    if (!dots.n) return;
    (void)fprintf(stderr, " %s", name);
    for (uint32_t i = 0; i < dots.n; i++) (void)fprintf(stderr, " %u.%" PRIu64, dots.at[i].device, dots.at[i].counter);
}

static void tell_cell(const struct sat_cell *cell)
{
    const struct sat_value *value = &cell->value;
    if (cell->field == SAT_FIELD_AS_OF) return;
    (void)fprintf(stderr, " %s%u=", cell->field >= SAT_FIELD_RESERVED ? "-" : "",
                  cell->field >= SAT_FIELD_RESERVED ? 65535u - cell->field : cell->field);
    switch (value->kind) {
    case SAT_VALUE_TEXT:
        (void)fprintf(stderr, "%.*s", (int)value->text.len, (const char *)value->text.at);
        return;
    case SAT_VALUE_REF:
        (void)fprintf(stderr, "%02x", value->ref.b[0]);
        return;
    case SAT_VALUE_BOOL:
        (void)fprintf(stderr, "%d", value->truth);
        return;
    case SAT_VALUE_NIL:
    case SAT_VALUE_INT:
    case SAT_VALUE_TIME:
    case SAT_VALUE_OTHER:
        (void)fprintf(stderr, "%s", value->kind == SAT_VALUE_NIL ? "nil" : "?");
        return;
    }
}

static void tell_item(const struct sat_history_item *item)
{
    struct sat_origin origin;
    (void)fprintf(stderr, "    %s %u.%" PRIu64 " seq %" PRIu64 "%s:", item->live ? "live" : "dead", item->dot.device,
                  item->dot.counter, item->seq,
                  item->stub       ? ", a stub"
                  : item->readable ? ""
                                   : ", unreadable");
    for (uint32_t i = 0; i < item->body.cells_n && item->readable; i++) tell_cell(&item->body.cells[i]);
    tell_dots("seen", item->header.seen);
    tell_dots("kept", item->header.kept);
    tell_dots("holes", item->header.holes);
    if (item->readable && sat_origin_decode(item->body.origin, &origin) == SAT_OK)
        (void)fprintf(stderr, " of %02x:%u.%" PRIu64, origin.space.b[0], origin.dot.device, origin.dot.counter);
    (void)fprintf(stderr, "\n");
}

void storm_tell_record(struct life *life, struct world_device *device, const struct sat_record_id *record)
{
    struct sat_vault vault = client_vault(&device->handle);
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (uint32_t space = 0; space < life->world.spaces_n; space++) {
        struct sat_history_item *items;
        uint32_t n = 0;
        int64_t sid;
        if (client_sid_of_space(&device->handle, &life->world.spaces[space], &sid)) continue;
        sat_check(!sat_record_history(&vault, sid, record, &arena, &items, &n));
        if (n)
            (void)fprintf(stderr, "  home %u, territory %u (%02x):\n", storm_name(life, device), space,
                          life->world.spaces[space].b[0]);
        for (uint32_t i = 0; i < n; i++) tell_item(&items[i]);
    }
    sat_arena_deinit(&arena);
}
