#include "tests/sim/facts.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/vault/origin.h"

/* What removes a record has no text: it is known by the dot that it had first. */
enum { DEVICE_BIT = 30 };

static uint64_t number_in(struct sat_span text)
{
    uint64_t number = 0;
    for (size_t i = 1; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    return number;
}

static uint64_t tag_of(const struct sat_source *source, struct sat_dot first)
{
    if (source->header.deletion)
        return (uint64_t)first.device << DEVICE_BIT | first.counter | UINT64_C(1) << ORACLE_REMOVAL_BIT;
    uint64_t newest = 0; /* what brings a record back repeats older ones */
    for (uint32_t i = 0; i < source->body.cells_n; i++) {
        const struct sat_value *value = &source->body.cells[i].value;
        if (value->kind != SAT_VALUE_TEXT || value->text.len < 2 || value->text.len > 15 || value->text.at[0] != 'w')
            continue;
        uint64_t number = number_in(value->text);
        if (number > newest) newest = number;
    }
    return newest;
}

struct sat_hash oracle_first_of(const struct sat_source *source, uint32_t record)
{
    struct sat_origin first;
    struct sat_body body = source->body;
    struct sat_record_id id = world_record(record);
    if (sat_origin_decode(body.origin, &first) == SAT_OK) return first.rest;
    return sat_origin_hash(&id, &source->header, &body);
}

struct oracle_fact oracle_fact_of(const struct sat_source *source, uint32_t record, bool tagged)
{
    struct sat_origin origin = {.dot = source->dot};
    bool repeats = source->body.origin.len && sat_origin_decode(source->body.origin, &origin) == SAT_OK;
    sat_check(repeats || !source->body.origin.len || !source->header.deletion);
    struct oracle_fact fact = {.dot = source->dot,
                               .first_dot = origin.dot,
                               .repeats = repeats,
                               .pending = source->pending,
                               .tag = tagged ? tag_of(source, origin.dot) : 0,
                               .hlc = source->header.hlc,
                               .rest = source->rest};
    if (fact.tag >> ORACLE_REMOVAL_BIT) fact.first = oracle_first_of(source, record);
    return fact;
}

void oracle_facts_take(struct oracle_facts *facts, const struct sat_record_view *view, uint32_t record, bool tagged)
{
    if (view->live_n > facts->cap) {
        facts->cap = view->live_n * 2;
        facts->at = realloc(facts->at, facts->cap * sizeof *facts->at);
        sat_check(facts->at != NULL);
    }
    for (uint32_t i = 0; i < view->live_n; i++) facts->at[i] = oracle_fact_of(&view->live[i], record, tagged);
    facts->n = view->live_n;
}
