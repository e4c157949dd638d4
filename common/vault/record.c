#include "common/vault/record.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/base/check.h"
#include "common/sync/clock.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"
#include "common/vault/author_draft.h"
#include "common/vault/origin.h"
#include "common/vault/seal.h"
#include "common/vault/types.h"

/* ---- Opening bodies ---- */

/* Opens one body after another; the key of the last bundle stays, as neighbours often come from the same one. */
struct opener {
    const struct sat_vault *vault;
    struct sat_arena *arena;
    struct sat_buf plain;
    int64_t bid; /* whose key `key` is; 0: none */
    struct sat_bundle_key key;
    struct sat_manifest manifest;
};

static void opener_init(struct opener *opener, const struct sat_vault *vault, struct sat_arena *arena)
{
    *opener = (struct opener){.vault = vault, .arena = arena};
    sat_buf_init(&opener->plain);
}

static void opener_deinit(struct opener *opener)
{
    sat_buf_wipe(&opener->plain);
    sodium_memzero(&opener->key, sizeof opener->key);
}

/* A change of the record, or a draft: where its parts are and how it stands. */
struct item {
    const struct sat_change_row *change; /* one of the two */
    const struct sat_draft_row *draft;
    struct sat_dot dot;
    struct sat_header header;
};

static enum sat_err open_bundle(struct opener *opener, const struct sat_change_row *change)
{
    if (opener->bid == SAT_CHANGE_BUNDLE(change->cid)) return SAT_OK;
    opener->bid = 0;
    sat_manifest_decode(change->manifest, &opener->manifest);
    if (!sat_suite_is_known(opener->manifest.suite)) return SAT_ERR_UPGRADE_NEEDED;
    const struct sat_vault *vault = opener->vault;
    const struct sat_epoch_key *key;
    enum sat_err err =
        sat_keys_get(vault->keys, vault->directory, &opener->manifest.space, opener->manifest.epoch, &key);
    if (err) return err;
    sat_bundle_key_derive(key, &opener->manifest, &opener->key);
    opener->bid = SAT_CHANGE_BUNDLE(change->cid);
    return SAT_OK;
}

static enum sat_err unseal(struct opener *opener, const struct item *item)
{
    const struct sat_draft_row *draft = item->draft;
    if (draft)
        return sat_unseal_draft(sat_keyring_secrets(opener->vault->keyring)->store_key, draft->counter, &draft->record,
                                draft->header, draft->body, &opener->plain);
    const struct sat_change_row *change = item->change;
    enum sat_err err = open_bundle(opener, change);
    if (err) return err;
    return sat_unseal_change(opener->vault->squeezer, &opener->key, &opener->manifest, SAT_CHANGE_INDEX(change->cid),
                             &change->record, change->header, change->body, &opener->plain);
}

/* What makes a change unreadable but leaves the record usable; anything else is trouble with the store itself. */
static bool is_about_the_body(enum sat_err err)
{
    return err == SAT_ERR_DEBT || err == SAT_ERR_UNDECRYPTABLE || err == SAT_ERR_UPGRADE_NEEDED ||
           err == SAT_ERR_MALFORMED || err == SAT_ERR_TOO_LARGE || err == SAT_ERR_TAMPERED;
}

static enum sat_err open_body(struct opener *opener, const struct item *item, struct sat_body *body, enum sat_err *why)
{
    sat_buf_clear(&opener->plain);
    enum sat_err err = unseal(opener, item);
    if (!err) err = sat_body_decode(sat_buf_span(&opener->plain), opener->arena, body);
    *why = err;
    return is_about_the_body(err) ? SAT_OK : err;
}

/* ---- The blind merge: the base, then the own pending changes and drafts in counter order ---- */

struct rows {
    struct sat_change_row *changes;
    struct sat_draft_row *drafts;
    uint32_t changes_n, drafts_n, drafter; /* under which number the drafts stand */
    bool is_collected;                     /* it was deleted and forgotten, by: */
    struct sat_collected_row collected;
};

static enum sat_err load_rows(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *id,
                              struct sat_arena *arena, struct rows *out)
{
    enum sat_err err = sat_store_changes_of_record(vault->store, sid, id, arena, &out->changes, &out->changes_n);
    if (!err) err = sat_store_drafts_of_record(vault->store, sid, id, arena, &out->drafts, &out->drafts_n);
    if (!err) err = sat_store_collected_get(vault->store, sid, id, &out->collected, &out->is_collected);
    return err || !out->drafts_n ? err : sat_drafts_number(vault, &out->drafter);
}

static bool is_hidden(const struct sat_vault *vault, uint64_t counter)
{
    return vault->hidden_first && counter >= vault->hidden_first && counter <= vault->hidden_last;
}

/* The items in a given state; drafts count as pending. Headers were judged when they came: a bad one is damage. */
static enum sat_err pick(const struct sat_vault *vault, const struct rows *rows, enum sat_change_state state,
                         struct sat_arena *arena, struct item **out, uint32_t *n)
{
    bool own = state == SAT_CHANGE_PENDING;
    struct item *items = sat_arena_array(arena, (size_t)rows->changes_n + rows->drafts_n, sizeof *items);
    *n = 0;
    for (uint32_t i = 0; i < rows->changes_n; i++)
        if (rows->changes[i].state == state && rows->changes[i].header.len && /* a stub that waits to be given back */
            !(own && rows->changes[i].dot.device == vault->hidden_device &&
              is_hidden(vault, rows->changes[i].dot.counter)))
            items[(*n)++] = (struct item){.change = &rows->changes[i], .dot = rows->changes[i].dot};
    for (uint32_t i = 0; own && i < rows->drafts_n; i++)
        if (!is_hidden(vault, rows->drafts[i].counter))
            items[(*n)++] = (struct item){.draft = &rows->drafts[i], .dot = {rows->drafter, rows->drafts[i].counter}};
    *out = items;
    for (uint32_t i = 0; i < *n; i++) {
        struct sat_span header = items[i].draft ? items[i].draft->header : items[i].change->header;
        if (sat_header_decode(header, arena, &items[i].header)) return SAT_ERR_CORRUPT;
    }
    return SAT_OK;
}

static int compare_items(const void *a, const void *b)
{
    return sat_dot_compare(((const struct item *)a)->dot, ((const struct item *)b)->dot);
}

static void sort_items(struct item *items, uint32_t n)
{
    if (n > 1) qsort(items, n, sizeof *items, compare_items);
}

static struct sat_version version_of(const struct item *item)
{
    return (struct sat_version){item->dot, item->header.seen, item->header.kept, item->header.holes};
}

struct overlay { /* room for all of them, used again for each that is laid over */
    struct sat_version *versions;
    bool *drop;
};

/* Lays one own change over the live items, which have room for it. */
static uint32_t lay_over(struct item *live, uint32_t n, const struct item *own, struct overlay *overlay)
{
    bool dead;
    struct sat_version version = version_of(own);
    sat_merge_arrive(overlay->versions, n, &version, overlay->drop, &dead);
    uint32_t left = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (overlay->drop[i]) continue;
        if (left != i) {
            live[left] = live[i];
            overlay->versions[left] = overlay->versions[i];
        }
        left++;
    }
    if (dead) return left;
    live[left] = *own;
    overlay->versions[left] = version;
    return left + 1;
}

/* What is live here, by dot. */
static enum sat_err merge_rows(const struct sat_vault *vault, const struct rows *rows, struct sat_arena *arena,
                               struct item **out, uint32_t *n)
{
    struct item *own;
    uint32_t own_n;
    enum sat_err err = pick(vault, rows, SAT_CHANGE_LIVE, arena, out, n); /* makes room for all rows */
    if (!err) err = pick(vault, rows, SAT_CHANGE_PENDING, arena, &own, &own_n);
    if (err) return err;
    sort_items(own, own_n);
    struct overlay overlay = {.versions = sat_arena_array(arena, (size_t)*n + own_n, sizeof *overlay.versions),
                              .drop = sat_arena_array(arena, (size_t)*n + own_n, sizeof *overlay.drop)};
    for (uint32_t i = 0; i < *n; i++) overlay.versions[i] = version_of(&(*out)[i]);
    for (uint32_t i = 0; i < own_n; i++) *n = lay_over(*out, *n, &own[i], &overlay);
    sort_items(*out, *n);
    return SAT_OK;
}

/* ---- The view ---- */

/* That the record has moved to where it is says nothing: it counts as not moved. Nobody honest writes that, and whoever
 * believed it would take the record out of its own space. */
static void disbelieve(const struct sat_space_id *here, struct sat_body *body)
{
    for (uint32_t i = 0; i < body->cells_n; i++) {
        struct sat_cell *cell = &body->cells[i];
        bool moves = cell->field == SAT_FIELD_MOVED || cell->field == SAT_FIELD_CARRIED;
        if (moves && cell->value.kind == SAT_VALUE_REF && memcmp(cell->value.ref.b, here->b, sizeof here->b) == 0)
            cell->value = (struct sat_value){.kind = SAT_VALUE_NIL};
    }
}

/* In which role its author was when he wrote it. Of a copy that of the original's author, as far as its maker's word
 * counts for as much; if he is suspended by then, the one that he had last. */
static uint8_t role_of(const struct opener *opener, const struct sat_source *source, bool draft)
{
    const struct sat_directory *directory = opener->vault->directory;
    uint64_t seq = draft ? directory->seq : opener->manifest.dir_seq;
    uint32_t device = draft ? sat_keyring_secrets(opener->vault->keyring)->device : opener->manifest.device;
    uint8_t role = sat_directory_role_at(directory, device, seq);
    struct sat_origin origin;
    if (!source->body.origin.len || sat_origin_decode(source->body.origin, &origin)) return role;
    uint8_t original = sat_directory_last_role(directory, origin.dot.device, seq);
    return sat_role_outweighs(original, role) && !sat_role_outweighs(role, SAT_ROLE_REP) ? role : original;
}

static enum sat_err open_sources(struct opener *opener, const struct item *items, uint32_t n, struct sat_source *out)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < n && !err; i++) {
        const struct sat_change_row *change = items[i].change;
        uint64_t recv_ms = change ? change->recv_ms : 0;
        out[i] = (struct sat_source){
            .dot = items[i].dot,
            .rest = change ? change->rest : (struct sat_hash){{0}},
            .header = items[i].header,
            .effective = sat_clock_effective(items[i].header.hlc, recv_ms),
            .recv_ms = recv_ms,
            .seq = change ? change->seq : 0,
            .pending = !change || change->state == SAT_CHANGE_PENDING,
        };
        err = open_body(opener, &items[i], &out[i].body, &out[i].why);
        out[i].readable = out[i].why == SAT_OK;
        if (out[i].readable && opener->vault->directory) out[i].role = role_of(opener, &out[i], !change);
        if (out[i].readable && change) disbelieve(&opener->manifest.space, &out[i].body);
    }
    return err;
}

/* The deletion that the record was collected by, and what that had seen, as far as it is still known: so who writes the
 * record again has seen it, and replaces what a server that was set back may show of it once more. */
static enum sat_err add_collected(const struct rows *rows, struct sat_dots_builder *seen)
{
    if (!rows->is_collected) return SAT_OK;
    sat_dots_add(seen, rows->collected.deletion);
    for (uint32_t i = 0; i < rows->changes_n; i++) {
        struct sat_header header;
        const struct sat_change_row *row = &rows->changes[i];
        if (sat_dot_compare(row->dot, rows->collected.deletion) != 0 || row->header.len == 0) continue;
        if (sat_header_decode(row->header, seen->arena, &header)) return SAT_ERR_CORRUPT;
        sat_dots_add_all(seen, header.seen);
    }
    return SAT_OK;
}

static enum sat_err join_seen(const struct rows *rows, const struct sat_source *live, uint32_t n,
                              struct sat_arena *arena, struct sat_dots *out)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, arena);
    for (uint32_t i = 0; i < n; i++) {
        sat_dots_add_all(&builder, live[i].header.seen);
        sat_dots_add(&builder, live[i].dot);
    }
    enum sat_err err = add_collected(rows, &builder);
    *out = sat_dots_as_vector(&builder);
    return err;
}

static bool is_live(const struct sat_record_view *view, struct sat_dot dot)
{
    uint32_t low = 0, high = view->live_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = sat_dot_compare(view->live[middle].dot, dot);
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool is_replaced(const struct sat_record_view *view, struct sat_dot dot)
{
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_header *header = &view->live[i].header;
        struct sat_version version = {view->live[i].dot, header->seen, header->kept, header->holes};
        if (sat_merge_covers(&version, &dot)) return true;
    }
    return false;
}

/* What live changes name and is not live, each once. Siblings name much the same: `known` is what was found so far. */
struct absent {
    struct sat_dots_builder dots;
    struct sat_dots known;
};

/* Both lists are sorted, so that one walk along both finds what is live. */
static void add_absent(const struct sat_record_view *view, struct sat_dots named, struct absent *absent)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < named.n; i++) {
        while (at < view->live_n && sat_dot_compare(view->live[at].dot, named.at[i]) < 0) at++;
        bool live = at < view->live_n && sat_dot_compare(view->live[at].dot, named.at[i]) == 0;
        if (!live && !sat_dots_have(absent->known, named.at[i])) sat_dots_add(&absent->dots, named.at[i]);
    }
    if (absent->dots.n > 2 * absent->known.n) absent->known = sat_dots_as_set(&absent->dots);
}

/* By the collection, with the rest of the record: what names it is from before, or from who saw it in conflict. */
static bool is_forgotten(const struct rows *rows, struct sat_dot dot)
{
    for (uint32_t i = 0; rows->is_collected && i < rows->changes_n; i++) {
        const struct sat_change_row *row = &rows->changes[i];
        if (sat_dot_compare(row->dot, dot) == 0)
            return row->state == SAT_CHANGE_DEAD && row->seq && row->seq <= rows->collected.floor;
    }
    return false;
}

/* MERGE 4. What is put aside and under `seen` is a hole even where something live replaces it: nobody here read it. */
static struct sat_dots find_holes(const struct rows *rows, const struct sat_record_view *view, struct sat_arena *arena)
{
    struct sat_dots_builder holes;
    struct absent absent = {0};
    sat_dots_begin(&holes, arena);
    sat_dots_begin(&absent.dots, arena);
    for (uint32_t i = 0; i < view->live_n; i++) {
        if (!view->live[i].readable) sat_dots_add(&holes, view->live[i].dot);
        add_absent(view, view->live[i].header.kept, &absent);
        add_absent(view, view->live[i].header.holes, &absent);
    }
    /* Neither held live nor replaced by something live: named by others, but not here. */
    struct sat_dots named = sat_dots_as_set(&absent.dots);
    for (uint32_t i = 0; i < named.n; i++)
        if (!is_replaced(view, named.at[i]) && !is_forgotten(rows, named.at[i])) sat_dots_add(&holes, named.at[i]);
    for (uint32_t i = 0; i < rows->changes_n; i++) {
        struct sat_dot dot = rows->changes[i].dot;
        if (rows->changes[i].state == SAT_CHANGE_ASIDE && sat_vector_covers(view->seen, dot) && !is_live(view, dot))
            sat_dots_add(&holes, dot);
    }
    return sat_dots_as_set(&holes);
}

static enum sat_err make_view(struct opener *opener, const struct rows *rows, struct sat_record_view *out)
{
    if (rows->changes_n + rows->drafts_n == 0 && !rows->is_collected) return SAT_OK;
    struct item *items;
    enum sat_err err = merge_rows(opener->vault, rows, opener->arena, &items, &out->live_n);
    if (err) return err;
    out->live = sat_arena_array(opener->arena, out->live_n, sizeof *out->live);
    err = open_sources(opener, items, out->live_n, out->live);
    if (err) return err;
    err = join_seen(rows, out->live, out->live_n, opener->arena, &out->seen);
    if (err) return err;
    out->holes = find_holes(rows, out, opener->arena);
    sat_cells_merge(out->live, out->live_n, opener->arena, &out->merged);
    return SAT_OK;
}

const struct sat_source *sat_record_live(const struct sat_record_view *view, struct sat_dot dot)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        if (sat_dot_compare(view->live[i].dot, dot) == 0) return &view->live[i];
    return NULL;
}

uint64_t sat_record_before_all(const struct sat_record_view *view, const struct sat_header *header)
{
    uint64_t hlc = header->hlc;
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_source *source = &view->live[i];
        if (!sat_vector_covers(header->seen, source->dot) && source->effective <= hlc && source->effective)
            hlc = source->effective - 1;
    }
    return hlc;
}

enum sat_err sat_record_load(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *id,
                             struct sat_arena *arena, struct sat_record_view *out)
{
    struct rows rows = {0};
    struct opener opener;
    *out = (struct sat_record_view){.sid = sid, .id = *id};
    opener_init(&opener, vault, arena);
    enum sat_err err = load_rows(vault, sid, id, arena, &rows);
    if (!err) err = make_view(&opener, &rows, out);
    opener_deinit(&opener);
    return err;
}

/* ---- As it was ---- */

static bool covers_another(const struct item *items, uint32_t n, struct sat_dot dot)
{
    for (uint32_t i = 0; i < n; i++) {
        struct sat_version version = version_of(&items[i]);
        if (sat_merge_covers(&version, &dot)) return true;
    }
    return false;
}

/* Without others' changes behind the log's entry `seq`, nor a collection there; own ones behind it are pending again.
 * What is left is live or dead among itself. */
static enum sat_err go_back(struct rows *rows, uint64_t seq, uint32_t device, struct sat_arena *arena)
{
    struct item *items = sat_arena_array(arena, rows->changes_n, sizeof *items);
    uint32_t left = 0, items_n = 0;
    for (uint32_t i = 0; i < rows->changes_n; i++) {
        struct sat_change_row *row = &rows->changes[i];
        bool behind = row->seq > seq;
        if (behind && row->dot.device != device) continue;
        if (behind && row->header.len) row->state = SAT_CHANGE_PENDING;
        rows->changes[left++] = *row;
    }
    bool collected = rows->is_collected && rows->collected.seq > seq;
    if (left == rows->changes_n && !collected) return SAT_OK;
    rows->changes_n = left;
    rows->is_collected = rows->is_collected && !collected;
    for (uint32_t i = 0; i < left; i++) {
        struct sat_change_row *row = &rows->changes[i];
        if (row->state > SAT_CHANGE_DEAD || row->header.len == 0) continue;
        items[items_n] = (struct item){.change = row, .dot = row->dot};
        if (sat_header_decode(row->header, arena, &items[items_n++].header)) return SAT_ERR_CORRUPT;
    }
    for (uint32_t i = 0; i < left; i++) {
        struct sat_change_row *row = &rows->changes[i];
        if (row->state > SAT_CHANGE_DEAD || row->header.len == 0) continue;
        row->state = covers_another(items, items_n, row->dot) ? SAT_CHANGE_DEAD : SAT_CHANGE_LIVE;
    }
    return SAT_OK;
}

enum sat_err sat_record_load_at(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *id,
                                uint64_t seq, bool drafts, struct sat_arena *arena, struct sat_record_view *out)
{
    struct rows rows = {0};
    struct opener opener;
    *out = (struct sat_record_view){.sid = sid, .id = *id};
    opener_init(&opener, vault, arena);
    enum sat_err err = load_rows(vault, sid, id, arena, &rows);
    if (!drafts) rows.drafts_n = 0;
    if (!err) err = go_back(&rows, seq, sat_keyring_secrets(vault->keyring)->device, arena);
    if (!err) err = make_view(&opener, &rows, out);
    opener_deinit(&opener);
    return err;
}

/* ---- History ---- */

static enum sat_err make_history_item(struct opener *opener, const struct sat_record_view *view, struct item *item,
                                      struct sat_history_item *out)
{
    const struct sat_change_row *change = item->change;
    *out = (struct sat_history_item){.dot = item->dot, .live = is_live(view, item->dot)};
    if (change) out->rest = change->rest;
    if (change) out->recv_ms = change->recv_ms;
    if (change) out->seq = change->seq;
    struct sat_span header = change ? change->header : item->draft->header;
    out->stub = header.len == 0;
    if (out->stub) return SAT_OK;
    bool sound = sat_header_decode(header, opener->arena, &item->header) == SAT_OK;
    if (sound) out->header = item->header;
    if (sound) out->hlc = item->header.hlc;
    bool aside = change && change->state == SAT_CHANGE_ASIDE;
    if (!sound || aside) return SAT_OK;
    enum sat_err why, err = open_body(opener, item, &out->body, &why);
    out->readable = why == SAT_OK;
    return err;
}

static enum sat_err make_history(struct opener *opener, const struct rows *rows, const struct sat_record_view *view,
                                 struct sat_history_item **out, uint32_t *n)
{
    struct sat_history_item *items =
        sat_arena_array(opener->arena, (size_t)rows->changes_n + rows->drafts_n, sizeof *items);
    enum sat_err err = SAT_OK;
    *n = 0;
    for (uint32_t i = 0; i < rows->changes_n && !err; i++) {
        struct item item = {.change = &rows->changes[i], .dot = rows->changes[i].dot};
        err = make_history_item(opener, view, &item, &items[(*n)++]);
    }
    for (uint32_t i = 0; i < rows->drafts_n && !err; i++) {
        struct item item = {.draft = &rows->drafts[i], .dot = {rows->drafter, rows->drafts[i].counter}};
        err = make_history_item(opener, view, &item, &items[(*n)++]);
    }
    *out = items;
    return err;
}

enum sat_err sat_record_history(const struct sat_vault *vault, int64_t sid, const struct sat_record_id *id,
                                struct sat_arena *arena, struct sat_history_item **out, uint32_t *n)
{
    struct rows rows = {0};
    struct sat_record_view view = {.sid = sid, .id = *id};
    struct opener opener;
    opener_init(&opener, vault, arena);
    enum sat_err err = load_rows(vault, sid, id, arena, &rows);
    if (!err) err = make_view(&opener, &rows, &view);
    if (!err) err = make_history(&opener, &rows, &view, out, n);
    opener_deinit(&opener);
    return err;
}
