#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/proof/entropy.h"
#include "common/vault/derived.h"
#include "common/vault/machines.h"

enum { STEPS_MAX = 6, LIVES = 300, SELLER = SAT_DUTY_SELLER, MANAGER = SAT_DUTY_MANAGER, SUPPLY = SAT_DUTY_SUPPLY };

/* ---- Steps by hand ---- */

struct story {
    const struct sat_machine *machine;
    struct sat_step_taken steps[STEPS_MAX];
    struct sat_record_id after[STEPS_MAX][STEPS_MAX];
    enum sat_step_standing standing[STEPS_MAX];
    uint32_t n;
    struct sat_began began;
    struct sat_state state;
};

static struct story story_of(const char *type)
{
    struct story story = {.machine = sat_machine_by_type(type)};
    assert_non_null(story.machine);
    return story;
}

/* A step to `to` by somebody of these duties, after the steps of these numbers: from 1, 0 ends the list. Its number. */
static uint32_t step(struct story *story, uint32_t duties, const char *to, uint32_t first, uint32_t second)
{
    struct sat_step_taken *taken = &story->steps[story->n];
    const uint32_t after[] = {first, second};
    *taken = (struct sat_step_taken){.id = {{(uint8_t)(story->n + 1)}},
                                     .after = story->after[story->n],
                                     .to = sat_machine_state(story->machine, sat_span_text(to)),
                                     .duties = duties};
    assert_int_not_equal(taken->to, SAT_NO_STATE);
    for (size_t i = 0; i < 2 && after[i]; i++) story->after[story->n][taken->after_n++] = story->steps[after[i] - 1].id;
    return ++story->n;
}

static const char *derive(struct story *story)
{
    sat_machine_derive(story->machine, &story->began, story->steps, story->n, story->standing, &story->state);
    return story->state.disputed ? "disputed" : story->machine->states[story->state.state];
}

static bool has(const struct story *story, uint32_t among, const char *state)
{
    return among & 1u << sat_machine_state(story->machine, sat_span_text(state));
}

/* Of some machines a record's own field is nobody's word: a decision is a step, by whose it is. */
static void where_steps_alone_decide_the_own_field_counts_for_nothing(void **state)
{
    (void)state;
    struct story story = story_of("approval"), order = story_of("order");
    assert_true(sat_machine_decided(story.machine));
    assert_false(sat_machine_decided(order.machine));
    story.began.start = 1u << sat_machine_state(story.machine, sat_span_text("approved"));
    order.began.start = 1u << sat_machine_state(order.machine, sat_span_text("shipping"));
    assert_string_equal(derive(&story), "requested");
    assert_string_equal(derive(&order), "shipping");
    step(&story, SELLER, "approved", 0, 0);
    assert_string_equal(derive(&story), "requested");
    step(&story, MANAGER, "approved", 0, 0);
    assert_string_equal(derive(&story), "approved");
}

/* ---- The lists ---- */

static void every_field_that_is_a_machines_has_one_and_no_other(void **state)
{
    (void)state;
    uint32_t found = 0;
    for (uint16_t t = 0; t < sat_types_count(); t++) {
        const struct sat_type *type = sat_type_at(t);
        for (uint16_t f = 0; f < type->fields_n; f++) {
            bool machine = sat_machine_of(type, &type->fields[f]) != NULL;
            assert_int_equal(machine, type->fields[f].rule == SAT_RULE_MSM);
            found += machine;
        }
    }
    assert_int_equal(found, sat_machines_count());
}

static void what_a_state_needs_is_fields_of_its_record(void **state)
{
    (void)state;
    uint32_t found = 0;
    for (uint32_t m = 0; m < sat_machines_count(); m++) {
        const struct sat_machine *machine = sat_machine_at(m);
        for (uint8_t to = 0; to < machine->states_n; to++)
            for (uint32_t i = 0; sat_machine_need(machine, to, i); i++, found++)
                assert_non_null(sat_field_by_name(sat_type_by_name(machine->type), sat_machine_need(machine, to, i)));
    }
    assert_true(found > 5);
}

/* That one state overtakes another one has no way back to itself, so that of any that came about side by side one at
 * least stands; and each is reached from the start. */
static void what_stands_side_by_side_is_never_nothing(void **state)
{
    (void)state;
    for (uint32_t m = 0; m < sat_machines_count(); m++) {
        const struct sat_machine *machine = sat_machine_at(m);
        assert_true(machine->states_n <= SAT_STATES_MAX);
        uint32_t reached = 1;
        for (uint8_t round = 0; round < machine->states_n; round++)
            for (uint8_t a = 0; a < machine->states_n; a++)
                for (uint8_t b = 0; b < machine->states_n; b++)
                    if ((reached & 1u << a) && sat_machine_move(machine, a, b)) reached |= 1u << b;
        assert_int_equal(reached, (1u << machine->states_n) - 1);
        for (uint32_t among = 1; among < 1u << machine->states_n; among++) {
            uint32_t standing = sat_machine_standing(machine, among);
            assert_true(standing != 0 && (standing & ~among) == 0);
            assert_int_equal(sat_machine_standing(machine, standing), standing);
        }
        for (uint8_t a = 0; a < machine->states_n; a++)
            for (uint8_t b = 0; b < machine->states_n; b++)
                assert_false(sat_machine_overtakes(machine, a, b) && sat_machine_overtakes(machine, b, a));
    }
}

/* ---- The domain's examples ---- */

static void nothing_that_happened_is_the_start(void **state)
{
    (void)state;
    struct story story = story_of("lead");
    assert_string_equal(derive(&story), "new");
    assert_int_equal(story.state.waiting + story.state.overtaken, 0);
}

/* M05-1: R1 moves proposal to negotiation, his manager proposal to lost. */
static void m05_1_closed_and_open_side_by_side_are_disputed_until_somebody_settles_it(void **state)
{
    (void)state;
    struct story story = story_of("opportunity");
    uint32_t qualified = step(&story, SELLER, "qualified", 0, 0);
    uint32_t proposal = step(&story, MANAGER, "proposal", qualified, 0);
    uint32_t on = step(&story, SELLER, "negotiation", proposal, 0);
    uint32_t lost = step(&story, MANAGER, "lost", proposal, 0);
    assert_string_equal(derive(&story), "disputed");
    assert_true(has(&story, story.state.among, "negotiation") && has(&story, story.state.among, "lost"));
    step(&story, SELLER, "negotiation", on, lost); /* not his to say */
    assert_string_equal(derive(&story), "disputed");
    assert_int_equal(story.standing[4], SAT_STEP_ILLEGAL);
    step(&story, MANAGER, "negotiation", on, lost);
    assert_string_equal(derive(&story), "negotiation");
}

/* Hard case 6: won at 11:00 offline, lost at 10:50 online. */
static void case_6_won_and_lost_are_disputed_and_both_are_shown(void **state)
{
    (void)state;
    struct story story = story_of("opportunity");
    uint32_t contract = step(&story, MANAGER, "contract", 0, 0);
    step(&story, SELLER, "won", contract, 0);
    step(&story, MANAGER, "lost", contract, 0);
    assert_string_equal(derive(&story), "disputed");
    assert_int_equal(story.state.among, 1u << 9 | 1u << 8);
}

/* Hard case 5, M10-1: the rep cancels, the warehouse had it on its way. */
static void case_5_what_is_on_its_way_is_not_cancelled_but_asked_to_be(void **state)
{
    (void)state;
    struct story story = story_of("order");
    uint32_t reviewed = step(&story, SAT_DUTY_ASSISTANT, "reviewed", 0, 0);
    uint32_t packed = step(&story, SUPPLY, "warehouse", reviewed, 0);
    step(&story, SUPPLY, "shipping", packed, 0);
    step(&story, SELLER, "cancelled", packed, 0);
    assert_string_equal(derive(&story), "shipping");
    assert_true(has(&story, story.state.overtaken, "cancelled"));
}

static void a_cancelling_that_nobody_was_faster_than_counts(void **state)
{
    (void)state;
    struct story story = story_of("order");
    step(&story, SELLER, "cancelled", 0, 0);
    step(&story, SAT_DUTY_ASSISTANT, "reviewed", 0, 0);
    assert_string_equal(derive(&story), "cancelled");
}

/* M04-3: converted and disqualified side by side; converted is what is shown meanwhile. */
static void m04_3_a_lead_that_is_converted_and_not_is_disputed(void **state)
{
    (void)state;
    struct story story = story_of("lead");
    uint32_t qualified = step(&story, SELLER, "qualified", 0, 0);
    step(&story, SELLER, "disqualified", qualified, 0);
    step(&story, MANAGER, "converted", qualified, 0);
    assert_string_equal(derive(&story), "disputed");
    assert_string_equal(story.machine->states[story.state.state], "converted");
}

/* M18-1: done on the phone, and put off on the tablet. */
static void m18_1_done_beats_cancelled(void **state)
{
    (void)state;
    struct story story = story_of("task");
    step(&story, SELLER, "done", 0, 0);
    step(&story, MANAGER, "cancelled", 0, 0);
    assert_string_equal(derive(&story), "done");
}

static void a_move_that_is_somebody_elses_asks_and_what_stands_on_it_waits_for_him(void **state)
{
    (void)state;
    struct story story = story_of("order");
    uint32_t reviewed = step(&story, SELLER, "reviewed", 0, 0);
    step(&story, SELLER, "cancelled", reviewed, 0);
    assert_string_equal(derive(&story), "received");
    assert_int_equal(story.standing[0], SAT_STEP_ASKS);
    assert_int_equal(story.standing[1], SAT_STEP_ILLEGAL);
    assert_int_equal(story.state.waiting, 2);
    step(&story, MANAGER, "reviewed", reviewed, 0); /* he says so too */
    assert_string_equal(derive(&story), "reviewed");
}

static void a_step_waits_for_those_before_it(void **state)
{
    (void)state;
    struct story story = story_of("visit");
    step(&story, SELLER, "checked_in", 0, 0);
    step(&story, SELLER, "submitted", 1, 0);
    memmove(story.steps, story.steps + 1, sizeof story.steps[0]);
    story.n = 1;
    assert_string_equal(derive(&story), "draft");
    assert_int_equal(story.standing[0], SAT_STEP_WAITS);
    step(&story, SELLER, "checked_in", 0, 0);
    story.steps[1].id = story.after[1][0];
    assert_string_equal(derive(&story), "submitted");
}

/* Both convert the lead: the step has one id, whoever takes it. */
static void the_same_step_is_one_whoever_takes_it(void **state)
{
    (void)state;
    const struct sat_type *type = sat_type_by_name("state_event");
    struct sat_hash org = {{7}};
    struct sat_cell cells[] = {
        {.field = 1, .value = {.kind = SAT_VALUE_REF, .ref = {{1}}}},
        {.field = 2, .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text("converted")}},
        {.field = 3, .in_set = true, .element = sat_span_text("a"), .value = {.kind = SAT_VALUE_BOOL, .truth = true}},
        {.field = 3, .in_set = true, .element = sat_span_text("b"), .value = {.kind = SAT_VALUE_BOOL, .truth = true}},
        {.field = 7, .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text("budget is there")}},
    };
    struct sat_cell other[] = {cells[3], cells[0], cells[2], cells[1]};
    struct sat_record_id a, b;
    assert_int_equal(sat_record_id_derived(&org, type, cells, 5, &a), SAT_OK);
    assert_int_equal(sat_record_id_derived(&org, type, other, 4, &b), SAT_OK);
    assert_true(sat_record_equal(&a, &b));
    assert_int_equal(sat_record_id_derived(&org, type, cells, 3, &b), SAT_OK);
    assert_false(sat_record_equal(&a, &b));
    assert_int_equal(sat_record_id_derived(&org, type, cells + 4, 1, &b), SAT_ERR_INVALID);
}

/* ---- Many ---- */

enum { MANY = 20000 };

static struct sat_record_id many_id(uint32_t i)
{
    struct sat_record_id id = {{0}};
    memcpy(id.b, &i, sizeof i);
    return id;
}

/* A task that is done and opened again by a chain of so many steps, each after the one before and one long gone; the
 * last come first. A ring of as many waits. */
static void so_many_steps_of_one_record_take_no_time(void **state)
{
    (void)state;
    const struct sat_machine *machine = sat_machine_by_type("task");
    uint8_t open = sat_machine_state(machine, sat_span_text("open")),
            done = sat_machine_state(machine, sat_span_text("done"));
    struct sat_step_taken *steps = calloc(MANY, sizeof *steps);
    struct sat_record_id *after = calloc(2 * MANY, sizeof *after);
    assert_true(steps && after);
    for (uint32_t i = 0; i < MANY; i++) {
        struct sat_step_taken *step = &steps[MANY - 1 - i];
        *step = (struct sat_step_taken){
            .id = many_id(i), .after = &after[2 * i], .to = i % 2 ? open : done, .duties = SELLER};
        if (i) after[2 * i + step->after_n++] = many_id(i - 1);
        if (i > 1) after[2 * i + step->after_n++] = many_id(i % 2);
    }
    struct sat_began began = {0};
    struct sat_state derived;
    sat_machine_derive(machine, &began, steps, MANY, NULL, &derived);
    assert_int_equal(derived.waiting, 0);
    assert_int_equal(derived.state, open);
    assert_false(derived.disputed);
    after[0] = many_id(MANY - 1);
    steps[MANY - 1].after_n = 1;
    began.start = 1u << done;
    sat_machine_derive(machine, &began, steps, MANY, NULL, &derived);
    assert_int_equal(derived.waiting, MANY);
    assert_int_equal(derived.state, done);
    free(after);
    free(steps);
}

/* A record that began somewhere else goes on from there. */
static void steps_begin_where_the_record_began(void **state)
{
    (void)state;
    struct story story = story_of("order");
    step(&story, SELLER, "delivered", 0, 0);
    assert_string_equal(derive(&story), "received");
    story.began.start = 1u << sat_machine_state(story.machine, sat_span_text("shipping"));
    assert_string_equal(derive(&story), "delivered");
    assert_int_equal(story.standing[0], SAT_STEP_LAST);
}

/* What stands side by side in the record itself is settled by a step; what it says beside its steps is one more state
 * side by side with the last of them. */
static void a_record_speaks_for_itself_beside_its_steps(void **state)
{
    (void)state;
    struct story deal = story_of("opportunity"), visit = story_of("visit");
    deal.began.start = 1u << 9 | 1u << 8;
    assert_string_equal(derive(&deal), "disputed");
    step(&deal, SELLER, "won", 0, 0);
    assert_string_equal(derive(&deal), "disputed");
    step(&deal, MANAGER, "lost", 0, 0);
    assert_string_equal(derive(&deal), "lost");
    uint32_t there = step(&visit, SELLER, "checked_in", 0, 0);
    visit.began.beside = 1u << 3;
    assert_string_equal(derive(&visit), "submitted");
    step(&visit, MANAGER, "reviewed", there, 0);
    assert_string_equal(derive(&visit), "reviewed");
}

/* ---- Any order ---- */

static void expect_in_every_order(struct story *story, uint32_t from, const struct sat_state *expected,
                                  const enum sat_step_standing *standing)
{
    if (from < story->n) {
        for (uint32_t i = from; i < story->n; i++) {
            struct sat_step_taken held = story->steps[from];
            story->steps[from] = story->steps[i];
            story->steps[i] = held;
            expect_in_every_order(story, from + 1, expected, standing);
            story->steps[i] = story->steps[from];
            story->steps[from] = held;
        }
        return;
    }
    (void)derive(story);
    assert_int_equal(story->state.state, expected->state);
    assert_int_equal(story->state.disputed, expected->disputed);
    assert_int_equal(story->state.among, expected->among);
    assert_int_equal(story->state.overtaken, expected->overtaken);
    for (uint32_t i = 0; i < story->n; i++) assert_int_equal(story->standing[i], standing[story->steps[i].id.b[0] - 1]);
}

static uint32_t roll(struct sat_entropy *entropy, uint32_t sides)
{
    uint32_t v;
    sat_entropy_fill(entropy, &v, sizeof v);
    return v % sides;
}

/* Steps by anybody to anywhere, after any earlier ones; some of what they stand on is not here. */
static struct story random_story(struct sat_entropy *entropy)
{
    static const uint32_t duties[] = {SELLER, SELLER, MANAGER, SUPPLY, SAT_DUTY_ASSISTANT, SAT_DUTY_ANYONE};
    struct story story = {.machine = sat_machine_at(roll(entropy, sat_machines_count()))};
    uint32_t n = 1 + roll(entropy, STEPS_MAX);
    while (story.n < n) {
        uint32_t first = story.n ? roll(entropy, story.n + 1) : 0, second = first ? roll(entropy, story.n + 1) : 0;
        uint8_t from = first ? story.steps[first - 1].to : 0, to = (uint8_t)roll(entropy, story.machine->states_n);
        for (int again = 0; again < 8 && !sat_machine_move(story.machine, from, to); again++)
            to = (uint8_t)roll(entropy, story.machine->states_n);
        (void)step(&story, duties[roll(entropy, 6)], story.machine->states[to], first, second);
        if (roll(entropy, 15) == 0) story.after[story.n - 1][story.steps[story.n - 1].after_n++].b[0] = 99;
    }
    return story;
}

/* In whatever order the steps arrive; after each of them something is shown; one that is there twice counts once. */
static void every_order_of_arrival_ends_in_the_same_state(void **state)
{
    (void)state;
    const uint64_t seed = 28;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, seed);
    unsigned disputed = 0, counted = 0;
    for (unsigned life = 0; life < LIVES; life++) {
        struct story story = random_story(&entropy);
        for (uint32_t i = 0; i < story.n; i++) story.steps[i].after = story.after[i];
        (void)derive(&story);
        struct sat_state expected = story.state;
        enum sat_step_standing standing[STEPS_MAX];
        memcpy(standing, story.standing, sizeof standing);
        disputed += expected.disputed;
        counted += expected.waiting < story.n;
        expect_in_every_order(&story, 0, &expected, standing);
        if (story.n < STEPS_MAX) {
            story.steps[story.n] = story.steps[roll(&entropy, story.n)];
            story.n++;
            (void)derive(&story);
            assert_int_equal(story.state.among, expected.among);
            assert_int_equal(story.state.disputed, expected.disputed);
        }
    }
    assert_true(disputed > 10 && counted > LIVES / 2); /* not for nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_steps_alone_decide_the_own_field_counts_for_nothing),
        cmocka_unit_test(every_field_that_is_a_machines_has_one_and_no_other),
        cmocka_unit_test(what_a_state_needs_is_fields_of_its_record),
        cmocka_unit_test(what_stands_side_by_side_is_never_nothing),
        cmocka_unit_test(nothing_that_happened_is_the_start),
        cmocka_unit_test(m05_1_closed_and_open_side_by_side_are_disputed_until_somebody_settles_it),
        cmocka_unit_test(case_6_won_and_lost_are_disputed_and_both_are_shown),
        cmocka_unit_test(case_5_what_is_on_its_way_is_not_cancelled_but_asked_to_be),
        cmocka_unit_test(a_cancelling_that_nobody_was_faster_than_counts),
        cmocka_unit_test(m04_3_a_lead_that_is_converted_and_not_is_disputed),
        cmocka_unit_test(m18_1_done_beats_cancelled),
        cmocka_unit_test(a_move_that_is_somebody_elses_asks_and_what_stands_on_it_waits_for_him),
        cmocka_unit_test(a_step_waits_for_those_before_it),
        cmocka_unit_test(the_same_step_is_one_whoever_takes_it),
        cmocka_unit_test(so_many_steps_of_one_record_take_no_time),
        cmocka_unit_test(steps_begin_where_the_record_began),
        cmocka_unit_test(a_record_speaks_for_itself_beside_its_steps),
        cmocka_unit_test(every_order_of_arrival_ends_in_the_same_state),
    };
    return cmocka_run_group_tests_name("machines", tests, NULL, NULL);
}
