/* Record types: declared once in types.def, with their fields, kinds and merge rules. A field's rule is data, not code
 * at the call site. Numbers are what is sealed and never change; names are what people and the view see. */
#ifndef SAT_VAULT_TYPES_H
#define SAT_VAULT_TYPES_H

#include "common/base/id.h"

enum sat_field_kind {
    SAT_KIND_TEXT,
    SAT_KIND_INT,
    SAT_KIND_BOOL,
    SAT_KIND_MONEY, /* integer of minor units */
    SAT_KIND_DATE,  /* a local calendar date: text "YYYY-MM-DD" */
    SAT_KIND_TIME,  /* an instant with the UTC offset it was noted in */
    SAT_KIND_REF,   /* the id of another record */
};

enum sat_merge_rule {
    SAT_RULE_LWK, /* last writer by effective time, the loser kept as a visible alternative */
    SAT_RULE_ADD, /* a set: an element is in it if any sibling says so */
    SAT_RULE_DER, /* derived: never stored or merged, a column of the view */
};

/* What a person may put into an integer. What comes from others is shown whatever it is. */
struct sat_range {
    bool bounded; /* false: any integer */
    int64_t least, most;
};

/* Whether the field's text is found by those who search (client/search). */
enum sat_search {
    SAT_SEARCH_NO,
    SAT_SEARCH_NAME, /* what the record is called: found first */
    SAT_SEARCH_TEXT,
};

struct sat_field {
    uint16_t number; /* within its type, from 1 */
    const char *name;
    enum sat_field_kind kind;
    enum sat_merge_rule rule;
    uint16_t ref_type; /* kind REF: the type it refers to; 0 for any */
    const struct sat_range *range;
};

enum sat_type_home { SAT_HOME_TERRITORY, SAT_HOME_ORG, SAT_HOME_PEOPLE }; /* where a record of it goes if nobody says */

struct sat_type {
    uint16_t number;
    const char *name;
    enum sat_type_home home;
    const struct sat_field *fields;
    uint16_t fields_n;
};

#define SAT_SCHEMA_VERSION 1  /* of types.def, written into every body */
#define SAT_FIELD_DELETED 0   /* the cell `deleted` of every record (MERGE 6) */
#define SAT_FIELD_TYPE 0xffff /* its type as a cell: in conflict when two people made two things under one id */
/* Numbers from here on are no type's. Those of a move (docs/protocol.md, "Moving"), in the space that is left: */
#define SAT_FIELD_RESERVED 0xff00
#define SAT_FIELD_MOVED 0xfffe      /* the space that the record has moved to; nil: it is back */
#define SAT_FIELD_CARRIED 0xfffd    /* the space that what came late was carried to */
#define SAT_FIELD_AS_OF 0xfffc      /* how much of the space's log the author had applied */
#define SAT_FIELD_MOVED_LATE 0xfffb /* true: it came when what it hangs on had moved already */
/* … and, in the space that it moves to, on what came late: the space that it came from. */
#define SAT_FIELD_CAME_LATE 0xfffa

uint16_t sat_types_count(void);
const struct sat_type *sat_type_at(uint16_t index);
const struct sat_type *sat_type_by_name(const char *name);  /* NULL: no such type */
const struct sat_type *sat_type_by_number(uint16_t number); /* NULL: from a later version */
const struct sat_field *sat_field_by_name(const struct sat_type *type, const char *name);
const struct sat_field *sat_field_by_number(const struct sat_type *type, uint16_t number);
enum sat_search sat_field_search(const struct sat_field *field); /* of a type's field */
const char *sat_kind_name(enum sat_field_kind kind);             /* "text", "integer", … for messages */

#endif
