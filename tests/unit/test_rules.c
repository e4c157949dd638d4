/* Each merge rule over random histories: three people write one cell and hear of each other now and then. In whatever
 * order, however often, in whatever parts that were merged before what they wrote arrives, everybody sees the same (it
 * is commutative, idempotent and associative); what is shown, what stands beside it and
 * whether a person is to settle it is what the domain says of the rule, told here without vectors. */
#include "tests/unit/cells_record.h"

#include <stdio.h>
#include <string.h>

#include "common/proof/entropy.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"
#include "common/vault/siblings.h"

enum { PEOPLE = 3, WRITES = 10, VALUES = 5, LIVES = 400 };

struct subject {
    const char *type, *field, *key; /* key: of a map; an element; a device */
    enum sat_merge_rule rule;
    const char *words[VALUES]; /* of texts */
};

struct write {
    struct sat_version version;
    struct sat_cell cells[2]; /* the cell, and `submitted` */
    uint32_t cells_n;
    unsigned value;
    uint64_t at, seq;
    uint8_t role;
    bool submits, saw[WRITES];
};

struct life {
    const struct subject *subject;
    const struct sat_type *type;
    const struct sat_field *field;
    struct record *record;
    struct sat_arena arena;
    struct sat_entropy_stream stream;
    struct sat_entropy entropy;
    struct write writes[WRITES];
    uint32_t n;
    bool knows[PEOPLE][WRITES];
};

static uint32_t roll(struct life *life, uint32_t sides)
{
    uint32_t v;
    sat_entropy_fill(&life->entropy, &v, sizeof v);
    return v % sides;
}

/* ---- Who has heard of what ---- */

struct live {
    struct sat_version at[WRITES];
    uint32_t n;
};

static void arrive(struct live *live, const struct sat_version *y)
{
    bool drop[WRITES], dead;
    for (uint32_t i = 0; i < live->n; i++)
        if (sat_dot_compare(live->at[i].dot, y->dot) == 0) return; /* it was here already */
    sat_merge_arrive(live->at, live->n, y, drop, &dead);
    uint32_t left = 0;
    for (uint32_t i = 0; i < live->n; i++)
        if (!drop[i]) live->at[left++] = live->at[i];
    if (!dead) live->at[left++] = *y;
    live->n = left;
}

static const struct write *write_of(const struct life *life, struct sat_dot dot)
{
    uint32_t w = 0;
    while (w + 1 < life->n && sat_dot_compare(life->writes[w].version.dot, dot) != 0) w++;
    assert_int_equal(sat_dot_compare(life->writes[w].version.dot, dot), 0);
    return &life->writes[w];
}

static void show(struct life *life, const struct live *live)
{
    struct record *record = life->record;
    record->n = 0;
    for (uint32_t i = 0; i < live->n; i++) {
        const struct write *write = write_of(life, live->at[i].dot);
        struct sat_source *source =
            change(record, write->version.dot.device, write->version.dot.counter, write->at, write->version.seen);
        source->header.kept = write->version.kept;
        source->body.type = life->type->number;
        source->recv_ms = 1;
        source->seq = write->seq;
        source->role = write->role;
        for (uint32_t c = 0; c < write->cells_n; c++) put(source, write->cells[c]);
    }
    merge(record);
}

/* What somebody who knows `knows` has: the writes arrive in the order of `order`, each twice. */
static struct live hear(const struct life *life, const bool *knows, const uint32_t *order)
{
    struct live live = {.n = 0};
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < life->n; i++)
            if (knows[order[i]] && (round == 0 || life->n % 2)) arrive(&live, &life->writes[order[i]].version);
    return live;
}

static const uint32_t in_order[WRITES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

/* ---- Writing ---- */

static struct sat_cell cell_of(const struct life *life, unsigned value)
{
    const struct subject *subject = life->subject;
    struct sat_cell cell = {.field = life->field->number, .in_set = subject->key != NULL};
    if (subject->key) cell.element = sat_span_text(subject->key);
    if (subject->words[value]) {
        cell.value = (struct sat_value){.kind = SAT_VALUE_TEXT, .text = sat_span_text(subject->words[value])};
        return cell;
    }
    bool set = sat_rule(life->field->rule)->form == SAT_FORM_SET;
    switch (set ? SAT_KIND_BOOL : life->field->kind) {
    case SAT_KIND_BOOL:
        cell.value = (struct sat_value){.kind = SAT_VALUE_BOOL, .truth = value % 2};
        break;
    case SAT_KIND_TIME:
        cell.value = (struct sat_value){.kind = SAT_VALUE_TIME, .integer = value};
        break;
    case SAT_KIND_REF:
        cell.value = (struct sat_value){.kind = SAT_VALUE_REF, .ref = {{(uint8_t)(value + 1)}}};
        break;
    case SAT_KIND_TEXT:
    case SAT_KIND_INT:
    case SAT_KIND_MONEY:
    case SAT_KIND_DATE:
        cell.value = (struct sat_value){.kind = SAT_VALUE_INT, .integer = value};
        break;
    }
    return cell;
}

static const struct sat_merged *shown(struct life *life)
{
    const char *key = life->subject->key;
    return sat_merged_cell(&life->record->merged, life->field->number, key ? sat_span_text(key) : (struct sat_span){0});
}

/* As the author does: what says nothing new is not written. */
static bool says_nothing(struct life *life, const struct sat_cell *cell)
{
    const struct sat_ground ground = {.type = life->type};
    const struct sat_law law = sat_law_of(&ground, cell);
    const struct sat_merged *merged = shown(life);
    return merged && sat_says_nothing_new(&law, merged, &cell->value);
}

static void make_write(struct life *life, uint32_t person)
{
    struct write *write = &life->writes[life->n];
    struct live live = hear(life, life->knows[person], in_order);
    *write = (struct write){.value = roll(life, VALUES), .at = 1 + roll(life, 4)};
    show(life, &live);
    write->cells[write->cells_n++] = cell_of(life, write->value);
    if (says_nothing(life, &write->cells[0])) return;
    write->submits = life->type->submits && roll(life, 4) == 0;
    if (write->submits)
        write->cells[write->cells_n++] =
            (struct sat_cell){.field = life->type->submits, .value = {.kind = SAT_VALUE_TIME, .integer = life->n}};
    write->role = roll(life, 2) ? SAT_ROLE_REP : SAT_ROLE_MANAGER;
    write->seq = 1 + (life->n * 7 + roll(life, 3) * 10) % 100;
    struct record *record = life->record;
    struct sat_dots_builder seen, kept;
    sat_dots_begin(&seen, &life->arena);
    sat_dots_begin(&kept, &life->arena);
    uint64_t counter = 0;
    for (uint32_t w = 0; w < life->n; w++) {
        const struct sat_version *version = &life->writes[w].version;
        write->saw[w] = life->knows[person][w];
        if (write->saw[w]) sat_dots_add(&seen, version->dot);
        if (version->dot.device == person + 1) counter = version->dot.counter;
    }
    bool keep[SOURCES_MAX];
    sat_cells_keep(record->sources, record->n, write->cells, write->cells_n, keep);
    for (uint32_t i = 0; i < record->n; i++)
        if (keep[i]) sat_dots_add(&kept, record->sources[i].dot);
    write->version = (struct sat_version){
        .dot = {person + 1, counter + 1}, .seen = sat_dots_as_vector(&seen), .kept = sat_dots_as_set(&kept)};
    life->knows[person][life->n++] = true;
}

/* Who hears of somebody's write has heard of all that he had. */
static void tell(struct life *life, uint32_t to, uint32_t from)
{
    for (uint32_t w = 0; w < life->n; w++) life->knows[to][w] |= life->knows[from][w];
}

static void live(struct life *life)
{
    sat_arena_reset(&life->arena);
    sat_arena_reset(&life->record->arena);
    life->n = 0;
    memset(life->knows, 0, sizeof life->knows);
    for (unsigned turn = 0; turn < 60 && life->n < WRITES; turn++) {
        uint32_t person = roll(life, PEOPLE);
        if (roll(life, 2))
            make_write(life, person);
        else
            tell(life, person, roll(life, PEOPLE));
    }
}

/* ---- What the domain says ---- */

static bool is_older(const struct write *a, const struct write *b)
{
    if (a->at != b->at) return a->at < b->at;
    return sat_dot_compare(a->version.dot, b->version.dot) < 0;
}

/* By which it is submitted: of those that had seen no other the oldest. */
static const struct write *submission(const struct life *life)
{
    const struct write *first = NULL;
    for (uint32_t w = 0; w < life->n; w++) {
        const struct write *write = &life->writes[w];
        bool root = write->submits;
        for (uint32_t v = 0; v < w; v++) root = root && !(life->writes[v].submits && write->saw[v]);
        if (root && (!first || is_older(write, first))) first = write;
    }
    return first;
}

/* Of several classes of writes the lowest decides: what was submitted; who may. */
static int class_of(const struct life *life, const struct write *write)
{
    const struct write *submitted = submission(life);
    ptrdiff_t self = write - life->writes, other = submitted ? submitted - life->writes : 0;
    if (life->subject->rule == SAT_RULE_AUT) return write->role == SAT_ROLE_MANAGER ? 0 : 1;
    if (life->subject->rule != SAT_RULE_IMM || !submitted || write == submitted || submitted->saw[self]) return 0;
    return write->saw[other] ? 2 : 1;
}

static bool is_in(const struct write *write)
{
    return write->cells[0].value.truth;
}

/* v had seen w: is w gone by it? */
static bool replaces(const struct life *life, const struct write *v, const struct write *w)
{
    enum sat_merge_rule rule = life->subject->rule;
    if (rule == SAT_RULE_MAX) return v->value >= w->value;
    if (rule == SAT_RULE_MIN) return v->value <= w->value;
    if (rule == SAT_RULE_APP) return is_in(v) || !is_in(w);
    if (rule == SAT_RULE_W1 || rule == SAT_RULE_RSV) return false;
    return class_of(life, v) <= class_of(life, w);
}

static bool stands(const struct life *life, uint32_t w)
{
    for (uint32_t v = w + 1; v < life->n; v++)
        if (life->writes[v].saw[w] && replaces(life, &life->writes[v], &life->writes[w])) return false;
    return true;
}

/* Of the machine of opportunities, over the words below: needs, proposal, negotiation lead on to each other; lost and
 * won are disputed with whatever is beside them. */
static bool overtakes(const struct write *a, const struct write *b)
{
    return a->value < 3 && a->value > b->value;
}

/* Is a shown, and not b, both of which stand? */
static bool wins(const struct life *life, const struct write *a, const struct write *b)
{
    int class = class_of(life, a) - class_of(life, b);
    if (class) return class < 0;
    enum sat_merge_rule rule = life->subject->rule;
    bool set = rule == SAT_RULE_ADD || rule == SAT_RULE_APP, greatest = rule == SAT_RULE_RST || rule == SAT_RULE_MAX;
    if (set && is_in(a) != is_in(b)) return is_in(a);
    if (greatest && a->value != b->value) return a->value > b->value;
    if (rule == SAT_RULE_MIN && a->value != b->value) return a->value < b->value;
    if (rule == SAT_RULE_W1) return is_older(a, b);
    if (rule == SAT_RULE_RSV)
        return a->seq != b->seq ? a->seq < b->seq : sat_dot_compare(a->version.dot, b->version.dot) < 0;
    return is_older(b, a);
}

static bool may_be_shown(const struct life *life, uint32_t w)
{
    if (!stands(life, w)) return false;
    for (uint32_t v = 0; v < life->n; v++) {
        if (v == w || !stands(life, v)) continue;
        if (life->subject->rule == SAT_RULE_W1 && life->writes[w].saw[v]) return false;
        if (life->subject->rule == SAT_RULE_MSM && overtakes(&life->writes[v], &life->writes[w])) return false;
    }
    return true;
}

static const struct write *expected(const struct life *life, bool *conflict)
{
    const struct write *best = NULL;
    for (uint32_t w = 0; w < life->n; w++)
        if (may_be_shown(life, w) && (!best || wins(life, &life->writes[w], best))) best = &life->writes[w];
    enum sat_merge_rule rule = life->subject->rule;
    bool asks = rule == SAT_RULE_LWK || rule == SAT_RULE_RST || rule == SAT_RULE_CTR || rule == SAT_RULE_MSM ||
                rule == SAT_RULE_AUT || rule == SAT_RULE_MAP || (rule == SAT_RULE_IMM && !submission(life));
    *conflict = false;
    for (uint32_t w = 0; best && w < life->n; w++)
        *conflict |= asks && may_be_shown(life, w) && class_of(life, &life->writes[w]) == class_of(life, best) &&
                     !sat_value_equal(&life->writes[w].cells[0].value, &best->cells[0].value);
    return best;
}

static bool is_visible(const struct sat_merged *merged, const struct sat_value *value)
{
    for (uint32_t a = 0; a < merged->alternatives_n; a++)
        if (sat_value_equal(&merged->alternatives[a].value, value)) return true;
    return false;
}

/* ---- The properties ---- */

static void expect_what_the_domain_says(struct life *life)
{
    bool conflict;
    const struct write *best = expected(life, &conflict);
    const struct sat_merged *merged = shown(life);
    if (!best) {
        assert_null(merged);
        return;
    }
    assert_non_null(merged);
    assert_true(sat_value_equal(&merged->value, &best->cells[0].value));
    assert_int_equal(merged->conflict, conflict);
    assert_true(merged->alternatives[0].shown && sat_value_equal(&merged->alternatives[0].value, &merged->value));
    bool beside = life->subject->rule != SAT_RULE_ADD && life->subject->rule != SAT_RULE_APP;
    for (uint32_t w = 0; w < life->n && beside; w++)
        if (stands(life, w)) assert_true(is_visible(merged, &life->writes[w].cells[0].value));
}

static void shuffle(struct life *life, uint32_t *order)
{
    memcpy(order, in_order, sizeof in_order);
    for (uint32_t i = life->n; i > 1; i--) {
        uint32_t k = roll(life, i), held = order[i - 1];
        order[i - 1] = order[k];
        order[k] = held;
    }
}

/* What b has, to a. */
static void join(struct live *a, const struct live *b)
{
    for (uint32_t i = 0; i < b->n; i++) arrive(a, &b->at[i]);
}

/* Three who know some of it each, and together all of it, tell each other what stands with them: (a b) c, a (b c) and
 * (c a) b are one. */
static void expect_the_same_of_any_parts(struct life *life)
{
    enum { PARTS = 3 };
    struct live parts[PARTS];
    uint32_t order[WRITES];
    bool knows[PARTS][WRITES] = {{false}};
    for (uint32_t w = 0; w < life->n; w++) {
        knows[roll(life, PARTS)][w] = true;
        if (roll(life, 2)) knows[roll(life, PARTS)][w] = true;
    }
    for (uint32_t p = 0; p < PARTS; p++) {
        shuffle(life, order);
        parts[p] = hear(life, knows[p], order);
    }
    for (uint32_t first = 0; first < PARTS; first++) {
        struct live left = parts[first], right = parts[(first + 1) % PARTS], all = parts[first];
        join(&left, &parts[(first + 1) % PARTS]);
        join(&left, &parts[(first + 2) % PARTS]);
        join(&right, &parts[(first + 2) % PARTS]);
        join(&all, &right);
        join(&left, &left); /* once more: nothing new */
        assert_int_equal(left.n, all.n);
        show(life, &left);
        expect_what_the_domain_says(life);
        show(life, &all);
        expect_what_the_domain_says(life);
    }
}

static void play(struct record *record, const struct subject *subject)
{
    static struct life life;
    const uint64_t seed = 147;
    print_message("%s.%s, seed %llu\n", subject->type, subject->field, (unsigned long long)seed);
    life = (struct life){.subject = subject, .record = record, .type = sat_type_by_name(subject->type)};
    life.entropy = sat_entropy_seeded(&life.stream, seed);
    sat_arena_init(&life.arena);
    life.field = sat_field_by_name(life.type, subject->field);
    assert_non_null(life.field);
    assert_int_equal(life.field->rule, subject->rule);
    unsigned contested = 0;
    for (unsigned n = 0; n < LIVES; n++) {
        live(&life);
        bool all[WRITES];
        memset(all, 1, sizeof all);
        for (unsigned again = 0; again < 4; again++) {
            uint32_t order[WRITES];
            shuffle(&life, order);
            struct live heard = hear(&life, all, again ? order : in_order);
            show(&life, &heard);
            expect_what_the_domain_says(&life);
        }
        expect_the_same_of_any_parts(&life);
        uint32_t standing = 0;
        for (uint32_t w = 0; w < life.n; w++) standing += stands(&life, w);
        contested += standing > 1;
    }
    assert_true(contested > LIVES / 10); /* not for nothing */
    sat_arena_deinit(&life.arena);
}

#define RULE_TEST(name, ...)                                                                                           \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        static const struct subject subject = {__VA_ARGS__};                                                           \
        play(*state, &subject);                                                                                        \
    }

RULE_TEST(lwk_the_last_writer_is_shown_and_the_loser_kept, "account", "city", NULL, SAT_RULE_LWK, {0})
RULE_TEST(lw_the_last_writer_is_shown_and_nobody_asked, "task", "progress", NULL, SAT_RULE_LW, {0})
RULE_TEST(add_an_element_is_taken_out_by_who_saw_it, "account", "tags", "vip", SAT_RULE_ADD, {0})
RULE_TEST(rst_the_more_restrictive_wins, "need", "severity", NULL, SAT_RULE_RST, {0})
RULE_TEST(app_an_entry_stays, "complaint", "answers", "we call back", SAT_RULE_APP, {0})
RULE_TEST(ctr_a_device_counts_for_itself, "complaint", "reopens", "7", SAT_RULE_CTR, {0})
RULE_TEST(max_never_goes_back, "account", "last_contact_at", NULL, SAT_RULE_MAX, {0})
RULE_TEST(min_never_goes_forth, "account", "first_contact_at", NULL, SAT_RULE_MIN, {0})
RULE_TEST(msm_the_furthest_state_stands_or_it_is_disputed, "opportunity", "stage", NULL, SAT_RULE_MSM,
          {"needs", "proposal", "negotiation", "lost", "won"})
RULE_TEST(w1_the_first_stays_and_others_are_reported, "visit_event", "battery", NULL, SAT_RULE_W1, {0})
RULE_TEST(imm_what_was_submitted_is_amended_never_edited, "visit", "note", NULL, SAT_RULE_IMM,
          {"a", "b", "c", "d", "e"})
RULE_TEST(aut_the_word_of_others_is_a_proposal, "account", "credit_limit", NULL, SAT_RULE_AUT, {0})
RULE_TEST(rsv_the_first_receipt_has_it, "account", "claimed_by", NULL, SAT_RULE_RSV, {0})
RULE_TEST(map_each_key_is_merged_by_itself, "lead", "bant", "authority", SAT_RULE_MAP,
          {"unknown", "no", "partial", "yes", "maybe"})

/* What is derived has no cells: what somebody wrote all the same is merged like any other, and shown nowhere. */
static void der_is_never_merged(void **state)
{
    (void)state;
    assert_int_equal(sat_rule(SAT_RULE_DER)->form, SAT_FORM_NONE);
    assert_int_equal(sat_rule(SAT_RULE_DER)->later, SAT_LATER_REFUSED);
}

/* ---- One by one ---- */

static void words_are_ordered_as_they_are_listed(void **state)
{
    (void)state;
    const struct sat_field *tier = sat_field_by_name(sat_type_by_name("account"), "tier");
    static const char *const words[] = {"low", "mid", "high", "gold"};
    struct sat_value values[6] = {{.kind = SAT_VALUE_NIL}};
    for (int i = 0; i < 4; i++)
        values[i + 1] = (struct sat_value){.kind = SAT_VALUE_TEXT, .text = sat_span_text(words[i])};
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < 5; b++) {
            int order = sat_value_order(tier, &values[a], &values[b]);
            assert_true(a < b ? order < 0 : a > b ? order > 0 : order == 0);
        }
}

/* Of a later version's field nobody here knows whether it gives way: it is kept. */
static void what_a_later_version_added_nobody_drops(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), 99, "first");
    struct sat_source *b1 = say(change(record, B, 1, 20, DOTS({A, 1})), 99, "second");
    b1->header.kept = DOTS({A, 1});
    struct sat_cell written = {.field = NAME};
    bool keep[SOURCES_MAX];
    sat_cells_keep(record->sources, record->n, &written, 1, keep);
    assert_true(keep[0] && keep[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(lwk_the_last_writer_is_shown_and_the_loser_kept),
        TEST(lw_the_last_writer_is_shown_and_nobody_asked),
        TEST(add_an_element_is_taken_out_by_who_saw_it),
        TEST(rst_the_more_restrictive_wins),
        TEST(app_an_entry_stays),
        TEST(ctr_a_device_counts_for_itself),
        TEST(max_never_goes_back),
        TEST(min_never_goes_forth),
        TEST(msm_the_furthest_state_stands_or_it_is_disputed),
        TEST(w1_the_first_stays_and_others_are_reported),
        TEST(imm_what_was_submitted_is_amended_never_edited),
        TEST(aut_the_word_of_others_is_a_proposal),
        TEST(rsv_the_first_receipt_has_it),
        TEST(map_each_key_is_merged_by_itself),
        TEST(der_is_never_merged),
        TEST(words_are_ordered_as_they_are_listed),
        TEST(what_a_later_version_added_nobody_drops),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
