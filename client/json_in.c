/* JSON to cells. */
#include <inttypes.h>
#include <string.h>

#include "client/calendar.h"
#include "client/json.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"

enum { SHOWN_MAX = 80 };

/* Where we are, for the sentence. */
struct reading {
    const struct sat_type *type;
    const struct sat_field *field;
    struct sat_arena *arena;
    struct sat_fault *fault;
};

/* The value as it will stand in the sentence: short, and unable to command a terminal. */
static const char *shown(const struct reading *reading, const json_t *value)
{
    char text[SHOWN_MAX + 1];
    size_t len = json_dumpb(value, text, SHOWN_MAX, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
    bool cut = len > SHOWN_MAX;
    text[cut ? SHOWN_MAX : len] = 0;
    return sat_arena_format(reading->arena, "%s%s", text, cut ? "…" : "");
}

static enum sat_err refuse(const struct reading *reading, const json_t *value, const char *wanted)
{
    return sat_fail(reading->fault, SAT_ERR_INVALID, "%s.%s takes %s, not %s", reading->type->name,
                    reading->field->name, wanted, shown(reading, value));
}

static enum sat_err read_text(const struct reading *reading, const json_t *value, size_t len_max, struct sat_span *out)
{
    if (!json_is_string(value)) return refuse(reading, value, "a text");
    struct sat_span text = sat_span(json_string_value(value), json_string_length(value));
    if (text.len > len_max)
        return sat_fail(reading->fault, SAT_ERR_TOO_LARGE,
                        "%s.%s: a text of %zu bytes is too long, at most %zu are allowed", reading->type->name,
                        reading->field->name, text.len, len_max);
    if (!sat_utf8_valid(text))
        return sat_fail(reading->fault, SAT_ERR_INVALID, "%s.%s: the text is not valid UTF-8", reading->type->name,
                        reading->field->name);
    *out = sat_span_copy(reading->arena, text);
    return SAT_OK;
}

static enum sat_err read_time(const struct reading *reading, const json_t *value, struct sat_value *out)
{
    out->kind = SAT_VALUE_TIME;
    struct sat_span text =
        json_is_string(value) ? sat_span(json_string_value(value), json_string_length(value)) : (struct sat_span){0};
    if (text.len && client_time_parse(text, &out->integer, &out->offset_min) &&
        out->integer <= (int64_t)SAT_TIME_MS_MAX)
        return SAT_OK;
    return refuse(reading, value, "a time as \"2024-05-17T09:30:00+02:00\"");
}

/* Strict: "5" is no integer, whoever says it. Who has words of a command line turns them into JSON by the field's kind,
 * which satchel_types() tells. */
static enum sat_err read_scalar(const struct reading *reading, const json_t *value, struct sat_value *out)
{
    *out = (struct sat_value){.kind = SAT_VALUE_NIL};
    if (json_is_null(value)) return SAT_OK;
    switch (reading->field->kind) {
    case SAT_KIND_TEXT:
        out->kind = SAT_VALUE_TEXT;
        return read_text(reading, value, SAT_VALUE_BYTES_MAX, &out->text);
    case SAT_KIND_INT:
    case SAT_KIND_MONEY:
        if (!json_is_integer(value))
            return refuse(reading, value,
                          reading->field->kind == SAT_KIND_INT ? "an integer" : "money as an integer of minor units");
        out->kind = SAT_VALUE_INT;
        out->integer = json_integer_value(value);
        return SAT_OK;
    case SAT_KIND_BOOL:
        if (!json_is_boolean(value)) return refuse(reading, value, "true or false");
        out->kind = SAT_VALUE_BOOL;
        out->truth = json_is_true(value);
        return SAT_OK;
    case SAT_KIND_DATE:
        if (!json_is_string(value) || !client_date_valid(sat_span(json_string_value(value), json_string_length(value))))
            return refuse(reading, value, "a date as \"2024-05-17\"");
        out->kind = SAT_VALUE_TEXT;
        return read_text(reading, value, SAT_VALUE_BYTES_MAX, &out->text);
    case SAT_KIND_TIME:
        return read_time(reading, value, out);
    case SAT_KIND_REF:
        if (!json_is_string(value) || sat_uuid_parse(json_string_value(value), out->ref.b))
            return refuse(reading, value, "the id of a record");
        out->kind = SAT_VALUE_REF;
        return SAT_OK;
    }
    return SAT_ERR_INVALID;
}

/* ---- Sets ---- */

static void add_cell(struct client_fields *out, const struct sat_cell *cell)
{
    for (uint32_t i = 0; i < out->n; i++) {
        if (sat_cell_compare(&out->cells[i], cell) != 0) continue;
        out->cells[i].value.truth = out->cells[i].value.truth || cell->value.truth; /* in a set adding wins */
        return;
    }
    out->cells[out->n++] = *cell;
}

static enum sat_err read_elements(const struct reading *reading, const json_t *array, bool in,
                                  struct client_fields *out)
{
    if (!json_is_array(array)) return refuse(reading, array, "an array of texts");
    size_t index;
    const json_t *value;
    json_array_foreach(array, index, value)
    {
        struct sat_cell cell = {
            .field = reading->field->number, .in_set = true, .value = {.kind = SAT_VALUE_BOOL, .truth = in}};
        enum sat_err err = read_text(reading, value, SAT_ELEMENT_BYTES_MAX, &cell.element);
        if (err) return err;
        add_cell(out, &cell);
    }
    return SAT_OK;
}

static enum sat_err read_set(const struct reading *reading, const json_t *value, struct client_fields *out)
{
    if (json_is_null(value) || json_is_array(value)) {
        out->whole[out->whole_n++] = reading->field->number;
        return json_is_null(value) ? SAT_OK : read_elements(reading, value, true, out);
    }
    if (!json_is_object(value)) return refuse(reading, value, "an array, or {\"add\":[…],\"remove\":[…]}");
    const char *key;
    json_t *part;
    json_object_foreach((json_t *)value, key, part)
    {
        bool add = strcmp(key, "add") == 0;
        if (!add && strcmp(key, "remove") != 0)
            return refuse(reading, value, "an array, or {\"add\":[…],\"remove\":[…]}");
        enum sat_err err = read_elements(reading, part, add, out);
        if (err) return err;
    }
    return SAT_OK;
}

/* ---- The object ---- */

/* How many cells an object can give at most. */
static size_t count_cells(const json_t *object)
{
    size_t n = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        n += 1 + json_array_size(value);
        if (json_is_object(value))
            n += json_array_size(json_object_get(value, "add")) + json_array_size(json_object_get(value, "remove"));
    }
    return n;
}

static enum sat_err find_field(struct reading *reading, const char *name)
{
    reading->field = sat_field_by_name(reading->type, name);
    const char *shown_name = sat_utf8_shown(reading->arena, name);
    if (!reading->field)
        return sat_fail(reading->fault, SAT_ERR_NOT_FOUND, "%s has no field \"%.80s\"", reading->type->name,
                        shown_name);
    if (reading->field->rule == SAT_RULE_DER)
        return sat_fail(reading->fault, SAT_ERR_INVALID, "%s.%s is computed and cannot be set", reading->type->name,
                        name);
    return SAT_OK;
}

static enum sat_err read_fields(struct reading *reading, const json_t *object, struct client_fields *out)
{
    size_t cells_max = count_cells(object);
    if (cells_max > 4 * (size_t)SAT_CELLS_MAX)
        return sat_fail(reading->fault, SAT_ERR_TOO_LARGE, "one %s has too many values for one change",
                        reading->type->name);
    out->cells = sat_arena_array(reading->arena, cells_max, sizeof *out->cells);
    out->whole = sat_arena_array(reading->arena, json_object_size(object), sizeof *out->whole);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        enum sat_err err = find_field(reading, key);
        struct sat_cell cell = {0};
        if (!err && reading->field->rule == SAT_RULE_ADD) {
            err = read_set(reading, value, out);
        } else if (!err) {
            cell.field = reading->field->number;
            err = read_scalar(reading, value, &cell.value);
            if (!err) out->cells[out->n++] = cell;
        }
        if (err) return err;
    }
    return SAT_OK;
}

/* jansson's sentences are fit for people; only the one about invalid UTF-8 needs the word. */
static enum sat_err fail_parse(const struct reading *reading, const char *what, const json_error_t *error)
{
    bool encoding = json_error_code(error) == json_error_invalid_utf8;
    const char *text = sat_utf8_shown(reading->arena, error->text);
    return sat_fail(reading->fault, SAT_ERR_INVALID, "%s of %s: %s%.200s", what, reading->type->name,
                    encoding ? "not valid UTF-8: " : "not valid JSON: ", text);
}

enum sat_err client_json_fields(const struct sat_type *type, const char *json, struct sat_arena *arena,
                                struct client_fields *out, struct sat_fault *fault)
{
    *out = (struct client_fields){0};
    struct reading reading = {.type = type, .arena = arena, .fault = fault};
    if (!json || !json[0]) return SAT_OK;
    json_error_t error;
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!object) return fail_parse(&reading, "the fields", &error);
    enum sat_err err = json_is_object(object)
                           ? read_fields(&reading, object, out)
                           : sat_fail(fault, SAT_ERR_INVALID, "the fields of %s are no JSON object", type->name);
    json_decref(object);
    return err;
}

enum sat_err client_json_value(const struct sat_type *type, const struct sat_field *field, const char *json,
                               struct sat_arena *arena, struct sat_value *out, struct sat_fault *fault)
{
    struct reading reading = {.type = type, .field = field, .arena = arena, .fault = fault};
    json_error_t error;
    json_t *value = json_loads(json, JSON_DECODE_ANY, &error);
    if (!value) return fail_parse(&reading, "the value", &error);
    enum sat_err err = read_scalar(&reading, value, out);
    json_decref(value);
    return err;
}
