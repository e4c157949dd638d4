#include "common/vault/rules.h"

#include "common/base/check.h"

static const struct sat_rule rules[] = {
#define RULE(code, form, shows, yields, beside, later)                                                                 \
    {#code, SAT_FORM_##form, SAT_SHOWS_##shows, SAT_YIELDS_##yields, SAT_BESIDE_##beside, SAT_LATER_##later},
#include "common/vault/rules.def"
#undef RULE
};

const struct sat_rule *sat_rule(enum sat_merge_rule rule)
{
    sat_check(rule < SAT_RULES_N);
    return &rules[rule];
}
