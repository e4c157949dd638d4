#include "client/handed.h"

#include <stdlib.h>
#include <string.h>

#include "client/known.h"
#include "common/sync/copied.h"
#include "common/sync/judge.h"
#include "common/sync/wishes.h"

enum {
    STEPS_LEAST = 64,
    STEPS_EACH = 4
}; /* honest chains of a full escrow are gone through twice, as it is held in parts */

static enum sat_err find_sid(struct satchel *satchel, const struct sat_space_id *space, int64_t *sid)
{
    struct sat_space_row row;
    bool found = false;
    enum sat_err err = sat_store_space_find(satchel->store, space, &row, &found);
    *sid = !err && found ? row.sid : 0;
    return err;
}

static bool may_write_again(const struct satchel *satchel, const struct sat_manifest *manifest)
{
    const struct sat_epoch_key *key;
    enum { RW = SAT_RIGHT_READ | SAT_RIGHT_WRITE };
    return (client_rights(satchel, &manifest->space) & RW) == RW &&
           !sat_keys_get(satchel->keys, &satchel->directory, &manifest->space, manifest->epoch, &key);
}

/* What its author had in front of him is on this log, or was on one that has a later life: in what a server lost, and
 * nobody has shown that it did, he may have seen what has other numbers now. */
static enum sat_err is_on_this_log(struct satchel *satchel, int64_t sid, const struct sat_manifest *m, bool *is)
{
    static const struct sat_log_epoch none;
    struct sat_space_row space;
    struct sat_hash root;
    bool found = false;
    enum sat_err err = sat_store_space_get(satchel->store, sid, &space);
    if (!err) err = sat_store_root_at(satchel->store, sid, m->w_size, &root, &found);
    if (err) return err;
    bool of_now = sat_log_epoch_equal(&m->log_epoch, &space.log_epoch) || sat_log_epoch_equal(&space.log_epoch, &none);
    *is = found ? sat_hash_equal(&root, &m->w_root) : m->w_size < space.compacted; /* a run: the server knows */
    *is = *is || !of_now;
    return SAT_OK;
}

/* ---- What was written again here ---- */

/* Its copies may have been replaced since, and forgotten: nothing else would tell. */
static const char WRITTEN[] = "written.";
enum { WRITTEN_KEY_SIZE = sizeof WRITTEN + 2 * sizeof(struct sat_hash) };

static void written_key(const struct sat_hash *bundle, char out[WRITTEN_KEY_SIZE])
{
    memcpy(out, WRITTEN, sizeof WRITTEN);
    sat_hex_format(bundle->b, sizeof bundle->b, out + sizeof WRITTEN - 1);
}

static enum sat_err was_written(struct satchel *satchel, const struct sat_hash *bundle, bool *was)
{
    char key[WRITTEN_KEY_SIZE];
    uint64_t at;
    written_key(bundle, key);
    enum sat_err err = sat_store_meta_get_u64(satchel->store, key, 0, &at);
    *was = !err && at > 0;
    return err;
}

static enum sat_err note_written(struct satchel *satchel, const struct sat_hash *bundle)
{
    char key[WRITTEN_KEY_SIZE];
    written_key(bundle, key);
    return sat_store_meta_put_u64(satchel->store, key, 1);
}

/* ---- Whether it fits ---- */

/* On numbers that nothing in the log has, behind its author's last one there. */
static enum sat_err has_place(struct satchel *satchel, int64_t sid, const struct sat_bundle *bundle,
                              const struct sat_hash *before, bool *has)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_bundle_row row;
    bool found;
    enum sat_err err = sat_store_bundle_overlapping(satchel->store, m->device, m->first, m->count, &row, &found);
    *has = !err && !found;
    if (err || found) return err;
    err = sat_store_bundle_tip(satchel->store, sid, m->device, false, &row, &found);
    struct sat_hash tip = before ? *before : !err && found ? row.id : (struct sat_hash){{0}};
    *has = sat_hash_equal(&tip, &m->prev);
    return err || !*has ? err : is_on_this_log(satchel, sid, m, has);
}

/* Has the log some of it, as itself or by its origin, or may it have had some? */
static enum sat_err is_some_known(struct satchel *satchel, int64_t sid, const struct sat_bundle *bundle, bool *is)
{
    struct client_known known;
    struct sat_vault vault = client_vault(satchel);
    struct sat_again_place place = {.sid = sid};
    struct sat_again again = {.places = &place, .places_n = 1, .context = &known, .known = client_known_look};
    client_known_begin(&known, satchel);
    known.lets_in = true;
    enum sat_err err = sat_author_knows(&vault, &again, bundle, is);
    client_known_end(&known);
    return err;
}

enum sat_err client_handed_fits(struct satchel *satchel, const struct sat_bundle *bundle, const struct sat_hash *before,
                                bool *fits)
{
    int64_t sid;
    bool known = false;
    *fits = true;
    enum sat_err err = find_sid(satchel, &bundle->manifest.space, &sid);
    if (err || !sid || !may_write_again(satchel, &bundle->manifest)) return err;
    err = has_place(satchel, sid, bundle, before, fits);
    if (!err && *fits) err = was_written(satchel, &bundle->id, &known);
    if (!err && *fits && !known) err = is_some_known(satchel, sid, bundle, &known);
    *fits = *fits && !known;
    return err;
}

enum sat_err client_handed_wish(struct satchel *satchel, const struct sat_bundle *bundle, bool *any)
{
    int64_t sid;
    *any = false;
    enum sat_err err = find_sid(satchel, &bundle->manifest.space, &sid);
    if (!err) err = sat_store_begin(satchel->store);
    for (uint32_t i = 0; i < bundle->manifest.count && !err && sid; i++)
        err = sat_wish_record(satchel->store, sid, &bundle->changes[i].record, any);
    if (!err) err = sat_store_commit(satchel->store);
    if (err) sat_store_rollback(satchel->store);
    return err;
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(((const struct sat_hash *)a)->b, ((const struct sat_hash *)b)->b, sizeof((struct sat_hash *)0)->b);
}

static int compare_ids(const void *a, const void *b)
{
    const struct sat_bundle *const *left = a, *const *right = b;
    return compare_hashes(&(*left)->id, &(*right)->id);
}

static int compare_to_id(const void *id, const void *b)
{
    const struct sat_bundle *const *bundle = b;
    return compare_hashes(id, &(*bundle)->id);
}

void client_handed_begin_beside(struct client_handed_beside *beside, const struct sat_bundle *bundles, uint32_t n,
                                struct sat_arena *arena)
{
    *beside = (struct client_handed_beside){.by_id = sat_arena_array(arena, n, sizeof(struct sat_bundle *)),
                                            .n = n,
                                            .steps = STEPS_LEAST + STEPS_EACH * (uint64_t)n};
    for (uint32_t i = 0; i < n; i++) beside->by_id[i] = &bundles[i];
    if (n) qsort(beside->by_id, n, sizeof(struct sat_bundle *), compare_ids);
}

enum sat_err client_handed_before(struct satchel *satchel, const struct sat_bundle *bundle,
                                  const struct client_handed_beside *beside, const struct sat_bundle **out)
{
    const struct sat_manifest *m = &bundle->manifest;
    const struct sat_bundle *const *at = NULL;
    struct sat_bundle_row row;
    bool found;
    *out = NULL;
    if (beside->n) at = bsearch(&m->prev, beside->by_id, beside->n, sizeof(struct sat_bundle *), compare_to_id);
    if (!at) return SAT_OK;
    const struct sat_manifest *before = &(*at)->manifest;
    if (before->device != m->device || !sat_space_equal(&before->space, &m->space) || before->first >= m->first)
        return SAT_OK;
    enum sat_err err =
        sat_store_bundle_of_dot(satchel->store, (struct sat_dot){m->device, before->first}, &row, &found);
    if (!err && !(found && sat_hash_equal(&row.id, &(*at)->id))) *out = *at;
    return err;
}

static enum sat_err write_again(struct satchel *satchel, int64_t sid, const struct sat_again_handed *handed)
{
    struct client_known known;
    struct sat_vault vault = client_vault(satchel);
    struct sat_again_place place = {.sid = sid};
    struct sat_arena arena;
    struct sat_again_done done;
    struct sat_again again = {.device = client_device(satchel),
                              .places = &place,
                              .places_n = 1,
                              .handed = handed,
                              .origins = true,
                              .context = &known,
                              .known = client_known_look};
    sat_arena_init(&arena);
    client_known_begin(&known, satchel);
    known.lets_in = true;
    enum sat_err err = sat_author_again(&vault, &again, &arena, &done);
    if (!err) err = client_known_settle(&known);
    /* Another admin may do the same. */
    if (!err && done.written) err = sat_store_meta_put_u64(satchel->store, SAT_TAKEN_KEY, 1);
    client_known_end(&known);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err take(struct satchel *satchel, int64_t sid, const struct sat_again_handed *handed)
{
    enum sat_err err = sat_store_begin(satchel->store);
    if (err) return err;
    err = write_again(satchel, sid, handed);
    for (uint32_t i = handed->known; i < handed->n && !err; i++) err = note_written(satchel, &handed->bundles[i].id);
    if (!err) err = sat_store_commit(satchel->store);
    if (err) sat_store_rollback(satchel->store);
    satchel->conflicts.known = false;
    client_touch(satchel);
    return err;
}

enum sat_err client_handed_check(struct satchel *satchel, const struct sat_bundle *bundle)
{
    struct sat_space_row space;
    int64_t sid;
    for (uint32_t i = 0; i < bundle->manifest.count; i++)
        if (bundle->changes[i].stub)
            return sat_fail(&satchel->fault, SAT_ERR_TAMPERED,
                            "the server has left something out of what was handed in");
    enum sat_err err = find_sid(satchel, &bundle->manifest.space, &sid);
    if (!err) err = sat_store_space_get(satchel->store, sid, &space);
    struct sat_judge judge = {
        .store = satchel->store, .directory = &satchel->directory, .space = &space, .dir_at = satchel->directory.seq};
    return err ? err : sat_judge_right(&judge, bundle, &satchel->fault);
}

/* What they stand on, the first before the second, and so on to themselves. */
static enum sat_err make_chain(struct satchel *satchel, const struct sat_bundle *bundles, uint32_t n,
                               struct client_handed_beside *beside, struct sat_arena *arena,
                               struct sat_again_handed *out)
{
    uint32_t at = beside->n;
    struct sat_bundle *chain = sat_arena_array(arena, (size_t)at + n, sizeof *chain); /* filled from its middle */
    const struct sat_bundle *one = NULL;
    for (uint32_t i = 0; i < n; i++) chain[at + i] = bundles[i];
    enum sat_err err = client_handed_before(satchel, &bundles[0], beside, &one);
    while (one && !err && at > 0 && beside->steps > 0) {
        chain[--at] = *one;
        beside->steps--;
        err = client_handed_before(satchel, one, beside, &one);
    }
    *out = (struct sat_again_handed){.bundles = chain + at, .n = beside->n - at + n, .known = beside->n - at};
    return err;
}

/* What this device has written before is written once: it is told what became of it, as of what came before it. */
static enum sat_err pass_written(struct satchel *satchel, struct sat_again_handed *handed)
{
    enum sat_err err = SAT_OK;
    for (bool was = true; was && handed->known < handed->n && !err;) {
        err = was_written(satchel, &handed->bundles[handed->known].id, &was);
        if (!err && was) handed->known++;
    }
    return err;
}

enum sat_err client_handed_take(struct satchel *satchel, const struct sat_bundle *bundles, uint32_t n,
                                struct client_handed_beside *beside)
{
    struct sat_arena arena;
    struct sat_again_handed handed = {0};
    int64_t sid;
    sat_arena_init(&arena);
    enum sat_err err = find_sid(satchel, &bundles->manifest.space, &sid);
    for (uint32_t i = 0; i < n && !err; i++) err = client_handed_check(satchel, &bundles[i]);
    if (!err) err = make_chain(satchel, bundles, n, beside, &arena, &handed);
    if (!err) err = pass_written(satchel, &handed);
    if (!err && handed.known < handed.n) err = take(satchel, sid, &handed);
    sat_arena_deinit(&arena);
    return err;
}
