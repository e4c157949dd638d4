#define _GNU_SOURCE
#include "client/import/map.h"

#include <string.h>
#include <strings.h>

#include "client/currency.h"
#include "common/base/utf8.h"

enum { PARTS_MAX = 100, FIELDS_MAX = 400, DEPTH_MAX = 8 };

struct reading {
    struct sat_arena *arena;
    struct import_bad *bad;
    struct import_map *map;
};

static enum sat_err refuse(struct reading *reading, const char *path, const char *what)
{
    return import_spoil(reading->arena, reading->bad, 0, "map", "%s%s%s", path, path[0] ? ": " : "", what);
}

static const char *below(struct reading *reading, const char *path, const char *name)
{
    return sat_arena_format(reading->arena, "%s%s%s", path, path[0] ? "." : "", import_shown(reading->arena, name));
}

static const char *item(struct reading *reading, const char *path, const char *name, size_t index)
{
    return sat_arena_format(reading->arena, "%s%s%s[%zu]", path, path[0] ? "." : "", name, index);
}

/* Only members that are known: a word that is misspelt would be left out silently. */
static enum sat_err check_members(struct reading *reading, const char *path, const json_t *object, const char *known)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) return refuse(reading, path, "no object");
    json_object_foreach((json_t *)object, name, value)
    {
        size_t len = strlen(name);
        bool found = false;
        for (const char *at = known; (at = strstr(at, name)) && !found && len; at += len)
            found = (at == known || at[-1] == ' ') && (at[len] == ' ' || !at[len]);
        if (!found && name[0] != '#')
            return refuse(reading, path,
                          sat_arena_format(reading->arena, "unknown member \"%s\" (there are: %s)",
                                           import_shown(reading->arena, name), known));
    }
    return SAT_OK;
}

/* ---- Members ---- */

static enum sat_err take_text(struct reading *reading, const char *path, const json_t *object, const char *name,
                              const char **out)
{
    const json_t *value = json_object_get(object, name);
    if (!value) return SAT_OK;
    const char *text = json_string_value(value);
    if (!text || !text[0]) return refuse(reading, below(reading, path, name), "takes a text");
    *out = text;
    return SAT_OK;
}

static enum sat_err take_truth(struct reading *reading, const char *path, const json_t *object, const char *name,
                               bool *out)
{
    const json_t *value = json_object_get(object, name);
    if (!value) return SAT_OK;
    if (!json_is_boolean(value)) return refuse(reading, below(reading, path, name), "takes true or false");
    *out = json_is_true(value);
    return SAT_OK;
}

/* One of two words. */
static enum sat_err take_choice(struct reading *reading, const char *path, const json_t *object, const char *name,
                                const char *no, const char *yes, bool *out)
{
    const char *word = NULL;
    enum sat_err err = take_text(reading, path, object, name, &word);
    if (err || !word) return err;
    *out = strcmp(word, yes) == 0;
    if (*out || strcmp(word, no) == 0) return SAT_OK;
    return refuse(reading, below(reading, path, name), sat_arena_format(reading->arena, "takes %s or %s", no, yes));
}

/* A column's name, an array of them, or {"const": text}. */
static enum sat_err take_columns(struct reading *reading, const char *path, const json_t *value,
                                 struct import_columns *out)
{
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n == 0 || n > FIELDS_MAX) return refuse(reading, path, "names no columns, or too many");
    out->names = sat_arena_array(reading->arena, n, sizeof *out->names);
    out->at = sat_arena_array(reading->arena, n, sizeof *out->at);
    out->constant = json_is_object(value);
    if (out->constant) value = json_object_get(value, "const");
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_is_array(value) ? json_array_get(value, i) : value);
        if (!name || !name[0])
            return refuse(reading, path,
                          out->constant ? "\"const\" takes a text" : "takes a column's name, or a list of them");
        out->names[out->n++] = name;
    }
    return SAT_OK;
}

#define FORM_MEMBERS "date zone decimal thousands null empty"

static enum sat_err take_form(struct reading *reading, const char *path, const json_t *object, struct import_form *form)
{
    const json_t *nulls = json_object_get(object, "null");
    enum sat_err err = take_text(reading, path, object, "date", &form->date);
    if (!err) err = take_text(reading, path, object, "zone", &form->zone);
    if (!err) err = take_text(reading, path, object, "decimal", &form->decimal);
    if (!err) err = take_text(reading, path, object, "thousands", &form->thousands);
    if (!err) err = take_choice(reading, path, object, "empty", "leave", "clear", &form->clear);
    if (err) return err;
    if (nulls && !json_is_array(nulls) && !json_is_string(nulls))
        return refuse(reading, below(reading, path, "null"), "takes a text, or a list of them");
    if (nulls) form->nulls = nulls;
    if (form->thousands && form->decimal && strcmp(form->thousands, form->decimal) == 0)
        return refuse(reading, path, "decimal and thousands are the same mark");
    return SAT_OK;
}

/* ---- Values ---- */

static enum sat_err take_digits(struct reading *reading, const char *path, const json_t *object,
                                struct import_value *out)
{
    const json_t *digits = json_object_get(object, "digits");
    bool money = out->field && out->field->kind == SAT_KIND_MONEY;
    out->digits = money ? client_currency_digits(out->currency) : 0;
    if (!digits) return SAT_OK;
    if (!json_is_integer(digits) || json_integer_value(digits) < 0 || json_integer_value(digits) > 12)
        return refuse(reading, below(reading, path, "digits"), "takes a number from 0 to 12");
    out->digits = (int)json_integer_value(digits);
    return SAT_OK;
}

static struct import_record *find_record(const struct import_map *map, const char *as)
{
    for (uint32_t i = 0; i < map->parts_n; i++)
        for (uint32_t j = 0; j < map->parts[i].records_n; j++)
            if (map->parts[i].records[j].as && strcmp(map->parts[i].records[j].as, as) == 0)
                return &map->parts[i].records[j];
    return NULL;
}

static enum sat_err take_reference(struct reading *reading, const char *path, const json_t *object,
                                   struct import_value *out)
{
    const char *ref = NULL;
    enum sat_err err = take_text(reading, path, object, "ref", &ref);
    const json_t *key = json_object_get(object, "key");
    if (err) return err;
    if (!ref || !key) return refuse(reading, path, "a reference says \"ref\", whose, and \"key\", by which columns");
    out->target = find_record(reading->map, ref);
    if (!out->target)
        return refuse(
            reading, below(reading, path, "ref"),
            sat_arena_format(reading->arena, "no records of this map are \"%s\"", import_shown(reading->arena, ref)));
    if (out->field->ref_type && out->field->ref_type != out->target->type->number)
        return refuse(reading, below(reading, path, "ref"),
                      sat_arena_format(reading->arena, "%s refers to records of another type than %s", out->field->name,
                                       out->target->type->name));
    err = take_columns(reading, below(reading, path, "key"), key, &out->columns);
    if (!err && out->columns.n != out->target->key.n)
        err = refuse(reading, below(reading, path, "key"), "has another number of columns than the key it stands for");
    return err;
}

static enum sat_err take_source(struct reading *reading, const char *path, const json_t *object,
                                struct import_value *out)
{
    const json_t *column = json_object_get(object, "column");
    bool reference = out->field && out->field->kind == SAT_KIND_REF;
    out->constant = json_object_get(object, "const");
    if ((column != NULL) + (out->constant != NULL) + (json_object_get(object, "ref") != NULL) != 1)
        return refuse(reading, path,
                      reference ? "takes one of \"ref\" with \"key\", \"column\" and \"const\""
                                : "takes one of \"column\" and \"const\"");
    if (out->constant) return SAT_OK;
    if (json_is_object(column)) return refuse(reading, below(reading, path, "column"), "takes a column's name");
    if (column) return take_columns(reading, below(reading, path, "column"), column, &out->columns);
    if (!reference) return refuse(reading, path, "\"ref\" is for fields that refer to records");
    return take_reference(reading, path, object, out);
}

/* A text: the column's name; else an object. */
static enum sat_err take_value(struct reading *reading, const char *path, const json_t *json,
                               const struct import_form *form, struct import_value *out)
{
    static const char known[] = "column const ref key with split values else default currency digits required exactly "
                                "waits " FORM_MEMBERS;
    out->form = *form;
    out->with = " ";
    if (json_is_string(json)) {
        (void)take_digits(reading, path, json, out);
        return take_columns(reading, path, json, &out->columns);
    }
    enum sat_err err = check_members(reading, path, json, known);
    if (!err) err = take_source(reading, path, json, out);
    if (!err) err = take_form(reading, path, json, &out->form);
    if (!err) err = take_text(reading, path, json, "split", &out->split);
    if (!err) err = take_text(reading, path, json, "currency", &out->currency);
    if (!err) err = take_digits(reading, path, json, out);
    if (!err) err = take_truth(reading, path, json, "required", &out->required);
    if (!err) err = take_truth(reading, path, json, "exactly", &out->exactly);
    if (!err) err = take_truth(reading, path, json, "waits", &out->may_wait);
    if (err) return err;
    if (json_is_string(json_object_get(json, "with"))) out->with = json_string_value(json_object_get(json, "with"));
    out->table = json_object_get(json, "values");
    out->otherwise = json_object_get(json, "else");
    out->missing = json_object_get(json, "default");
    if (out->table && !json_is_object(out->table))
        return refuse(reading, below(reading, path, "values"), "takes an object: a text and what it becomes");
    if (out->otherwise && !out->table) return refuse(reading, path, "\"else\" belongs to \"values\"");
    return SAT_OK;
}

/* ---- Records ---- */

static enum sat_err take_field(struct reading *reading, const char *path, const char *name, const json_t *json,
                               struct import_record *record)
{
    struct import_value *value = &record->fields[record->fields_n++];
    value->field = sat_field_by_name(record->type, name);
    if (!value->field)
        return refuse(reading, path, sat_arena_format(reading->arena, "%s has no such field", record->type->name));
    if (value->field->rule == SAT_RULE_DER) return refuse(reading, path, "this is computed and cannot be set");
    enum sat_err err = take_value(reading, path, json, &record->form, value);
    if (!err && (value->split || value->exactly) && value->field->rule != SAT_RULE_ADD)
        err = refuse(reading, path, "\"split\" and \"exactly\" are for sets");
    return err;
}

static enum sat_err take_fields(struct reading *reading, const char *path, const json_t *json,
                                struct import_record *record)
{
    const json_t *fields = json_object_get(json, "fields");
    const char *name;
    json_t *value;
    path = below(reading, path, "fields");
    if (!json_is_object(fields)) return refuse(reading, path, "takes an object: a field and where it comes from");
    if (json_object_size(fields) > FIELDS_MAX) return refuse(reading, path, "too many");
    record->fields = sat_arena_array(reading->arena, json_object_size(fields), sizeof *record->fields);
    json_object_foreach((json_t *)fields, name, value)
    {
        enum sat_err err = take_field(reading, below(reading, path, name), name, value, record);
        if (err) return err;
    }
    return SAT_OK;
}

static enum sat_err take_when(struct reading *reading, const char *path, const json_t *when,
                              struct import_record *record)
{
    path = below(reading, path, "when");
    if (!when || json_is_string(when)) return when ? take_columns(reading, path, when, &record->when) : SAT_OK;
    enum sat_err err = check_members(reading, path, when, "column is");
    if (err) return err;
    record->when_is = json_object_get(when, "is");
    if (!json_is_array(record->when_is)) return refuse(reading, path, "\"is\" takes a list of texts");
    if (!json_is_string(json_object_get(when, "column"))) return refuse(reading, path, "takes a column");
    return take_columns(reading, path, json_object_get(when, "column"), &record->when);
}

/* A text is the territory's name itself. */
static enum sat_err take_territory(struct reading *reading, const char *path, const json_t *json,
                                   struct import_record *record)
{
    const json_t *territory = json_object_get(json, "territory");
    if (!territory) return SAT_OK;
    path = below(reading, path, "territory");
    record->territory = sat_arena_alloc(reading->arena, sizeof *record->territory);
    if (!json_is_string(territory)) return take_value(reading, path, territory, &record->form, record->territory);
    record->territory->constant = territory;
    return SAT_OK;
}

/* What references need to know of the record, before any field is read. */
static enum sat_err take_identity(struct reading *reading, const char *path, const json_t *part, const json_t *json,
                                  struct import_record *record)
{
    const char *type = NULL;
    enum sat_err err =
        check_members(reading, path, json, "type as key when territory fields existing again " FORM_MEMBERS);
    if (!err) err = take_text(reading, path, json, "type", &type);
    if (err) return err;
    record->type = type ? sat_type_by_name(type) : NULL;
    if (!record->type) return refuse(reading, below(reading, path, "type"), type ? "there is no such type" : "missing");
    record->as = NULL;
    const char *as = type;
    err = take_text(reading, path, json, "as", &as);
    if (err) return err;
    if (find_record(reading->map, as))
        return refuse(reading, path,
                      sat_arena_format(reading->arena,
                                       "there are two \"%s\" in the map: give one of them another name by \"as\"",
                                       import_shown(reading->arena, as)));
    record->as = as;
    const json_t *key = json_object_get(json, "key");
    if (!key) key = json_object_get(part, "key");
    if (!key)
        return refuse(reading, below(reading, path, "key"), "missing: the column that tells one row from another");
    return take_columns(reading, below(reading, path, "key"), key, &record->key);
}

static enum sat_err take_rest(struct reading *reading, const char *path, const json_t *part, const json_t *json,
                              const struct import_form *form, struct import_record *record)
{
    record->form = *form;
    enum sat_err err = take_form(reading, path, json, &record->form);
    if (!err) err = take_choice(reading, path, part, "existing", "update", "keep", &record->keep);
    if (!err) err = take_choice(reading, path, json, "existing", "update", "keep", &record->keep);
    if (!err) err = take_choice(reading, path, json, "again", "same", "first", &record->first);
    if (!err) err = take_when(reading, path, json_object_get(json, "when"), record);
    if (!err && record->type->home == SAT_HOME_TERRITORY) err = take_territory(reading, path, part, record);
    if (!err) err = take_territory(reading, path, json, record);
    return err ? err : take_fields(reading, path, json, record);
}

/* ---- Files ---- */

static enum sat_err take_names(struct reading *reading, const char *path, const json_t *json, struct import_part *part)
{
    const json_t *header = json_object_get(json, "header");
    struct import_columns columns = {0};
    if (!header) return SAT_OK;
    if (!json_is_array(header)) return refuse(reading, below(reading, path, "header"), "takes a list of names");
    enum sat_err err = take_columns(reading, below(reading, path, "header"), header, &columns);
    part->names = columns.names;
    part->names_n = columns.n;
    return err;
}

static enum sat_err take_part(struct reading *reading, const char *path, const json_t *json, struct import_part *part)
{
    const char *delimiter = NULL;
    const json_t *records = json_object_get(json, "records");
    enum sat_err err = check_members(
        reading, path, json, "file format encoding delimiter header key territory existing records " FORM_MEMBERS);
    if (!err) err = take_text(reading, path, json, "file", &part->pattern);
    if (!err) err = take_text(reading, path, json, "encoding", &part->encoding);
    if (!err) err = take_choice(reading, path, json, "format", "csv", "vcard", &part->vcard);
    if (!err) err = take_text(reading, path, json, "delimiter", &delimiter);
    if (!err) err = take_names(reading, path, json, part);
    if (err) return err;
    if (!part->pattern) return refuse(reading, below(reading, path, "file"), "missing: a file's name, or *.csv");
    if (delimiter && (strlen(delimiter) != 1 || strchr("\"\r\n", delimiter[0])))
        return refuse(reading, below(reading, path, "delimiter"), "takes one character");
    part->delimiter = delimiter ? delimiter[0] : 0;
    size_t n = json_array_size(records);
    if (n == 0 || n > IMPORT_RECORDS_MAX)
        return refuse(reading, below(reading, path, "records"), "takes a list of records");
    part->records = sat_arena_array(reading->arena, n, sizeof *part->records);
    for (size_t i = 0; i < n && !err; i++)
        err = take_identity(reading, item(reading, path, "records", i), json, json_array_get(records, i),
                            &part->records[part->records_n++]);
    return err;
}

static enum sat_err take_part_fields(struct reading *reading, const char *path, const json_t *json,
                                     const struct import_form *form, struct import_part *part)
{
    struct import_form own = *form;
    enum sat_err err = take_form(reading, path, json, &own);
    for (uint32_t i = 0; i < part->records_n && !err; i++)
        err = take_rest(reading, item(reading, path, "records", i), json,
                        json_array_get(json_object_get(json, "records"), i), &own, &part->records[i]);
    return err;
}

static enum sat_err read_map(struct reading *reading, struct import_map *out)
{
    struct import_form form = {0};
    const json_t *files = json_object_get(out->json, "files");
    enum sat_err err = check_members(reading, "", out->json, "map files " FORM_MEMBERS);
    if (!err) err = take_text(reading, "", out->json, "map", &out->name);
    if (!err) err = take_form(reading, "", out->json, &form);
    if (err) return err;
    if (!out->name) return refuse(reading, "map", "missing: a name, of which the ids of the records are made");
    size_t n = json_array_size(files);
    if (n == 0 || n > PARTS_MAX) return refuse(reading, "files", "takes a list of files");
    out->parts = sat_arena_array(reading->arena, n, sizeof *out->parts);
    for (size_t i = 0; i < n && !err; i++)
        err = take_part(reading, item(reading, "", "files", i), json_array_get(files, i), &out->parts[out->parts_n++]);
    for (size_t i = 0; i < n && !err; i++)
        err = take_part_fields(reading, item(reading, "", "files", i), json_array_get(files, i), &form, &out->parts[i]);
    return err;
}

enum sat_err import_map_read(const char *text, struct sat_arena *arena, struct import_map *out, struct import_bad *bad)
{
    json_error_t error;
    struct reading reading = {.arena = arena, .bad = bad, .map = out};
    *out = (struct import_map){0};
    out->json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (out->json) return read_map(&reading, out);
    return import_spoil(arena, bad, error.line < 0 ? 0 : (uint32_t)error.line, "map", "not valid JSON: %s",
                        sat_utf8_shown(arena, error.text));
}

void import_map_free(struct import_map *map)
{
    json_decref(map->json);
    map->json = NULL;
}

/* ---- Columns ---- */

static enum sat_err find_column(const struct import_table *table, const char *name, uint32_t *at,
                                struct sat_arena *arena, struct import_bad *bad)
{
    uint32_t exactly = 0, like = 0;
    for (uint32_t i = 0; i < table->names_n; i++) {
        bool same = strcmp(table->names[i], name) == 0;
        if (!same && strcasecmp(table->names[i], name) != 0) continue;
        if (same ? exactly++ == 0 : exactly == 0 && like == 0) *at = i;
        like += !same;
    }
    if (exactly == 1 || (exactly == 0 && like == 1)) return SAT_OK;
    const char *list = "";
    for (uint32_t i = 0; i < table->names_n && i < 16; i++)
        list = sat_arena_format(arena, "%s%s%s", list, i ? ", " : "", import_shown(arena, table->names[i]));
    (void)import_spoil(arena, bad, 1, "header", "the map names the column \"%s\", and there %s (%s%s)",
                       import_shown(arena, name), exactly + like ? "are two of it" : "is none", list,
                       table->names_n > 16 ? ", …" : "");
    bad->column = name;
    return SAT_ERR_INVALID;
}

static enum sat_err find_columns(const struct import_table *table, struct import_columns *columns,
                                 struct sat_arena *arena, struct import_bad *bad)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < columns->n && !err && !columns->constant; i++)
        err = find_column(table, columns->names[i], &columns->at[i], arena, bad);
    return err;
}

enum sat_err import_columns_find(const struct import_part *part, const struct import_table *table,
                                 struct sat_arena *arena, struct import_bad *bad)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < part->records_n && !err; i++) {
        struct import_record *record = &part->records[i];
        err = find_columns(table, &record->key, arena, bad);
        if (!err) err = find_columns(table, &record->when, arena, bad);
        if (!err && record->territory) err = find_columns(table, &record->territory->columns, arena, bad);
        for (uint32_t f = 0; f < record->fields_n && !err; f++)
            err = find_columns(table, &record->fields[f].columns, arena, bad);
    }
    return err;
}
