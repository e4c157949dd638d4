#include "client/landed.h"

#include <stdlib.h>
#include <string.h>

#include "client/rows.h"
#include "client/survivor.h"
#include "common/base/check.h"
#include "common/vault/derived.h"

enum { PAGE = 256, SAVED_EVERY = 64 };

static const char MARK[] = "landed_mark";

/* ---- What is late ---- */

static uint16_t number_of(const struct sat_type *type, const char *field)
{
    return sat_field_by_name(type, field)->number;
}

/* The merge's id follows from the two accounts. */
static enum sat_err merge_id(struct satchel *satchel, const struct sat_record_id *stays,
                             const struct sat_record_id *absorbed, struct sat_record_id *out)
{
    const struct sat_type *type = sat_type_by_name("merge");
    struct sat_cell cells[] = {
        {.field = number_of(type, "account"), .value = {.kind = SAT_VALUE_REF, .ref = *stays}},
        {.field = number_of(type, "absorbed"), .value = {.kind = SAT_VALUE_REF, .ref = *absorbed}},
    };
    return sat_record_id_derived(&satchel->directory.org, type, cells, 2, out);
}

static bool says_more(const struct sat_source *source, uint16_t merged_into)
{
    for (uint32_t i = 0; i < source->body.cells_n; i++)
        if (source->body.cells[i].field != merged_into && source->body.cells[i].field < SAT_FIELD_RESERVED &&
            source->body.cells[i].field != SAT_FIELD_DELETED)
            return true;
    return false;
}

static bool has_landed(const struct sat_record_view *merge, const char *name)
{
    const struct sat_merged *cell =
        sat_merged_cell(&merge->merged, number_of(sat_type_by_name("merge"), "landed"), sat_span_text(name));
    return cell && cell->value.truth;
}

enum sat_err client_late_find(struct satchel *satchel, const struct sat_record_id *account, struct sat_arena *arena,
                              struct sat_record_view *view, struct client_late **out, uint32_t *n,
                              struct sat_record_id *merge)
{
    const struct sat_type *type = sat_type_by_name("account");
    uint16_t merged_into = number_of(type, "merged_into");
    struct client_place place;
    struct sat_record_view said;
    *n = 0;
    enum sat_err err = client_locate(satchel, account, arena, &place, view);
    if (err || !place.here || place.archived || place.type != type->number) return err;
    const struct sat_merged *cell = sat_merged_cell(&view->merged, merged_into, (struct sat_span){0});
    if (!cell || cell->value.kind != SAT_VALUE_REF) return SAT_OK;
    err = merge_id(satchel, &cell->value.ref, account, merge);
    if (!err) err = client_locate(satchel, merge, arena, &place, &said);
    if (err) return err;
    *out = sat_arena_array(arena, view->live_n, sizeof **out);
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_source *source = &view->live[i];
        if (source == cell->source || !source->readable || sat_source_saw(cell->source, source->dot)) continue;
        if (!says_more(source, merged_into) || sat_source_moves(source)) continue;
        const char *name =
            sat_arena_format(arena, "%u.%llu", (unsigned)source->dot.device, (unsigned long long)source->dot.counter);
        if (place.here && has_landed(&said, name)) continue;
        (*out)[(*n)++] = (struct client_late){source, name, sat_source_author(source) == client_device(satchel)};
    }
    return SAT_OK;
}

/* ---- Where it belongs ---- */

/* What somebody said of the one that stays later than that stays. */
static bool is_newer(const struct sat_record_view *stays, const struct sat_cell *cell, const struct sat_source *late)
{
    const struct sat_merged *shown = sat_merged_cell(&stays->merged, cell->field, cell->element);
    return !shown || !shown->source || shown->source->effective <= late->effective;
}

/* Another name of the same customer is an alias. */
static json_t *fields_of(const struct sat_record_view *stays, const struct sat_source *late, struct sat_arena *arena)
{
    const struct sat_type *type = sat_type_by_name("account");
    struct sat_cell *cells = sat_arena_array(arena, late->body.cells_n, sizeof *cells);
    json_t *aliases = json_array();
    uint32_t n = 0;
    for (uint32_t i = 0; i < late->body.cells_n; i++) {
        const struct sat_cell *cell = &late->body.cells[i];
        const struct sat_field *field = sat_field_by_number(type, cell->field);
        if (!field || field->number == SAT_FIELD_EXT || strcmp(field->name, "merged_into") == 0) continue;
        bool name = strcmp(field->name, "name") == 0 || strcmp(field->name, "short_name") == 0;
        if (name && cell->value.kind == SAT_VALUE_TEXT && cell->value.text.len)
            (void)json_array_append_new(aliases, json_stringn((const char *)cell->value.text.at, cell->value.text.len));
        else if (!name && is_newer(stays, cell, late))
            cells[n++] = *cell;
    }
    json_t *fields = client_json_of_cells(type, cells, n);
    if (json_array_size(aliases)) {
        json_t *parts = json_object_get(fields, "aliases"), *added = json_object_get(parts, "add");
        if (!parts) (void)json_object_set_new(fields, "aliases", parts = json_object());
        if (added) (void)json_array_extend(aliases, added);
        (void)json_object_set(parts, "add", aliases);
    }
    json_decref(aliases);
    return fields;
}

/* Borrows the fields. */
static int put(struct satchel_tx *tx, const char *type, const struct sat_record_id *id, json_t *fields)
{
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(id->b, text);
    char *json = client_json_text(json_incref(fields));
    int failed = satchel_put(tx, type, text, NULL, json, NULL);
    satchel_free(json);
    return failed;
}

/* One late edit, in a transaction of its own: where that is refused, it stays where it is. */
static enum sat_err land(struct satchel *satchel, const struct sat_record_id *account,
                         const struct sat_record_id *merge, const struct client_late *late, struct sat_arena *arena,
                         uint32_t *written)
{
    struct sat_record_id stays;
    struct client_place place;
    struct sat_record_view view;
    struct satchel_tx *tx;
    enum sat_err err = client_survivor(satchel, account, arena, &stays);
    if (err || sat_record_equal(&stays, account)) return err;
    err = client_locate(satchel, &stays, arena, &place, &view);
    if (err || !place.here) return err;
    json_t *fields = fields_of(&view, late->source, arena);
    json_t *mark = json_pack("{s:{s:[s]}}", "landed", "add", late->name);
    err = client_locate(satchel, merge, arena, &place, &view);
    if (!err && !place.here) {
        (void)json_object_set_new(mark, "account", client_json_of_uuid(stays.b));
        (void)json_object_set_new(mark, "absorbed", client_json_of_uuid(account->b));
    }
    int failed = err || satchel_begin(satchel, &tx);
    if (!failed && json_object_size(fields)) failed = put(tx, "account", &stays, fields);
    if (!failed) failed = put(tx, "merge", merge, mark);
    if (failed && satchel->tx) satchel_rollback(satchel->tx);
    if (!failed) failed = satchel_commit(tx);
    if (!failed) *written += satchel->written;
    json_decref(fields);
    json_decref(mark);
    client_begin(satchel); /* what was refused is told by who lists merges */
    return err;
}

static enum sat_err land_record(struct satchel *satchel, const struct sat_record_id *account, uint32_t *written)
{
    struct sat_arena arena;
    struct sat_record_view view;
    struct sat_record_id merge;
    struct client_late *late = NULL;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = client_late_find(satchel, account, &arena, &view, &late, &n, &merge);
    for (uint32_t i = 0; i < n && !err; i++)
        if (late[i].own) err = land(satchel, account, &merge, &late[i], &arena, written);
    sat_arena_deinit(&arena);
    return err;
}

/* ---- What has come since ---- */

struct come {
    struct sat_record_id *at;
    size_t n, cap;
};

/* An edit beside a merge takes two changes that are live together. */
static enum sat_err take(struct satchel *satchel, struct come *come, const struct sat_change_row *row)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t live = 0;
    if (come->n && sat_record_equal(&come->at[come->n - 1], &row->record)) return SAT_OK;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_changes_live(satchel->store, row->sid, &row->record, &arena, &rows, &live);
    sat_arena_deinit(&arena);
    if (err || live < 2) return err;
    if (come->n == come->cap) {
        come->cap = come->cap ? 2 * come->cap : 64;
        come->at = realloc(come->at, come->cap * sizeof *come->at);
        sat_check_memory(come->at);
    }
    come->at[come->n++] = row->record;
    return SAT_OK;
}

static enum sat_err find_come(struct satchel *satchel, int64_t before, int64_t newest, struct come *come)
{
    struct sat_arena arena;
    uint32_t n = PAGE;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    for (int64_t cid = (before + 1) << 10; n == PAGE && !err;) {
        struct sat_change_row *rows;
        sat_arena_reset(&arena);
        err = sat_store_changes_beside(satchel->store, cid, newest, PAGE, &arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            err = take(satchel, come, &rows[i]);
            cid = rows[i].cid + 1;
        }
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err save_mark(struct satchel *satchel, int64_t newest)
{
    enum sat_err err = sat_store_begin(satchel->store);
    if (err) return err;
    err = sat_store_meta_put_u64(satchel->store, MARK, (uint64_t)newest);
    if (!err) err = sat_store_commit(satchel->store);
    if (err) sat_store_rollback(satchel->store);
    return err;
}

enum sat_err client_land(struct satchel *satchel, uint32_t *written)
{
    struct come come = {0};
    uint64_t before = 0;
    int64_t newest = 0;
    enum { NEVER = -1 };
    *written = 0;
    if (satchel->tx) return SAT_OK;
    enum sat_err err = sat_store_meta_get_u64(satchel->store, MARK, (uint64_t)NEVER, &before);
    if (!err) err = sat_store_bundle_newest(satchel->store, &newest);
    if (err || (uint64_t)newest == before) return err;
    if (before != (uint64_t)NEVER) /* a home that is new has written nothing before it knew */
        err = find_come(satchel, (uint64_t)newest < before ? 0 : (int64_t)before, newest, &come);
    for (size_t i = 0; i < come.n && !err; i++) err = land_record(satchel, &come.at[i], written);
    free(come.at);
    /* a mark that lags is looked at again, which is cheaper than a commit for each bundle that comes */
    bool lags = before != (uint64_t)NEVER && (uint64_t)newest >= before && (uint64_t)newest - before < SAVED_EVERY;
    return err || (lags && come.n == 0) ? err : save_mark(satchel, newest);
}
