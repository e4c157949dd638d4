/* The JSON that `put` takes: the first byte names the record type and whether all its fields come or one value. What is
 * taken can be sealed, and is given back as JSON that is taken as the same. */
#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "common/vault/body.h"
#include "tests/fuzz/fuzz.h"

static void check_refusal(enum sat_err err, const struct sat_fault *fault)
{
    sat_check(err == SAT_ERR_INVALID || err == SAT_ERR_TOO_LARGE || err == SAT_ERR_NOT_FOUND);
    sat_check(fault->err == err);
    fuzz_check_sentence(fault->text);
}

/* Sorted copies: in JSON cells have no order. */
static struct sat_body body_of(const struct sat_type *type, const struct client_fields *fields, struct sat_arena *arena)
{
    struct sat_body body = {.type = type->number, .schema = SAT_SCHEMA_VERSION, .cells_n = fields->n};
    body.cells = sat_arena_copy(arena, fields->cells, fields->n * sizeof *fields->cells);
    return body;
}

static void check_taken(const struct sat_type *type, const struct client_fields *fields, struct sat_arena *arena)
{
    struct sat_body body = body_of(type, fields, arena);
    struct sat_buf first, second;
    struct client_fields again;
    struct sat_fault fault = {0};
    sat_buf_init(&first);
    sat_buf_init(&second);
    enum sat_err err = sat_body_encode(&body, &first);
    sat_check(!err || err == SAT_ERR_TOO_LARGE);
    if (!err) {
        char *text = client_json_text(client_json_of_cells(type, body.cells, body.cells_n));
        fuzz_must(client_json_fields(type, text, arena, &again, &fault));
        free(text);
        body = body_of(type, &again, arena);
        fuzz_must(sat_body_encode(&body, &second));
        sat_check(sat_span_equal(sat_buf_span(&first), sat_buf_span(&second)));
    }
    sat_buf_deinit(&second);
    sat_buf_deinit(&first);
}

static void check_fields(const struct sat_type *type, const char *text, struct sat_arena *arena)
{
    struct client_fields fields;
    struct sat_fault fault = {0};
    enum sat_err err = client_json_fields(type, text, arena, &fields, &fault);
    if (err)
        check_refusal(err, &fault);
    else
        check_taken(type, &fields, arena);
}

static void check_value(const struct sat_type *type, const struct sat_field *field, const char *text,
                        struct sat_arena *arena)
{
    struct sat_value value, again;
    struct sat_fault fault = {0};
    enum sat_err err = client_json_value(type, field, text, arena, &value, &fault);
    if (err) {
        check_refusal(err, &fault);
        return;
    }
    char *shown = client_json_text(client_json_of_value(&value));
    fuzz_must(client_json_value(type, field, shown, arena, &again, &fault));
    sat_check(sat_value_equal(&value, &again));
    free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    uint8_t which = fuzz_byte(&input);
    const struct sat_type *type = sat_type_at((uint16_t)((which >> 1) % sat_types_count()));
    struct sat_arena arena;
    sat_arena_init(&arena);
    if (which & 1) {
        const struct sat_field *field = &type->fields[fuzz_byte(&input) % type->fields_n];
        check_value(type, field, sat_arena_text(&arena, (const char *)input.at, input.len), &arena);
    } else {
        check_fields(type, sat_arena_text(&arena, (const char *)input.at, input.len), &arena);
    }
    sat_arena_deinit(&arena);
    return 0;
}
