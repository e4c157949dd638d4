/* Record types: declared once in types.def, with their fields, kinds and merge rules. A field's rule is data, not code
 * at the call site. Numbers are what is sealed and never change; names are what people and the view see. */
#ifndef SAT_VAULT_TYPES_H
#define SAT_VAULT_TYPES_H

#include "common/base/id.h"
#include "common/proof/link.h"
#include "common/vault/rules.h"

enum sat_field_kind {
    SAT_KIND_TEXT,
    SAT_KIND_INT,
    SAT_KIND_BOOL,
    SAT_KIND_MONEY, /* integer of minor units */
    SAT_KIND_DATE,  /* a local calendar date: text "YYYY-MM-DD" */
    SAT_KIND_TIME,  /* an instant with the UTC offset it was noted in */
    SAT_KIND_REF,   /* the id of another record */
};

/* Whether the field's text is found by those who search (client/search). */
enum sat_search {
    SAT_SEARCH_NO,
    SAT_SEARCH_NAME, /* what the record is called: found first */
    SAT_SEARCH_TEXT,
};

/* What a person may put into a field, and who. What comes from others is shown whatever it is. */
struct sat_range {
    bool bounded; /* false: any integer */
    int64_t least, most;
    const char *words; /* of a text: the words that it may be, the least first, one blank between; NULL: any text */
    enum sat_search search;
    bool key;          /* a part of what the record's id is made of (derived.h) */
    bool beside;       /* the record counts only in the territory of what it names there */
    uint8_t writer;    /* rule AUT: the least role whose word counts at once; 0: a manager's. Others' are proposals */
    uint32_t amenders; /* rule IMM: the duties whose amendment counts; 0: anybody's who may write the record */
};

/* Who may see a field's content: the higher, the fewer. */
enum sat_grade {
    SAT_GRADE_G0, /* everybody in the organisation */
    SAT_GRADE_G1, /* who has the record's space */
    SAT_GRADE_G2, /* personal, or confidential between companies: masked unless somebody asks, and asking is recorded */
    SAT_GRADE_G3, /* restricted: belongs into a space of its own */
};

struct sat_field {
    uint16_t number; /* within its type, from 1 */
    const char *name;
    enum sat_field_kind kind;
    enum sat_merge_rule rule;
    enum sat_merge_rule each; /* rule MAP: of its keys; else the same as `rule` */
    uint16_t ref_type;        /* kind REF: the type it refers to; 0 for any */
    const struct sat_range *range;
    enum sat_grade grade;
};

enum sat_type_home { SAT_HOME_TERRITORY, SAT_HOME_ORG, SAT_HOME_PEOPLE }; /* where a record of it goes if nobody says */

struct sat_type {
    uint16_t number;
    const char *name;
    enum sat_type_home home;
    const struct sat_field *fields;
    uint16_t fields_n;
    uint16_t submits; /* number of the field that, once set, submits the record: what is IMM is amended from then on;
                         0: it is never submitted */
};

#define SAT_SCHEMA_VERSION 2  /* the latest that is known here; a body says the earliest that has all it needs: */
#define SAT_SCHEMA_PLAIN 1    /* fields, and elements of sets */
#define SAT_SCHEMA_KEYED 2    /* keys of maps, with values of their own */
#define SAT_FIELD_DELETED 0   /* the cell `deleted` of every record (MERGE 6) */
#define SAT_FIELD_TYPE 0xffff /* its type as a cell: in conflict when two people made two things under one id */
#define SAT_FIELD_EXT 0xfe00  /* the map `ext` of every record: fields that the organisation added */
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
const struct sat_field *sat_field_ext(void); /* which every type has, and no type's list */
/* Is it among words with one blank between? */
bool sat_word_known(const char *words, struct sat_span word);
/* Are its cells those of elements, keys or devices? */
bool sat_field_has_elements(const struct sat_field *field);
/* Does the word of one role (proof/link.h) count for more than that of the other? */
bool sat_role_outweighs(uint8_t role, uint8_t other);
/* Does the word of somebody in that role (proof/link.h) count at once? */
bool sat_field_allows(const struct sat_field *field, uint8_t role);
enum sat_search sat_field_search(const struct sat_field *field);
const char *sat_kind_name(enum sat_field_kind kind); /* "text", "integer", … for messages */

#endif
