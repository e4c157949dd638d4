#include "common/vault/types.h"

#include <string.h>

#include "common/vault/machines.h"

/* Each reading of types.def looks at some of its lines; the others are nothing then, and all are forgotten behind it.
 */

/* Where each type's fields begin among all of them: BACK_x takes the number of BEGIN_x back, so that only fields count.
 */
enum {
#define TYPE(number, name, home) BEGIN_##name, BACK_##name = BEGIN_##name - 1,
#define FIELD(type, number, name, kind, rule, ref, grade) FIELD_##type##_##name,
#include "common/vault/types.def"
    FIELDS_N
};

enum {
#define TYPE(number, name, home) PLACE_##name,
#include "common/vault/types.def"
    TYPES_N
};

enum {
#define FIELD(type, number, name, kind, rule, ref, grade) NUMBER_##type##_##name = (number),
#include "common/vault/types.def"
    NUMBERS_END
};

/* What is said of a field beside its line, at the field's place; where nobody says anything, all will do. */
static const struct sat_range ranges[FIELDS_N] = {
#define RANGE(type, field, at_least, at_most)                                                                          \
    [FIELD_##type##_##field].bounded = true, [FIELD_##type##_##field].least = (at_least),                              \
    [FIELD_##type##_##field].most = (at_most),
#define SEARCH(type, field, how) [FIELD_##type##_##field].search = SAT_SEARCH_##how,
#define WORDS(type, field, list) [FIELD_##type##_##field].words = (list),
#define WRITER(type, field, role) [FIELD_##type##_##field].writer = SAT_ROLE_##role,
#define AMENDER(type, field, duty) [FIELD_##type##_##field].amenders = SAT_DUTY_##duty,
#define KEY(type, field) [FIELD_##type##_##field].key = true,
#define BESIDE(type, field) [FIELD_##type##_##field].beside = true,
#include "common/vault/types.def"
};

/* A field's rule, and that of its keys if it is a map of them. */
enum {
#define RULE(code, form, shows, yields, beside, later)                                                                 \
    OF_##code = SAT_RULE_##code, EACH_##code = SAT_RULE_##code, OF_MAP_##code = SAT_RULE_MAP,                          \
    EACH_MAP_##code = SAT_RULE_##code,
#include "common/vault/rules.def"
#undef RULE
};

/* All fields in one array, in the order of types.def. */
static const struct sat_field all_fields[] = {
#define FIELD(type, number, name, kind, rule, ref, grade)                                                              \
    {number,                                                                                                           \
     #name,                                                                                                            \
     SAT_KIND_##kind,                                                                                                  \
     (enum sat_merge_rule)OF_##rule,                                                                                   \
     (enum sat_merge_rule)EACH_##rule,                                                                                 \
     ref,                                                                                                              \
     &ranges[FIELD_##type##_##name],                                                                                   \
     SAT_GRADE_##grade},
#include "common/vault/types.def"
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
#define FIELD(type, number, name, kind, rule, ref, grade) char field_##name;
#include "common/vault/types.def"
};

static const struct sat_type types[TYPES_N] = {
#define TYPE(of_type, of_name, of_home)                                                                                \
    [PLACE_##of_name].number = (of_type), [PLACE_##of_name].name = #of_name,                                           \
    [PLACE_##of_name].home = SAT_HOME_##of_home, [PLACE_##of_name].fields = &all_fields[BEGIN_##of_name],              \
    [PLACE_##of_name].fields_n = (uint16_t)(sizeof(struct fields_of_##of_name) - 1),
#define SUBMITS(type, field) [PLACE_##type].submits = NUMBER_##type##_##field,
#include "common/vault/types.def"
};

/* Of each number the place of its type, and one; 0: there is none. */
static const uint16_t places[] = {
#define TYPE(number, name, home) [number] = PLACE_##name + 1,
#include "common/vault/types.def"
};

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
    size_t place = number < sizeof places / sizeof places[0] ? places[number] : 0;
    return place ? &types[place - 1] : NULL;
}

const struct sat_field *sat_field_ext(void)
{
    static const struct sat_range any;
    static const struct sat_field ext = {.number = SAT_FIELD_EXT,
                                         .name = "ext",
                                         .kind = SAT_KIND_TEXT,
                                         .rule = SAT_RULE_MAP,
                                         .each = SAT_RULE_LWK,
                                         .range = &any,
                                         .grade = SAT_GRADE_G1};
    return &ext;
}

bool sat_word_known(const char *words, struct sat_span word)
{
    for (const char *at = words; *at; at += *at == ' ') {
        size_t len = strcspn(at, " ");
        if (len == word.len && memcmp(at, word.at, len) == 0) return true;
        at += len;
    }
    return false;
}

const struct sat_field *sat_field_by_name(const struct sat_type *type, const char *name)
{
    for (size_t i = 0; i < type->fields_n; i++)
        if (strcmp(type->fields[i].name, name) == 0) return &type->fields[i];
    return strcmp(name, "ext") == 0 ? sat_field_ext() : NULL;
}

const struct sat_field *sat_field_by_number(const struct sat_type *type, uint16_t number)
{
    /* Most stand where their number says. */
    if (number && number <= type->fields_n && type->fields[number - 1].number == number)
        return &type->fields[number - 1];
    for (size_t i = 0; i < type->fields_n; i++)
        if (type->fields[i].number == number) return &type->fields[i];
    return number == SAT_FIELD_EXT ? sat_field_ext() : NULL;
}

bool sat_field_has_elements(const struct sat_field *field)
{
    enum sat_rule_form form = sat_rule(field->rule)->form;
    return form == SAT_FORM_SET || form == SAT_FORM_MAP || form == SAT_FORM_COUNTER;
}

/* How much a role's word counts. */
static int weight(uint8_t role)
{
    switch (role) {
    case SAT_ROLE_ADMIN:
        return 3;
    case SAT_ROLE_MANAGER:
    case SAT_ROLE_SERVICE:
        return 2;
    case SAT_ROLE_REP:
        return 1;
    default:
        return 0;
    }
}

bool sat_role_outweighs(uint8_t role, uint8_t other)
{
    return weight(role) > weight(other);
}

bool sat_field_allows(const struct sat_field *field, uint8_t role)
{
    uint8_t least = field && field->range->writer ? field->range->writer : SAT_ROLE_MANAGER;
    return !sat_role_outweighs(least, role);
}

enum sat_search sat_field_search(const struct sat_field *field)
{
    return field->range->search;
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
