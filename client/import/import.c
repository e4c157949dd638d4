/* satchel_import(): tables from elsewhere become records, a file at a time, all or nothing of it. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/import/run.h"
#include "common/base/check.h"

enum { ROUNDS_MAX = 50 }; /* a file is gone through anew for rows that only the transaction finds bad */

/* ---- Beginning ---- */

/* Without a line, as the map is no table. */
static enum sat_err refuse_map(struct import_run *run, const struct import_bad *bad)
{
    const char *line = bad->line ? sat_arena_format(&run->arena, "line %u: ", (unsigned)bad->line) : "";
    return sat_fail(&run->satchel->fault, SAT_ERR_INVALID, "the map: %s%s", line, bad->text);
}

static enum sat_err take_secret(struct import_run *run)
{
    struct satchel *satchel = run->satchel;
    const struct sat_space *org = sat_directory_space_of_kind(&satchel->directory, SAT_SPACE_ORG);
    const struct sat_epoch_key *key = NULL;
    enum sat_err err = SAT_ERR_DEBT;
    if (org) err = sat_keys_get(satchel->keys, &satchel->directory, &org->id, 1, &key);
    if (err == SAT_ERR_DEBT)
        return sat_fail(&satchel->fault, err,
                        "ids are made with the organisation's first key, which is not here: sync "
                        "first");
    if (err) return err;
    uint8_t *copy = sodium_malloc(sizeof key->b);
    sat_check_memory(copy);
    memcpy(copy, key->b, sizeof key->b);
    run->ids.secret = copy;
    return SAT_OK;
}

static bool fits(const struct import_part *part, const char *name)
{
    const char *slash = strrchr(name, '/');
    return fnmatch(part->pattern, slash ? slash + 1 : name, FNM_CASEFOLD) == 0;
}

static struct import_part *part_of(const struct import_map *map, const char *name)
{
    for (uint32_t i = 0; i < map->parts_n; i++)
        if (fits(&map->parts[i], name)) return &map->parts[i];
    return NULL;
}

static enum sat_err refuse_name(struct import_run *run, const struct import_map *map, const char *name)
{
    const char *list = "";
    for (uint32_t i = 0; i < map->parts_n && i < 16; i++)
        list = sat_arena_format(&run->arena, "%s%s%s", list, i ? ", " : "",
                                import_shown(&run->arena, map->parts[i].pattern));
    return sat_fail(&run->satchel->fault, SAT_ERR_INVALID, "the map has nothing for %s: it is for %.200s",
                    import_shown_file(&run->arena, name), list);
}

/* The files in the map's order, so that what is referred to comes before. */
static enum sat_err sort_files(struct import_run *run, const struct import_map *map,
                               const struct satchel_import_file *given, size_t n,
                               const struct satchel_import_file **sorted)
{
    run->files = sat_arena_array(&run->arena, n, sizeof *run->files);
    for (size_t i = 0; i < n; i++)
        if (!part_of(map, given[i].name)) return refuse_name(run, map, given[i].name);
    for (uint32_t p = 0; p < map->parts_n; p++) {
        for (size_t i = 0; i < n; i++) {
            if (part_of(map, given[i].name) != &map->parts[p]) continue;
            sorted[run->files_n] = &given[i];
            run->files[run->files_n++] = (struct import_file){.name = given[i].name,
                                                              .part = &map->parts[p],
                                                              .state = "not begun",
                                                              .bads = json_array(),
                                                              .records = json_array()};
        }
    }
    return SAT_OK;
}

/* SAT_ERR_INVALID: the file cannot be read as a table, which is told. */
static enum sat_err read_file(struct import_run *run, const struct satchel_import_file *given)
{
    struct import_file *file = &run->files[run->at];
    const struct import_part *part = file->part;
    struct import_bad bad = {0};
    struct sat_span text;
    enum sat_err err =
        import_decode(sat_span(given->bytes.at, given->bytes.len), part->encoding, &run->arena, &text, &bad);
    if (!err && part->vcard)
        err = import_vcard_read(text, &run->arena, &file->table, &bad);
    else if (!err)
        err = import_csv_read(text, part->delimiter, part->names, part->names_n, &run->arena, &file->table, &bad);
    if (!err) err = import_columns_find(part, &file->table, &run->arena, &bad);
    if (!err) {
        file->rows = sat_arena_array(&run->arena, file->table.rows_n, sizeof *file->rows);
        return SAT_OK;
    }
    file->state = "refused";
    import_add_bad(run, UINT32_MAX, &bad);
    return SAT_ERR_INVALID;
}

/* All of them before anything is stored. */
static enum sat_err read_files(struct import_run *run, const struct satchel_import_file *const *sorted, bool *readable)
{
    for (run->at = 0; run->at < run->files_n; run->at++)
        if (read_file(run, sorted[run->at])) *readable = false;
    run->at = 0;
    return SAT_OK;
}

/* ---- A file ---- */

static enum sat_err plan_file(struct import_run *run)
{
    const struct import_file *file = &run->files[run->at];
    enum sat_err err = SAT_OK;
    run->again = false;
    import_forget_file(run);
    json_array_clear(file->records);
    for (uint32_t i = 0; i < file->table.rows_n && !err; i++) err = import_plan_row(run, i);
    return err ? err : import_check_references(run);
}

/* Which row an edit that the commit refused was of; false: the failure is none of a row's. */
static bool blame_edit(struct import_run *run, uint32_t edit, const char *rule, const char *text)
{
    uint32_t origin[2];
    if (!edit || edit * sizeof origin > run->origins.len) return false;
    memcpy(origin, run->origins.at + (edit - 1) * sizeof origin, sizeof origin);
    uint32_t at = run->at;
    run->at = origin[0];
    struct import_bad bad;
    (void)import_spoil(&run->row_arena, &bad, run->files[origin[0]].table.rows[origin[1]].line, rule, "%s", text);
    import_add_bad(run, origin[1], &bad);
    run->at = at;
    return true;
}

static enum sat_err begin(struct import_run *run)
{
    sat_buf_clear(&run->origins);
    return (enum sat_err)satchel_begin(run->satchel, &run->tx);
}

/* false: a row was found bad. */
static enum sat_err commit(struct import_run *run, bool *done)
{
    enum sat_err err = (enum sat_err)satchel_commit(run->tx);
    const struct satchel_error *error = satchel_error_of(run->satchel);
    run->tx = NULL;
    *done = !err;
    if (!err) return SAT_OK;
    char text[sizeof error->message];
    memcpy(text, error->message, sizeof text);
    return blame_edit(run, error->edit, error->name, text) ? SAT_OK : err;
}

static enum sat_err store_file(struct import_run *run)
{
    struct import_file *file = &run->files[run->at];
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        bool done = false;
        enum sat_err err = begin(run);
        if (!err) err = plan_file(run);
        if (err) return err;
        if (file->bad_n && (!run->skip_bad || run->again)) {
            satchel_rollback(run->tx);
            run->tx = NULL;
            if (!run->skip_bad) break;
            continue;
        }
        err = commit(run, &done);
        if (err) return err;
        if (done) file->state = "stored";
        if (done || !run->skip_bad) break;
    }
    if (strcmp(file->state, "stored") != 0) file->state = "refused";
    return SAT_OK;
}

static enum sat_err store_files(struct import_run *run)
{
    for (run->at = 0; run->at < run->files_n; run->at++) {
        enum sat_err err = store_file(run);
        if (err) return err;
        if (strcmp(run->files[run->at].state, "stored") != 0) break;
    }
    return SAT_OK;
}

/* One transaction for all files, which is looked at and thrown away. */
static enum sat_err try_files(struct import_run *run)
{
    uint32_t culprit = 0;
    enum sat_err err = begin(run);
    for (run->at = 0; run->at < run->files_n && !err; run->at++) {
        err = plan_file(run);
        run->files[run->at].state = run->files[run->at].bad_n && !run->skip_bad ? "refused" : "checked";
    }
    if (err) return err;
    run->at = 0;
    client_begin(run->satchel);
    err = client_tx_settle(run->tx, &culprit);
    if (err && culprit && blame_edit(run, culprit, sat_err_name(err), run->satchel->fault.text)) err = SAT_OK;
    for (uint32_t i = 0; i < run->files_n; i++)
        if (run->files[i].bad_n && !run->skip_bad) run->files[i].state = "refused";
    satchel_rollback(run->tx);
    run->tx = NULL;
    return err;
}

/* ---- Telling ---- */

struct telling {
    satchel_row_fn row;
    void *context;
    bool stopped;
};

static void tell(struct telling *telling, json_t *json)
{
    if (telling->stopped || !telling->row)
        json_decref(json);
    else
        telling->stopped = !client_give_row(telling->row, telling->context, json);
}

static void tell_all(struct telling *telling, const json_t *rows)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row) tell(telling, json_incref(row));
}

static int compare_lines(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "line")),
               y = json_integer_value(json_object_get(*(json_t *const *)b, "line"));
    return x < y ? -1 : x > y;
}

/* Rows that only the end of the file finds bad come last: by line, for whoever mends the file. */
static json_t *by_line(const json_t *rows)
{
    size_t n = json_array_size(rows);
    json_t **list = calloc(n + 1, sizeof(json_t *)), *sorted = json_array();
    sat_check_memory(list);
    for (size_t i = 0; i < n; i++) list[i] = json_array_get(rows, i);
    qsort(list, n, sizeof(json_t *), compare_lines);
    for (size_t i = 0; i < n; i++) (void)json_array_append(sorted, list[i]);
    free(list);
    return sorted;
}

static void tell_file(struct telling *telling, const struct import_file *file)
{
    struct import_row_state sum = {0};
    for (uint32_t i = 0; file->rows && i < file->table.rows_n; i++) {
        const struct import_row_state *row = &file->rows[i];
        if (row->bad) continue;
        sum.created += row->created;
        sum.changed += row->changed;
        sum.unchanged += row->unchanged;
        sum.left += row->left;
    }
    json_t *bads = by_line(file->bads);
    tell_all(telling, bads);
    json_decref(bads);
    tell_all(telling, file->records);
    tell(telling,
         json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "kind", "file", "file", file->name, "state",
                   file->state, "rows", (int)file->table.rows_n, "new", (int)sum.created, "changed", (int)sum.changed,
                   "unchanged", (int)sum.unchanged, "archived", (int)sum.left, "bad", (int)file->bad_n));
}

/* What is wrong first, without the file's name before it. */
static const char *first_bad(struct import_run *run, const struct import_file *file)
{
    json_t *bads = by_line(file->bads);
    const char *text = json_string_value(json_object_get(json_array_get(bads, 0), "message"));
    size_t name = strlen(import_shown_file(&run->arena, file->name)) + 2;
    const char *copy = text && strlen(text) > name ? sat_arena_text(&run->arena, text + name, strlen(text) - name) : "";
    json_decref(bads);
    return copy;
}

static enum sat_err conclude(struct import_run *run)
{
    const struct import_file *refused = NULL;
    unsigned waiting = 0;
    for (uint32_t i = 0; i < run->files_n; i++) {
        if (!refused && strcmp(run->files[i].state, "refused") == 0) refused = &run->files[i];
        waiting += strcmp(run->files[i].state, "not begun") == 0;
    }
    if (!refused) return SAT_OK;
    const char *others = waiting ? sat_arena_format(&run->arena, ", nor what is behind it (%u)", waiting) : "";
    return sat_fail(&run->satchel->fault, SAT_ERR_INVALID, "%s %s%s: %u bad, first %.280s",
                    import_shown_file(&run->arena, refused->name),
                    run->dry_run ? "would not be stored" : "is not stored", others, (unsigned)refused->bad_n,
                    first_bad(run, refused));
}

/* ---- All ---- */

static enum sat_err import(struct import_run *run, struct import_map *map, const char *text,
                           const struct satchel_import_file *given, size_t n, struct telling *telling)
{
    struct import_bad bad = {0};
    bool readable = true;
    enum sat_err err = import_map_read(text, &run->arena, map, &bad) ? refuse_map(run, &bad) : SAT_OK;
    const struct satchel_import_file **sorted = sat_arena_array(&run->arena, n, sizeof(void *));
    run->ids.map = map->name;
    run->ids.org = run->satchel->directory.org;
    if (!err) err = take_secret(run);
    if (!err) err = sort_files(run, map, given, n, sorted);
    if (!err) err = read_files(run, sorted, &readable);
    if (!err && readable) err = run->dry_run ? try_files(run) : store_files(run);
    if (err) return err;
    for (uint32_t i = 0; i < run->files_n; i++) tell_file(telling, &run->files[i]);
    return conclude(run);
}

int satchel_import(struct satchel *satchel, const char *map_text, const struct satchel_import_file *files, size_t n,
                   int flags, const char *territory, satchel_row_fn row, void *context)
{
    struct telling telling = {.row = row, .context = context};
    struct import_map map = {0};
    struct import_run run = {.satchel = satchel, .territory = territory};
    run.dry_run = flags & SATCHEL_DRY_RUN;
    run.skip_bad = flags & SATCHEL_SKIP_BAD;
    sat_arena_init(&run.arena);
    sat_arena_init(&run.row_arena);
    sat_buf_init(&run.origins);
    client_begin(satchel);
    if (run.dry_run) client_sight_get(satchel, &run.sight);
    enum sat_err err = satchel->tx ? sat_fail(&satchel->fault, SAT_ERR_INVALID, "a transaction is open already")
                                   : import(&run, &map, map_text, files, n, &telling);
    satchel_rollback(run.tx);
    int failed = client_end(satchel, err);
    for (uint32_t i = 0; i < run.files_n; i++) {
        json_decref(run.files[i].bads);
        json_decref(run.files[i].records);
    }
    import_map_free(&map);
    sodium_free((void *)run.ids.secret);
    free(run.seen);
    free(run.references);
    sat_buf_deinit(&run.origins);
    sat_arena_deinit(&run.row_arena);
    sat_arena_deinit(&run.arena);
    return failed;
}
