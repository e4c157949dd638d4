#include "tests/data/train/samples.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/vault/body.h"
#include "common/vault/types.h"

enum { SCHEMA = 1, CELLS_MAX = 32 };

_Noreturn void samples_fail(const char *what, const char *name)
{
    (void)fprintf(stderr, "train: %s: %s\n", name, what);
    exit(1);
}

/* Days since 1970 of a date of the Gregorian calendar, years counted from March. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + of_year - 719468;
}

static struct sat_value read_time(const char *text)
{
    int year, month, day, hour, minute, second, off_hour, off_minute;
    char sign;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%c%2d:%2d", &year, &month, &day, &hour, &minute, &second, &sign, &off_hour,
               &off_minute) != 9)
        samples_fail("no time", text);
    int offset_min = (sign == '-' ? -1 : 1) * (off_hour * 60 + off_minute);
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset_min * 60;
    return (struct sat_value){.kind = SAT_VALUE_TIME, .integer = seconds * 1000, .offset_min = (int16_t)offset_min};
}

static struct sat_value read_value(const struct sat_field *field, const json_t *json)
{
    struct sat_value value = {.kind = SAT_VALUE_TEXT};
    switch (field->kind) {
    case SAT_KIND_TEXT:
    case SAT_KIND_DATE:
        value.text = sat_span_text(json_string_value(json));
        break;
    case SAT_KIND_INT:
    case SAT_KIND_MONEY:
        value.kind = SAT_VALUE_INT;
        value.integer = json_integer_value(json);
        break;
    case SAT_KIND_BOOL:
        value.kind = SAT_VALUE_BOOL;
        value.truth = json_is_true(json);
        break;
    case SAT_KIND_TIME:
        value = read_time(json_string_value(json));
        break;
    case SAT_KIND_REF:
        value.kind = SAT_VALUE_REF;
        if (sat_uuid_parse(json_string_value(json), value.ref.b)) samples_fail("no id", json_string_value(json));
        break;
    }
    return value;
}

static void add_cell(struct sat_body *body, struct sat_cell cell)
{
    if (body->cells_n == CELLS_MAX) samples_fail("too many cells", "record");
    body->cells[body->cells_n++] = cell;
}

static void read_field(struct sat_body *body, const struct sat_field *field, const json_t *json)
{
    if (field->rule != SAT_RULE_ADD) {
        add_cell(body, (struct sat_cell){.field = field->number, .value = read_value(field, json)});
        return;
    }
    size_t i;
    json_t *element;
    json_array_foreach(json, i, element)
        add_cell(body, (struct sat_cell){.field = field->number,
                                         .in_set = true,
                                         .element = sat_span_text(json_string_value(element)),
                                         .value = {.kind = SAT_VALUE_BOOL, .truth = true}});
}

static void encode(struct samples *samples, json_t *record)
{
    struct sat_cell cells[CELLS_MAX];
    const char *type_name = json_string_value(json_object_get(record, "type")), *key;
    const struct sat_type *type = type_name ? sat_type_by_name(type_name) : NULL;
    if (!type) samples_fail("no such type", type_name ? type_name : "record");
    struct sat_body body = {.type = type->number, .schema = SCHEMA, .cells = cells};
    json_t *value;
    json_object_foreach(record, key, value)
    {
        if (strcmp(key, "type") == 0) continue;
        const struct sat_field *field = sat_field_by_name(type, key);
        if (!field) samples_fail("no such field", key);
        read_field(&body, field, value);
    }
    size_t before = samples->bytes.len;
    if (samples->n == SAMPLES_MAX || sat_body_encode(&body, &samples->bytes))
        samples_fail("cannot be encoded", type_name);
    samples->sizes[samples->n++] = samples->bytes.len - before;
}

void samples_read(struct samples *samples, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) samples_fail("cannot be read", path);
    json_error_t error;
    json_t *record;
    while ((record = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error))) {
        encode(samples, record);
        json_decref(record);
    }
    if (!feof(file)) samples_fail(error.text, path);
    (void)fclose(file);
}
