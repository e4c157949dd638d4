#include "common/vault/machines.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

/* ---- The lists ---- */

enum {
#define MACHINE(type, field, settlers) MACHINE_##type,
#include "common/vault/machines.def"
    MACHINES_N
};

/* The states of all machines in one row, and where each machine's begin. */
enum {
#define MACHINE(type, field, settlers) STATES_##type, BACK_##type = STATES_##type - 1,
#define STATE(type, name) AT_##type##_##name,
#include "common/vault/machines.def"
    STATES_N
};

static const char *const states[STATES_N + 1] = {
#define STATE(type, name) #name,
#include "common/vault/machines.def"
};

/* How many states each has: the size of a struct with one char for each and one more. */
struct before_the_first_machine {
    char none;
#define MACHINE(type, field, settlers)                                                                                 \
    }                                                                                                                  \
    ;                                                                                                                  \
    struct states_of_##type {                                                                                          \
        char none;
#define STATE(type, name) char state_##name;
#include "common/vault/machines.def"
};

enum {
    SELLER = SAT_DUTY_SELLER,
    MANAGER = SAT_DUTY_MANAGER,
    ASSISTANT = SAT_DUTY_ASSISTANT,
    SUPPLY = SAT_DUTY_SUPPLY,
    FINANCE = SAT_DUTY_FINANCE,
    ANYONE = SAT_DUTY_ANYONE,
    ASKER = SAT_DUTY_ASKER,
};

static const struct sat_machine machines[MACHINES_N] = {
#define MACHINE(of_type, of_field, of_settlers)                                                                        \
    {.type = #of_type,                                                                                                 \
     .field = #of_field,                                                                                               \
     .states = &states[STATES_##of_type],                                                                              \
     .states_n = (uint8_t)(sizeof(struct states_of_##of_type) - 1),                                                    \
     .settlers = (of_settlers)},
#include "common/vault/machines.def"
};

static const bool decided[MACHINES_N] = {
#define DECIDED(type) [MACHINE_##type] = true,
#include "common/vault/machines.def"
};

static const char *const asked[MACHINES_N] = {
#define ASKED(type, field) [MACHINE_##type] = #field,
#include "common/vault/machines.def"
};

struct listed_move {
    uint8_t machine;
    struct sat_state_move move;
};

static const struct listed_move moves[] = {
#define MOVE(type, from, to, kind, who)                                                                                \
    {MACHINE_##type, {AT_##type##_##from - STATES_##type, AT_##type##_##to - STATES_##type, SAT_MOVE_##kind, (who)}},
#include "common/vault/machines.def"
};

static const struct {
    uint8_t machine, a, b;
} beats[] = {
#define BEATS(type, a, b) {MACHINE_##type, AT_##type##_##a - STATES_##type, AT_##type##_##b - STATES_##type},
#include "common/vault/machines.def"
};

static const struct {
    uint8_t machine, to;
    const char *field;
} needs[] = {
#define NEEDS(type, state, field) {MACHINE_##type, AT_##type##_##state - STATES_##type, #field},
#include "common/vault/machines.def"
};

enum { NEEDS_N = sizeof needs / sizeof needs[0] };
enum { MOVES_N = sizeof moves / sizeof moves[0], BEATS_N = sizeof beats / sizeof beats[0] };

/* ---- Looking up ---- */

uint32_t sat_machines_count(void)
{
    return MACHINES_N;
}

const struct sat_machine *sat_machine_at(uint32_t index)
{
    return index < MACHINES_N ? &machines[index] : NULL;
}

const struct sat_machine *sat_machine_by_type(const char *type)
{
    for (size_t i = 0; i < MACHINES_N; i++)
        if (strcmp(machines[i].type, type) == 0) return &machines[i];
    return NULL;
}

const struct sat_machine *sat_machine_of(const struct sat_type *type, const struct sat_field *field)
{
    const struct sat_machine *machine = type && field ? sat_machine_by_type(type->name) : NULL;
    return machine && strcmp(machine->field, field->name) == 0 ? machine : NULL;
}

bool sat_machine_decided(const struct sat_machine *machine)
{
    return decided[machine - machines];
}

const char *sat_machine_asked(const struct sat_machine *machine)
{
    return asked[machine - machines];
}

uint8_t sat_machine_state(const struct sat_machine *machine, struct sat_span name)
{
    for (uint8_t i = 0; i < machine->states_n; i++)
        if (sat_span_equal(name, sat_span_text(machine->states[i]))) return i;
    return SAT_NO_STATE;
}

static bool is_of(const struct sat_machine *machine, uint8_t index)
{
    return machine == &machines[index];
}

const struct sat_state_move *sat_machine_move(const struct sat_machine *machine, uint8_t from, uint8_t to)
{
    for (size_t i = 0; i < MOVES_N; i++)
        if (is_of(machine, moves[i].machine) && moves[i].move.from == from && moves[i].move.to == to)
            return &moves[i].move;
    return NULL;
}

const char *sat_machine_need(const struct sat_machine *machine, uint8_t to, uint32_t index)
{
    for (size_t i = 0; i < NEEDS_N; i++)
        if (is_of(machine, needs[i].machine) && needs[i].to == to && index-- == 0) return needs[i].field;
    return NULL;
}

uint32_t sat_field_amenders(const struct sat_field *field)
{
    return field->range->amenders ? field->range->amenders : (uint32_t)ANYONE;
}

uint32_t sat_duties_of_role(uint8_t role)
{
    switch (role) {
    case SAT_ROLE_ADMIN:
        return SAT_DUTY_ANYONE;
    case SAT_ROLE_MANAGER:
        return SAT_DUTY_SELLER | SAT_DUTY_MANAGER | SAT_DUTY_ASSISTANT;
    case SAT_ROLE_SERVICE:
        return SAT_DUTY_ASSISTANT | SAT_DUTY_SUPPLY | SAT_DUTY_FINANCE;
    case SAT_ROLE_REP:
        return SAT_DUTY_SELLER;
    default:
        return 0;
    }
}

/* ---- Side by side ---- */

static uint32_t bit_of(uint8_t state)
{
    return state < SAT_STATES_MAX ? 1u << state : 0;
}

/* All that moves ON lead to from there. */
static uint32_t further_on(const struct sat_machine *machine, uint8_t from)
{
    uint32_t reached = 0, more = bit_of(from);
    while (more) {
        uint32_t next = 0;
        for (size_t i = 0; i < MOVES_N; i++)
            if (is_of(machine, moves[i].machine) && moves[i].move.kind == SAT_MOVE_ON &&
                (more & bit_of(moves[i].move.from)))
                next |= bit_of(moves[i].move.to);
        more = next & ~reached;
        reached |= next;
    }
    return reached;
}

bool sat_machine_has_way(const struct sat_machine *machine, uint8_t to, uint32_t duties)
{
    uint32_t reached = bit_of(0), before = 0;
    if (duties & machine->settlers) return true;
    while (reached != before) {
        before = reached;
        for (size_t i = 0; i < MOVES_N; i++)
            if (is_of(machine, moves[i].machine) && (moves[i].move.duties & duties) &&
                (before & bit_of(moves[i].move.from)))
                reached |= bit_of(moves[i].move.to);
    }
    return (reached & bit_of(to)) != 0;
}

static bool is_beaten(const struct sat_machine *machine, uint8_t b, uint8_t a)
{
    for (size_t i = 0; i < BEATS_N; i++)
        if (is_of(machine, beats[i].machine) && beats[i].a == a && beats[i].b == b) return true;
    return false;
}

bool sat_machine_overtakes(const struct sat_machine *machine, uint8_t a, uint8_t b)
{
    if (is_beaten(machine, b, a)) return true;
    return !is_beaten(machine, a, b) && (further_on(machine, b) & bit_of(a)) != 0;
}

uint32_t sat_machine_standing(const struct sat_machine *machine, uint32_t among)
{
    uint32_t standing = among;
    for (uint8_t b = 0; b < machine->states_n; b++)
        for (uint8_t a = 0; (standing & bit_of(b)) && a < machine->states_n; a++)
            if ((among & bit_of(a)) && a != b && sat_machine_overtakes(machine, a, b)) standing &= ~bit_of(b);
    return standing;
}

/* The last one listed. */
static uint8_t last_of(uint32_t among)
{
    uint8_t last = 0;
    for (uint8_t i = 0; i < SAT_STATES_MAX; i++)
        if (among & bit_of(i)) last = i;
    return last;
}

static bool is_one(uint32_t among)
{
    return among && (among & (among - 1)) == 0;
}

/* ---- Steps ---- */

enum { UNDECIDED = -1, OPEN = -2 /* what it stands on is being decided */ };

/* A step under its id. Of several under one id one is meant, the least by what it says; and whoever said just that took
 * it. */
struct taken {
    const struct sat_step_taken *step;
    uint32_t duties;
    int verdict;     /* of enum sat_step_standing, UNDECIDED or OPEN */
    uint32_t looked; /* how many of those that it stands on */
    uint32_t below;  /* while it is open: the one that waits for it, counted from 1 */
    bool stood_on;   /* by a step that counts */
};

struct walk {
    const struct sat_machine *machine;
    uint32_t start;      /* states */
    struct taken *taken; /* by id */
    uint32_t n;
};

static int compare_said(const struct sat_step_taken *a, const struct sat_step_taken *b)
{
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    if (a->after_n != b->after_n) return a->after_n < b->after_n ? -1 : 1;
    return a->after_n ? memcmp(a->after, b->after, a->after_n * sizeof *a->after) : 0;
}

static int compare_taken(const void *a, const void *b)
{
    const struct taken *x = a, *y = b;
    int order = memcmp(x->step->id.b, y->step->id.b, sizeof x->step->id.b);
    return order ? order : compare_said(x->step, y->step);
}

static struct taken *find(const struct walk *walk, const struct sat_record_id *id)
{
    uint32_t from = 0, to = walk->n;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int order = memcmp(walk->taken[middle].step->id.b, id->b, sizeof id->b);
        if (order == 0) return &walk->taken[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

static void gather(struct walk *walk, const struct sat_step_taken *steps, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        walk->taken[i] = (struct taken){.step = &steps[i], .duties = steps[i].duties, .verdict = UNDECIDED};
    if (n > 1) qsort(walk->taken, n, sizeof *walk->taken, compare_taken);
    for (uint32_t i = 0; i < n; i++) {
        struct taken *last = walk->n ? &walk->taken[walk->n - 1] : NULL;
        if (!last || !sat_record_equal(&last->step->id, &walk->taken[i].step->id))
            walk->taken[walk->n++] = walk->taken[i];
        else if (compare_said(last->step, walk->taken[i].step) == 0)
            last->duties |= walk->taken[i].duties;
    }
}

/* All that it stands on is decided: the states side by side there, none where one of them does not count. */
static bool look_before(const struct walk *walk, const struct sat_step_taken *step, uint32_t *among)
{
    bool sound = true;
    *among = step->after_n ? 0 : walk->start;
    for (uint32_t i = 0; i < step->after_n; i++) {
        const struct taken *before = find(walk, &step->after[i]);
        if (!before || before->verdict == OPEN || before->verdict == SAT_STEP_WAITS) return false;
        sound = sound && before->verdict == SAT_STEP_COUNTS;
        *among |= bit_of(before->step->to);
    }
    *among = sound ? sat_machine_standing(walk->machine, *among) : 0;
    return true;
}

static int judge(const struct walk *walk, const struct taken *taken)
{
    uint32_t among;
    const struct sat_step_taken *step = taken->step;
    if (step->to >= walk->machine->states_n) return SAT_STEP_WAITS; /* for a version that knows it */
    if (!look_before(walk, step, &among)) return SAT_STEP_WAITS;
    if (taken->duties & walk->machine->settlers) return SAT_STEP_COUNTS;
    if (!is_one(among)) return SAT_STEP_ILLEGAL;
    const struct sat_state_move *move = sat_machine_move(walk->machine, last_of(among), step->to);
    if (!move) return SAT_STEP_ILLEGAL;
    return taken->duties & move->duties ? SAT_STEP_COUNTS : SAT_STEP_ASKS;
}

/* Decides a step, and before it those that it stands on, one after the other along the way. Steps that stand on each
 * other find one of themselves open, and wait. */
static void decide(struct walk *walk, uint32_t first)
{
    uint32_t at = first + 1; /* counted from 1 */
    if (walk->taken[first].verdict != UNDECIDED) return;
    walk->taken[first].verdict = OPEN;
    while (at) {
        struct taken *taken = &walk->taken[at - 1];
        if (taken->looked < taken->step->after_n) {
            struct taken *before = find(walk, &taken->step->after[taken->looked++]);
            if (!before || before->verdict != UNDECIDED) continue;
            before->verdict = OPEN;
            before->below = at;
            at = (uint32_t)(before - walk->taken) + 1;
            continue;
        }
        taken->verdict = judge(walk, taken);
        at = taken->below;
    }
}

static void stand(const struct walk *walk)
{
    for (uint32_t i = 0; i < walk->n; i++) {
        const struct taken *taken = &walk->taken[i];
        for (uint32_t k = 0; taken->verdict == SAT_STEP_COUNTS && k < taken->step->after_n; k++) {
            struct taken *before = find(walk, &taken->step->after[k]);
            if (before) before->stood_on = true;
        }
    }
}

void sat_machine_derive(const struct sat_machine *machine, const struct sat_began *began,
                        const struct sat_step_taken *steps, uint32_t n, enum sat_step_standing *standing,
                        struct sat_state *out)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct walk walk = {.machine = machine,
                        .start = began->start && !sat_machine_decided(machine)
                                     ? sat_machine_standing(machine, began->start)
                                     : bit_of(0)};
    walk.taken = sat_arena_array(&arena, n, sizeof *walk.taken);
    gather(&walk, steps, n);
    for (uint32_t i = 0; i < walk.n; i++) decide(&walk, i);
    stand(&walk);
    uint32_t among = 0;
    *out = (struct sat_state){0};
    for (uint32_t i = 0; i < n; i++) {
        const struct taken *taken = find(&walk, &steps[i].id);
        bool counts = taken->verdict == SAT_STEP_COUNTS;
        if (!counts) out->waiting++;
        if (counts && !taken->stood_on) among |= bit_of(taken->step->to);
        if (standing) standing[i] = counts && !taken->stood_on ? SAT_STEP_LAST : (enum sat_step_standing)taken->verdict;
    }
    if (!among) among = walk.start;
    among |= began->beside;
    out->among = sat_machine_standing(machine, among);
    out->overtaken = among & ~out->among;
    out->disputed = !is_one(out->among);
    out->state = last_of(out->among);
    sat_arena_deinit(&arena);
}
