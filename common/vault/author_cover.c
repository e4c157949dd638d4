#include "common/vault/author_cover.h"

#include <string.h>

#include "common/sync/copied.h"
#include "common/sync/void.h"
#include "common/vault/seal.h"
#include "common/vault/types.h"

enum { PENDING_AT_ONCE = 64, DRAFTS_AT_ONCE = 1000, DRAFTS_BYTES = 1024 * 1024 };

/* Does the draft cover what has gone to another space? Then that space's name. */
static enum sat_err find_target(const struct sat_vault *vault, const struct sat_draft_row *draft,
                                struct sat_space_id *target, bool *moves)
{
    struct sat_arena arena;
    struct sat_buf plain;
    struct sat_body body = {0};
    *moves = false;
    if (draft->header.len == 0 || !(draft->header.at[0] & SAT_HEADER_DELETION)) return SAT_OK;
    sat_arena_init(&arena);
    sat_buf_init(&plain);
    enum sat_err err = sat_unseal_draft(sat_keyring_secrets(vault->keyring)->store_key, draft->counter, &draft->record,
                                        draft->header, draft->body, &plain);
    if (!err) err = sat_body_decode(sat_buf_span(&plain), &arena, &body);
    for (uint32_t i = 0; i < body.cells_n && !err; i++) {
        const struct sat_cell *cell = &body.cells[i];
        if (cell->field != SAT_FIELD_MOVED && cell->field != SAT_FIELD_CARRIED) continue;
        *moves = cell->value.kind == SAT_VALUE_REF;
        memcpy(target->b, cell->value.ref.b, sizeof target->b);
    }
    sat_buf_wipe(&plain);
    sat_arena_deinit(&arena);
    return err ? SAT_ERR_CORRUPT : SAT_OK;
}

/* Does the admins' decision stand between the bundle and the log, or a server that will take it later? What was refused
 * for good is not held up: behind it all is written again (author_again.c). */
static bool is_held_up(const struct sat_bundle_row *row)
{
    return row->state == SAT_BUNDLE_REFUSED && !sat_is_refused_for_good(row);
}

/* Is something before that counter on its way to the space's log; of what is held up alone, if `held_up`? There may be
 * any number in front of it that the log has. */
static enum sat_err stands_before(const struct sat_vault *vault, int64_t sid, uint64_t counter, bool held_up,
                                  bool *stands)
{
    struct sat_arena page;
    struct sat_bundle_row *rows;
    enum sat_err err = SAT_OK;
    uint64_t first = 0;
    *stands = false;
    sat_arena_init(&page);
    for (uint32_t n = PENDING_AT_ONCE; !err && !*stands && n == PENDING_AT_ONCE && first < counter;) {
        sat_arena_reset(&page);
        err = sat_store_bundles_pending(vault->store, sid, first, PENDING_AT_ONCE, &page, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            first = rows[i].first + 1;
            if (first <= counter && !sat_is_in_log(&rows[i]) && (!held_up || is_held_up(&rows[i]))) *stands = true;
        }
    }
    sat_arena_deinit(&page);
    return err;
}

enum sat_err sat_cover_waits(const struct sat_vault *vault, const struct sat_draft_row *draft, int64_t *target,
                             bool *waits)
{
    struct sat_space_id id;
    struct sat_space_row space;
    bool found = false;
    *target = 0;
    enum sat_err err = find_target(vault, draft, &id, waits);
    if (err || !*waits) return err;
    *waits = false;
    err = sat_store_space_find(vault->store, &id, &space, &found);
    if (err || !found) return err;
    *target = space.sid;
    return stands_before(vault, space.sid, draft->counter, false, waits);
}

/* ---- Copies that will not arrive ---- */

static bool has_rights(const struct sat_vault *vault, const struct sat_space_id *space,
                       const struct sat_record_id *record)
{
    const struct sat_directory *directory = vault->directory;
    uint32_t device = sat_keyring_secrets(vault->keyring)->device;
    return (sat_directory_device_rights(directory, space, device, directory->seq) & SAT_RIGHT_READ) &&
           sat_directory_may_write(directory, space, device, record, directory->seq);
}

/* The target was left since (common/sync/replica_leave.c). *vain: and the log had not all that was written before the
 * draft. */
static enum sat_err was_left(const struct sat_vault *vault, const struct sat_space_id *space, uint64_t counter,
                             bool *left, bool *vain)
{
    uint64_t left_at, came;
    enum sat_err err = sat_left_at(vault->store, space, &left_at, &came);
    *left = !err && left_at >= counter;
    *vain = *left && came + 1 < counter;
    return err;
}

/* *drafts: something of it was not even sent. */
static enum sat_err has_something(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *record,
                                  struct sat_arena *arena, bool *has, bool *drafts)
{
    struct sat_change_row *rows;
    struct sat_draft_row *found;
    uint32_t n = 0, drafts_n = 0;
    enum sat_err err = sat_store_changes_of_record(vault->store, sid, record, arena, &rows, &n);
    if (!err) err = sat_store_drafts_of_record(vault->store, sid, record, arena, &found, &drafts_n);
    *drafts = drafts_n > 0;
    *has = *drafts;
    for (uint32_t i = 0; i < n && !err && !*has; i++) *has = rows[i].state != SAT_CHANGE_ASIDE;
    return err;
}

/* Where the right is lost what was sent before may be in the log all the same: so the server says when it is handed in,
 * or has said before. What was not sent goes to the admins. */
static enum sat_err is_in_vain(const struct sat_vault *vault, const struct sat_draft_row *draft,
                               const struct sat_space_id *target, bool *vain)
{
    struct sat_space_row space;
    struct sat_arena arena;
    bool left, found = false, refused = false, has = false, drafts = false;
    enum sat_err err = was_left(vault, target, draft->counter, &left, vain);
    if (err || left) return err;
    err = sat_store_space_find(vault->store, target, &space, &found);
    sat_arena_init(&arena);
    if (!err && found) err = stands_before(vault, space.sid, draft->counter, true, &refused);
    if (!err && found && !refused) err = has_something(vault, space.sid, &draft->record, &arena, &has, &drafts);
    sat_arena_deinit(&arena);
    *vain = refused || !has || (drafts && !has_rights(vault, target, &draft->record));
    return err;
}

/* The draft, and behind it those that build on it: they keep it, and cover the rest of the record with it. One that
 * brings the record home stays, as the copies that came with it do. */
static enum sat_err drop(const struct sat_vault *vault, const struct sat_draft_row *first)
{
    struct sat_draft_row *drafts;
    struct sat_arena arena;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_drafts_of_record(vault->store, first->sid, &first->record, &arena, &drafts, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        struct sat_space_id target;
        bool moves = false;
        if (drafts[i].counter < first->counter) continue;
        err = find_target(vault, &drafts[i], &target, &moves);
        if (!err && moves) err = sat_store_drafts_delete(vault->store, drafts[i].counter, drafts[i].counter);
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_covers_drop(const struct sat_vault *vault, const struct sat_draft_row *drafts, uint32_t n,
                             bool *dropped)
{
    const struct sat_directory *directory = vault->directory;
    uint32_t device = sat_keyring_secrets(vault->keyring)->device;
    enum sat_err err = SAT_OK;
    *dropped = false;
    for (uint32_t i = 0; i < n && !err; i++) {
        struct sat_space_row source;
        struct sat_space_id target;
        bool moves, vain = false;
        err = find_target(vault, &drafts[i], &target, &moves);
        if (err || !moves) continue;
        err = sat_store_space_get(vault->store, drafts[i].sid, &source);
        if (err || !sat_directory_may_write(directory, &source.id, device, &drafts[i].record, directory->seq)) continue;
        err = is_in_vain(vault, &drafts[i], &target, &vain);
        if (!err && vain) err = drop(vault, &drafts[i]);
        if (!err && vain) *dropped = true;
    }
    return err;
}

enum sat_err sat_covers_find(const struct sat_vault *vault, uint64_t counter, struct sat_again_place *places,
                             uint32_t max, uint32_t *n)
{
    enum sat_err err = SAT_OK;
    struct sat_arena page;
    sat_arena_init(&page);
    for (uint32_t drafts_n = 1; !err && drafts_n;) {
        struct sat_draft_row *drafts;
        sat_arena_reset(&page);
        err = sat_store_drafts(vault->store, counter, DRAFTS_AT_ONCE, DRAFTS_BYTES, &page, &drafts, &drafts_n);
        for (uint32_t i = 0; i < drafts_n && !err; i++) {
            struct sat_space_id target;
            bool moves, known = false;
            counter = drafts[i].counter + 1;
            for (uint32_t k = 0; k < *n; k++) known = known || places[k].sid == drafts[i].sid;
            if (known || *n == max) continue;
            err = find_target(vault, &drafts[i], &target, &moves);
            if (!err && moves)
                places[(*n)++] = (struct sat_again_place){
                    .sid = drafts[i].sid, .first = drafts[i].counter, .cut = drafts[i].counter - 1};
        }
    }
    sat_arena_deinit(&page);
    return err;
}
