/* What a server says that forgets: collections, runs, and that the device is to start anew. Nearly right, so that what
 * is behind the first look is reached: the root at the floor, the deletion that is live, the digest behind it. */
#include <string.h>

#include "common/proof/collection.h"
#include "common/sync/collect.h"
#include "common/sync/digest.h"
#include "common/sync/subscription.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/make.h"
#include "tests/fuzz/replica_talk.h"

struct where { /* a space of the device's, which has something to hear */
    uint32_t sub;
    struct sat_space_row row;
};

static void hear_item(struct talk *talk, const struct where *at, const struct sat_entry_wire *entry, uint64_t width)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_entry_wire_encode(entry, &bytes);
    struct sat_span item = sat_buf_span(&bytes);
    struct sat_message message = {.type = SAT_MESSAGE_ENTRIES};
    message.as.ENTRIES = (struct sat_message_ENTRIES){
        .sub = at->sub, .first_seq = at->row.log.size + 1, .size = at->row.log.size + width, .entries = {&item, 1}};
    hears_message(talk, &message);
    sat_buf_deinit(&bytes);
}

/* ---- Collections ---- */

/* A deletion that is live there; else a change that may be anything. */
static struct sat_dot deletion_of(const struct talk *talk, const struct where *at, const struct sat_record_id *record,
                                  struct sat_arena *arena)
{
    struct sat_change_row *live;
    struct sat_dot dot = {1, 1};
    uint32_t n;
    fuzz_must(sat_store_changes_live(talk->device.store, at->row.sid, record, arena, &live, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct sat_header header;
        dot = live[i].dot;
        fuzz_must(sat_header_decode(live[i].header, arena, &header));
        if (header.deletion) break;
    }
    return dot;
}

static struct sat_hash digest_behind(const struct talk *talk, const struct where *at,
                                     const struct sat_collection *collection)
{
    struct sat_space_row row = at->row;
    fuzz_must(sat_store_begin(talk->device.store));
    fuzz_must(sat_base_collect(talk->device.store, &row, collection));
    sat_store_rollback(talk->device.store);
    return sat_digest_of(&row);
}

static void hear_collection(struct talk *talk, const struct where *at, struct sat_span *input)
{
    struct sat_arena arena;
    struct sat_buf bytes;
    struct sat_collected records[FUZZ_RECORDS];
    bool found;
    uint8_t which = fuzz_byte(input), back = fuzz_byte(input), lie = fuzz_byte(input);
    struct sat_collection what = {.floor = at->row.log.size, .records = records};
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    if (back < at->row.log.size) what.floor -= back;
    fuzz_must(sat_store_root_at(talk->device.store, at->row.sid, what.floor, &what.root, &found));
    for (uint32_t i = 0; i < FUZZ_RECORDS; i++) {
        struct sat_record_id record = fuzz_record(i);
        if (which >> i & 1) records[what.n++] = (struct sat_collected){record, deletion_of(talk, at, &record, &arena)};
    }
    if (lie == 1) what.floor += back;
    if (lie == 2) what.root.b[0] ^= 1;
    if (lie == 3 && what.n) records[0].deletion.counter++;
    what.digest = digest_behind(talk, at, &what);
    if (lie == 4) what.digest.b[0] ^= 1;
    what.cursors.b[0] = what.n > 0;
    sat_collection_encode(&what, &bytes);
    struct sat_entry_wire entry = {.kind = SAT_ENTRY_COLLECT,
                                   .own = lie == 5,
                                   .recv_ms = talk->now_ms > at->row.last_recv_ms ? talk->now_ms : at->row.last_recv_ms,
                                   .dir_at = talk->device.directory.seq,
                                   .bundle = sat_buf_span(&bytes)};
    hear_item(talk, at, &entry, 1);
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

/* ---- Runs, and from the beginning ---- */

/* As large as fits where the log ends, or smaller; or not. */
static void hear_run(struct talk *talk, const struct where *at, struct sat_span *input)
{
    uint8_t lie = fuzz_byte(input), level = fuzz_byte(input) % 16;
    for (uint8_t fits = 0; lie < 250 && fits < level; fits++)
        if (at->row.log.size >> fits & 1) level = fits;
    struct sat_entry_wire entry = {.kind = SAT_ENTRY_RUN, .level = lie == 255 ? 63 : level, .root = {{lie}}};
    hear_item(talk, at, &entry, (uint64_t)1 << entry.level);
}

static void hear_anew(struct talk *talk, const struct where *at, struct sat_span *input)
{
    struct sat_message message = {.type = SAT_MESSAGE_ANEW};
    message.as.ANEW = (struct sat_message_ANEW){.sub = at->sub, .floor = at->row.log.size + fuzz_byte(input)};
    hears_message(talk, &message);
}

void hears_of_forgetting(struct talk *talk, struct sat_span *input)
{
    struct where at;
    uint8_t what = fuzz_byte(input);
    if (!hears_choose_space(talk, what / 4 + 3, &at.sub, &at.row)) return;
    switch (what % 4) {
    case 0:
    case 1:
        hear_collection(talk, &at, input);
        return;
    case 2:
        hear_run(talk, &at, input);
        return;
    default:
        hear_anew(talk, &at, input);
        return;
    }
}
