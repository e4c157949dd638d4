/* The map of an import: which columns of which file make which fields of which records (docs/import.md). */
#ifndef CLIENT_IMPORT_MAP_H
#define CLIENT_IMPORT_MAP_H

#include <jansson.h>

#include "client/import/table.h"
#include "common/vault/types.h"

/* How text is to be read; what a field does not say, its file says, and else the map. */
struct import_form {
    const char *date;                /* "DD.MM.YYYY"; NULL: ISO 8601 */
    const char *zone;                /* "+01:00", of times that name none; NULL: there are none such */
    const char *decimal, *thousands; /* marks; NULL: see import_decimal(); nothing */
    const json_t *nulls;             /* texts that stand for nothing; NULL: none */
    bool clear;                      /* nothing in a cell clears the field; else it says nothing */
};

struct import_columns {
    const char **names;
    uint32_t *at; /* in the table at hand */
    uint32_t n;
    bool constant; /* names[0] is no column but the text itself */
};

struct import_record;

struct import_value {
    const struct sat_field *field;      /* NULL: the territory */
    const json_t *constant;             /* NULL: of the columns */
    struct import_columns columns;      /* more than one: joined; of a set: each an element, or more */
    const char *with;                   /* between those that are joined */
    const char *split;                  /* between the elements of a set in one cell; NULL: one, or a line each */
    const json_t *table;                /* "values": text to value; NULL: as it is */
    const json_t *otherwise;            /* what is not in it; NULL: bad */
    const json_t *missing;              /* "default": where there is nothing; NULL: nothing */
    const struct import_record *target; /* of a reference: whose key the columns are */
    const char *currency;               /* may stand beside a number; NULL: none */
    int digits;                         /* a number counts units of 10^-digits */
    bool required, exactly, may_wait;
    struct import_form form;
};

struct import_record {
    const char *as; /* the name under which references find it; its ids are made of it */
    const struct sat_type *type;
    struct import_columns key;
    struct import_columns when; /* n 0: always; else only where it is not empty, */
    const json_t *when_is;      /* … or holds one of these (NULL: anything) */
    struct import_value *territory;
    struct import_value *fields;
    uint32_t fields_n;
    bool keep;  /* what is here already stays as it is */
    bool first; /* of several rows of one key the first counts; else they have to say the same */
    struct import_form form;
};

enum { IMPORT_RECORDS_MAX = 20 }; /* that a row makes */

struct import_part { /* for files of one kind */
    const char *pattern, *encoding;
    char delimiter; /* 0: to be guessed */
    bool vcard;
    const char **names; /* of the columns, where the file has none */
    uint32_t names_n;
    struct import_record *records;
    uint32_t records_n;
};

struct import_map {
    json_t *json; /* which the rest borrows from */
    const char *name;
    struct import_part *parts;
    uint32_t parts_n;
};

/* The arena owns what *out points to, but for the JSON: to be freed whatever is returned. bad->text names the place
 * ("files[0].records[0].fields.name: …"). SAT_ERR_INVALID. */
enum sat_err import_map_read(const char *text, struct sat_arena *arena, struct import_map *out,
                             struct import_bad *bad) SAT_MUST_CHECK;
void import_map_free(struct import_map *map);

/* Finds the columns in a table's header: exactly, else whatever the case. SAT_ERR_INVALID: one is missing, or there
 * twice. */
enum sat_err import_columns_find(const struct import_part *part, const struct import_table *table,
                                 struct sat_arena *arena, struct import_bad *bad) SAT_MUST_CHECK;

#endif
