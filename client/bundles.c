#include "client/bundles.h"

#include <sodium.h>

#include "client/grades.h"
#include "client/names.h"
#include "common/proof/header.h"
#include "common/vault/origin.h"
#include "common/vault/seal.h"

#define HLC_MS(hlc) ((hlc) >> 16)

enum { BUNDLES_AT_ONCE = 100 };

enum sat_err client_bundle_read(struct satchel *satchel, struct sat_span bytes, const struct sat_space_id *space,
                                struct sat_arena *arena, struct sat_bundle *out)
{
    const struct sat_directory *directory = &satchel->directory;
    enum sat_err err = sat_bundle_decode(bytes, &directory->org, space, arena, out);
    if (!err && out->form != SAT_BUNDLE_FULL) err = SAT_ERR_MALFORMED;
    if (err) return sat_fail(&satchel->fault, SAT_ERR_MALFORMED, "a bundle that was put aside cannot be read");
    const struct sat_device *device = sat_directory_device(directory, out->manifest.device);
    if (device && !sat_bundle_verify(out, &device->sign)) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_TAMPERED, "a bundle that was put aside is not signed by device %u",
                    (unsigned)out->manifest.device);
}

enum sat_err client_bundle_of_row(struct satchel *satchel, const struct sat_bundle_row *row, struct sat_arena *arena,
                                  struct sat_bundle *out)
{
    struct sat_change_row *rows;
    uint32_t n = 0;
    *out = (struct sat_bundle){.signature = row->signature, .id = row->id};
    sat_manifest_decode(row->manifest, &out->manifest);
    enum sat_err err = sat_store_changes_of_bundle(satchel->store, row->bid, arena, &rows, &n);
    if (err) return err;
    out->changes = sat_arena_array(arena, n, sizeof *out->changes);
    out->manifest.count = n;
    for (uint32_t i = 0; i < n; i++)
        out->changes[i] = (struct sat_change){.record = rows[i].record,
                                              .stub = rows[i].header.len == 0,
                                              .header = rows[i].header,
                                              .body = rows[i].body,
                                              .rest = rows[i].rest};
    return SAT_OK;
}

static enum sat_err open_body(struct satchel *satchel, const struct sat_bundle *bundle, uint32_t index,
                              struct sat_arena *arena, struct sat_body *body)
{
    const struct sat_manifest *manifest = &bundle->manifest;
    const struct sat_change *change = &bundle->changes[index];
    const struct sat_epoch_key *key;
    struct sat_bundle_key bundle_key;
    struct sat_buf plain;
    enum sat_err err = sat_keys_get(satchel->keys, &satchel->directory, &manifest->space, manifest->epoch, &key);
    if (err) return err;
    sat_buf_init(&plain);
    sat_bundle_key_derive(key, manifest, &bundle_key);
    err = sat_unseal_change(satchel->squeezer, &bundle_key, manifest, index, &change->record, change->header,
                            change->body, &plain);
    if (!err) err = sat_body_decode(sat_buf_span(&plain), arena, body);
    sat_buf_wipe(&plain);
    sodium_memzero(&bundle_key, sizeof bundle_key);
    return err;
}

json_t *client_bundle_change(struct satchel *satchel, const struct sat_bundle *bundle, uint32_t index,
                             struct sat_arena *arena)
{
    const struct sat_change *change = &bundle->changes[index];
    struct sat_header header;
    struct sat_body body;
    bool sound = !change->stub && !sat_header_decode(change->header, arena, &header);
    bool open = !change->stub && !open_body(satchel, bundle, index, arena, &body);
    const struct sat_type *type = open ? sat_type_by_number(body.type) : NULL;
    struct client_sight sight;
    struct sat_origin origin;
    json_t *json = json_object();
    client_sight_get(satchel, &sight);
    if (type) /* of a copy the one who wrote the original */
        client_sight_mask_cells(&sight, type->number,
                                sat_origin_decode(body.origin, &origin) ? bundle->manifest.device : origin.dot.device,
                                body.cells, body.cells_n, arena);
    (void)json_object_set_new(json, "type", client_json_of_text(type ? type->name : NULL));
    (void)json_object_set_new(json, "id", client_json_of_uuid(change->record.b));
    (void)json_object_set_new(json, "fields",
                              type ? client_json_of_cells(type, body.cells, body.cells_n) : json_null());
    (void)json_object_set_new(json, "at", sound ? client_json_of_time(HLC_MS(header.hlc)) : json_null());
    return json;
}

json_t *client_bundle_author(struct satchel *satchel, const struct sat_space_id *space, uint32_t device,
                             struct sat_arena *arena)
{
    const struct sat_device *known = sat_directory_device(&satchel->directory, device);
    json_t *json = json_object();
    (void)json_object_set_new(json, "device", json_integer(device));
    (void)json_object_set_new(json, "user",
                              client_json_of_text(known ? client_user_name(satchel, known->user, arena) : NULL));
    (void)json_object_set_new(json, "territory", json_string(client_space_name(satchel, space, arena)));
    return json;
}

enum sat_err client_is_refused(struct satchel *satchel, int64_t sid, bool *refused)
{
    struct sat_bundle_row *rows;
    struct sat_arena arena;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_bundles_pending(satchel->store, sid, 0, SAT_PUSH_WINDOW * 2, &arena, &rows, &n);
    *refused = false;
    for (uint32_t i = 0; i < n && !err; i++) *refused = *refused || rows[i].state == SAT_BUNDLE_REFUSED;
    sat_arena_deinit(&arena);
    return err;
}

static uint64_t *count_of(struct client_waiting *waiting, const struct sat_bundle_row *row)
{
    if (row->state != SAT_BUNDLE_REFUSED) return &waiting->pending;
    return row->refused == SAT_ERR_ESCROWED ? &waiting->escrowed : &waiting->refused;
}

static bool is_rejected(const struct satchel *satchel, const struct sat_bundle_row *row)
{
    const struct sat_directory *directory = &satchel->directory;
    return row->state == SAT_BUNDLE_REFUSED && row->refused == SAT_ERR_ESCROWED &&
           sat_directory_decided(directory, &row->id, directory->seq) == SAT_ACCEPT_REJECT;
}

enum sat_err client_count_waiting(struct satchel *satchel, int64_t sid, struct client_waiting *out)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint64_t first = 0;
    uint32_t n = BUNDLES_AT_ONCE;
    enum sat_err err = SAT_OK;
    while (!err && n == BUNDLES_AT_ONCE) {
        struct sat_bundle_row *rows;
        err = sat_store_bundles_pending(satchel->store, sid, first, BUNDLES_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) {
            if (rows[i].state == SAT_BUNDLE_VOID) {
                first = rows[i].first + rows[i].count;
                continue;
            }
            *count_of(out, &rows[i]) += rows[i].count;
            if (is_rejected(satchel, &rows[i])) out->rejected += rows[i].count;
            first = rows[i].first + rows[i].count;
        }
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_count_aside(struct satchel *satchel, uint64_t *refused, uint64_t *others)
{
    struct sat_arena arena;
    int64_t after = 0;
    enum sat_err err = SAT_OK;
    *refused = *others = 0;
    sat_arena_init(&arena);
    for (uint32_t n = BUNDLES_AT_ONCE; !err && n == BUNDLES_AT_ONCE; sat_arena_reset(&arena)) {
        struct sat_aside_row *rows;
        err = sat_store_aside_list(satchel->store, after, BUNDLES_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) {
            bool own = rows[i].device == client_device(satchel) && rows[i].recv_ms == 0;
            after = rows[i].number;
            if (rows[i].state != SAT_ASIDE_OPEN) continue;
            if (own)
                *refused += rows[i].count;
            else
                ++*others;
        }
    }
    sat_arena_deinit(&arena);
    return err;
}
