/* Cells to JSON. */
#include "client/calendar.h"
#include "client/rows.h"
#include "common/base/check.h"

json_t *client_json_of_text(const char *text)
{
    return text ? json_string(text) : json_null();
}

json_t *client_json_of_uuid(const uint8_t id[16])
{
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(id, text);
    return json_string(text);
}

json_t *client_json_of_time(uint64_t ms)
{
    char text[CLIENT_TIME_TEXT_SIZE];
    client_time_format((int64_t)ms, 0, text);
    return json_string(text);
}

json_t *client_json_of_value(const struct sat_value *value)
{
    char text[CLIENT_TIME_TEXT_SIZE];
    switch (value->kind) {
    case SAT_VALUE_NIL:
    case SAT_VALUE_OTHER: /* of a later version: kept, and shown once this program knows it */
        return json_null();
    case SAT_VALUE_BOOL:
        return json_boolean(value->truth);
    case SAT_VALUE_INT:
        return json_integer(value->integer);
    case SAT_VALUE_TEXT:
        return json_stringn((const char *)value->text.at, value->text.len);
    case SAT_VALUE_REF:
        return client_json_of_uuid(value->ref.b);
    case SAT_VALUE_TIME:
        client_time_format(value->integer, value->offset_min, text);
        return json_string(text);
    }
    return json_null();
}

static void append_element(json_t *array, struct sat_span element)
{
    (void)json_array_append_new(array, json_stringn((const char *)element.at, element.len));
}

/* The elements that are in; the cells are sorted by element already. */
json_t *client_json_of_set(const struct sat_field *field, const struct sat_merged_record *record)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < record->cells_n; i++) {
        const struct sat_merged *cell = &record->cells[i];
        if (cell->field == field->number && cell->in_set && cell->value.truth) append_element(array, cell->element);
    }
    return array;
}

json_t *client_json_of_map(const struct sat_field *field, const struct sat_merged_record *record)
{
    json_t *map = json_object();
    for (uint32_t i = 0; i < record->cells_n; i++) {
        const struct sat_merged *cell = &record->cells[i];
        if (cell->field != field->number || !cell->in_set || cell->value.kind == SAT_VALUE_NIL) continue;
        (void)json_object_setn_new(map, (const char *)cell->element.at, cell->element.len,
                                   client_json_of_value(&cell->value));
    }
    return map;
}

bool client_count_of(const struct sat_field *field, const struct sat_merged_record *record, int64_t *out)
{
    bool any = false, fits = true;
    *out = 0;
    for (uint32_t i = 0; i < record->cells_n; i++) {
        const struct sat_merged *cell = &record->cells[i];
        if (cell->field != field->number || !cell->in_set || cell->value.kind != SAT_VALUE_INT) continue;
        any = true;
        fits = fits && !__builtin_add_overflow(*out, cell->value.integer, out);
    }
    return any && fits;
}

/* NULL: it has no value. */
static json_t *json_of_field(const struct sat_field *field, const struct sat_merged_record *record)
{
    const struct sat_merged *cell = sat_merged_cell(record, field->number, (struct sat_span){0});
    int64_t sum;
    switch (sat_rule(field->rule)->form) {
    case SAT_FORM_SET:
        return client_json_of_set(field, record);
    case SAT_FORM_MAP:
        return client_json_of_map(field, record);
    case SAT_FORM_COUNTER:
        return client_count_of(field, record, &sum) ? json_integer(sum) : NULL;
    case SAT_FORM_VALUE:
        return cell && cell->value.kind != SAT_VALUE_NIL ? client_json_of_value(&cell->value) : NULL;
    case SAT_FORM_NONE:
        return NULL;
    }
    return NULL;
}

static void set_field(json_t *fields, const struct sat_field *field, const struct sat_merged_record *record)
{
    json_t *value = json_of_field(field, record);
    bool empty = (json_is_array(value) && json_array_size(value) == 0) ||
                 (json_is_object(value) && json_object_size(value) == 0);
    if (value && !empty)
        (void)json_object_set_new(fields, field->name, value);
    else
        json_decref(value);
}

json_t *client_json_of_record(const struct sat_type *type, const struct sat_merged_record *record)
{
    json_t *fields = json_object();
    for (uint16_t i = 0; i < type->fields_n; i++) set_field(fields, &type->fields[i], record);
    set_field(fields, sat_field_ext(), record);
    return fields;
}

static void add_keyed_cell(json_t *fields, const char *name, const struct sat_cell *cell)
{
    json_t *map = json_object_get(fields, name);
    if (!json_is_object(map)) { /* or there is a plain cell beside it, which nobody honest writes */
        map = json_object();
        (void)json_object_set_new(fields, name, map);
    }
    (void)json_object_setn_new(map, (const char *)cell->element.at, cell->element.len,
                               client_json_of_value(&cell->value));
}

static void add_set_cell(json_t *fields, const char *name, const struct sat_cell *cell)
{
    json_t *parts = json_object_get(fields, name);
    if (!json_is_object(parts)) { /* likewise */
        parts = json_object();
        (void)json_object_set_new(fields, name, parts);
    }
    const char *part = cell->value.truth ? "add" : "remove";
    json_t *array = json_object_get(parts, part);
    if (!array) {
        array = json_array();
        (void)json_object_set_new(parts, part, array);
    }
    append_element(array, cell->element);
}

json_t *client_json_of_cells(const struct sat_type *type, const struct sat_cell *cells, uint32_t n)
{
    json_t *fields = json_object();
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_field *field = sat_field_by_number(type, cells[i].field);
        if (cells[i].field == SAT_FIELD_DELETED)
            (void)json_object_set_new(fields, "deleted", client_json_of_value(&cells[i].value));
        else if (field && cells[i].in_set && sat_rule(field->rule)->form != SAT_FORM_SET)
            add_keyed_cell(fields, field->name, &cells[i]);
        else if (field && cells[i].in_set)
            add_set_cell(fields, field->name, &cells[i]);
        else if (field)
            (void)json_object_set_new(fields, field->name, client_json_of_value(&cells[i].value));
    }
    return fields;
}

char *client_json_text(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    sat_check_memory(text);
    json_decref(json);
    return text;
}

bool client_give_row(satchel_row_fn row, void *context, json_t *json)
{
    char *text = client_json_text(json);
    bool more = row(context, text) == 0;
    satchel_free(text);
    return more;
}
