#include "tests/fuzz/make.h"

#include <string.h>

#include "common/proof/header.h"
#include "common/sync/digest.h"
#include "common/sync/subscription.h"
#include "common/sync/vector.h"
#include "common/vault/seal.h"
#include "tests/fuzz/fuzz.h"

enum { CHANGES_MAX = 4, DOTS_MAX = 3 };

enum seen { SEEN_NOTHING, SEEN_SOMETHING, SEEN_ALL, SEEN_ALL_BUT_ONE };

struct sat_record_id fuzz_record(uint32_t index)
{
    return (struct sat_record_id){{0x5a, 0x70, [15] = (uint8_t)index}};
}

/* ---- Bundles ---- */

/* What the device can have seen of another: all that stands in the log that it witnesses; of itself, what it wrote. */
static uint64_t counter_of(const struct fuzz_place *place, const struct sat_manifest *m, uint32_t device,
                           uint32_t index)
{
    uint64_t counter;
    if (device == m->device) return m->first + index - 1;
    fuzz_must(sat_store_device_counter_at(place->store, place->space->sid, device, m->w_size, &counter));
    return counter;
}

static struct sat_dots make_seen(struct sat_span *input, const struct fuzz_place *place, const struct sat_manifest *m,
                                 uint32_t index, struct sat_arena *arena)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, arena);
    uint8_t choices = fuzz_byte(input);
    for (uint32_t device = 1; device <= FUZZ_DEVICES; device++, choices >>= 2) {
        uint64_t counter = counter_of(place, m, device, index);
        enum seen seen = choices & 3;
        if (seen == SEEN_SOMETHING) counter = fuzz_byte(input) % 16;
        if (seen == SEEN_ALL_BUT_ONE && counter) counter--;
        if (seen != SEEN_NOTHING && counter) sat_dots_add(&builder, (struct sat_dot){device, counter});
    }
    return sat_dots_as_vector(&builder);
}

/* Some dots under `seen`, none of them in `others`. */
static struct sat_dots make_dots(struct sat_span *input, struct sat_dots seen, struct sat_dots others, uint32_t n,
                                 struct sat_arena *arena)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, arena);
    for (uint32_t i = 0; i < n && seen.n; i++) {
        uint8_t which = fuzz_byte(input);
        struct sat_dot dot = seen.at[which % seen.n];
        dot.counter -= (which / seen.n) % dot.counter;
        if (!sat_dots_have(others, dot)) sat_dots_add(&builder, dot);
    }
    return sat_dots_as_set(&builder);
}

/* A whole one is of an order of 16 bytes more than its piece, so that all fit a bundle. */
static struct sat_span make_body(struct sat_span *input, const struct fuzz_place *place, const struct sat_manifest *m,
                                 uint32_t index, const struct sat_change *change, struct sat_arena *arena)
{
    const struct fuzz_org *org = fuzz_org();
    struct sat_bundle_key key;
    struct sat_buf sealed;
    uint32_t space = 0;
    while (space < FUZZ_SPACES - 1 && !sat_space_equal(&org->spaces[space], &m->space)) space++;
    if (!place->squeezer) return sat_span_copy(arena, sat_span_text("not to be read by anybody"));
    struct sat_plain_change plain = {.record = change->record, .header = change->header, .body = fuzz_piece(input)};
    plain.compress = plain.body.len & 1;
    sat_buf_init(&sealed);
    sat_bundle_key_derive(&org->keys[space], m, &key);
    fuzz_must(sat_seal_change(place->squeezer, &key, m, index, &plain, &sealed));
    struct sat_span body = sat_span_copy(arena, sat_buf_span(&sealed));
    sat_buf_deinit(&sealed);
    return body;
}

static void make_change(struct sat_span *input, const struct fuzz_place *place, const struct sat_manifest *m,
                        uint32_t index, uint64_t now_ms, struct sat_arena *arena, struct sat_change *out)
{
    uint8_t what = fuzz_byte(input), lists = fuzz_byte(input);
    struct sat_header header = {.deletion = what & 4, .hlc = now_ms << 16 | fuzz_byte(input)};
    struct sat_buf bytes;
    header.seen = make_seen(input, place, m, index, arena);
    header.kept = make_dots(input, header.seen, (struct sat_dots){0}, lists % (DOTS_MAX + 1), arena);
    header.holes = make_dots(input, header.seen, header.kept, lists / 16 % (DOTS_MAX + 1), arena);
    sat_buf_init(&bytes);
    sat_header_encode(&header, &bytes);
    *out = (struct sat_change){.record = fuzz_record(what % FUZZ_RECORDS)};
    out->stub = what >= 0xf8; /* a server may send one; nobody may push one */
    out->header = sat_span_copy(arena, sat_buf_span(&bytes));
    out->body = make_body(input, place, m, index, out, arena);
    out->rest = sat_change_rest(out->header, out->body);
    if (out->stub) out->header = out->body = (struct sat_span){0};
    sat_buf_deinit(&bytes);
}

/* Behind all that the device has written in whatever space. */
static uint64_t next_counter(const struct fuzz_place *place, struct sat_arena *arena)
{
    struct sat_space_row *rows;
    uint32_t n;
    uint64_t next = 1;
    fuzz_must(sat_store_spaces(place->store, arena, &rows, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct sat_bundle_row tip;
        bool found;
        fuzz_must(sat_store_bundle_tip(place->store, rows[i].sid, place->device, true, &tip, &found));
        if (found && tip.first + tip.count > next) next = tip.first + tip.count;
    }
    return next;
}

/* The witness may lag behind the log. */
static void witness(struct sat_manifest *m, const struct fuzz_place *place, uint64_t lag)
{
    bool found;
    m->log_epoch = place->space->log_epoch;
    m->w_size = lag < place->space->log.size ? place->space->log.size - lag : 0;
    fuzz_must(sat_store_root_at(place->store, place->space->sid, m->w_size, &m->w_root, &found));
    if (!found) m->w_root = (struct sat_hash){{0}}; /* within a run */
}

struct sat_span fuzz_make_bundle(struct sat_span *input, const struct fuzz_place *place, uint64_t now_ms,
                                 struct sat_arena *arena)
{
    uint8_t shape = fuzz_byte(input);
    struct sat_bundle bundle = {.manifest = {.suite = SAT_SUITE_1,
                                             .org = place->directory->org,
                                             .space = place->space->id,
                                             .device = place->device,
                                             .first = next_counter(place, arena) + shape / 32 % 2,
                                             .count = 1 + shape % CHANGES_MAX,
                                             .dir_seq = place->directory->seq}};
    struct sat_manifest *m = &bundle.manifest;
    struct sat_bundle_row tip;
    struct sat_buf bytes;
    bool found;
    fuzz_must(sat_store_bundle_tip(place->store, place->space->sid, place->device, false, &tip, &found));
    if (found) m->prev = tip.id;
    m->dir_hash = sat_directory_hash_at(place->directory, m->dir_seq);
    m->epoch = sat_directory_epoch_at(place->directory, &m->space, m->dir_seq);
    if (m->epoch == 0) m->epoch = 1;
    witness(m, place, shape / 4 % 8);
    bundle.changes = sat_arena_array(arena, m->count, sizeof *bundle.changes);
    for (uint32_t i = 0; i < m->count; i++) make_change(input, place, m, i, now_ms, arena, &bundle.changes[i]);
    m->changes_root = sat_changes_root(bundle.changes, m->count);
    bundle.signature = sat_bundle_sign(m, fuzz_org()->signing[place->device - 1]);
    sat_buf_init(&bytes);
    sat_bundle_encode(&bundle, shape & 64 ? SAT_BUNDLE_FULL : SAT_BUNDLE_SHORT, &bytes);
    struct sat_span made = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return made;
}

/* ---- Heads ---- */

bool fuzz_has_stubs(struct sat_span bytes, const struct sat_space_id *space, struct sat_bundle *bundle,
                    struct sat_arena *arena)
{
    fuzz_must(sat_bundle_decode(bytes, &fuzz_org()->id, space, arena, bundle));
    bool stubs = false;
    for (uint32_t i = 0; i < bundle->manifest.count; i++) stubs = stubs || bundle->changes[i].stub;
    return stubs;
}

struct sat_span fuzz_make_void(const struct sat_bundle *bundle, struct sat_hash *id, struct sat_arena *arena)
{
    const struct fuzz_org *org = fuzz_org();
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_void empty = {m->space, m->device, m->first, m->count, bundle->id, m->prev};
    struct sat_signature signature = sat_void_sign(&empty, &org->id, org->signing[m->device - 1]);
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_put_u8(&bytes, SAT_VOID_FORM);
    sat_void_encode(&empty, &signature, &bytes);
    struct sat_span span = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    *id = sat_void_id(&empty);
    return span;
}

struct sat_head fuzz_make_head(struct sat_span *input, const struct sat_space_row *space,
                               const struct sat_log_epoch *log_epoch, const struct sat_directory *directory,
                               uint64_t now_ms)
{
    uint8_t lie = fuzz_byte(input);
    struct sat_head head = {.space = space->id,
                            .log_epoch = *log_epoch,
                            .size = space->log.size + (lie == 1) + (lie == 2 ? 1000 : 0),
                            .root = sat_frontier_root(&space->log),
                            .digest = sat_digest_of(space),
                            .dir_seq = directory->seq + (lie == 3),
                            .dir_hash = sat_directory_hash_at(directory, directory->seq),
                            .time_ms = now_ms};
    if (lie == 4) head.root.b[31] ^= 1;
    if (lie == 5) head.digest.b[31] ^= 1;
    if (lie == 6) head.log_epoch.b[15] ^= 1;
    if (lie == 7) head.dir_hash.b[31] ^= 1;
    if (lie == 8) head.root.b[0] ^= 1;
    if (lie == 9) head.digest.b[0] ^= 1;
    if (lie == 10 && head.size) head.size--;
    sat_head_sign(&head, &directory->org, &fuzz_org()->server);
    if (lie == 11) head.signature.b[0] ^= 1;
    return head;
}

/* Somewhere on the log, mostly its end; or beyond it. */
static uint64_t choose_size(uint8_t where, const struct sat_space_row *space)
{
    if (where > 250) return space->log.size + where - 250;
    return where < 64 && where < space->log.size ? where : space->log.size;
}

static struct sat_hash root_at(const struct fuzz_place *place, uint64_t size)
{
    struct sat_hash root = {{0}};
    bool found;
    fuzz_must(sat_store_root_at(place->store, place->space->sid, size, &root, &found));
    return root;
}

struct sat_cursor fuzz_make_cursor(struct sat_span *input, const struct fuzz_place *place,
                                   const struct sat_log_epoch *log_epoch, struct sat_signature *signature)
{
    uint8_t lie = fuzz_byte(input);
    const struct sat_directory *directory = place->directory;
    uint64_t size = choose_size(fuzz_byte(input), place->space);
    struct sat_cursor cursor = {.device = place->device,
                                .space = place->space->id,
                                .log_epoch = *log_epoch,
                                .size = size,
                                .root = root_at(place, size),
                                .digest = sat_digest_of(place->space),
                                .ack = lie == 1 ? size / 2 : size + (lie == 2),
                                .dir_seq = directory->seq + (lie == 3),
                                .dir_hash = sat_directory_hash_at(directory, directory->seq)};
    if (lie == 4) cursor.root.b[0] ^= 1;
    if (lie == 5) cursor.digest.b[0] ^= 1;
    if (lie == 6) cursor.log_epoch.b[0] ^= 1;
    if (lie == 7) cursor.dir_seq /= 2;
    *signature = sat_cursor_sign(&cursor, &directory->org, fuzz_org()->signing[place->device - 1]);
    if (lie == 8) signature->b[0] ^= 1;
    return cursor;
}

struct sat_message fuzz_make_words(struct sat_span *input, const struct fuzz_place *place,
                                   const struct sat_log_epoch *log_epoch, uint32_t sub, struct sat_arena *arena)
{
    uint8_t what = fuzz_byte(input);
    struct fuzz_place his = *place;
    struct sat_message message = {.type = SAT_MESSAGE_CURSORS};
    struct sat_span *items = sat_arena_array(arena, 4, sizeof *items);
    uint32_t n = what % 4;
    for (uint32_t i = 0; i < n; i++) {
        struct sat_signature signature;
        struct sat_buf item;
        his.device = what & 128 ? 1 : i + 1;
        struct sat_cursor cursor = fuzz_make_cursor(input, &his, log_epoch, &signature);
        sat_buf_init(&item);
        sat_cursor_item_encode(&cursor, &signature, &item);
        items[i] = sat_span_copy(arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    message.as.CURSORS = (struct sat_message_CURSORS){.sub = sub,
                                                      .from = what & 64 ? fuzz_byte(input) % 4 : 0,
                                                      .dir_seq = place->directory->seq + (what & 32 ? 1 : 0),
                                                      .more = what & 16 ? 1 : 0,
                                                      .cursors = {items, n}};
    return message;
}

struct sat_life fuzz_make_life(struct sat_span *input, const struct fuzz_place *place,
                               const struct sat_log_epoch *parent)
{
    uint8_t what = fuzz_byte(input);
    uint64_t size = choose_size(fuzz_byte(input), place->space);
    struct sat_life life = {.space = place->space->id,
                            .epoch = {{0xee, what % 4}},
                            .parent = *parent,
                            .size = size,
                            .root = root_at(place, size)};
    if (what & 4 && what & 8) life.root.b[0] ^= 1;
    if (what & 16 && what & 32) life.parent.b[0] ^= 1;
    sat_life_sign(&life, &place->directory->org, &fuzz_org()->server);
    if (what & 64 && what & 128) life.signature.b[0] ^= 1;
    return life;
}
