/* A change's body: what is sealed. Some cells of one record and their values, as one msgpack array:
 *   [type, schema version, [[field, value] or [field, element, value] …], origin or nil]
 *
 * Cells are in ascending (field, element) order, each once. The value of an element is a bool; from schema 2 on it may
 * be any, of a key of a map; a body without such keys says schema 1, so that who knows no later one reads it. A value
 * is nil (cleared), bool, integer, text, 16 bytes (a reference), or [ms, offset_min] (a time). Types, fields and kinds
 * of a later version decode too and are kept verbatim; what does not decode and says that its schema is a later one
 * needs that version. */
#ifndef SAT_VAULT_BODY_H
#define SAT_VAULT_BODY_H

#include "common/base/id.h"
#include "common/base/limits.h"

enum sat_value_kind {
    SAT_VALUE_NIL,
    SAT_VALUE_BOOL,
    SAT_VALUE_INT,
    SAT_VALUE_TEXT,
    SAT_VALUE_REF,
    SAT_VALUE_TIME,
    SAT_VALUE_OTHER, /* of a later version */
};
#define SAT_OFFSET_MIN_MAX 1439 /* either way: a UTC offset is less than a day */

struct sat_value {
    enum sat_value_kind kind;
    bool truth;
    int64_t integer;          /* INT; TIME: milliseconds since 1970 UTC */
    int16_t offset_min;       /* TIME: UTC offset it was noted in, minutes */
    struct sat_span text;     /* TEXT: valid UTF-8; OTHER: its msgpack; borrowed */
    struct sat_record_id ref; /* REF */
};

struct sat_cell {
    uint16_t field;
    bool in_set; /* `element` is named: of a set, with a bool (in or out); a map's key; a counter's device */
    struct sat_span element; /* UTF-8 */
    struct sat_value value;
};

struct sat_body {
    uint16_t type, schema;
    struct sat_cell *cells;
    uint32_t cells_n;
    struct sat_span origin; /* MERGE 12 and 20: raw msgpack of where it repeats another change; empty for none */
};

/* The schema that a body with these cells says. */
uint16_t sat_body_schema(const struct sat_cell *cells, uint32_t n);
bool sat_value_equal(const struct sat_value *a, const struct sat_value *b);
/* By field, then element: the name, not the value. */
int sat_cell_compare(const struct sat_cell *a, const struct sat_cell *b);
/* The cell of that name among sorted ones (its value is not looked at), or NULL. */
const struct sat_cell *sat_cell_find(const struct sat_cell *cells, uint32_t n, const struct sat_cell *name);
/* Appends the encoding; sorts the cells first. SAT_ERR_TOO_LARGE, SAT_ERR_INVALID (a cell twice, invalid UTF-8, a time
 * out of range); then nothing is appended. */
enum sat_err sat_body_encode(struct sat_body *body, struct sat_buf *out) SAT_MUST_CHECK;
/* The arena owns everything in *out (text is copied). SAT_ERR_MALFORMED, SAT_ERR_TOO_LARGE; SAT_ERR_UPGRADE_NEEDED
 * where it says that it is of a later schema. */
enum sat_err sat_body_decode(struct sat_span bytes, struct sat_arena *arena, struct sat_body *out) SAT_MUST_CHECK;

#endif
