/* Random lives with moves: three phones, two territories, real stores, judged as the server judges. An oracle that
 * knows nothing of vectors says which values nobody has overwritten: each of them must be there in the end, in one
 * territory, and nothing else. */
#include <stdlib.h>

#include "tests/unit/author_world.h"

enum { RECORDS = 2, CELLS = 3, WRITES_MAX = 256, STEPS = 24, LIVES = 60, ROUNDS_MAX = 40 };

static const uint16_t fields[CELLS] = {NAME, CITY, NOTE};

/* A value that was written, and whether somebody who saw it wrote another. */
struct write {
    uint8_t record;
    uint32_t cell;
    char text[16];
    bool overwritten;
};

struct life {
    struct office *office;
    uint64_t random;
    struct write writes[WRITES_MAX];
    uint32_t writes_n;
    uint32_t moves, late, extra; /* what happened in it; extra: values that come back beside those that replaced them */
};

static uint32_t below(struct life *life, uint32_t n)
{
    life->random = life->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(life->random >> 33) % n;
}

static void load(struct phone *phone, uint8_t space, uint8_t record, struct sat_record_view *out)
{
    struct sat_record_id id = record_id(record);
    OK(sat_record_load(&phone->vault, phone->sid[space], &id, &phone->arena, out));
}

static bool is_home(const struct sat_record_view *view)
{
    return view->live_n && !view->merged.moved;
}

static bool has_rest(const struct sat_record_view *view)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        if (!sat_source_moves(&view->live[i])) return true;
    return false;
}

static void overwrite(struct life *life, const struct sat_record_view *view, uint8_t record, uint32_t cell)
{
    const struct sat_merged *merged = sat_merged_cell(&view->merged, fields[cell], (struct sat_span){0});
    for (uint32_t i = 0; i < life->writes_n; i++) {
        struct write *write = &life->writes[i];
        for (uint32_t a = 0; merged && write->record == record && write->cell == cell && a < merged->alternatives_n;
             a++)
            if (sat_span_equal(merged->alternatives[a].value.text, sat_span_text(write->text)))
                write->overwritten = true;
    }
}

/* Writes a new value where the phone sees the record; where it is nowhere yet, in the east. */
static void write_value(struct life *life, struct phone *phone, uint8_t record)
{
    struct sat_record_view east, west;
    load(phone, EAST, record, &east);
    load(phone, WEST, record, &west);
    uint8_t space = is_home(&west) ? WEST : EAST;
    const struct sat_record_view *view = space == WEST ? &west : &east;
    if (view->merged.moved || (view->live_n == 0 && record != 1 + phone->device % RECORDS && east.live_n + west.live_n))
        return;
    uint32_t cell = below(life, CELLS);
    struct write *write = &life->writes[life->writes_n++];
    *write = (struct write){.record = record, .cell = cell};
    (void)snprintf(write->text, sizeof write->text, "v%u", life->writes_n);
    write->overwritten = false;
    life->writes_n--;
    overwrite(life, view, record, cell);
    life->writes_n++;
    struct sat_cell value = text_cell(fields[cell], write->text);
    (void)put_cells(phone, space, record, &value, 1);
}

static uint32_t move(struct phone *phone, uint8_t record, uint8_t from, uint8_t to, bool home)
{
    struct sat_move move = {.record = record_id(record), .from = phone->sid[from], .to = phone->sid[to], .home = home};
    uint32_t written;
    OK(sat_store_begin(phone->store));
    OK(sat_author_move(&phone->vault, &move, 1, phone->office->now_ms++, &written));
    OK(move.err);
    OK(sat_store_commit(phone->store));
    return written;
}

/* Does it say that somebody took it elsewhere, who was not the first? */
static bool has_lost(const struct sat_record_view *view)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        for (uint32_t c = 0; c < view->live[i].body.cells_n; c++) {
            const struct sat_cell *cell = &view->live[i].body.cells[c];
            if (cell->field == SAT_FIELD_MOVED && cell->value.kind == SAT_VALUE_REF) return true;
        }
    return false;
}

/* As client/carry.c does it. */
static uint32_t carry(struct life *life, struct phone *phone, uint8_t record)
{
    struct sat_record_view east, west;
    sat_arena_reset(&phone->arena);
    load(phone, EAST, record, &east);
    load(phone, WEST, record, &west);
    uint32_t written = 0;
    if (east.merged.moved && west.merged.moved) {
        if (has_rest(&east) || has_rest(&west)) written = move(phone, record, WEST, EAST, true);
    } else if (east.merged.moved && has_rest(&east)) {
        written = move(phone, record, EAST, WEST, false);
    } else if (west.merged.moved && has_rest(&west)) {
        written = move(phone, record, WEST, EAST, false);
    } else if (is_home(&east) && is_home(&west)) {
        if (has_lost(&east)) written = move(phone, record, WEST, EAST, false);
        if (!has_lost(&east) && has_lost(&west)) written = move(phone, record, EAST, WEST, false);
    }
    life->late += written > 0;
    return written;
}

static void step(struct life *life)
{
    struct phone *phone = &life->office->phones[below(life, PHONES)];
    uint8_t record = (uint8_t)(1 + below(life, RECORDS));
    sat_arena_reset(&phone->arena);
    switch (below(life, 8)) {
    case 0: {
        struct sat_record_view east, west;
        load(phone, EAST, record, &east);
        load(phone, WEST, record, &west);
        if (is_home(&east) == is_home(&west)) return;
        life->moves++;
        if (is_home(&east))
            (void)move(phone, record, EAST, WEST, true);
        else
            (void)move(phone, record, WEST, EAST, true);
        return;
    }
    case 1:
        pull(phone);
        return;
    case 2:
        pull(phone);
        push(phone);
        return;
    case 3:
        if (phone != &life->office->phones[2]) (void)carry(life, phone, record);
        return;
    default:
        write_value(life, phone, record);
    }
}

/* Until nothing is left to send: what covers the originals goes out behind the copies, one territory after another. */
static void exchange_everything(struct life *life)
{
    uint64_t left = 1;
    for (uint32_t round = 0; left; round++) {
        assert_true(round < ROUNDS_MAX);
        exchange_all(life->office);
        left = 0;
        for (uint32_t n = 0; n < PHONES; n++) {
            uint64_t drafts;
            OK(sat_store_draft_count(life->office->phones[n].store, &drafts));
            left += drafts;
        }
    }
}

static void settle(struct life *life)
{
    for (uint32_t round = 0, written = 1; written; round++) {
        assert_true(round < ROUNDS_MAX);
        exchange_everything(life);
        written = 0;
        for (uint8_t record = 1; record <= RECORDS; record++) {
            written += carry(life, &life->office->phones[0], record);
            if (round % 2 == 0) written += carry(life, &life->office->phones[1], record); /* at the same time */
        }
    }
}

static bool is_shown(const struct sat_record_view *view, uint32_t cell, const char *text)
{
    const struct sat_merged *merged = sat_merged_cell(&view->merged, fields[cell], (struct sat_span){0});
    for (uint32_t a = 0; merged && a < merged->alternatives_n; a++)
        if (sat_span_equal(merged->alternatives[a].value.text, sat_span_text(text))) return true;
    return false;
}

static void check(struct life *life, uint64_t seed)
{
    for (uint8_t record = 1; record <= RECORDS; record++) {
        struct sat_record_view first = {0};
        for (uint32_t n = 0; n < PHONES; n++) {
            struct phone *phone = &life->office->phones[n];
            struct sat_record_view east, west;
            load(phone, EAST, record, &east);
            load(phone, WEST, record, &west);
            if (east.live_n + west.live_n == 0) continue;
            if (is_home(&east) == is_home(&west))
                fail_msg("seed %llu: record %u is at home in %s", (unsigned long long)seed, record,
                         is_home(&east) ? "both" : "neither");
            const struct sat_record_view *home = is_home(&east) ? &east : &west;
            if (n == 0) first = *home;
            assert_int_equal(first.merged.cells_n, home->merged.cells_n);
            assert_int_equal(first.merged.conflicts, home->merged.conflicts);
            for (uint32_t i = 0; i < life->writes_n; i++) {
                const struct write *write = &life->writes[i];
                if (write->record != record) continue;
                bool shown = is_shown(home, write->cell, write->text);
                if (!shown && !write->overwritten)
                    fail_msg("seed %llu: phone %u has lost %s", (unsigned long long)seed, n, write->text);
                if (shown && write->overwritten) life->extra++;
            }
        }
    }
}

static void nothing_is_lost_and_everybody_sees_the_same_whatever_moves_where(void **state)
{
    (void)state;
    uint32_t moves = 0, late = 0, extra = 0, writes = 0;
    const char *wanted = getenv("LIVES");
    uint64_t lives = wanted ? strtoull(wanted, NULL, 10) : LIVES;
    for (uint64_t seed = 1; seed <= lives; seed++) {
        void *office = NULL;
        open_office(&office);
        struct life life = {.office = office, .random = seed * UINT64_C(0x9e3779b97f4a7c15)};
        for (uint32_t i = 0; i < STEPS; i++) step(&life);
        settle(&life);
        check(&life, seed);
        moves += life.moves;
        late += life.late;
        extra += life.extra;
        writes += life.writes_n;
        close_office(&office);
    }
    print_message("%u writes, %u moves, %u times something was carried, %u values came back\n", writes, moves, late,
                  extra);
    assert_true(moves > LIVES / 2 && late > LIVES / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_everybody_sees_the_same_whatever_moves_where),
    };
    return cmocka_run_group_tests_name("move_lives", tests, NULL, NULL);
}
