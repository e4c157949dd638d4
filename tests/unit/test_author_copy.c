/* Moving a record from one space to another, change by change. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/author_world.h"

#include "common/sync/copied.h"
#include "common/vault/author_draft.h"
#include "common/vault/origin.h"

enum { R = 1 };

static const struct sat_record_view *look_at(struct phone *phone, uint8_t space)
{
    struct sat_record_id id = record_id(R);
    OK(sat_record_load(&phone->vault, phone->sid[space], &id, &phone->arena, &phone->view));
    return &phone->view;
}

static enum sat_err try_move(struct phone *phone, uint8_t from, uint8_t to, bool home, uint32_t *written)
{
    struct sat_move move = {.record = record_id(R), .from = phone->sid[from], .to = phone->sid[to], .home = home};
    OK(sat_store_begin(phone->store));
    OK(sat_author_move(&phone->vault, &move, 1, phone->office->now_ms++, written));
    OK(sat_store_commit(phone->store));
    return move.err;
}

static uint32_t move(struct phone *phone, uint8_t from, uint8_t to, bool home)
{
    uint32_t written;
    OK(try_move(phone, from, to, home, &written));
    return written;
}

/* Everybody's everything: what covers the originals goes a round behind the copies. */
static void exchange(struct office *office)
{
    for (uint32_t round = 0; round < 4; round++) exchange_all(office);
}

static const struct sat_merged *cell_at(struct phone *phone, uint8_t space, uint16_t field)
{
    return sat_merged_cell(&look_at(phone, space)->merged, field, (struct sat_span){0});
}

static void expect_shown(struct phone *phone, uint8_t space, uint16_t field, const char *text, uint32_t alternatives)
{
    const struct sat_merged *merged = cell_at(phone, space, field);
    assert_non_null(merged);
    assert_true(sat_span_equal(merged->value.text, sat_span_text(text)));
    assert_int_equal(merged->alternatives_n, alternatives);
}

static void a_moved_record_is_the_same_on_the_other_side(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    (void)put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"), tag_cell("vip", true));
    exchange_all(office);
    (void)put(a, R, text_cell(CITY, "Linz"));
    (void)put(b, R, text_cell(CITY, "Wien"));
    exchange_all(office);
    const struct sat_merged *city = cell_of(c, R, CITY);
    assert_int_equal(city->alternatives_n, 2);
    bool linz = sat_span_equal(city->value.text, sat_span_text("Linz"));
    uint64_t effective = city->source->effective;
    assert_int_equal(move(c, EAST, WEST, true), 4); /* three changes that say something still, and one that covers */
    exchange(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        struct phone *phone = &office->phones[n];
        assert_true(look_at(phone, EAST)->merged.moved);
        assert_int_equal(look_at(phone, EAST)->live_n, 1);
        expect_shown(phone, WEST, NAME, "Ada", 1);
        expect_shown(phone, WEST, CITY, linz ? "Linz" : "Wien", 2);
        const struct sat_merged *moved = cell_at(phone, WEST, CITY);
        assert_int_equal(moved->source->effective, effective);
        assert_int_equal(sat_source_author(moved->source), linz ? a->device : b->device);
        assert_int_equal(moved->source->dot.device, c->device);
        assert_false(look_at(phone, WEST)->merged.moved);
    }
}

static void a_copy_names_its_original(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "Ada"));
    exchange_all(office);
    struct sat_hash rest = look_at(b, EAST)->live[0].rest;
    (void)move(b, EAST, WEST, true);
    struct sat_origin origin;
    OK(sat_origin_decode(look_at(b, WEST)->live[0].body.origin, &origin));
    struct sat_space_id east = space_id(EAST);
    assert_true(sat_space_equal(&origin.space, &east) && sat_hash_equal(&origin.rest, &rest));
    assert_true(origin.dot.device == a->device && origin.dot.counter == 1);
    (void)move(b, WEST, EAST, true);
    struct sat_origin again;
    const struct sat_record_view *view = look_at(b, EAST);
    for (uint32_t i = 0; i < view->live_n; i++)
        if (!sat_source_moves(&view->live[i])) OK(sat_origin_decode(view->live[i].body.origin, &again));
    assert_true(sat_origin_equal(&origin, &again)); /* the first one, also where a copy is copied */
}

static void a_late_edit_replaces_what_its_author_had_seen(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)put(b, R, text_cell(CITY, "Linz"));
    (void)move(a, EAST, WEST, true);
    exchange(office);
    assert_true(look_at(a, EAST)->merged.moved);
    assert_int_equal(look_at(a, EAST)->live_n, 2);
    assert_int_equal(move(a, EAST, WEST, false), 2);
    assert_int_equal(move(a, EAST, WEST, false), 0);
    exchange(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        expect_shown(&office->phones[n], WEST, CITY, "Linz", 1);
        expect_shown(&office->phones[n], WEST, NAME, "Ada", 1);
        assert_non_null(cell_at(&office->phones[n], WEST, SAT_FIELD_CAME_LATE));
        const struct sat_record_view *view = look_at(&office->phones[n], EAST);
        assert_int_equal(view->live_n, 2); /* the move with its receipt, and what covers the late edit */
        assert_true(view->merged.moved);
    }
}

/* Back where it was, a copy's vector covers by number what its author wrote there before, which the original had not
 * seen: it has gone by then, so that no hole names it. */
static void what_nobody_had_seen_stands_beside_after_moves_to_and_fro(void **state)
{
    static const uint8_t ways[][2] = {{EAST, WEST}, {WEST, EAST}, {EAST, WEST}, {WEST, EAST}};
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    (void)put(b, R, text_cell(NAME, "Ada"));
    (void)put(b, R, text_cell(CITY, "Graz"));
    (void)put(c, R, text_cell(CITY, "Wien"));
    exchange_all(office);
    assert_int_equal(cell_at(a, EAST, CITY)->alternatives_n, 2);
    for (uint32_t i = 0; i < 4; i++) {
        (void)move(i < 2 ? c : a, ways[i][0], ways[i][1], true);
        exchange(office);
        for (uint32_t n = 0; n < PHONES; n++) {
            assert_int_equal(cell_at(&office->phones[n], ways[i][1], CITY)->alternatives_n, 2);
            expect_shown(&office->phones[n], ways[i][1], NAME, "Ada", 1);
        }
    }
}

/* It was carried away while the record came back: who writes that cell has not got it in front of him, though his
 * vector covers it. */
static void who_writes_where_late_work_was_taken_away_has_not_seen_it(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    (void)put(a, R, text_cell(NAME, "Ada"));
    exchange_all(office);
    (void)put(b, R, text_cell(CITY, "Linz"));
    (void)move(a, EAST, WEST, true);
    exchange(office);
    assert_int_equal(move(c, EAST, WEST, false), 2);
    (void)move(a, WEST, EAST, true);
    exchange(office);
    assert_false(look_at(b, EAST)->merged.moved);
    assert_null(cell_at(b, EAST, CITY));
    (void)put(b, R, text_cell(CITY, "Wien"));
    exchange(office);
    (void)move(a, EAST, WEST, true);
    exchange(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        assert_int_equal(cell_at(&office->phones[n], WEST, CITY)->alternatives_n, 2);
        expect_shown(&office->phones[n], WEST, NAME, "Ada", 1);
    }
}

static void a_late_edit_stands_beside_what_its_author_had_not_seen(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    (void)put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)move(a, EAST, WEST, true);
    (void)put(b, R, text_cell(CITY, "Linz"));
    push(a);
    pull(a);
    push(a);
    pull(c);
    struct sat_cell wien = text_cell(CITY, "Wien");
    (void)put_cells(c, WEST, R, &wien, 1);
    exchange(office);
    (void)move(a, EAST, WEST, false);
    exchange(office);
    const struct sat_merged *city = cell_at(c, WEST, CITY);
    assert_int_equal(city->alternatives_n, 2);
    for (uint32_t i = 0; i < 2; i++) {
        bool linz = sat_span_equal(city->alternatives[i].value.text, sat_span_text("Linz"));
        assert_int_equal(sat_source_author(city->alternatives[i].source), linz ? b->device : c->device);
    }
}

static void two_who_carry_the_same_make_no_conflict(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    (void)put(a, R, text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)put(b, R, text_cell(CITY, "Linz"));
    (void)move(a, EAST, WEST, true);
    exchange(office);
    assert_int_equal(move(a, EAST, WEST, false), 2);
    assert_int_equal(move(c, EAST, WEST, false), 2);
    exchange(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        expect_shown(&office->phones[n], WEST, CITY, "Linz", 1);
        assert_int_equal(look_at(&office->phones[n], WEST)->merged.conflicts, 0);
    }
    assert_int_equal(move(b, EAST, WEST, false), 0);
}

static void what_covers_the_originals_waits_for_the_copies(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)move(a, EAST, WEST, true);
    assert_int_equal(freeze(a), 1); /* the copy is frozen, and what covers is not */
    push(a);
    pull(b);
    assert_false(look_at(b, EAST)->merged.moved);
    assert_int_equal(look_at(b, WEST)->live_n, 1);
    assert_int_equal(freeze(a), 1);
    pull(a); /* the copy has arrived */
    assert_int_equal(freeze(a), 0);
    push(a);
    pull(b);
    assert_true(look_at(b, EAST)->merged.moved);
}

/* Who is out gets one more chance to hand in what was written; then a wipe destroys the keys. */
static void who_is_out_hands_in_a_move_and_all_that_was_written_behind_it(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)move(a, EAST, WEST, true);
    (void)put(a, 2, text_cell(NAME, "Eva"));
    (void)put(a, 3, text_cell(NAME, "Ida"));
    assert_int_equal(freeze(a), 3); /* all of it waits for the copy */
    must(&office->world, revoke_link(&office->world, a->device));
    assert_int_equal(freeze(a), 0);
    bool known;
    for (uint64_t counter = 2; counter <= 5; counter++) {
        struct sat_bundle_row row;
        OK(sat_store_bundle_of_dot(a->store, (struct sat_dot){a->device, counter}, &row, &known));
        assert_true(known);
    }
}

/* Behind a move of R to WEST that will not be: nothing waits, others have R where it was, and what came behind it. */
static void expect_stays_in_the_east(struct phone *mover, struct phone *other)
{
    assert_int_equal(freeze(mover), 0);
    assert_false(look_at(mover, EAST)->merged.moved);
    push(mover);
    pull(other);
    assert_false(look_at(other, EAST)->merged.moved);
    expect_shown(other, EAST, CITY, "Graz", 1);
    expect_text(other, 2, NAME, "Eva", 1);
    (void)put(mover, R, text_cell(CITY, "Linz")); /* and nothing in the way of the next one */
    push(mover);
    pull(other);
    expect_shown(other, EAST, CITY, "Linz", 1);
    assert_int_equal(look_at(other, EAST)->holes.n, 0);
}

static void begin_a_move(struct office *office)
{
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)move(a, EAST, WEST, true);
    (void)put(a, 2, text_cell(NAME, "Eva"));
    assert_int_equal(freeze(a), 2);
}

static void copies_that_the_server_refuses_cover_nothing_and_hold_up_nothing(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_bundle_row *rows;
    uint32_t n;
    begin_a_move(office);
    OK(sat_store_bundles_pending(a->store, a->sid[WEST], 0, 9, &a->arena, &rows, &n));
    assert_int_equal(n, 1);
    OK(sat_store_begin(a->store));
    OK(sat_store_bundle_set_refused(a->store, rows[0].bid, SAT_ERR_ESCROWED));
    OK(sat_store_commit(a->store));
    assert_int_equal(freeze(a), 0);
    assert_false(look_at(a, EAST)->merged.moved);
    assert_int_equal(look_at(a, EAST)->live_n, 1);
}

/* What the log has does not count, however much of it is in front. */
static void copies_are_seen_behind_whatever_waits_before_them(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_bundle_row *rows;
    uint32_t n, written;
    (void)put(a, R, text_cell(CITY, "Graz"));
    exchange_all(office);
    for (uint32_t i = 0; i < 140; i++) {
        struct sat_cell name = text_cell(NAME, "Ida");
        OK(try_put(a, i % 2 ? EAST : WEST, (uint8_t)(100 + i), ACCOUNT, &name, 1, &written));
    }
    assert_int_equal(freeze(a), 0);
    OK(sat_store_bundles_pending(a->store, a->sid[WEST], 0, 100, &a->arena, &rows, &n));
    assert_int_equal(n, 70); /* … and as many of the other space between them */
    OK(sat_store_begin(a->store));
    for (uint32_t i = 0; i < n; i++) OK(sat_store_bundle_set_refused(a->store, rows[i].bid, SAT_ERR_EXISTS));
    OK(sat_store_commit(a->store));
    (void)move(a, EAST, WEST, true);
    assert_int_equal(freeze(a), 1); /* what covers waits for the copy */
    OK(sat_store_bundles_pending(a->store, a->sid[WEST], rows[n - 1].first + 1, 9, &a->arena, &rows, &n));
    assert_int_equal(n, 1);
    OK(sat_store_begin(a->store));
    OK(sat_store_bundle_set_refused(a->store, rows[0].bid, SAT_ERR_ESCROWED));
    OK(sat_store_commit(a->store));
    assert_int_equal(freeze(a), 0); /* the copy waits for the admins: what covers is gone */
    assert_false(look_at(a, EAST)->merged.moved);
}

static void copies_whose_target_is_lost_cover_nothing_and_hold_up_nothing(void **state)
{
    struct office *office = *state;
    begin_a_move(office);
    must(&office->world, grant_link(&office->world, WEST, USER, SAT_RIGHT_READ));
    struct phone *a = &office->phones[0];
    struct sat_bundle_row row;
    bool known;
    OK(sat_store_bundle_of_dot(a->store, (struct sat_dot){a->device, 2}, &row, &known));
    OK(sat_store_begin(a->store));
    OK(sat_store_bundle_delete(a->store, row.bid)); /* the admins have it */
    OK(sat_store_commit(a->store));
    expect_stays_in_the_east(a, &office->phones[1]);
}

/* The right was lost and came back, and between them the copies went to the admins. */
static void copies_that_were_let_go_of_cover_nothing_though_the_target_is_back(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_space_id west = space_id(WEST);
    uint64_t counter;
    begin_a_move(office);
    OK(sat_store_begin(a->store));
    OK(sat_store_meta_get_u64(a->store, "counter", 0, &counter));
    OK(sat_mark_left(a->store, &west, counter, 1)); /* the copies went to the admins */
    OK(sat_store_space_purge(a->store, a->sid[WEST]));
    OK(sat_store_commit(a->store));
    expect_stays_in_the_east(a, &office->phones[1]);
}

/* What everybody has acknowledged goes from the log's entries, and is known nevertheless: nothing was left. */
static void what_covers_is_sent_though_own_work_of_the_target_was_compacted_meanwhile(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    struct sat_space_id west = space_id(WEST);
    (void)put(a, R, text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)move(a, EAST, WEST, true);
    assert_int_equal(freeze(a), 1);
    push(a);
    OK(sat_store_begin(a->store));
    OK(sat_mark_past(a->store, &west, 100));
    OK(sat_store_commit(a->store));
    assert_int_equal(freeze(a), 1);
    pull(a);
    push(a);
    pull(b);
    assert_true(look_at(a, EAST)->merged.moved);
    assert_true(look_at(b, EAST)->merged.moved);
}

/* A carry that builds on the move covers the whole record with it: they go together. */
static void what_builds_on_a_move_that_is_dropped_is_dropped_with_it(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)move(a, EAST, WEST, true);
    (void)put(b, R, text_cell(NAME, "Ada"));
    push(b);
    pull(a);
    assert_int_equal(move(a, EAST, WEST, false), 2);
    must(&office->world, grant_link(&office->world, WEST, USER, SAT_RIGHT_READ));
    assert_int_equal(freeze(a), 0);
    assert_false(look_at(a, EAST)->merged.moved);
    expect_shown(a, EAST, CITY, "Graz", 1);
    expect_shown(a, EAST, NAME, "Ada", 1);
    assert_int_equal(look_at(a, EAST)->holes.n, 0);
}

static void a_deletion_that_saw_the_edits_still_has_seen_them(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "Ada"));
    exchange_all(office);
    (void)put(b, R, text_cell(CITY, "Linz"));
    exchange_all(office);
    (void)rm(b, R);
    exchange_all(office);
    (void)move(a, EAST, WEST, true);
    exchange(office);
    assert_true(look_at(b, WEST)->merged.deleted);
    assert_int_equal(look_at(b, WEST)->merged.conflicts, 0);
}

static void what_cannot_be_read_whole_is_not_moved(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    uint32_t written;
    (void)put(a, R, text_cell(NAME, "Ada"));
    exchange_all(office);
    must(&office->world, epoch_link(&office->world, EAST, 2));
    give_key(a, EAST, 2);
    (void)put(a, R, text_cell(CITY, "Graz"));
    push(a);
    pull(b);
    assert_int_equal(look_at(b, EAST)->live_n, 2);
    assert_int_equal(try_move(b, EAST, WEST, true, &written), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(written, 0);
    assert_int_equal(look_at(b, WEST)->live_n, 0);
}

static void an_empty_record_moves_too(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put_cells(a, EAST, R, NULL, 0);
    assert_int_equal(move(a, EAST, WEST, true), 2);
    exchange(office);
    assert_true(look_at(&office->phones[1], WEST)->merged.exists);
    assert_true(look_at(&office->phones[1], EAST)->merged.moved);
}

static void a_change_as_large_as_can_be_moves_in_two(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    enum { NOTE_BYTES = 60 * 1024, NAME_BYTES = SAT_BODY_BYTES_MAX - NOTE_BYTES - 16 };
    char *note = malloc(NOTE_BYTES), *name = malloc(NAME_BYTES);
    memset(note, 'n', NOTE_BYTES);
    memset(name, 'm', NAME_BYTES);
    struct sat_cell cells[] = {text_cell(NAME, ""), text_cell(NOTE, "")};
    cells[0].value.text = sat_span(name, NAME_BYTES);
    cells[1].value.text = sat_span(note, NOTE_BYTES);
    assert_int_equal(put_cells(a, EAST, R, cells, 2), 1);
    assert_int_equal(move(a, EAST, WEST, true), 3);
    exchange(office);
    struct phone *b = &office->phones[1];
    assert_int_equal(cell_at(b, WEST, NAME)->value.text.len, NAME_BYTES);
    assert_int_equal(cell_at(b, WEST, NOTE)->value.text.len, NOTE_BYTES);
    free(note);
    free(name);
}

/* Side by side, as of devices that knew nothing of each other. */
static void add_tags(struct phone *phone, uint32_t n)
{
    struct sat_record_id id = record_id(R);
    struct sat_drafter drafter;
    OK(sat_store_begin(phone->store));
    OK(sat_drafter_begin(&drafter, &phone->vault));
    for (uint32_t i = 0; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%u of %u", (unsigned)i, (unsigned)phone->device);
        struct sat_cell cell = tag_cell(name, true);
        struct sat_header header = {.hlc = i + 1};
        struct sat_body body = {.type = ACCOUNT, .schema = SAT_SCHEMA_VERSION, .cells = &cell, .cells_n = 1};
        OK(sat_drafter_put(&drafter, phone->sid[EAST], &id, &header, &body));
    }
    OK(sat_drafter_end(&drafter, SAT_OK));
    OK(sat_store_commit(phone->store));
}

/* The copies are one device's, and of one device the server takes no more side by side than this. */
static void more_copies_than_the_server_takes_of_one_device_are_not_begun(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    enum { HALF = SAT_RECORD_LIVE_DEVICE_MAX / 2 };
    uint32_t written = 1;
    add_tags(a, HALF);
    add_tags(b, HALF);
    exchange_all(office);
    assert_int_equal(look_at(c, EAST)->live_n, 2 * HALF);
    struct sat_cell cell = text_cell(NAME, "Ada");
    (void)put_cells(c, WEST, R, &cell, 1);
    assert_int_equal(try_move(c, EAST, WEST, true, &written), SAT_ERR_TOO_LARGE);
    assert_int_equal(written, 0);
    assert_int_equal(try_move(c, EAST, WEST, false, &written), SAT_ERR_TOO_LARGE);
    assert_int_equal(written, 0);
    assert_int_equal(look_at(c, WEST)->live_n, 1);
    assert_false(look_at(c, EAST)->merged.moved);
    assert_int_equal(try_move(a, EAST, WEST, true, &written), SAT_OK); /* all that fit, and one that covers */
    assert_int_equal(written, 2 * HALF + 1);
    assert_int_equal(look_at(a, WEST)->live_n, 2 * HALF);
}

static void where_a_record_is_it_does_not_move(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint32_t written = 1;
    (void)put(a, R, text_cell(NAME, "Ada"));
    assert_int_equal(try_move(a, EAST, EAST, true, &written), SAT_ERR_INVALID);
    assert_int_equal(written, 0);
}

/* A hostile change, as nothing of ours writes it. */
static void that_a_record_has_moved_to_where_it_is_nobody_believes(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "Ada"));
    exchange_all(office);
    const struct sat_record_view *view = look_at(a, EAST);
    struct sat_record_id id = record_id(R);
    struct sat_space_id east = space_id(EAST);
    struct sat_cell cell = {.field = SAT_FIELD_MOVED, .value = {.kind = SAT_VALUE_REF}};
    memcpy(cell.value.ref.b, east.b, sizeof east.b);
    struct sat_header header = {.hlc = 1, .deletion = true, .seen = view->seen};
    struct sat_body body = {.type = ACCOUNT, .schema = SAT_SCHEMA_VERSION, .cells = &cell, .cells_n = 1};
    struct sat_drafter drafter;
    OK(sat_store_begin(a->store));
    OK(sat_drafter_begin(&drafter, &a->vault));
    OK(sat_drafter_end(&drafter, sat_drafter_put(&drafter, a->sid[EAST], &id, &header, &body)));
    OK(sat_store_commit(a->store));
    exchange(office);
    assert_int_equal(look_at(b, EAST)->live_n, 1);
    assert_false(look_at(b, EAST)->merged.moved);
    (void)put(b, R, text_cell(NAME, "Eva")); /* and it goes on as a record that was emptied does */
    exchange(office);
    expect_shown(&office->phones[2], EAST, NAME, "Eva", 1);
    assert_int_equal(move(b, EAST, WEST, true), 2);
    exchange(office);
    expect_shown(&office->phones[2], WEST, NAME, "Eva", 1);
    assert_true(look_at(&office->phones[2], EAST)->merged.moved);
}

#define IN_OFFICE(test) cmocka_unit_test_setup_teardown(test, open_office, close_office)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_OFFICE(a_moved_record_is_the_same_on_the_other_side),
        IN_OFFICE(a_copy_names_its_original),
        IN_OFFICE(a_late_edit_replaces_what_its_author_had_seen),
        IN_OFFICE(who_writes_where_late_work_was_taken_away_has_not_seen_it),
        IN_OFFICE(what_nobody_had_seen_stands_beside_after_moves_to_and_fro),
        IN_OFFICE(a_late_edit_stands_beside_what_its_author_had_not_seen),
        IN_OFFICE(two_who_carry_the_same_make_no_conflict),
        IN_OFFICE(what_covers_the_originals_waits_for_the_copies),
        IN_OFFICE(who_is_out_hands_in_a_move_and_all_that_was_written_behind_it),
        IN_OFFICE(copies_that_the_server_refuses_cover_nothing_and_hold_up_nothing),
        IN_OFFICE(copies_are_seen_behind_whatever_waits_before_them),
        IN_OFFICE(copies_whose_target_is_lost_cover_nothing_and_hold_up_nothing),
        IN_OFFICE(copies_that_were_let_go_of_cover_nothing_though_the_target_is_back),
        IN_OFFICE(what_covers_is_sent_though_own_work_of_the_target_was_compacted_meanwhile),
        IN_OFFICE(what_builds_on_a_move_that_is_dropped_is_dropped_with_it),
        IN_OFFICE(a_deletion_that_saw_the_edits_still_has_seen_them),
        IN_OFFICE(what_cannot_be_read_whole_is_not_moved),
        IN_OFFICE(an_empty_record_moves_too),
        IN_OFFICE(a_change_as_large_as_can_be_moves_in_two),
        IN_OFFICE(more_copies_than_the_server_takes_of_one_device_are_not_begun),
        IN_OFFICE(where_a_record_is_it_does_not_move),
        IN_OFFICE(that_a_record_has_moved_to_where_it_is_nobody_believes),
    };
    return cmocka_run_group_tests_name("author_copy", tests, NULL, NULL);
}
