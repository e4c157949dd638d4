#include "common/vault/body.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/utf8.h"
#include "common/vault/types.h"
#include "common/wire/pack.h"

bool sat_value_equal(const struct sat_value *a, const struct sat_value *b)
{
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case SAT_VALUE_NIL:
        return true;
    case SAT_VALUE_BOOL:
        return a->truth == b->truth;
    case SAT_VALUE_INT:
        return a->integer == b->integer;
    case SAT_VALUE_TEXT:
    case SAT_VALUE_OTHER:
        return sat_span_equal(a->text, b->text);
    case SAT_VALUE_REF:
        return sat_record_equal(&a->ref, &b->ref);
    case SAT_VALUE_TIME:
        return a->integer == b->integer && a->offset_min == b->offset_min;
    }
    return false;
}

int sat_cell_compare(const struct sat_cell *a, const struct sat_cell *b)
{
    if (a->field != b->field) return a->field < b->field ? -1 : 1;
    if (a->in_set != b->in_set) return a->in_set ? 1 : -1;
    return a->in_set ? sat_span_compare(a->element, b->element) : 0;
}

const struct sat_cell *sat_cell_find(const struct sat_cell *cells, uint32_t n, const struct sat_cell *name)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = sat_cell_compare(&cells[middle], name);
        if (order == 0) return &cells[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Encoding ---- */

static enum sat_err check_text(struct sat_span text, size_t len_max)
{
    if (text.len > len_max) return SAT_ERR_TOO_LARGE;
    return sat_utf8_valid(text) ? SAT_OK : SAT_ERR_INVALID;
}

static bool time_is_sound(int64_t ms, int64_t offset_min)
{
    int64_t ms_max = (int64_t)SAT_TIME_MS_MAX;
    return ms >= -ms_max && ms <= ms_max && offset_min >= -SAT_OFFSET_MIN_MAX && offset_min <= SAT_OFFSET_MIN_MAX;
}

static enum sat_err put_value(const struct sat_value *value, struct sat_buf *out)
{
    enum sat_err err = SAT_OK;
    switch (value->kind) {
    case SAT_VALUE_NIL:
        sat_pack_nil(out);
        break;
    case SAT_VALUE_BOOL:
        sat_pack_bool(out, value->truth);
        break;
    case SAT_VALUE_INT:
        sat_pack_i64(out, value->integer);
        break;
    case SAT_VALUE_TEXT:
        err = check_text(value->text, SAT_VALUE_BYTES_MAX);
        if (!err) sat_pack_text(out, value->text);
        break;
    case SAT_VALUE_REF:
        sat_pack_bin(out, SAT_SPAN(value->ref.b));
        break;
    case SAT_VALUE_TIME:
        if (!time_is_sound(value->integer, value->offset_min)) return SAT_ERR_INVALID;
        sat_pack_array(out, 2);
        sat_pack_i64(out, value->integer);
        sat_pack_i64(out, value->offset_min);
        break;
    case SAT_VALUE_OTHER:
        if (value->text.len > SAT_VALUE_BYTES_MAX) return SAT_ERR_TOO_LARGE;
        sat_pack_raw(out, value->text);
        break;
    }
    return err;
}

static bool is_keyed(const struct sat_cell *cell)
{
    return cell->in_set && cell->value.kind != SAT_VALUE_BOOL;
}

uint16_t sat_body_schema(const struct sat_cell *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (is_keyed(&cells[i])) return SAT_SCHEMA_KEYED;
    return SAT_SCHEMA_PLAIN;
}

static enum sat_err put_cell(const struct sat_cell *cell, uint16_t schema, struct sat_buf *out)
{
    sat_pack_array(out, cell->in_set ? 3 : 2);
    sat_pack_u64(out, cell->field);
    if (!cell->in_set) return put_value(&cell->value, out);
    if (is_keyed(cell) && schema < SAT_SCHEMA_KEYED) return SAT_ERR_INVALID;
    enum sat_err err = check_text(cell->element, SAT_ELEMENT_BYTES_MAX);
    if (err) return err;
    sat_pack_text(out, cell->element);
    return put_value(&cell->value, out);
}

static int compare_cells(const void *a, const void *b)
{
    return sat_cell_compare(a, b);
}

enum sat_err sat_body_encode(struct sat_body *body, struct sat_buf *out)
{
    if (body->cells_n > SAT_CELLS_MAX) return SAT_ERR_TOO_LARGE;
    if (body->type == 0) return SAT_ERR_INVALID;
    if (body->cells_n > 1) qsort(body->cells, body->cells_n, sizeof *body->cells, compare_cells);
    size_t start = out->len;
    sat_pack_array(out, 4);
    sat_pack_u64(out, body->type);
    sat_pack_u64(out, body->schema);
    sat_pack_array(out, body->cells_n);
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < body->cells_n && !err; i++) {
        if (i > 0 && sat_cell_compare(&body->cells[i - 1], &body->cells[i]) == 0) err = SAT_ERR_INVALID;
        if (!err) err = put_cell(&body->cells[i], body->schema, out);
    }
    if (body->origin.len)
        sat_pack_raw(out, body->origin);
    else
        sat_pack_nil(out);
    if (!err && out->len - start > SAT_BODY_BYTES_MAX) err = SAT_ERR_TOO_LARGE;
    if (err) out->len = start;
    return err;
}

/* ---- Decoding ---- */

/* Reads [ms, offset_min] if that is what `raw` is. */
static bool read_time(struct sat_span raw, struct sat_value *out)
{
    struct sat_unpack in;
    sat_unpack_init(&in, raw);
    sat_unpack_array_of(&in, 2);
    int64_t ms = sat_unpack_i64(&in);
    int64_t offset_min = sat_unpack_i64(&in);
    if (sat_unpack_end(&in) || !time_is_sound(ms, offset_min)) return false;
    *out = (struct sat_value){.kind = SAT_VALUE_TIME, .integer = ms, .offset_min = (int16_t)offset_min};
    return true;
}

static bool read_ref(struct sat_span raw, struct sat_value *out)
{
    struct sat_unpack in;
    sat_unpack_init(&in, raw);
    sat_unpack_bytes(&in, out->ref.b, sizeof out->ref.b);
    if (sat_unpack_end(&in)) return false;
    out->kind = SAT_VALUE_REF;
    return true;
}

static void take_value(struct sat_unpack *in, struct sat_value *out)
{
    *out = (struct sat_value){.kind = SAT_VALUE_NIL};
    switch (sat_unpack_peek(in)) {
    case SAT_PACK_NONE:
        sat_unpack_fail(in, SAT_ERR_MALFORMED);
        return;
    case SAT_PACK_NIL:
        sat_unpack_nil(in);
        return;
    case SAT_PACK_BOOL:
        out->kind = SAT_VALUE_BOOL;
        out->truth = sat_unpack_bool(in);
        return;
    case SAT_PACK_INT:
        out->kind = SAT_VALUE_INT;
        out->integer = sat_unpack_i64(in);
        return;
    case SAT_PACK_TEXT:
        out->kind = SAT_VALUE_TEXT;
        out->text = sat_unpack_text(in, SAT_VALUE_BYTES_MAX);
        return;
    case SAT_PACK_BIN:
    case SAT_PACK_ARRAY:
    case SAT_PACK_OTHER:
        break;
    }
    struct sat_span raw = sat_unpack_raw(in);
    if (raw.len > SAT_VALUE_BYTES_MAX) sat_unpack_fail(in, SAT_ERR_TOO_LARGE);
    if (in->err || read_ref(raw, out) || read_time(raw, out)) return;
    *out = (struct sat_value){.kind = SAT_VALUE_OTHER, .text = raw};
}

static void take_cell(struct sat_unpack *in, uint16_t schema, struct sat_cell *out)
{
    uint32_t parts = sat_unpack_array(in, 3);
    if (parts < 2) sat_unpack_fail(in, SAT_ERR_MALFORMED);
    *out = (struct sat_cell){.field = (uint16_t)sat_unpack_u64(in, UINT16_MAX), .in_set = parts == 3};
    if (!out->in_set) {
        take_value(in, &out->value);
        return;
    }
    out->element = sat_unpack_text(in, SAT_ELEMENT_BYTES_MAX);
    if (schema < SAT_SCHEMA_KEYED)
        out->value = (struct sat_value){.kind = SAT_VALUE_BOOL, .truth = sat_unpack_bool(in)};
    else
        take_value(in, &out->value);
}

/* All that a later version can count on to be told from rubbish: an array of three or more parts, of which the second
 * is its schema. */
static bool is_of_a_later_schema(struct sat_span bytes)
{
    enum { PARTS_MIN = 3, PARTS_MAX = 64 };
    struct sat_unpack in;
    sat_unpack_init(&in, bytes);
    uint32_t parts = sat_unpack_array(&in, PARTS_MAX);
    uint64_t type = sat_unpack_u64(&in, UINT16_MAX), schema = sat_unpack_u64(&in, UINT16_MAX);
    return !in.err && parts >= PARTS_MIN && type != 0 && schema > SAT_SCHEMA_VERSION;
}

enum sat_err sat_body_decode(struct sat_span bytes, struct sat_arena *arena, struct sat_body *out)
{
    *out = (struct sat_body){0};
    if (bytes.len > SAT_BODY_BYTES_MAX) return SAT_ERR_TOO_LARGE;
    struct sat_unpack in;
    sat_unpack_init(&in, sat_span_copy(arena, bytes));
    sat_unpack_array_of(&in, 4);
    out->type = (uint16_t)sat_unpack_u64(&in, UINT16_MAX);
    out->schema = (uint16_t)sat_unpack_u64(&in, UINT16_MAX);
    if (out->type == 0) sat_unpack_fail(&in, SAT_ERR_MALFORMED);
    uint32_t n = sat_unpack_array(&in, SAT_CELLS_MAX);
    out->cells = sat_arena_array(arena, n, sizeof *out->cells);
    for (uint32_t i = 0; i < n && !in.err; i++) {
        take_cell(&in, out->schema, &out->cells[i]);
        if (i > 0 && sat_cell_compare(&out->cells[i - 1], &out->cells[i]) >= 0) sat_unpack_fail(&in, SAT_ERR_MALFORMED);
    }
    out->cells_n = n;
    if (sat_unpack_peek(&in) == SAT_PACK_NIL)
        sat_unpack_nil(&in);
    else
        out->origin = sat_unpack_raw(&in);
    enum sat_err err = sat_unpack_end(&in);
    if (err) *out = (struct sat_body){0};
    return err == SAT_ERR_MALFORMED && is_of_a_later_schema(bytes) ? SAT_ERR_UPGRADE_NEEDED : err;
}
