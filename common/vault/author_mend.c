/* Behind a bundle that was refused for good: a void statement in its place, and what follows is written again. */
#include "common/vault/author.h"

#include "common/sync/void.h"
#include "common/vault/author_again.h"
#include "common/vault/author_cover.h"

enum { PENDING_AT_ONCE = 64 };

/* What was handed in behind it stands on it, and cannot be let in any more: it is in hand again. */
static enum sat_err wait_for_no_admin(const struct sat_vault *vault, const struct sat_bundle_row *refused,
                                      struct sat_arena *arena)
{
    enum sat_err err = SAT_OK;
    uint64_t first = refused->first + refused->count;
    for (uint32_t n = PENDING_AT_ONCE; !err && n == PENDING_AT_ONCE;) {
        struct sat_bundle_row *rows;
        err = sat_store_bundles_pending(vault->store, refused->sid, first, PENDING_AT_ONCE, arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) {
            first = rows[i].first + rows[i].count;
            if (rows[i].state == SAT_BUNDLE_REFUSED && rows[i].refused == SAT_ERR_ESCROWED)
                err = sat_store_bundle_set_refused(vault->store, rows[i].bid, SAT_OK);
        }
    }
    return err;
}

static enum sat_err put_void(const struct sat_vault *vault, const struct sat_bundle_row *refused)
{
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(vault->keyring);
    struct sat_manifest manifest;
    struct sat_bundle_row before, row;
    bool found;
    enum sat_err err = sat_store_bundle_tip(vault->store, refused->sid, refused->device, false, &before, &found);
    if (err) return err;
    sat_manifest_decode(refused->manifest, &manifest);
    struct sat_signed_void empty = {.statement = {.space = manifest.space,
                                                  .device = manifest.device,
                                                  .first = manifest.first,
                                                  .count = manifest.count,
                                                  .refused = refused->id,
                                                  .prev = manifest.prev}};
    empty.signature = sat_void_sign(&empty.statement, &secrets->org, &secrets->sign);
    row = sat_void_row(refused->sid, &secrets->org, &empty, found ? &before : NULL);
    return sat_store_bundle_insert(vault->store, &row);
}

static enum sat_err write_all(const struct sat_vault *vault, const struct sat_bundle_row *refused,
                              struct sat_arena *arena)
{
    struct sat_again_place places[SAT_SPACES_PER_DEVICE_MAX] = {
        {.sid = refused->sid, .first = refused->first, .cut = refused->first - 1}};
    /* A copy of this home may hold the same, and knows it by where it comes from (MERGE 11). */
    struct sat_again again = {.device = refused->device, .places = places, .places_n = 1, .origins = true};
    struct sat_again_done done;
    enum sat_err err = sat_covers_find(vault, refused->first, places, SAT_SPACES_PER_DEVICE_MAX, &again.places_n);
    if (!err) err = sat_author_again(vault, &again, arena, &done);
    return err ? err : put_void(vault, refused);
}

/* What cannot be written again (it would be larger than a change can be) stays as it was: refused, and in the way. */
static enum sat_err mend(const struct sat_vault *vault, const struct sat_bundle_row *refused, struct sat_arena *arena,
                         bool *mended)
{
    enum sat_err err = sat_store_mark(vault->store);
    if (err) return err;
    err = wait_for_no_admin(vault, refused, arena);
    if (!err) err = write_all(vault, refused, arena);
    *mended = !err;
    enum sat_err ended = sat_store_mark_end(vault->store, !err);
    if (ended) return ended;
    return sat_err_is_local(err) ? err : SAT_OK;
}

enum sat_err sat_author_mend(const struct sat_vault *vault, int64_t sid, bool *mended)
{
    struct sat_arena arena;
    struct sat_bundle_row *rows;
    uint32_t n = 0;
    *mended = false;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_bundles_pending(vault->store, sid, 0, 1, &arena, &rows, &n);
    if (!err && n && sat_is_refused_for_good(&rows[0])) err = mend(vault, &rows[0], &arena, mended);
    sat_arena_deinit(&arena);
    return err;
}
