/* Merge rules: what becomes of several claims to one cell. A rule is a line of rules.def; nobody asks for a rule by its
 * code, but for what its line says. */
#ifndef SAT_VAULT_RULES_H
#define SAT_VAULT_RULES_H

#include <stdbool.h>

enum sat_merge_rule {
#define RULE(code, form, shows, yields, beside, later) SAT_RULE_##code,
#include "common/vault/rules.def"
#undef RULE
    SAT_RULES_N
};

enum sat_rule_form {
    SAT_FORM_VALUE,
    SAT_FORM_SET,     /* cells of elements, each in or out */
    SAT_FORM_MAP,     /* cells of keys, each with a value of its own */
    SAT_FORM_COUNTER, /* cells of devices, each with the sum of what that device counted */
    SAT_FORM_NONE,    /* nothing is stored */
};

enum sat_rule_shows {
    SAT_SHOWS_NEWEST,   /* by effective time, then the greater dot */
    SAT_SHOWS_FIRST,    /* the other way round; something before nothing */
    SAT_SHOWS_RECEIVED, /* the first by receipt; something before nothing, what is not accepted yet behind */
    SAT_SHOWS_GREATEST, /* by sat_value_order(); of equal ones the newest */
    SAT_SHOWS_LEAST,    /* something before nothing */
    SAT_SHOWS_FURTHEST, /* by the field's machine (machines.h); of those of which none overtakes the other the newest */
    SAT_SHOWS_SUBMITTED, /* what was there when the record was submitted; then what had not seen that; then the rest */
    SAT_SHOWS_ALLOWED,   /* by who may write the field; others' are proposals */
};

enum sat_rule_yields {
    SAT_YIELDS_ALWAYS,
    SAT_YIELDS_NEVER,        /* unless it says nothing */
    SAT_YIELDS_TO_GREATER,   /* or equal, or to a clearing */
    SAT_YIELDS_TO_LESS,      /* likewise */
    SAT_YIELDS_TO_SUBMITTED, /* what was submitted gives way to nothing that came after; nor to what came beside it */
    SAT_YIELDS_TO_ALLOWED,   /* one by who may gives way only to another by who may */
    SAT_YIELDS_TO_NOTHING,   /* a reservation lasts until it is released */
};

enum sat_rule_beside { SAT_BESIDE_NOTHING, SAT_BESIDE_QUIETLY, SAT_BESIDE_SETTLE };

enum sat_rule_later {
    SAT_LATER_EDIT,
    SAT_LATER_ENTRY,
    SAT_LATER_BESIDE,
    SAT_LATER_AMENDMENT,
    SAT_LATER_MOVE,
    SAT_LATER_PROPOSAL,
    SAT_LATER_REQUEST,
    SAT_LATER_REFUSED,
};

struct sat_rule {
    const char *code;
    enum sat_rule_form form;
    enum sat_rule_shows shows;
    enum sat_rule_yields yields;
    enum sat_rule_beside beside;
    enum sat_rule_later later;
};

const struct sat_rule *sat_rule(enum sat_merge_rule rule);

#endif
