/* Between JSON, which people and programs speak, and cells, which are sealed. Strict on the way in: what is stored
 * is of its field's kind, and a refusal names the type, the field and the value. */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include <jansson.h>

#include "common/vault/cells.h"
#include "common/vault/types.h"

/* What a put says. The arena owns all of it. */
struct client_fields {
    struct sat_cell *cells; /* each named once */
    uint32_t n;
    uint16_t *whole; /* set fields given as a whole: the elements among the cells are in, and no others */
    uint32_t whole_n;
    uint32_t *counts; /* which of the cells are what this device counts, to be added to its part of a counter */
    uint32_t counts_n;
};

/* A JSON object of fields; NULL or "" for none. null clears; a set takes null, an array, or {"add":[…],"remove":[…]};
 * a map an object of its keys; a counter {"add":n}.
 * SAT_ERR_INVALID, SAT_ERR_TOO_LARGE, SAT_ERR_NOT_FOUND (no such field). */
enum sat_err client_json_fields(const struct sat_type *type, const char *json, struct sat_arena *arena,
                                struct client_fields *out, struct sat_fault *fault) SAT_MUST_CHECK;
/* One JSON value for a field that is no set. */
enum sat_err client_json_value(const struct sat_type *type, const struct sat_field *field, const char *json,
                               struct sat_arena *arena, struct sat_value *out, struct sat_fault *fault) SAT_MUST_CHECK;

/* ---- Back: new references, the caller's ---- */
json_t *client_json_of_value(const struct sat_value *value);
json_t *client_json_of_uuid(const uint8_t id[16]);
json_t *client_json_of_time(uint64_t ms);
json_t *client_json_of_text(const char *text); /* null for NULL */
json_t *client_json_of_set(const struct sat_field *field,
                           const struct sat_merged_record *record); /* its elements, sorted; maybe none */
/* The fields that a merged record shows, in the type's order: sets as sorted arrays, nothing for what has no value. */
json_t *client_json_of_record(const struct sat_type *type, const struct sat_merged_record *record);
/* A map: an object of the keys that have a value; maybe none. A counter: its sum. */
json_t *client_json_of_map(const struct sat_field *field, const struct sat_merged_record *record);
/* The parts of a counter, added; false: there are none, or no integer holds them. */
bool client_count_of(const struct sat_field *field, const struct sat_merged_record *record, int64_t *out);
/* What one change wrote: a cleared field is null, a set {"add":[…],"remove":[…]}, a map or counter the keys or devices,
 * an rm "deleted": true. */
json_t *client_json_of_cells(const struct sat_type *type, const struct sat_cell *cells, uint32_t n);

/* Compact text of `json`, whose reference is taken; on the heap. */
char *client_json_text(json_t *json);

#endif
