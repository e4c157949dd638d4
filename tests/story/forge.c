#include "tests/story/forge.h"

#include <string.h>

#include "common/base/check.h"
#include "common/sync/base.h"
#include "common/sync/digest.h"
#include "common/sync/subscription.h"

/* ---- A bundle in hand ---- */

static void take(struct forge *forge, struct sat_store *store, const struct sat_bundle_row *row)
{
    sat_check(sat_base_bundle(store, row, false, &forge->arena, &forge->bundle) == SAT_OK);
    uint32_t n = forge->bundle.manifest.count;
    forge->headers = sat_arena_array(&forge->arena, n, sizeof *forge->headers);
    for (uint32_t i = 0; i < n; i++)
        sat_check(sat_header_decode(forge->bundle.changes[i].header, &forge->arena, &forge->headers[i]) == SAT_OK);
}

static int64_t sid_of(struct sat_store *store, const struct sat_space_id *space)
{
    struct sat_space_row row;
    bool found;
    sat_check(sat_store_space_find(store, space, &row, &found) == SAT_OK && found);
    return row.sid;
}

void forge_pending(struct forge *forge, struct world_device *author, const struct sat_space_id *space)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    sat_arena_init(&forge->arena);
    struct sat_store *store = author->handle.store;
    int64_t sid = sid_of(store, space);
    sat_check(sat_store_bundles_pending(store, sid, 0, 1, &forge->arena, &rows, &n) == SAT_OK && n == 1);
    take(forge, store, &rows[0]);
}

void forge_stored(struct forge *forge, struct world *world, const struct sat_space_id *space, uint64_t seq)
{
    struct sat_entry_row *rows;
    struct sat_bundle_row row;
    uint32_t n;
    sat_arena_init(&forge->arena);
    struct sat_store *store = world->server_store;
    sat_check(sat_store_entries(store, sid_of(store, space), seq, 1, &forge->arena, &rows, &n) == SAT_OK && n == 1);
    sat_check(sat_store_bundle_get(store, rows[0].bid, &row) == SAT_OK);
    take(forge, store, &row);
}

void forge_deinit(struct forge *forge)
{
    sat_arena_deinit(&forge->arena);
}

struct sat_dots forge_dots(struct forge *forge, const struct sat_dot *dots, uint32_t n)
{
    return (struct sat_dots){sat_arena_copy(&forge->arena, dots, n * sizeof *dots), n};
}

static void put_dots(struct sat_buf *out, struct sat_dots dots)
{
    if (dots.n) sat_put_varint(out, dots.n);
    for (uint32_t i = 0; i < dots.n; i++) {
        sat_put_varint(out, dots.at[i].device);
        sat_put_varint(out, dots.at[i].counter);
    }
}

void forge_header(struct forge *forge, uint32_t index)
{
    const struct sat_header *header = &forge->headers[index];
    uint8_t flags = header->deletion ? SAT_HEADER_DELETION : 0;
    if (header->seen.n) flags |= SAT_HEADER_SEEN;
    if (header->kept.n) flags |= SAT_HEADER_KEPT;
    if (header->holes.n) flags |= SAT_HEADER_HOLES;
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_put_u8(&buf, flags);
    sat_put_u64(&buf, header->hlc);
    put_dots(&buf, header->seen);
    put_dots(&buf, header->kept);
    put_dots(&buf, header->holes);
    forge->bundle.changes[index].header = sat_span_copy(&forge->arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
}

void forge_sign(struct forge *forge, const struct sat_sign_key *key)
{
    struct sat_bundle *bundle = &forge->bundle;
    for (uint32_t i = 0; i < bundle->manifest.count; i++)
        if (!bundle->changes[i].stub)
            bundle->changes[i].rest = sat_change_rest(bundle->changes[i].header, bundle->changes[i].body);
    bundle->manifest.changes_root = sat_changes_root(bundle->changes, bundle->manifest.count);
    bundle->id = sat_bundle_id(&bundle->manifest);
    bundle->signature = sat_bundle_sign(&bundle->manifest, key);
}

/* ---- On its way ---- */

void forge_send(struct world_device *device, bool down, const struct sat_message *message)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_message_encode(message, &buf);
    world_post(device, down, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
}

uint32_t forge_sub(const struct world_device *device, const struct sat_space_id *space)
{
    const struct sat_directory *directory = &device->handle.directory;
    for (uint32_t i = 0; i < directory->spaces_n; i++)
        if (sat_space_equal(&directory->spaces[i].id, space)) return i + 1;
    return 0;
}

void forge_push(const struct forge *forge, struct world_device *author, const struct sat_space_id *space)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(&forge->bundle, SAT_BUNDLE_FULL, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_PUSH};
    message.as.PUSH = (struct sat_message_PUSH){.sub = forge_sub(author, space), .bundle = sat_buf_span(&bytes)};
    forge_send(author, false, &message);
    sat_buf_deinit(&bytes);
}

void forge_entry_bytes(struct world_device *reader, const struct sat_space_id *space, uint64_t seq,
                       struct sat_span item)
{
    struct sat_message message = {.type = SAT_MESSAGE_ENTRIES};
    message.as.ENTRIES = (struct sat_message_ENTRIES){
        .sub = forge_sub(reader, space), .first_seq = seq, .size = seq, .entries = {.at = &item, .n = 1}};
    forge_send(reader, true, &message);
}

void forge_entry(const struct forge *forge, struct world_device *reader, const struct sat_space_id *space, uint64_t seq,
                 uint64_t recv_ms, uint64_t dir_at)
{
    struct sat_buf bytes, item;
    sat_buf_init(&bytes);
    sat_buf_init(&item);
    sat_bundle_encode(&forge->bundle, SAT_BUNDLE_FULL, &bytes);
    struct sat_entry_wire entry = {
        .kind = SAT_ENTRY_BUNDLE, .recv_ms = recv_ms, .dir_at = dir_at, .bundle = sat_buf_span(&bytes)};
    sat_entry_wire_encode(&entry, &item);
    forge_entry_bytes(reader, space, seq, sat_buf_span(&item));
    sat_buf_deinit(&bytes);
    sat_buf_deinit(&item);
}

/* ---- Heads ---- */

struct sat_head forge_true_head(struct world *world, const struct sat_space_id *space)
{
    const struct sat_directory *directory = sat_host_directory(world->host);
    struct sat_space_row row;
    bool found;
    sat_check(sat_store_space_find(world->server_store, space, &row, &found) == SAT_OK && found);
    return (struct sat_head){
        .space = *space,
        .log_epoch = row.log_epoch,
        .size = row.log.size,
        .root = sat_frontier_root(&row.log),
        .digest = sat_digest_of(&row),
        .dir_seq = directory->seq,
        .dir_hash = sat_directory_hash_at(directory, directory->seq),
        .time_ms = world->now_ms,
    };
}

void forge_head(struct sat_head head, const struct sat_hash *org, const struct sat_sign_key *key,
                struct world_device *reader, const struct sat_space_id *space)
{
    if (key) sat_head_sign(&head, org, key);
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_head_encode(&head, false, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_HEAD};
    message.as.HEAD = (struct sat_message_HEAD){.sub = forge_sub(reader, space), .head = sat_buf_span(&bytes)};
    forge_send(reader, true, &message);
    sat_buf_deinit(&bytes);
}

/* ---- A filter ---- */

static bool pass(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct forge_filter *filter = context;
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    struct sat_span copy = sat_span_copy(&arena, sat_buf_span(bytes));
    enum sat_err err = sat_message_decode(copy, down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT, &arena, &message);
    bool passes = true;
    if (!err && message.type == filter->type) {
        filter->met++;
        passes = filter->change(filter, device, &message, &arena);
        sat_buf_clear(bytes);
        sat_message_encode(&message, bytes);
    }
    sat_arena_deinit(&arena);
    return passes;
}

void forge_filter_on(struct world_device *device, struct forge_filter *filter)
{
    device->on_way = pass;
    device->on_way_context = filter;
}
