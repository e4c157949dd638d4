/* What a row asks for, compared with what is here. */
#include <stdlib.h>
#include <string.h>

#include "client/forgotten.h"
#include "client/import/run.h"
#include "common/base/check.h"
#include "common/proof/hash.h"

/* A record of the row at hand. */
struct made {
    const struct import_record *record;
    struct sat_record_id id;
    char text[SAT_UUID_TEXT_SIZE];
    const char *const *key;
    json_t *fields;
    const char *territory;
    bool skip; /* a row before said it already */
    uint64_t said;
};

struct row {
    struct import_run *run;
    struct import_file *file;
    struct import_source source;
    struct import_bad bad;
    uint32_t at;
    struct made made[IMPORT_RECORDS_MAX];
    uint32_t made_n;
};

/* ---- What has been seen ---- */

static struct import_seen *slot_of(struct import_seen *table, uint32_t cap, const struct sat_record_id *id)
{
    uint64_t hash; /* an id is one */
    memcpy(&hash, id->b + 8, sizeof hash);
    uint32_t at = (uint32_t)(hash >> 16) & (cap - 1);
    while (table[at].used && !sat_record_equal(&table[at].id, id)) at = (at + 1) & (cap - 1);
    return &table[at];
}

static struct import_seen *find_seen(const struct import_run *run, const struct sat_record_id *id)
{
    struct import_seen *slot = run->seen_cap ? slot_of(run->seen, run->seen_cap, id) : NULL;
    return slot && slot->used ? slot : NULL;
}

static void rebuild(struct import_run *run, uint32_t cap, uint32_t without_file)
{
    struct import_seen *table = calloc(cap, sizeof *table);
    sat_check_memory(table);
    uint32_t n = 0;
    for (uint32_t i = 0; i < run->seen_cap; i++) {
        if (!run->seen[i].used || run->seen[i].file == without_file) continue;
        *slot_of(table, cap, &run->seen[i].id) = run->seen[i];
        n++;
    }
    free(run->seen);
    run->seen = table;
    run->seen_cap = cap;
    run->seen_n = n;
}

void import_forget_file(struct import_run *run)
{
    if (run->seen_cap) rebuild(run, run->seen_cap, run->at);
    run->references_n = 0;
}

static void add_seen(struct import_run *run, const struct made *made, uint32_t line)
{
    if ((run->seen_n + 1) * 2 > run->seen_cap) rebuild(run, run->seen_cap ? run->seen_cap * 2 : 256, UINT32_MAX);
    struct import_seen *slot = slot_of(run->seen, run->seen_cap, &made->id);
    run->seen_n += !slot->used;
    *slot = (struct import_seen){made->id, made->said, run->at, line, true};
}

/* ---- Bad rows ---- */

void import_add_bad(struct import_run *run, uint32_t at, const struct import_bad *bad)
{
    struct import_file *file = &run->files[run->at];
    if (at != UINT32_MAX && file->rows[at].bad) return;
    if (at != UINT32_MAX) file->rows[at].bad = true;
    file->bad_n++;
    const char *where = bad->line ? sat_arena_format(&run->row_arena, ", line %u", (unsigned)bad->line) : "";
    if (bad->column)
        where = sat_arena_format(&run->row_arena, "%s, column %s", where, import_shown(&run->row_arena, bad->column));
    const char *text =
        sat_arena_format(&run->row_arena, "%s%s: %s", import_shown_file(&run->row_arena, file->name), where, bad->text);
    json_t *row = json_pack("{s:s, s:s, s:o, s:s?, s:s, s:s}", "kind", "bad", "file", file->name, "line",
                            bad->line ? json_integer(bad->line) : json_null(), "column", bad->column, "rule", bad->rule,
                            "message", text);
    if (row) (void)json_array_append_new(file->bads, row);
}

static void refuse(struct row *row)
{
    row->bad.line = row->source.row->line;
    import_add_bad(row->run, row->at, &row->bad);
}

/* What the library said about a row; false: it is none of the row's. */
static bool take_blame(struct row *row, enum sat_err err, const struct sat_fault *fault)
{
    if (sat_err_exit_code(err) != 2 && err != SAT_ERR_DENIED) return false;
    (void)import_spoil(row->source.arena, &row->bad, 0, sat_err_name(err), "%s",
                       fault->err ? fault->text : sat_err_text(err));
    refuse(row);
    return true;
}

/* ---- Making ---- */

static void add_reference(struct import_run *run, const struct import_reference *reference)
{
    if (run->references_n == run->references_cap) {
        run->references_cap = run->references_cap ? run->references_cap * 2 : 256;
        run->references = realloc(run->references, run->references_cap * sizeof *run->references);
        sat_check_memory(run->references);
    }
    run->references[run->references_n++] = *reference;
}

static const char *join_key(struct sat_arena *arena, const char *const *key, uint32_t n)
{
    const char *text = key[0];
    for (uint32_t i = 1; i < n; i++) text = sat_arena_format(arena, "%s, %s", text, key[i]);
    return import_shown(arena, text);
}

static enum sat_err make_fields(struct row *row, struct made *made)
{
    const struct import_record *record = made->record;
    made->fields = json_object();
    for (uint32_t i = 0; i < record->fields_n; i++) {
        const struct import_value *value = &record->fields[i];
        json_t *json = NULL;
        enum sat_err err = import_value_read(&row->source, value, &json);
        if (err) return err;
        if (!json) continue;
        if (value->target && json_is_string(json) && !value->may_wait) {
            const char *const *key = import_key(&row->source, &value->columns, &value->form);
            struct import_reference reference = {.row = row->at, .value = value};
            if (key && sat_uuid_parse(json_string_value(json), reference.id.b) == 0) {
                const char *text = join_key(&row->run->row_arena, key, value->columns.n);
                reference.text = sat_arena_text(&row->run->arena, text, strlen(text));
                add_reference(row->run, &reference);
            }
        }
        (void)json_object_set_new(made->fields, value->field->name, json);
    }
    return SAT_OK;
}

static enum sat_err make_territory(struct row *row, struct made *made)
{
    const struct import_value *value = made->record->territory;
    json_t *json = NULL;
    if (made->record->type->home == SAT_HOME_TERRITORY) made->territory = row->run->territory;
    enum sat_err err = value ? import_value_read(&row->source, value, &json) : SAT_OK;
    const char *text = json_string_value(json);
    if (text) made->territory = sat_arena_text(row->source.arena, text, strlen(text));
    json_decref(json);
    return err;
}

/* Did a row before speak of the same record? */
static enum sat_err compare_with_seen(struct row *row, struct made *made)
{
    struct sat_arena *arena = row->source.arena;
    char *text = json_dumps(made->fields, JSON_COMPACT | JSON_SORT_KEYS);
    struct sat_hash hash = sat_hash("import-row", sat_span_text(text ? text : ""));
    free(text);
    memcpy(&made->said, hash.b, sizeof made->said);
    const struct import_seen *seen = find_seen(row->run, &made->id);
    if (!seen || seen->file != row->run->at) return SAT_OK;
    made->skip = seen->said == made->said || made->record->first;
    if (made->skip) return SAT_OK;
    (void)import_spoil(arena, &row->bad, 0, "repeated", "%s %s came in line %u already, and says something else there",
                       made->record->as, join_key(arena, made->key, made->record->key.n), (unsigned)seen->line);
    row->bad.column = made->record->key.names[0];
    return SAT_ERR_INVALID;
}

static enum sat_err make(struct row *row, const struct import_record *record)
{
    struct made *made = &row->made[row->made_n];
    if (!import_when(&row->source, record)) return SAT_OK;
    *made = (struct made){.record = record};
    row->made_n++;
    made->key = import_key(&row->source, &record->key, &record->form);
    if (!made->key) {
        const char *column = row->bad.column;
        (void)import_spoil(row->source.arena, &row->bad, 0, "key", "the key of %s is empty", record->as);
        row->bad.column = column;
        return SAT_ERR_INVALID;
    }
    made->id = import_id(&row->run->ids, record->as, made->key, record->key.n);
    sat_uuid_format(made->id.b, made->text);
    enum sat_err err = make_territory(row, made);
    if (!err) err = make_fields(row, made);
    return err ? err : compare_with_seen(row, made);
}

/* ---- Comparing ---- */

/* Where people disagree, an import that agrees with one of them is no reason to settle it. */
static bool says_nothing_new(const struct sat_field *field, const struct sat_merged_record *merged,
                             const struct sat_cell *cell)
{
    static const uint8_t no_bytes[1];
    struct sat_span element = cell->in_set ? cell->element : (struct sat_span){0};
    if (cell->in_set && !element.at) element.at = no_bytes;
    const struct sat_merged *found = sat_merged_cell(merged, cell->field, element);
    bool of_set = sat_rule(field->rule)->form == SAT_FORM_SET;
    if (!found) return cell->value.kind == SAT_VALUE_NIL || (of_set && !cell->value.truth);
    for (uint32_t i = 0; i < found->alternatives_n; i++)
        if (sat_value_equal(&found->alternatives[i].value, &cell->value)) return true;
    return sat_value_equal(&found->value, &cell->value);
}

/* Of a set that is given as a whole: is anything else in it? */
static bool has_others(const struct sat_merged_record *merged, const struct client_fields *fields, uint16_t field)
{
    for (uint32_t i = 0; i < merged->cells_n; i++) {
        const struct sat_merged *cell = &merged->cells[i];
        if (cell->field != field || !cell->in_set || !cell->value.truth) continue;
        bool named = false;
        for (uint32_t c = 0; c < fields->n && !named; c++)
            named = fields->cells[c].field == field && sat_span_equal(fields->cells[c].element, cell->element);
        if (!named) return true;
    }
    return false;
}

/* Leaves of the fields those that say something new. */
static void leave_new(const struct sat_type *type, const struct sat_merged_record *merged,
                      const struct client_fields *fields, json_t *object)
{
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, name, value)
    {
        const struct sat_field *field = sat_field_by_name(type, name);
        bool news = field->rule == SAT_RULE_ADD && !json_is_object(value) && has_others(merged, fields, field->number);
        for (uint32_t i = 0; i < fields->n && !news; i++)
            news = fields->cells[i].field == field->number && !says_nothing_new(field, merged, &fields->cells[i]);
        if (!news) (void)json_object_del(object, name);
    }
}

static void tell_record(struct row *row, const struct made *made, const char *what, const json_t *before)
{
    if (!row->run->dry_run) return;
    json_t *was = json_object(), *key = json_array(), *value;
    const char *name;
    json_object_foreach(made->fields, name, value)
    {
        json_t *old = json_object_get(before, name);
        if (old) (void)json_object_set(was, name, old);
    }
    for (uint32_t i = 0; i < made->record->key.n; i++) (void)json_array_append_new(key, json_string(made->key[i]));
    json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:O, s:o}", "kind", "record", "what", what, "type",
                               made->record->type->name, "id", made->text, "key", key, "file", row->file->name, "line",
                               (int)row->source.row->line, "fields", made->fields, "was", was);
    if (record) (void)json_array_append_new(row->file->records, record);
}

/* The fields as the library reads them: what it refuses is refused before anything of the row is in the transaction. */
static enum sat_err read_fields(struct row *row, const struct made *made, struct client_fields *fields, bool *bad)
{
    struct sat_fault fault = {0};
    char *text = json_dumps(made->fields, JSON_COMPACT);
    enum sat_err err = client_json_fields(made->record->type, text, row->source.arena, fields, &fault);
    free(text);
    *bad = err && take_blame(row, err, &fault);
    return *bad ? SAT_OK : err;
}

static enum sat_err put(struct row *row, struct made *made, bool here, bool several)
{
    struct import_run *run = row->run;
    const char *territory = here && !several ? NULL : made->territory;
    char *text = json_dumps(made->fields, JSON_COMPACT);
    enum sat_err err = (enum sat_err)satchel_put(run->tx, made->record->type->name, made->text, territory, text, NULL);
    free(text);
    if (!err) {
        uint32_t origin[2] = {run->at, row->at};
        sat_put_bytes(&run->origins, origin, sizeof origin);
    }
    return err;
}

/* Creates or changes the record, if that is called for. */
static enum sat_err apply(struct row *row, struct made *made, const struct client_fields *fields)
{
    struct import_run *run = row->run;
    struct import_row_state *state = &row->file->rows[row->at];
    const struct sat_type *type = made->record->type;
    struct client_place place;
    struct sat_record_view view = {0};
    int64_t forgotten = 0;
    json_t *before = NULL;
    enum sat_err err = client_locate(run->satchel, &made->id, row->source.arena, &place, &view);
    if (!err && !place.here && !place.moved)
        err = client_forgotten_find(run->satchel, &made->id, NULL, row->source.arena, &forgotten);
    if (err) return err;
    if (forgotten || (place.here && place.archived)) {
        tell_record(row, made, "archived", NULL);
        state->left++;
        return SAT_OK;
    }
    bool readable = place.here && place.type == type->number;
    if (readable) leave_new(type, &view.merged, fields, made->fields);
    if (readable && (made->record->keep || json_object_size(made->fields) == 0)) {
        state->unchanged++;
        return SAT_OK;
    }
    if (readable && run->dry_run) {
        client_sight_mask(&run->sight, &view, row->source.arena, NULL);
        before = client_json_of_record(type, &view.merged);
    }
    err = put(row, made, place.here, place.spaces_n > 1);
    bool is_new = !place.here && !find_seen(run, &made->id);
    if (!err) tell_record(row, made, is_new ? "new" : "changed", before);
    if (!err) *(is_new ? &state->created : &state->changed) += 1;
    json_decref(before);
    return err;
}

static enum sat_err apply_all(struct row *row)
{
    struct import_run *run = row->run;
    struct client_fields *fields = sat_arena_array(row->source.arena, row->made_n, sizeof *fields);
    enum sat_err err = SAT_OK;
    bool bad = false;
    for (uint32_t i = 0; i < row->made_n && !err && !bad; i++) err = read_fields(row, &row->made[i], &fields[i], &bad);
    size_t before = run->origins.len;
    for (uint32_t i = 0; i < row->made_n && !err && !bad; i++) {
        if (row->made[i].skip) continue;
        err = apply(row, &row->made[i], &fields[i]);
        if (!err) continue;
        bad = take_blame(row, err, &run->satchel->fault);
        if (bad) err = SAT_OK;
    }
    if (bad && run->origins.len > before) run->again = true;
    for (uint32_t i = 0; i < row->made_n && !err && !bad; i++)
        if (!row->made[i].skip) add_seen(run, &row->made[i], row->source.row->line);
    return err;
}

static bool has_its_cells(struct row *row)
{
    const struct import_table *table = &row->file->table;
    const struct import_row *cells = row->source.row;
    bool empty = true; /* what stands beyond the header */
    for (uint32_t i = table->names_n; i < cells->cells_n; i++) empty = empty && !cells->cells[i][0];
    if (cells->cells_n >= table->names_n && empty) return true;
    (void)import_spoil(row->source.arena, &row->bad, 0, "columns", "%u columns, where the header has %u",
                       (unsigned)cells->cells_n, (unsigned)table->names_n);
    return false;
}

enum sat_err import_plan_row(struct import_run *run, uint32_t at)
{
    struct row row = {.run = run, .file = &run->files[run->at], .at = at};
    row.source = (struct import_source){.ids = &run->ids,
                                        .table = &row.file->table,
                                        .row = &row.file->table.rows[at],
                                        .arena = &run->row_arena,
                                        .bad = &row.bad};
    const struct import_part *part = row.file->part;
    struct import_row_state *state = &row.file->rows[at];
    *state = (struct import_row_state){.bad = state->bad};
    if (state->bad) return SAT_OK;
    sat_arena_reset(&run->row_arena);
    bool good = has_its_cells(&row);
    for (uint32_t i = 0; i < part->records_n && good; i++) good = make(&row, &part->records[i]) == SAT_OK;
    enum sat_err err = SAT_OK;
    if (good)
        err = apply_all(&row);
    else
        refuse(&row);
    for (uint32_t i = 0; i < row.made_n; i++) json_decref(row.made[i].fields);
    return err;
}

enum sat_err import_check_references(struct import_run *run)
{
    struct import_file *file = &run->files[run->at];
    for (uint32_t i = 0; i < run->references_n; i++) {
        const struct import_reference *reference = &run->references[i];
        struct client_known *known;
        if (file->rows[reference->row].bad || find_seen(run, &reference->id)) continue;
        enum sat_err err = client_tx_known(run->tx, &reference->id, &known);
        if (err) return err;
        if (known->place.here) continue;
        struct import_bad bad;
        (void)import_spoil(&run->row_arena, &bad, file->table.rows[reference->row].line, "reference",
                           "there is no %s %s, neither here nor in what is imported", reference->value->target->as,
                           reference->text);
        bad.column = reference->value->columns.names[0];
        import_add_bad(run, reference->row, &bad);
        run->again = true;
    }
    return SAT_OK;
}
