#include "common/vault/siblings.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/vector.h"
#include "common/vault/machines.h"

/* ---- Rules ---- */

/* Of what says where a record is: the newest, and never a conflict. */
static const struct sat_rule of_places = {"place",           SAT_FORM_VALUE,     SAT_SHOWS_NEWEST,
                                          SAT_YIELDS_ALWAYS, SAT_BESIDE_NOTHING, SAT_LATER_EDIT};

struct sat_law sat_law_of(const struct sat_ground *ground, const struct sat_cell *cell)
{
    if (cell->field == SAT_FIELD_DELETED && !cell->in_set) return (struct sat_law){.rule = sat_rule(SAT_RULE_RST)};
    if (cell->field >= SAT_FIELD_RESERVED) return (struct sat_law){.rule = &of_places};
    const struct sat_field *field = ground->type ? sat_field_by_number(ground->type, cell->field) : NULL;
    struct sat_law law = {.field = field, .unknown = !field && cell->field != SAT_FIELD_DELETED};
    law.rule = field ? sat_rule(field->rule) : NULL;
    if (law.rule && law.rule->form == SAT_FORM_MAP) law.rule = sat_rule(field->each);
    bool fits = law.rule && cell->in_set == sat_field_has_elements(field) && law.rule->form != SAT_FORM_NONE;
    if (!fits) law.rule = sat_rule(cell->in_set ? SAT_RULE_ADD : SAT_RULE_LWK);
    return law;
}

static bool is_nothing(const struct sat_claim *claim)
{
    return claim->cell->value.kind == SAT_VALUE_NIL;
}

int sat_source_compare_age(const struct sat_source *a, const struct sat_source *b)
{
    if (a->effective != b->effective) return a->effective < b->effective ? -1 : 1;
    return sat_dot_compare(a->dot, b->dot);
}

bool sat_source_earlier(const struct sat_source *a, const struct sat_source *b)
{
    if (!a->recv_ms != !b->recv_ms) return a->recv_ms != 0;
    if (a->recv_ms != b->recv_ms) return a->recv_ms < b->recv_ms;
    if (a->seq != b->seq) return a->seq < b->seq;
    return sat_dot_compare(a->dot, b->dot) < 0;
}

/* ---- The order of values ---- */

/* Nothing is less than anything; where somebody says yes, that is more than whatever does not belong there. */
static int class_of(const struct sat_value *value)
{
    if (value->kind == SAT_VALUE_NIL) return 0;
    return value->kind == SAT_VALUE_BOOL && value->truth ? 2 : 1;
}

/* Its place in a list of words with one blank between them; beyond the last one: it is not among them. */
static size_t place_of_word(const char *words, struct sat_span word)
{
    size_t place = 0;
    for (const char *at = words; *at; place++) {
        size_t len = strcspn(at, " ");
        if (len == word.len && memcmp(at, word.at, len) == 0) return place;
        at += len + (at[len] == ' ');
    }
    return place;
}

static int order_texts(const struct sat_field *field, struct sat_span a, struct sat_span b)
{
    if (field && field->range && field->range->words) {
        size_t x = place_of_word(field->range->words, a), y = place_of_word(field->range->words, b);
        if (x != y) return x < y ? -1 : 1;
    }
    return sat_span_compare(a, b);
}

int sat_value_order(const struct sat_field *field, const struct sat_value *a, const struct sat_value *b)
{
    if (class_of(a) != class_of(b)) return class_of(a) - class_of(b);
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case SAT_VALUE_NIL:
        return 0;
    case SAT_VALUE_BOOL:
        return (int)a->truth - (int)b->truth;
    case SAT_VALUE_INT:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case SAT_VALUE_TEXT:
        return order_texts(field, a->text, b->text);
    case SAT_VALUE_REF:
        return memcmp(a->ref.b, b->ref.b, sizeof a->ref.b);
    case SAT_VALUE_TIME:
        if (a->integer != b->integer) return a->integer < b->integer ? -1 : 1;
        return (a->offset_min > b->offset_min) - (a->offset_min < b->offset_min);
    case SAT_VALUE_OTHER:
        return sat_span_compare(a->text, b->text);
    }
    return 0;
}

static int order_claims(const struct sat_law *law, const struct sat_claim *a, const struct sat_claim *b)
{
    return sat_value_order(law->field, &a->cell->value, &b->cell->value);
}

/* ---- Submission, and who may ---- */

/* Does the source submit the record? */
static bool submits(const struct sat_type *type, const struct sat_source *x)
{
    if (!x->readable || x->body.type != type->number) return false;
    const struct sat_cell name = {.field = type->submits};
    const struct sat_cell *cell = sat_cell_find(x->body.cells, x->body.cells_n, &name);
    return cell && cell->value.kind != SAT_VALUE_NIL;
}

struct sat_ground sat_ground_of(const struct sat_source *sources, uint32_t n, uint16_t type)
{
    struct sat_ground ground = {.type = type ? sat_type_by_number(type) : NULL};
    if (!ground.type || !ground.type->submits) return ground;
    for (uint32_t i = 0; i < n; i++) {
        bool first = submits(ground.type, &sources[i]);
        for (uint32_t k = 0; k < n && first; k++)
            first = k == i || !sat_source_saw(&sources[i], sources[k].dot) || !submits(ground.type, &sources[k]);
        const struct sat_source *other = ground.submission;
        if (first && (!other || sat_source_compare_age(&sources[i], other) < 0)) ground.submission = &sources[i];
    }
    return ground;
}

/* 0: it was there when the record was submitted, 1: it had not seen that, 2: it had. */
static int lateness(const struct sat_ground *ground, const struct sat_source *x)
{
    const struct sat_source *submission = ground->submission;
    if (!submission || x == submission || sat_source_saw(submission, x->dot)) return 0;
    return sat_source_saw(x, submission->dot) ? 2 : 1;
}

/* Of which rank the claim is before its value is looked at; the lowest is shown. */
static int rank(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *claim)
{
    switch (law->rule->shows) {
    case SAT_SHOWS_SUBMITTED:
        return lateness(ground, claim->source);
    case SAT_SHOWS_ALLOWED:
        return sat_field_allows(law->field, claim->source->role) ? 0 : 1;
    case SAT_SHOWS_FIRST:
    case SAT_SHOWS_RECEIVED:
    case SAT_SHOWS_LEAST:
        return is_nothing(claim) ? 1 : 0;
    case SAT_SHOWS_NEWEST:
    case SAT_SHOWS_GREATEST:
    case SAT_SHOWS_FURTHEST:
        return 0;
    }
    return 0;
}

/* ---- Who gives way to whom ---- */

bool sat_claim_yields(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *x,
                      const struct sat_claim *y)
{
    switch (law->rule->yields) {
    case SAT_YIELDS_ALWAYS:
        return true;
    case SAT_YIELDS_NEVER:
        return is_nothing(x);
    case SAT_YIELDS_TO_GREATER:
        return is_nothing(y) || order_claims(law, y, x) >= 0;
    case SAT_YIELDS_TO_LESS:
        return is_nothing(x) || is_nothing(y) || order_claims(law, y, x) <= 0;
    case SAT_YIELDS_TO_SUBMITTED:
    case SAT_YIELDS_TO_ALLOWED:
        return rank(ground, law, y) <= rank(ground, law, x);
    case SAT_YIELDS_TO_NOTHING:
        return is_nothing(x) || is_nothing(y);
    }
    return true;
}

static bool is_beside(const struct sat_merged *merged, const struct sat_value *value)
{
    for (uint32_t i = 0; i < merged->alternatives_n; i++)
        if (sat_value_equal(&merged->alternatives[i].value, value)) return true;
    return false;
}

bool sat_says_nothing_new(const struct sat_law *law, const struct sat_merged *merged, const struct sat_value *value)
{
    bool nothing = value->kind == SAT_VALUE_NIL;
    switch (law->rule->yields) {
    case SAT_YIELDS_NEVER: /* nothing is taken back, and what stands there already is not said again */
        return nothing ? merged->value.kind != SAT_VALUE_NIL : is_beside(merged, value);
    case SAT_YIELDS_TO_NOTHING:
        return is_beside(merged, value) && (!nothing || merged->alternatives_n == 1);
    case SAT_YIELDS_TO_GREATER:
        return !nothing && sat_value_order(law->field, value, &merged->value) <= 0;
    case SAT_YIELDS_TO_LESS:
        return !nothing && merged->value.kind != SAT_VALUE_NIL &&
               sat_value_order(law->field, value, &merged->value) >= 0;
    case SAT_YIELDS_ALWAYS:
    case SAT_YIELDS_TO_SUBMITTED:
    case SAT_YIELDS_TO_ALLOWED:
        break;
    }
    return !merged->conflict && sat_value_equal(&merged->value, value);
}

/* ---- Who dominates whom ----
 *
 * x is dominated if some other claim to the cell has seen it, and it gives way to that. Comparing all with all takes
 * long where a device has a thousand siblings, so of those without holes only the furthest is asked: for each device
 * that has a claim, the highest counter of it that any of them had seen, and the highest that another one had, as
 * nothing dominates itself. Where giving way depends on the two, all are compared.
 */

enum { PAIRWISE_MAX = 8 }; /* so few are compared as fast one by one */

struct reach {
    uint32_t device;
    uint64_t first, second; /* counters; 0: none */
    size_t first_claim;     /* whose `first` is */
};

static int compare_reach(const void *a, const void *b)
{
    const struct reach *x = a, *y = b;
    return (x->device > y->device) - (x->device < y->device);
}

/* One for each device that has a claim, sorted. */
static size_t find_devices(const struct sat_claim *claims, size_t n, struct reach *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) out[i] = (struct reach){.device = claims[i].source->dot.device};
    qsort(out, n, sizeof *out, compare_reach);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || out[kept - 1].device != out[i].device) out[kept++] = out[i];
    return kept;
}

static void reach_to(struct reach *reach, uint64_t counter, size_t claim)
{
    if (counter > reach->first) {
        reach->second = reach->first;
        reach->first = counter;
        reach->first_claim = claim;
    } else if (counter > reach->second) {
        reach->second = counter;
    }
}

/* Of the n claims, sets dominated[i] for each that one without holes dominates. */
static void find_reached(const struct sat_claim *claims, size_t n, struct sat_arena *arena, bool *dominated)
{
    struct reach *reach = sat_arena_array(arena, n, sizeof *reach);
    size_t reach_n = find_devices(claims, n, reach);
    for (size_t y = 0; y < n; y++)
        for (size_t i = 0; i < reach_n && claims[y].source->header.holes.n == 0; i++)
            reach_to(&reach[i], sat_vector_counter(claims[y].source->header.seen, reach[i].device), y);
    for (size_t x = 0; x < n; x++) {
        struct sat_dot dot = claims[x].source->dot;
        const struct reach *of =
            bsearch(&(struct reach){.device = dot.device}, reach, reach_n, sizeof *reach, compare_reach);
        sat_check(of != NULL);
        dominated[x] = (of->first_claim == x ? of->second : of->first) >= dot.counter;
    }
}

void sat_claims_dominated(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *claims,
                          size_t n, bool *dominated)
{
    struct sat_arena arena; /* of one cell: a record may have thousands */
    sat_arena_init(&arena);
    bool always = law->rule->yields == SAT_YIELDS_ALWAYS, pairwise = n <= PAIRWISE_MAX || !always;
    memset(dominated, 0, n * sizeof *dominated);
    if (!pairwise) find_reached(claims, n, &arena, dominated);
    for (size_t y = 0; y < n; y++) {
        if (!pairwise && claims[y].source->header.holes.n == 0) continue;
        for (size_t x = 0; x < n; x++)
            dominated[x] = dominated[x] || (x != y && sat_source_saw(claims[y].source, claims[x].source->dot) &&
                                            (always || sat_claim_yields(ground, law, &claims[x], &claims[y])));
    }
    sat_arena_deinit(&arena);
}

/* ---- Which one is shown ---- */

/* Had its author seen none of the others of its rank? Of those that depend on each other the first is first whatever
 * the clocks say. */
static bool is_first(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *siblings,
                     size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++)
        if (k != i && sat_source_saw(siblings[i].source, siblings[k].source->dot) &&
            rank(ground, law, &siblings[k]) == rank(ground, law, &siblings[i]))
            return false;
    return true;
}

/* Of two siblings of one rank, `b` the older: is b shown, and not a? */
static bool is_before(const struct sat_law *law, const struct sat_claim *b, const struct sat_claim *a)
{
    switch (law->rule->shows) {
    case SAT_SHOWS_NEWEST:
    case SAT_SHOWS_FURTHEST:
    case SAT_SHOWS_SUBMITTED:
    case SAT_SHOWS_ALLOWED:
        return false;
    case SAT_SHOWS_FIRST:
        return true;
    case SAT_SHOWS_RECEIVED:
        return sat_source_earlier(b->source, a->source);
    case SAT_SHOWS_GREATEST:
        return order_claims(law, b, a) > 0;
    case SAT_SHOWS_LEAST:
        return order_claims(law, b, a) < 0;
    }
    return false;
}

/* The state that a claim says, as a bit; 0: none that the machine knows. */
static uint32_t state_of(const struct sat_machine *machine, const struct sat_claim *claim)
{
    const struct sat_value *value = &claim->cell->value;
    uint8_t state =
        machine && value->kind == SAT_VALUE_TEXT ? sat_machine_state(machine, value->text) : (uint8_t)SAT_NO_STATE;
    return state == SAT_NO_STATE ? 0 : (uint32_t)1 << state;
}

/* Of the siblings' states those that another one's overtakes. */
static uint32_t overtaken_of(const struct sat_machine *machine, const struct sat_claim *siblings, size_t n)
{
    uint32_t among = 0;
    for (size_t i = 0; i < n && machine; i++) among |= state_of(machine, &siblings[i]);
    return machine ? among & ~sat_machine_standing(machine, among) : 0;
}

size_t sat_claims_shown(const struct sat_ground *ground, const struct sat_law *law, const struct sat_claim *siblings,
                        size_t n, bool *conflict)
{
    bool first = law->rule->shows == SAT_SHOWS_FIRST, found = false;
    const struct sat_machine *machine =
        law->rule->shows == SAT_SHOWS_FURTHEST ? sat_machine_of(ground->type, law->field) : NULL;
    size_t shown = 0;
    *conflict = false;
    if (n == 1) return 0;
    uint32_t overtaken = overtaken_of(machine, siblings, n);
    for (size_t i = 0; i < n; i++) {
        if (first && !is_first(ground, law, siblings, n, i)) continue;
        if (overtaken & state_of(machine, &siblings[i])) continue;
        int ranks = found ? rank(ground, law, &siblings[i]) - rank(ground, law, &siblings[shown]) : -1;
        if (ranks < 0 || (ranks == 0 && is_before(law, &siblings[i], &siblings[shown]))) shown = i;
        found = true;
    }
    bool settled = law->rule->beside != SAT_BESIDE_SETTLE ||
                   (law->rule->shows == SAT_SHOWS_SUBMITTED && ground->submission != NULL);
    for (size_t i = 0; i < n && !settled && !*conflict; i++)
        *conflict = rank(ground, law, &siblings[i]) == rank(ground, law, &siblings[shown]) &&
                    !sat_value_equal(&siblings[i].cell->value, &siblings[shown].cell->value) &&
                    !(overtaken & state_of(machine, &siblings[i]));
    return shown;
}
