#include "common/sync/by_record.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 4 }; /* records, each of which is looked up by who asks */

struct place {
    const struct sat_record_id *record;
    uint32_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = memcmp(x->record->b, y->record->b, sizeof x->record->b);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* As new records are, whose ids rise with time. */
static bool is_sorted(const struct place *places, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (compare_places(&places[i - 1], &places[i]) > 0) return false;
    return true;
}

void sat_by_record_init(const struct sat_bundle *bundle, struct sat_arena *arena, struct sat_by_record *out)
{
    uint32_t n = bundle->manifest.count;
    struct place *places = sat_arena_array(arena, n, sizeof *places);
    *out = (struct sat_by_record){.bundle = bundle, .index = sat_arena_array(arena, n, sizeof *out->index)};
    for (uint32_t i = 0; i < n; i++) places[i] = (struct place){&bundle->changes[i].record, i};
    if (!is_sorted(places, n)) qsort(places, n, sizeof *places, compare_places);
    for (uint32_t i = 0; i < n; i++) out->index[i] = places[i].index;
}

uint32_t sat_by_record_end(const struct sat_by_record *order, uint32_t from)
{
    const struct sat_change *changes = order->bundle->changes;
    uint32_t end = from + 1;
    while (end < order->bundle->manifest.count &&
           sat_record_equal(&changes[order->index[end]].record, &changes[order->index[from]].record))
        end++;
    return end;
}

enum sat_err sat_by_record_beside(const struct sat_by_record *order, struct sat_store *store, int64_t sid, int64_t bid,
                                  struct sat_arena *arena, bool **out)
{
    uint32_t n = order->bundle->manifest.count, records_n = 0;
    struct sat_record_id *records = sat_arena_array(arena, n, sizeof *records);
    uint8_t *counts = sat_arena_array(arena, n, sizeof *counts);
    enum sat_err err = SAT_OK;
    *out = sat_arena_array(arena, n, sizeof **out);
    for (uint32_t i = 0; i < n; i = sat_by_record_end(order, i))
        records[records_n++] = order->bundle->changes[order->index[i]].record;
    if (records_n < FEW)
        memset(counts, 1, records_n);
    else
        err = sat_store_records_count(store, sid, SAT_CHANGE_LIVE, bid, records, records_n, counts);
    for (uint32_t i = 0, at = 0; i < n && !err; i = sat_by_record_end(order, i)) (*out)[i] = counts[at++] > 0;
    return err;
}
