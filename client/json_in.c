/* JSON to cells. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/calendar.h"
#include "client/json.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"

enum {
    SHOWN_MAX = 80,
    /* The fields of one put travel as one change, so that nobody sees half of them: what is left of it beside their
     * names and the short values. (The elements of sets may go along in further ones.) */
    TEXTS_BYTES_MAX = SAT_BODY_BYTES_MAX - 1024,
    ELEMENTS_MAX = 4 * SAT_CELLS_MAX, /* named at once in one set */
};

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
    /* Whole, and then cut: into a buffer that is too small json_dumpb() writes only the pieces that fit. */
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text) return "that";
    const char *cut = sat_arena_format(reading->arena, "%.*s%s", SHOWN_MAX, text, strlen(text) > SHOWN_MAX ? "…" : "");
    free(text);
    return cut;
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

static enum sat_err read_integer(const struct reading *reading, const json_t *value, struct sat_value *out)
{
    const struct sat_field *field = reading->field;
    const char *wanted = field->kind == SAT_KIND_INT ? "an integer" : "money as an integer of minor units";
    if (!json_is_integer(value)) return refuse(reading, value, wanted);
    out->kind = SAT_VALUE_INT;
    out->integer = json_integer_value(value);
    const struct sat_range *range = field->range;
    if (!range || !range->bounded || (out->integer >= range->least && out->integer <= range->most)) return SAT_OK;
    return refuse(
        reading, value,
        sat_arena_format(reading->arena, "%s from %" PRId64 " to %" PRId64, wanted, range->least, range->most));
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
        return read_integer(reading, value, out);
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

static int compare_cells(const void *a, const void *b)
{
    return sat_cell_compare(a, b);
}

/* Sorts the cells from `first` on and makes those of one name one: adding wins. */
static void join_elements(struct client_fields *out, uint32_t first)
{
    if (out->n - first < 2) return;
    qsort(out->cells + first, out->n - first, sizeof *out->cells, compare_cells);
    uint32_t n = first + 1;
    for (uint32_t i = first + 1; i < out->n; i++) {
        struct sat_cell *last = &out->cells[n - 1];
        if (sat_cell_compare(last, &out->cells[i]) == 0)
            last->value.truth = last->value.truth || out->cells[i].value.truth;
        else
            out->cells[n++] = out->cells[i];
    }
    out->n = n;
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
        out->cells[out->n++] = cell;
    }
    return SAT_OK;
}

/* What nothing takes back cannot be taken back by a word either. */
static enum sat_err refuse_removal(const struct reading *reading)
{
    return sat_fail(reading->fault, SAT_ERR_INVALID, "%s.%s only grows (rule %s): nothing is taken out of it",
                    reading->type->name, reading->field->name, sat_rule(reading->field->rule)->code);
}

static bool only_grows(const struct reading *reading)
{
    return sat_rule(reading->field->rule)->later == SAT_LATER_ENTRY;
}

static enum sat_err read_parts(const struct reading *reading, const json_t *value, struct client_fields *out)
{
    static const char wanted[] = "an array, or {\"add\":[…],\"remove\":[…]}";
    if (!json_is_object(value)) return refuse(reading, value, wanted);
    const char *key;
    json_t *part;
    json_object_foreach((json_t *)value, key, part)
    {
        bool add = strcmp(key, "add") == 0;
        if (!add && strcmp(key, "remove") != 0) return refuse(reading, value, wanted);
        enum sat_err err = !add && only_grows(reading) && json_array_size(part)
                               ? refuse_removal(reading)
                               : read_elements(reading, part, add, out);
        if (err) return err;
    }
    return SAT_OK;
}

static enum sat_err read_set(const struct reading *reading, const json_t *value, struct client_fields *out)
{
    uint32_t first = out->n;
    enum sat_err err = SAT_OK;
    if (json_is_null(value) || json_is_array(value)) {
        if (only_grows(reading) && json_is_null(value)) return refuse_removal(reading);
        if (!only_grows(reading)) out->whole[out->whole_n++] = reading->field->number;
        if (json_is_array(value)) err = read_elements(reading, value, true, out);
    } else {
        err = read_parts(reading, value, out);
    }
    if (!err) join_elements(out, first);
    return err;
}

/* ---- Maps and counters ---- */

/* Of a field that the organisation added: a text, an integer or a truth. Which of them, its definition tells. */
static enum sat_err read_any(const struct reading *reading, const json_t *value, struct sat_value *out)
{
    *out = (struct sat_value){.kind = SAT_VALUE_NIL};
    if (json_is_null(value)) return SAT_OK;
    if (json_is_string(value)) {
        out->kind = SAT_VALUE_TEXT;
        return read_text(reading, value, SAT_VALUE_BYTES_MAX, &out->text);
    }
    if (!json_is_integer(value) && !json_is_boolean(value)) return refuse(reading, value, "texts, integers and truths");
    out->kind = json_is_integer(value) ? SAT_VALUE_INT : SAT_VALUE_BOOL;
    out->integer = json_integer_value(value);
    out->truth = json_is_true(value);
    return SAT_OK;
}

/* A map's keys are set one by one; what is not named stays. */
static enum sat_err read_map(const struct reading *reading, const json_t *value, struct client_fields *out)
{
    if (!json_is_object(value)) return refuse(reading, value, "an object of keys and values");
    uint32_t first = out->n;
    const char *key;
    json_t *part;
    json_object_foreach((json_t *)value, key, part)
    {
        struct sat_cell cell = {.field = reading->field->number, .in_set = true};
        struct sat_span name = sat_span_text(key);
        if (name.len == 0 || name.len > SAT_ELEMENT_BYTES_MAX)
            return refuse(reading, value, "keys of 1 to some hundred bytes");
        cell.element = sat_span_copy(reading->arena, name);
        bool any = reading->field->number == SAT_FIELD_EXT;
        enum sat_err err = any ? read_any(reading, part, &cell.value) : read_scalar(reading, part, &cell.value);
        if (err) return err;
        out->cells[out->n++] = cell;
    }
    if (out->n - first > 1) qsort(out->cells + first, out->n - first, sizeof *out->cells, compare_cells);
    return SAT_OK;
}

/* What this device counts: added to its own part when it is known which device that is. */
static enum sat_err read_count(const struct reading *reading, const json_t *value, struct client_fields *out)
{
    const json_t *add = json_object_get(value, "add");
    if (json_object_size(value) != 1 || !json_is_integer(add)) return refuse(reading, value, "{\"add\":number}");
    out->counts[out->counts_n++] = out->n;
    out->cells[out->n++] = (struct sat_cell){
        .field = reading->field->number,
        .in_set = true,
        .value = {.kind = SAT_VALUE_INT, .integer = json_integer_value(add)},
    };
    return SAT_OK;
}

/* ---- The object ---- */

/* How many cells a member can give at most. */
static size_t count_cells(const json_t *value)
{
    size_t n = json_array_size(value);
    if (json_is_object(value))
        n += json_object_size(value) + json_array_size(json_object_get(value, "add")) +
             json_array_size(json_object_get(value, "remove"));
    return n > 0 ? n : 1;
}

static enum sat_err find_field(struct reading *reading, const char *name)
{
    reading->field = sat_field_by_name(reading->type, name);
    const char *shown_name = sat_utf8_shown(reading->arena, name);
    if (!reading->field)
        return sat_fail(reading->fault, SAT_ERR_NOT_FOUND, "%s has no field \"%.80s\"", reading->type->name,
                        shown_name);
    if (sat_rule(reading->field->rule)->later == SAT_LATER_REFUSED)
        return sat_fail(reading->fault, SAT_ERR_INVALID, "%s.%s is computed and cannot be set", reading->type->name,
                        name);
    return SAT_OK;
}

static enum sat_err make_room(const struct reading *reading, const json_t *object, struct client_fields *out)
{
    size_t cells_max = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t n = count_cells(value);
        if (n > ELEMENTS_MAX)
            return sat_fail(reading->fault, SAT_ERR_TOO_LARGE, "%s.%.80s: %zu elements at once, at most %d are allowed",
                            reading->type->name, sat_utf8_shown(reading->arena, key), n, ELEMENTS_MAX);
        cells_max += n;
    }
    out->cells = sat_arena_array(reading->arena, cells_max, sizeof *out->cells);
    out->whole = sat_arena_array(reading->arena, json_object_size(object), sizeof *out->whole);
    out->counts = sat_arena_array(reading->arena, json_object_size(object), sizeof *out->counts);
    return SAT_OK;
}

static enum sat_err check_texts(const struct reading *reading, const struct client_fields *fields)
{
    size_t total = 0;
    const struct sat_cell *longest = NULL;
    for (uint32_t i = 0; i < fields->n; i++) {
        const struct sat_cell *cell = &fields->cells[i];
        if (cell->value.kind != SAT_VALUE_TEXT) continue;
        total += cell->value.text.len;
        if (!longest || cell->value.text.len > longest->value.text.len) longest = cell;
    }
    if (total <= TEXTS_BYTES_MAX) return SAT_OK;
    return sat_fail(reading->fault, SAT_ERR_TOO_LARGE,
                    "%s: the texts of one put are too long, %zu bytes together where %d are allowed; the longest is %s "
                    "with %zu",
                    reading->type->name, total, TEXTS_BYTES_MAX,
                    sat_field_by_number(reading->type, longest->field)->name, longest->value.text.len);
}

static enum sat_err read_fields(struct reading *reading, const json_t *object, struct client_fields *out)
{
    enum sat_err err = make_room(reading, object, out);
    const char *key;
    json_t *value;
    if (err) return err;
    json_object_foreach((json_t *)object, key, value)
    {
        err = find_field(reading, key);
        struct sat_cell cell = {0};
        if (err) return err;
        switch (sat_rule(reading->field->rule)->form) {
        case SAT_FORM_SET:
            err = read_set(reading, value, out);
            break;
        case SAT_FORM_MAP:
            err = read_map(reading, value, out);
            break;
        case SAT_FORM_COUNTER:
            err = read_count(reading, value, out);
            break;
        case SAT_FORM_VALUE:
        case SAT_FORM_NONE:
            cell.field = reading->field->number;
            err = read_scalar(reading, value, &cell.value);
            if (!err) out->cells[out->n++] = cell;
            break;
        }
        if (err) return err;
    }
    return check_texts(reading, out);
}

/* jansson's sentences are fit for people; only the one about invalid UTF-8 needs the word. */
static enum sat_err fail_parse(const struct reading *reading, const char *what, const json_error_t *error)
{
    if (json_error_code(error) == json_error_out_of_memory) return sat_fail(reading->fault, SAT_ERR_NO_MEMORY, NULL);
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
