#include "common/sync/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/sync/digest.h"

enum { PART = 0, CONTENTS = 1, CHANGE_BYTES = 16 + 4 + 8 + 32 };

const struct sat_range SAT_RANGE_ALL = {
    .last = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};

static void set_digest(struct sat_range *range, const struct sat_space_row *sum)
{
    struct sat_hash digest = sat_digest_of(sum);
    memcpy(range->digest, digest.b, sizeof range->digest);
}

static enum sat_err add_to_sum(void *context, const struct sat_record_id *record, struct sat_dot dot,
                               const struct sat_hash *rest)
{
    sat_digest_add(context, record, dot, rest);
    return SAT_OK;
}

enum sat_err sat_range_sum(struct sat_store *store, const struct sat_space_row *space, struct sat_range *range,
                           uint64_t *live, struct sat_space_row *sum)
{
    struct sat_space_row own = {.id = space->id};
    enum sat_err err = sat_store_walk_live(store, space->sid, &range->first, &range->last, add_to_sum, &own);
    set_digest(range, &own);
    *live = own.live;
    if (sum) *sum = own;
    return err;
}

struct splitting {
    struct sat_range *parts;
    uint32_t n;
    uint64_t wanted;          /* changes in a part */
    struct sat_space_row sum; /* of the part at hand */
    struct sat_record_id last;
};

static void end_part(struct splitting *it, const struct sat_record_id *last)
{
    struct sat_range *part = &it->parts[it->n++];
    part->last = *last;
    set_digest(part, &it->sum);
    it->sum = (struct sat_space_row){.id = it->sum.id};
}

static bool is_next(const struct sat_record_id *a, const struct sat_record_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) != 0;
}

/* The one before; there is one, as another record came before it. */
static struct sat_record_id before(struct sat_record_id id)
{
    for (size_t i = sizeof id.b; i-- > 0;)
        if (id.b[i]--) break;
    return id;
}

static enum sat_err add_to_part(void *context, const struct sat_record_id *record, struct sat_dot dot,
                                const struct sat_hash *rest)
{
    struct splitting *it = context;
    /* A record is never cut in two. */
    if (it->sum.live >= it->wanted && is_next(&it->last, record) && it->n + 1 < SAT_RANGE_PARTS) {
        struct sat_record_id last = before(*record);
        end_part(it, &last);
        it->parts[it->n].first = *record;
    }
    it->last = *record;
    sat_digest_add(&it->sum, record, dot, rest);
    return SAT_OK;
}

enum sat_err sat_range_split(struct sat_store *store, const struct sat_space_row *space, const struct sat_range *range,
                             uint64_t live, struct sat_range parts[SAT_RANGE_PARTS], uint32_t *n)
{
    struct splitting it = {
        .parts = parts, .wanted = (live + SAT_RANGE_PARTS - 1) / SAT_RANGE_PARTS, .sum = {.id = space->id}};
    parts[0].first = range->first;
    enum sat_err err = sat_store_walk_live(store, space->sid, &range->first, &range->last, add_to_part, &it);
    end_part(&it, &range->last);
    *n = it.n;
    return err;
}

struct listing {
    struct sat_live_change *at;
    uint32_t n, max;
};

static enum sat_err add_to_list(void *context, const struct sat_record_id *record, struct sat_dot dot,
                                const struct sat_hash *rest)
{
    struct listing *listing = context;
    if (listing->n == listing->max) return SAT_ERR_TOO_LARGE;
    listing->at[listing->n++] = (struct sat_live_change){*record, dot, *rest};
    return SAT_OK;
}

static int by_record_and_dot(const void *a, const void *b)
{
    const struct sat_live_change *left = a, *right = b;
    int order = memcmp(left->record.b, right->record.b, sizeof left->record.b);
    return order ? order : sat_dot_compare(left->dot, right->dot);
}

enum sat_err sat_range_contents(struct sat_store *store, const struct sat_space_row *space,
                                const struct sat_range *range, uint32_t max, struct sat_live_change *out, uint32_t *n)
{
    struct listing listing = {.at = out, .max = max};
    enum sat_err err = sat_store_walk_live(store, space->sid, &range->first, &range->last, add_to_list, &listing);
    *n = listing.n;
    if (listing.n > 1) qsort(out, listing.n, sizeof *out, by_record_and_dot);
    return err;
}

/* ---- As they travel ---- */

static void put_ends(const struct sat_range *range, struct sat_buf *out)
{
    sat_put_bytes(out, range->first.b, sizeof range->first.b);
    sat_put_bytes(out, range->last.b, sizeof range->last.b);
}

static void take_ends(struct sat_reader *reader, struct sat_range *out)
{
    sat_take_bytes(reader, out->first.b, sizeof out->first.b);
    sat_take_bytes(reader, out->last.b, sizeof out->last.b);
    if (memcmp(out->first.b, out->last.b, sizeof out->first.b) > 0) reader->failed = true;
}

void sat_range_encode(const struct sat_range *range, struct sat_buf *out)
{
    put_ends(range, out);
    sat_put_bytes(out, range->digest, sizeof range->digest);
}

enum sat_err sat_range_decode(struct sat_span bytes, struct sat_range *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    take_ends(&reader, out);
    sat_take_bytes(&reader, out->digest, sizeof out->digest);
    return sat_reader_end(&reader);
}

void sat_difference_encode(const struct sat_difference *difference, struct sat_buf *out)
{
    sat_put_u8(out, difference->is_part ? PART : CONTENTS);
    if (difference->is_part) {
        sat_range_encode(&difference->range, out);
        return;
    }
    put_ends(&difference->range, out);
    for (uint32_t i = 0; i < difference->n; i++) {
        const struct sat_live_change *change = &difference->changes[i];
        sat_put_bytes(out, change->record.b, sizeof change->record.b);
        sat_put_u32(out, change->dot.device);
        sat_put_u64(out, change->dot.counter);
        sat_put_bytes(out, change->rest.b, sizeof change->rest.b);
    }
}

enum sat_err sat_difference_decode(struct sat_span bytes, struct sat_arena *arena, struct sat_difference *out)
{
    struct sat_reader reader;
    *out = (struct sat_difference){0};
    sat_reader_init(&reader, bytes);
    uint8_t kind = sat_take_u8(&reader);
    out->is_part = kind == PART;
    if (kind > CONTENTS) return SAT_ERR_MALFORMED;
    if (out->is_part) return sat_range_decode(sat_take_span(&reader, sat_reader_left(&reader)), &out->range);
    take_ends(&reader, &out->range);
    size_t n = sat_reader_left(&reader) / CHANGE_BYTES;
    if (n > SAT_RECORD_LIVE_MAX) return SAT_ERR_TOO_LARGE;
    out->changes = sat_arena_array(arena, n, sizeof *out->changes);
    for (out->n = 0; out->n < n; out->n++) {
        struct sat_live_change *change = &out->changes[out->n];
        sat_take_bytes(&reader, change->record.b, sizeof change->record.b);
        change->dot.device = sat_take_u32(&reader);
        change->dot.counter = sat_take_u64(&reader);
        sat_take_bytes(&reader, change->rest.b, sizeof change->rest.b);
    }
    return sat_reader_end(&reader);
}
