/* What waits to be given back, and cannot be, as its numbers are taken (docs/decisions/0105); and what was handed in,
 * and cannot be let in as it is (0191). */
#include <string.h>

#include "common/sync/base.h"
#include "common/sync/void.h"
#include "common/vault/author_again_work.h"

static void add_gone(struct sat_again_work *again, uint32_t device, uint64_t first)
{
    struct sat_again_gone *gone = sat_arena_array(again->pairs_arena, (size_t)again->gone_n + 1, sizeof *gone);
    uint32_t at = 0;
    if (again->gone_n) memcpy(gone, again->gone, again->gone_n * sizeof *gone);
    while (at < again->gone_n && gone[at].device != device) at++;
    if (at == again->gone_n) gone[again->gone_n++] = (struct sat_again_gone){device, first};
    if (first < gone[at].first) gone[at].first = first;
    again->gone = gone;
}

static enum sat_err has_seen_gone(struct sat_again_work *again, struct sat_span bytes, bool *has)
{
    struct sat_header header;
    if (bytes.len == 0) return SAT_OK;
    if (sat_header_decode(bytes, &again->arena, &header)) return SAT_ERR_CORRUPT;
    for (uint32_t i = 0; i < header.seen.n && !*has; i++) *has = sat_again_is_gone(again, header.seen.at[i]);
    return SAT_OK;
}

/* By what some of its changes had seen; or as it is behind such a bundle in its author's chain. */
static enum sat_err stands_on_gone(struct sat_again_work *again, const struct sat_bundle_row *row, bool *does)
{
    struct sat_change_row *changes;
    uint32_t n = 0;
    enum sat_err err = SAT_OK;
    *does = sat_again_is_gone(again, (struct sat_dot){row->device, row->first + row->count - 1});
    if (!*does) err = sat_store_changes_of_bundle(again->vault.store, row->bid, &again->arena, &changes, &n);
    for (uint32_t i = 0; i < n && !err && !*does; i++) err = has_seen_gone(again, changes[i].header, does);
    sat_arena_reset(&again->arena);
    return err;
}

/* A bundle that goes, opened. */
struct taken {
    struct sat_again_old *changes;
    uint32_t n;
};

/* What this program could not read when it came, and reads now, waits among what was put aside as well: what is written
 * again is not given back from there once more; nor is what cannot be read yet, as its numbers are taken for good. */
static enum sat_err take_up(struct sat_again_work *again, const struct sat_hash *id)
{
    struct sat_aside_row row;
    bool found;
    enum sat_err err = sat_store_aside_find(again->vault.store, id, &again->batch, &row, &found);
    if (err || !found || row.state != SAT_ASIDE_OPEN) return err;
    return sat_store_aside_set_state(again->vault.store, row.number, SAT_ASIDE_ACCEPTED);
}

static enum sat_err take_away(struct sat_again_work *again, const struct sat_bundle_row *row, struct taken *out)
{
    struct sat_bundle bundle;
    *out = (struct taken){0};
    if (row->state == SAT_BUNDLE_VOID || sat_void_is_row(row))
        return sat_store_bundle_delete(again->vault.store, row->bid);
    enum sat_err err = sat_base_bundle(again->vault.store, row, false, &again->batch, &bundle);
    if (err) return err;
    out->changes = sat_arena_array(&again->batch, row->count, sizeof *out->changes);
    enum sat_err why = sat_again_open(again, again->what->places, &bundle, out->changes);
    if (sat_err_is_local(why)) return why;
    out->n = why ? 0 : row->count;
    again->out->aside += why != SAT_OK;
    err = why ? sat_base_give_up(again->vault.store, &bundle, SAT_ERR_FORK, again->what->taken->now_ms)
              : take_up(again, &row->id);
    return err ? err : sat_store_bundle_delete(again->vault.store, row->bid);
}

/* In the order of the log that had them, so that what stands on others comes behind them. All go before the first is
 * written again. */
static enum sat_err take_all_away(struct sat_again_work *again, struct taken **out, uint32_t *out_n)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    *out_n = 0;
    enum sat_err err = sat_store_returns_all(again->vault.store, again->what->places->sid, &again->batch, &rows, &n);
    if (err) return err;
    *out = sat_arena_array(&again->batch, n, sizeof **out);
    for (uint32_t i = 0; i < n && !err; i++) {
        bool does;
        err = stands_on_gone(again, &rows[i], &does);
        if (err || !does) continue;
        add_gone(again, rows[i].device, rows[i].first);
        err = take_away(again, &rows[i], &(*out)[(*out_n)++]);
    }
    return err;
}

/* The first of this device's pending bundles and drafts in the place that stands on what has gone. */
static enum sat_err find_first_own(struct sat_again_work *again, uint64_t *first)
{
    struct sat_store *store = again->vault.store;
    int64_t sid = again->what->places->sid;
    const struct sat_again_gone *own = sat_again_gone(again, again->what->device);
    struct sat_bundle_row *rows;
    struct sat_draft_row *drafts;
    uint32_t n = 0, drafts_n = 1;
    bool does = false;
    *first = own ? own->first : SAT_COUNTER_MAX;
    enum sat_err err = sat_store_bundles_pending(store, sid, 0, UINT32_MAX, &again->batch, &rows, &n);
    for (uint32_t i = 0; i < n && !err && !does; i++) {
        err = stands_on_gone(again, &rows[i], &does);
        if (does && rows[i].first < *first) *first = rows[i].first;
    }
    does = false;
    for (uint64_t from = 1; drafts_n && !err && !does; from = drafts_n ? drafts[0].counter + 1 : 0) {
        err = sat_store_drafts(store, from, 1, SIZE_MAX, &again->batch, &drafts, &drafts_n);
        if (!err && drafts_n && drafts[0].sid == sid) err = has_seen_gone(again, drafts[0].header, &does);
        if (does && drafts[0].counter < *first) *first = drafts[0].counter;
    }
    sat_arena_reset(&again->arena);
    return err;
}

/* They are asked about together: what replaced one of them may be known, and the one must not come back then. */
static void put_beside(struct sat_again_work *again, const struct taken *taken, uint32_t n)
{
    uint32_t changes = 0;
    for (uint32_t i = 0; i < n; i++) changes += taken[i].n;
    struct sat_again_change *beside = sat_arena_array(&again->batch, changes, sizeof *beside);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < taken[i].n; k++)
            if (taken[i].changes[k].counter) beside[again->beside_n++] = sat_again_change_of(&taken[i].changes[k]);
    again->beside = beside;
}

enum sat_err sat_again_take_taken(struct sat_again_work *again, struct sat_again_place *place)
{
    struct taken *taken;
    uint32_t n = 0;
    add_gone(again, again->what->taken->device, again->what->taken->first);
    enum sat_err err = take_all_away(again, &taken, &n);
    if (!err) put_beside(again, taken, n);
    if (!err) err = find_first_own(again, &place->first);
    place->cut = place->first - 1;
    for (uint32_t i = 0; i < n && !err; i++)
        for (uint32_t k = 0; k < taken[i].n && !err; k++)
            if (taken[i].changes[k].counter) err = sat_again_take(again, &taken[i].changes[k]);
    again->beside_n = 0;
    return err;
}

/* The last of the author's changes in an entry of the log, or in what the entry was of, and was put aside here. */
static enum sat_err find_end(const struct sat_again_work *again, int64_t sid, uint32_t device,
                             const struct sat_hash *id, uint64_t *last)
{
    struct sat_store *store = again->vault.store;
    struct sat_entry_row entry;
    struct sat_bundle_row row = {0};
    struct sat_aside_row aside = {0};
    struct sat_arena arena;
    bool found;
    *last = 0;
    enum sat_err err = sat_store_entry_find(store, sid, id, &entry, &found);
    if (err || !found) return err;
    if (entry.bid) {
        err = sat_store_bundle_get(store, entry.bid, &row);
        if (!err && row.device == device) *last = row.first + row.count - 1;
        return err;
    }
    sat_arena_init(&arena);
    err = sat_store_aside_find(store, id, &arena, &aside, &found);
    if (!err && found && aside.device == device) *last = aside.first + aside.count - 1;
    sat_arena_deinit(&arena);
    return err;
}

/* How much of this log its author has witnessed; 0 if that is of another one, or of what is forgotten. */
static enum sat_err find_witnessed(const struct sat_again_work *again, int64_t sid, const struct sat_manifest *m,
                                   uint64_t *size)
{
    struct sat_hash root;
    bool found;
    enum sat_err err = sat_store_root_at(again->vault.store, sid, m->w_size, &root, &found);
    *size = !err && found && sat_hash_equal(&root, &m->w_root) ? m->w_size : 0;
    return err;
}

/* The end of what its author and the log have in common: by what the first one names as the one before it; where
 * nothing of that is here, by what he has witnessed: had it not been his own, he would have learned that his home is a
 * copy. */
static enum sat_err find_fork(const struct sat_again_work *again, int64_t sid, const struct sat_manifest *first,
                              uint64_t *last)
{
    uint64_t size = 0;
    enum sat_err err = find_end(again, sid, first->device, &first->prev, last);
    if (!err && *last == 0) err = find_witnessed(again, sid, first, &size);
    if (!err && size) err = sat_store_device_counter_at(again->vault.store, sid, first->device, size, last);
    if (*last >= first->first) *last = first->first - 1;
    return err;
}

static bool is_proven(const struct sat_again_work *again, uint32_t device)
{
    for (uint32_t i = 0; i < again->proven_n; i++)
        if (again->proven[i].device == device) return true;
    return false;
}

/* What others had written in as much of the log as its author has witnessed: the log's own word, as nobody has judged
 * his. A witness that is not of this log, or of what is forgotten, proves nothing: then it replaces nothing of theirs.
 */
static enum sat_err prove_seen(struct sat_again_work *again, int64_t sid, const struct sat_manifest *m,
                               const struct sat_again_old *changes)
{
    struct sat_store *store = again->vault.store;
    uint64_t size;
    enum sat_err err = find_witnessed(again, sid, m, &size);
    uint32_t devices = 0;
    for (uint32_t i = 0; i < m->count; i++) devices += changes[i].header.seen.n;
    struct sat_dot *proven = sat_arena_array(&again->batch, devices, sizeof *proven);
    again->proven = proven;
    again->proven_n = 0;
    for (uint32_t i = 0; i < m->count && !err; i++)
        for (uint32_t k = 0; k < changes[i].header.seen.n && !err; k++) {
            struct sat_dot dot = {.device = changes[i].header.seen.at[k].device};
            if (is_proven(again, dot.device)) continue;
            err = sat_store_device_counter_at(store, sid, dot.device, size, &dot.counter);
            proven[again->proven_n++] = dot;
        }
    return err;
}

/* What became of one of those before the last, as far as it can be read: of what cannot, that is not known. */
static enum sat_err know_handed(struct sat_again_work *again, struct sat_again_place *place,
                                const struct sat_bundle *bundle)
{
    uint32_t n = bundle->manifest.count;
    struct sat_again_old *changes = sat_arena_array(&again->batch, n, sizeof *changes);
    enum sat_err err = sat_again_open(again, place, bundle, changes);
    if (err) return sat_err_is_local(err) ? err : SAT_OK;
    for (uint32_t k = 0; k < n && !err; k++) {
        struct sat_again_answer answer;
        if (changes[k].counter) err = sat_again_know(again, &changes[k], &answer);
    }
    return err;
}

/* One of those that are written again. */
static enum sat_err take_handed(struct sat_again_work *again, struct sat_again_place *place,
                                const struct sat_bundle *bundle)
{
    uint32_t n = bundle->manifest.count;
    struct sat_again_old *changes = sat_arena_array(&again->batch, n, sizeof *changes);
    enum sat_err err = sat_again_open(again, place, bundle, changes);
    if (!err) err = prove_seen(again, place->sid, &bundle->manifest, changes);
    for (uint32_t k = 0; k < n && !err; k++) err = sat_again_take(again, &changes[k]);
    return err;
}

/* Numbers behind the fork mean these bundles, or what never came, whatever the log has under them. */
enum sat_err sat_again_take_handed(struct sat_again_work *again, struct sat_again_place *place)
{
    const struct sat_again_handed *handed = again->what->handed;
    uint64_t last;
    enum sat_err err = find_fork(again, place->sid, &handed->bundles[0].manifest, &last);
    place->first = place->cut = SAT_COUNTER_MAX; /* the own numbers are what they are */
    add_gone(again, handed->bundles[0].manifest.device, last + 1);
    for (uint32_t i = 0; i < handed->n && !err; i++) {
        sat_arena_reset(&again->batch);
        err = (i < handed->known ? know_handed : take_handed)(again, place, &handed->bundles[i]);
    }
    return err;
}

/* Does `what` know some of it? */
static enum sat_err is_some_known(struct sat_again_work *again, const struct sat_bundle *bundle, bool *known)
{
    struct sat_again_old *changes = sat_arena_array(&again->batch, bundle->manifest.count, sizeof *changes);
    enum sat_err err = sat_again_open(again, again->what->places, bundle, changes);
    *known = false;
    if (err) return sat_err_is_local(err) ? err : SAT_OK;
    for (uint32_t i = 0; i < bundle->manifest.count && !err && !*known; i++) {
        struct sat_again_change change = sat_again_change_of(&changes[i]);
        struct sat_again_answer answer = {0};
        if (changes[i].counter) err = again->what->known(again->what->context, &change, &answer);
        *known = answer.found || answer.doubtful;
    }
    return err;
}

enum sat_err sat_author_find_known(const struct sat_vault *vault, const struct sat_again *what, struct sat_taken *out,
                                   bool *found)
{
    struct sat_again_work again = {.what = what, .vault = *vault};
    struct sat_bundle_row *rows;
    struct sat_arena arena;
    uint32_t n;
    *found = false;
    sat_arena_init(&arena);
    sat_arena_init(&again.batch);
    sat_buf_init(&again.plain);
    enum sat_err err = sat_store_returns_all(vault->store, what->places->sid, &arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err && !*found; i++) {
        struct sat_bundle bundle;
        if (sat_void_is_row(&rows[i])) continue;
        err = sat_base_bundle(vault->store, &rows[i], false, &again.batch, &bundle);
        if (!err) err = is_some_known(&again, &bundle, found);
        if (*found) *out = (struct sat_taken){.device = rows[i].device, .first = rows[i].first};
        sat_arena_reset(&again.batch);
    }
    sat_buf_wipe(&again.plain);
    sat_arena_deinit(&again.batch);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_author_knows(const struct sat_vault *vault, const struct sat_again *what,
                              const struct sat_bundle *bundle, bool *known)
{
    struct sat_again_work again = {.what = what, .vault = *vault};
    sat_arena_init(&again.batch);
    sat_buf_init(&again.plain);
    enum sat_err err = is_some_known(&again, bundle, known);
    sat_buf_wipe(&again.plain);
    sat_arena_deinit(&again.batch);
    return err;
}
