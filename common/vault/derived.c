#include "common/vault/derived.h"

#include <string.h>

#include "common/proof/hash.h"

static struct sat_record_id id_of(struct sat_hasher *hasher)
{
    struct sat_hash hash = sat_hash_end(hasher);
    struct sat_record_id id;
    memcpy(id.b, hash.b, sizeof id.b);
    id.b[6] = (uint8_t)(0x80 | (id.b[6] & 0x0f)); /* UUIDv8 (RFC 9562) */
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    return id;
}

bool sat_type_has_keys(const struct sat_type *type)
{
    for (uint16_t i = 0; i < type->fields_n; i++)
        if (type->fields[i].range->key) return true;
    return false;
}

static bool is_key(const struct sat_type *type, const struct sat_cell *cell)
{
    const struct sat_field *field = sat_field_by_number(type, cell->field);
    bool says = cell->value.kind != SAT_VALUE_NIL && !(cell->in_set && !cell->value.truth);
    return field && field->range->key && says;
}

enum sat_err sat_record_id_derived(const struct sat_hash *org, const struct sat_type *type,
                                   const struct sat_cell *cells, uint32_t n, struct sat_record_id *out)
{
    struct sat_arena arena;
    struct sat_buf buf;
    struct sat_hasher hasher;
    sat_arena_init(&arena);
    sat_buf_init(&buf);
    struct sat_body body = {.type = type->number, .schema = SAT_SCHEMA_PLAIN};
    body.cells = sat_arena_array(&arena, n, sizeof *body.cells);
    for (uint32_t i = 0; i < n; i++)
        if (is_key(type, &cells[i])) body.cells[body.cells_n++] = cells[i];
    enum sat_err err = body.cells_n ? sat_body_encode(&body, &buf) : SAT_ERR_INVALID;
    if (!err) {
        sat_hash_begin(&hasher, "record-key");
        sat_hash_add(&hasher, org->b, sizeof org->b);
        sat_hash_add_span(&hasher, sat_buf_span(&buf));
        *out = id_of(&hasher);
    }
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
    return err;
}

struct sat_record_id sat_record_id_following(const struct sat_hash *org, const struct sat_record_id *from,
                                             const char *what, uint32_t n)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "record-following");
    sat_hash_add(&hasher, org->b, sizeof org->b);
    sat_hash_add(&hasher, from->b, sizeof from->b);
    sat_hash_add_counted(&hasher, sat_span_text(what));
    sat_hash_add_u32(&hasher, n);
    return id_of(&hasher);
}
