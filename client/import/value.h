/* From the cells of a row to the JSON of a field, as a map says: numbers, money, dates, words, references. */
#ifndef CLIENT_IMPORT_VALUE_H
#define CLIENT_IMPORT_VALUE_H

#include "client/import/map.h"
#include "common/base/id.h"

/* What ids are made of. They are seen by the server, and a customer's number or address could be guessed from one that
 * anybody can make: so a key goes into them that only members have, and that stays when keys are changed (the
 * organisation's first). */
struct import_ids {
    const uint8_t *secret; /* 32 bytes */
    struct sat_hash org;
    const char *map;
};

/* The id of whatever stands under these texts among the records `as`. */
struct sat_record_id import_id(const struct import_ids *ids, const char *as, const char *const *key, uint32_t n);

struct import_source { /* a row */
    const struct import_ids *ids;
    const struct import_table *table;
    const struct import_row *row; /* with as many cells as there are names */
    struct sat_arena *arena;
    struct import_bad *bad;
};

/* The texts of a key; NULL: one of them is empty, and bad->column is its name. */
const char *const *import_key(const struct import_source *source, const struct import_columns *columns,
                              const struct import_form *form);
/* Is there a record of that kind in the row at all? */
bool import_when(const struct import_source *source, const struct import_record *record);
/* *out is the caller's, NULL where the row says nothing. SAT_ERR_INVALID. */
enum sat_err import_value_read(const struct import_source *source, const struct import_value *value,
                               json_t **out) SAT_MUST_CHECK;

/* The mark of decimals; where nobody says, a point, or a comma if the point stands between thousands. */
const char *import_decimal(const struct import_form *form);
/* For its tests: "1.234,50" with two digits is 123450. false: no such number. */
bool import_number(const char *text, const struct import_form *form, int digits, int64_t *out);
/* "31.12.2026" after "DD.MM.YYYY" (YYYY, YY, MM, M, DD, D, hh, mm, ss, and what stands for itself) as "2026-12-31", or
 * with a time; NULL: it is not of that form. */
const char *import_date(struct sat_arena *arena, const char *text, const struct import_form *form, bool with_time);

#endif
