#include "common/vault/types.h"

#include <string.h>

/* Where each type's fields begin among all of them: BACK_x takes the number of BEGIN_x back, so that only fields count.
 */
enum {
#define TYPE(number, name, home) BEGIN_##name, BACK_##name = BEGIN_##name - 1,
#define FIELD(type, number, name, kind, rule, ref) FIELD_##type##_##name,
#define RANGE(type, field, least, most)
#define SEARCH(type, field, how)
#include "common/vault/types.def"
#undef TYPE
#undef FIELD
#undef RANGE
#undef SEARCH
    FIELDS_N
};

/* The ranges, each at its field's place; where nobody gave one, any integer will do. */
static const struct sat_range ranges[FIELDS_N] = {
#define TYPE(number, name, home)
#define FIELD(type, number, name, kind, rule, ref)
#define RANGE(type, field, least, most) [FIELD_##type##_##field] = {true, least, most},
#define SEARCH(type, field, how)
#include "common/vault/types.def"
#undef TYPE
#undef FIELD
#undef RANGE
#undef SEARCH
};

/* Which are searched, likewise. */
static const enum sat_search searches[FIELDS_N] = {
#define TYPE(number, name, home)
#define FIELD(type, number, name, kind, rule, ref)
#define RANGE(type, field, least, most)
#define SEARCH(type, field, how) [FIELD_##type##_##field] = SAT_SEARCH_##how,
#include "common/vault/types.def"
#undef TYPE
#undef FIELD
#undef RANGE
#undef SEARCH
};

/* All fields in one array, in the order of types.def. */
static const struct sat_field all_fields[] = {
#define TYPE(number, name, home)
#define FIELD(type, number, name, kind, rule, ref)                                                                     \
    {number, #name, SAT_KIND_##kind, SAT_RULE_##rule, ref, &ranges[FIELD_##type##_##name]},
#define RANGE(type, field, least, most)
#define SEARCH(type, field, how)
#include "common/vault/types.def"
#undef TYPE
#undef FIELD
#undef RANGE
#undef SEARCH
};
_Static_assert(FIELDS_N == sizeof all_fields / sizeof all_fields[0], "every field belongs to a type");

/* How many it has: the size of a struct with one char for each and one more. */
struct before_the_first_type {
    char none;
#define TYPE(number, name, home)                                                                                       \
    }                                                                                                                  \
    ;                                                                                                                  \
    struct fields_of_##name {                                                                                          \
        char none;
#define FIELD(type, number, name, kind, rule, ref) char field_##name;
#define RANGE(type, field, least, most)
#define SEARCH(type, field, how)
#include "common/vault/types.def"
#undef TYPE
#undef FIELD
#undef RANGE
#undef SEARCH
};

static const struct sat_type types[] = {
#define TYPE(number, name, home)                                                                                       \
    {number, #name, SAT_HOME_##home, &all_fields[BEGIN_##name], (uint16_t)(sizeof(struct fields_of_##name) - 1)},
#define FIELD(type, number, name, kind, rule, ref)
#define RANGE(type, field, least, most)
#define SEARCH(type, field, how)
#include "common/vault/types.def"
#undef TYPE
#undef FIELD
#undef RANGE
#undef SEARCH
};

enum { TYPES_N = sizeof types / sizeof types[0] };

uint16_t sat_types_count(void)
{
    return TYPES_N;
}

const struct sat_type *sat_type_at(uint16_t index)
{
    return index < TYPES_N ? &types[index] : NULL;
}

const struct sat_type *sat_type_by_name(const char *name)
{
    for (size_t i = 0; i < TYPES_N; i++)
        if (strcmp(types[i].name, name) == 0) return &types[i];
    return NULL;
}

const struct sat_type *sat_type_by_number(uint16_t number)
{
    for (size_t i = 0; i < TYPES_N; i++)
        if (types[i].number == number) return &types[i];
    return NULL;
}

const struct sat_field *sat_field_by_name(const struct sat_type *type, const char *name)
{
    for (size_t i = 0; i < type->fields_n; i++)
        if (strcmp(type->fields[i].name, name) == 0) return &type->fields[i];
    return NULL;
}

const struct sat_field *sat_field_by_number(const struct sat_type *type, uint16_t number)
{
    for (size_t i = 0; i < type->fields_n; i++)
        if (type->fields[i].number == number) return &type->fields[i];
    return NULL;
}

enum sat_search sat_field_search(const struct sat_field *field)
{
    return searches[field - all_fields];
}

const char *sat_kind_name(enum sat_field_kind kind)
{
    switch (kind) {
    case SAT_KIND_TEXT:
        return "text";
    case SAT_KIND_INT:
        return "integer";
    case SAT_KIND_BOOL:
        return "boolean";
    case SAT_KIND_MONEY:
        return "money";
    case SAT_KIND_DATE:
        return "date";
    case SAT_KIND_TIME:
        return "time";
    case SAT_KIND_REF:
        return "reference";
    }
    return "unknown";
}
