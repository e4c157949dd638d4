/* Work that comes late, and names that do not belong: what judge.c says where an author has lost the right meanwhile,
 * at whatever position the one who asks stands. */
#include "tests/unit/directory_world.h"

#include "common/sync/base.h"
#include "common/sync/judge.h"

#define OK(call) assert_int_equal((call), SAT_OK)

enum { REP = 2, R = 1, S = 2, CHANGES_MAX = 8 };

struct court {
    struct world world;
    struct sat_store *store;
    int64_t sid, other_sid; /* EAST; WEST */
    struct sat_arena arena;
    bool on_a_device, came_back;
};

static int open_court(void **state)
{
    static struct court court;
    court = (struct court){0};
    *state = &court;
    sat_arena_init(&court.arena);
    world_init(&court.world);
    must(&court.world, epoch_link(&court.world, WEST, 1));
    must(&court.world, grant_link(&court.world, WEST, REP, RW));
    OK(sat_store_open(":memory:", SAT_STORE_CREATE, &court.store, NULL));
    struct sat_space_row east = {.id = space_id(EAST)}, west = {.id = space_id(WEST)};
    sat_frontier_init(&east.log);
    sat_frontier_init(&west.log);
    OK(sat_store_space_create(court.store, &east));
    OK(sat_store_space_create(court.store, &west));
    court.sid = east.sid;
    court.other_sid = west.sid;
    return 0;
}

static int close_court(void **state)
{
    struct court *court = *state;
    sat_store_close(court->store);
    world_deinit(&court->world);
    sat_arena_deinit(&court->arena);
    return 0;
}

static uint64_t head(const struct court *court)
{
    return court->world.directory.seq;
}

static struct sat_record_id record(uint8_t n)
{
    return (struct sat_record_id){{n}};
}

struct piece { /* a bundle in the making */
    struct sat_bundle bundle;
    struct sat_change changes[CHANGES_MAX];
    struct sat_header headers[CHANGES_MAX];
};

/* The rep's, of changes of record R, behind `prev`. */
static void draft_piece(struct court *court, struct piece *piece, uint8_t space, uint64_t first, uint32_t count,
                        const struct piece *prev, uint64_t dir_seq)
{
    *piece = (struct piece){0};
    piece->bundle.manifest = (struct sat_manifest){.suite = SAT_SUITE_1,
                                                   .org = court->world.directory.org,
                                                   .space = space_id(space),
                                                   .epoch = 1,
                                                   .device = REP,
                                                   .first = first,
                                                   .count = count,
                                                   .dir_seq = dir_seq,
                                                   .dir_hash = sat_directory_hash_at(&court->world.directory, dir_seq)};
    if (prev) piece->bundle.manifest.prev = prev->bundle.id;
    for (uint32_t i = 0; i < count; i++) {
        piece->headers[i] = (struct sat_header){.hlc = NOW_MS << 16};
        piece->changes[i] = (struct sat_change){.record = record(R), .body = sat_span_text("sealed")};
    }
}

static void seal(struct court *court, struct piece *piece)
{
    struct sat_sign_key key = sign_key('d', REP);
    struct sat_manifest *m = &piece->bundle.manifest;
    piece->bundle.changes = piece->changes;
    for (uint32_t i = 0; i < m->count; i++) {
        struct sat_buf bytes = {0};
        sat_header_encode(&piece->headers[i], &bytes);
        piece->changes[i].header = sat_span_copy(&court->arena, sat_buf_span(&bytes));
        piece->changes[i].rest = sat_change_rest(piece->changes[i].header, piece->changes[i].body);
        sat_buf_deinit(&bytes);
    }
    m->changes_root = sat_changes_root(piece->changes, m->count);
    piece->bundle.id = sat_bundle_id(m);
    piece->bundle.signature = sat_bundle_sign(m, &key);
}

static void make(struct court *court, struct piece *piece, uint64_t first, const struct piece *prev, uint64_t dir_seq)
{
    draft_piece(court, piece, EAST, first, 1, prev, dir_seq);
    seal(court, piece);
}

static enum sat_err judge(struct court *court, int64_t sid, const struct piece *piece, uint64_t dir_at)
{
    struct sat_space_row space;
    struct sat_header headers[CHANGES_MAX];
    struct sat_fault fault = {0};
    OK(sat_store_space_get(court->store, sid, &space));
    struct sat_judge judge = {.store = court->store,
                              .directory = &court->world.directory,
                              .space = &space,
                              .dir_at = dir_at,
                              .stubs_allowed = court->on_a_device,
                              .came_back = court->came_back};
    return sat_judge_bundle(&judge, &piece->bundle, &court->arena, headers, &fault);
}

static enum sat_err says(struct court *court, const struct piece *piece, uint64_t dir_at)
{
    return judge(court, court->sid, piece, dir_at);
}

static void accept_into(struct court *court, int64_t sid, const struct piece *piece, uint64_t dir_at)
{
    struct sat_space_row space;
    OK(judge(court, sid, piece, dir_at));
    OK(sat_store_space_get(court->store, sid, &space));
    struct sat_accept accept = {.store = court->store,
                                .space = &space,
                                .bundle = &piece->bundle,
                                .headers = piece->headers,
                                .recv_ms = NOW_MS,
                                .dir_at = dir_at};
    OK(sat_store_begin(court->store));
    OK(sat_base_accept(&accept));
    OK(sat_store_space_save(court->store, &space));
    OK(sat_store_commit(court->store));
}

static void accept(struct court *court, const struct piece *piece, uint64_t dir_at)
{
    accept_into(court, court->sid, piece, dir_at);
}

static uint64_t revoke_with_cut(struct court *court, const struct piece *last)
{
    struct sat_body_revoke body = revoke_body(REP);
    body.cuts_n = 1;
    body.cuts[0] = (struct sat_cut){last->bundle.manifest.space,
                                    last->bundle.manifest.first + last->bundle.manifest.count - 1, last->bundle.id};
    return must(&court->world, revoke_link_of(&court->world, &body));
}

static uint64_t let_in(struct court *court, const struct piece *piece)
{
    struct sat_body_accept body = {
        .what = SAT_ACCEPT_BUNDLE, .device = REP, .space = piece->bundle.manifest.space, .bundle = piece->bundle.id};
    return must(&court->world, accept_link_of(&court->world, &body));
}

/* ---- Late ---- */

static void what_lies_above_the_cut_is_late_whenever_it_came(void **state)
{
    struct court *court = *state;
    struct piece first, second;
    uint64_t wrote = head(court);
    make(court, &first, 1, NULL, wrote);
    make(court, &second, 2, &first, wrote);
    accept(court, &first, wrote);
    OK(says(court, &second, wrote));
    uint64_t revoked = revoke_with_cut(court, &first);
    assert_int_equal(says(court, &second, wrote), SAT_ERR_ESCROWED); /* even with a receipt from before */
    assert_int_equal(says(court, &second, revoked - 1), SAT_ERR_ESCROWED);
    assert_int_equal(says(court, &second, revoked), SAT_ERR_ESCROWED);
}

static void what_lies_below_the_cut_counts_for_whoever_reads_it_later(void **state)
{
    struct court *court = *state;
    struct piece first, second;
    uint64_t wrote = head(court);
    make(court, &first, 1, NULL, wrote);
    make(court, &second, 2, &first, wrote);
    (void)revoke_with_cut(court, &second);
    OK(says(court, &first, wrote)); /* a device that joins now reads the log from its beginning */
    accept(court, &first, wrote);
    OK(says(court, &second, wrote));
    struct piece in_its_place; /* the cut's counter, and another bundle */
    make(court, &in_its_place, 2, &first, wrote);
    in_its_place.bundle.manifest.nonce[0] ^= 1;
    seal(court, &in_its_place);
    assert_int_equal(says(court, &in_its_place, wrote), SAT_ERR_ESCROWED);
}

static void of_a_space_that_is_not_listed_what_came_before_counts(void **state)
{
    struct court *court = *state;
    struct piece first;
    uint64_t wrote = head(court);
    make(court, &first, 1, NULL, wrote);
    uint64_t revoked = must(&court->world, revoke_link(&court->world, REP));
    OK(says(court, &first, revoked - 1));
    assert_int_equal(says(court, &first, revoked), SAT_ERR_ESCROWED);
    assert_int_equal(says(court, &first, head(court)), SAT_ERR_ESCROWED);
}

static void who_lost_the_right_meanwhile_is_late_and_who_never_had_it_is_denied(void **state)
{
    struct court *court = *state;
    struct piece before, after;
    uint64_t wrote = head(court);
    make(court, &before, 1, NULL, wrote);
    uint64_t lost = must(&court->world, grant_link(&court->world, EAST, REP, SAT_RIGHT_READ));
    make(court, &after, 1, NULL, lost);
    OK(says(court, &before, lost - 1));
    assert_int_equal(says(court, &before, lost), SAT_ERR_ESCROWED);
    assert_int_equal(says(court, &after, lost), SAT_ERR_DENIED); /* he knew */
    uint64_t again = must(&court->world, grant_link(&court->world, EAST, REP, RW));
    OK(says(court, &before, again));
    assert_int_equal(says(court, &after, again), SAT_ERR_DENIED);
    must(&court->world, user_link(&court->world, REP, SAT_ROLE_REP, SUSPENDED));
    assert_int_equal(says(court, &before, head(court)), SAT_ERR_ESCROWED);
    OK(says(court, &before, again)); /* what was accepted then stays accepted */
}

static void what_was_let_in_counts_from_there_on(void **state)
{
    struct court *court = *state;
    struct piece first, second;
    uint64_t wrote = head(court);
    make(court, &first, 1, NULL, wrote);
    make(court, &second, 2, &first, wrote);
    must(&court->world, revoke_link(&court->world, REP));
    uint64_t decided = let_in(court, &first);
    assert_int_equal(says(court, &first, decided - 1), SAT_ERR_ESCROWED);
    OK(says(court, &first, decided));
    OK(says(court, &first, head(court)));
    accept(court, &first, decided);
    assert_int_equal(says(court, &second, decided), SAT_ERR_ESCROWED); /* each for itself */
}

static void let_in_it_is_judged_by_all_other_rules(void **state)
{
    struct court *court = *state;
    struct piece first, second, forged;
    uint64_t wrote = head(court);
    make(court, &first, 1, NULL, wrote);
    make(court, &second, 2, &first, wrote);
    uint64_t revoked = must(&court->world, revoke_link(&court->world, REP));
    uint64_t decided = let_in(court, &second);
    assert_int_equal(says(court, &second, decided), SAT_ERR_STALE); /* what came before it is not here */
    make(court, &forged, 1, NULL, wrote);
    forged.bundle.signature.b[5] ^= 1;
    decided = let_in(court, &forged);
    assert_int_equal(says(court, &forged, decided), SAT_ERR_TAMPERED);
    struct piece after;
    make(court, &after, 1, NULL, revoked);
    decided = let_in(court, &after);
    assert_int_equal(says(court, &after, decided), SAT_ERR_DENIED);
}

/* Nothing is put aside for somebody by who only says that he is that somebody. */
static void late_work_is_signed_or_it_is_nothing(void **state)
{
    struct court *court = *state;
    struct piece piece;
    make(court, &piece, 1, NULL, head(court));
    piece.bundle.signature.b[5] ^= 1;
    must(&court->world, revoke_link(&court->world, REP));
    assert_int_equal(says(court, &piece, head(court)), SAT_ERR_TAMPERED);
}

static void what_comes_behind_late_work_is_late_and_not_only_out_of_place(void **state)
{
    struct court *court = *state;
    struct piece first, second;
    uint64_t wrote = head(court);
    make(court, &first, 1, NULL, wrote);
    make(court, &second, 2, &first, wrote);
    assert_int_equal(says(court, &second, wrote), SAT_ERR_STALE);
    uint64_t lost = must(&court->world, grant_link(&court->world, EAST, REP, 0));
    assert_int_equal(says(court, &first, lost), SAT_ERR_ESCROWED);
    assert_int_equal(says(court, &second, lost), SAT_ERR_ESCROWED);
}

/* The third came back to a server that was set back, by who had forgotten the second: that one waits for nothing. */
static void what_comes_behind_its_authors_later_work_is_refused_and_does_not_wait(void **state)
{
    struct court *court = *state;
    struct piece first, second, third;
    uint64_t wrote = head(court);
    make(court, &first, 1, NULL, wrote);
    make(court, &second, 2, &first, wrote);
    make(court, &third, 3, &second, wrote);
    accept(court, &first, wrote);
    assert_int_equal(says(court, &third, wrote), SAT_ERR_STALE);
    court->came_back = true;
    accept(court, &third, wrote);
    assert_int_equal(says(court, &second, wrote), SAT_ERR_BAD_CHAIN);
    court->came_back = false;
    assert_int_equal(says(court, &second, wrote), SAT_ERR_BAD_CHAIN);
}

/* ---- Names of another record ---- */

/* Bundle 1 is in the log: changes 1 and 2 of R, 3 of S; and change 4 of R in WEST. Then change 5, of R, keeps or has
 * holes as given, and has seen all of them. */
static enum sat_err names(struct court *court, const struct sat_dot *kept, uint32_t kept_n, const struct sat_dot *holes,
                          uint32_t holes_n, uint32_t extra)
{
    static struct piece first, elsewhere, naming;
    static const struct sat_dot two[] = {{REP, 1}, {REP, 2}}, seen = {REP, 4}, seen_own = {REP, 5};
    struct sat_bundle_row row;
    bool found;
    uint64_t wrote = head(court);
    draft_piece(court, &first, EAST, 1, 3, NULL, wrote);
    first.changes[2].record = record(S);
    seal(court, &first);
    draft_piece(court, &elsewhere, WEST, 4, 1, NULL, wrote);
    seal(court, &elsewhere);
    OK(sat_store_bundle_of_dot(court->store, two[0], &row, &found));
    if (!found) {
        accept(court, &first, wrote);
        accept_into(court, court->other_sid, &elsewhere, wrote);
    }
    draft_piece(court, &naming, EAST, 5, 1 + extra, &first, wrote);
    for (uint32_t i = 0; i <= extra; i++) {
        naming.headers[i].seen = (struct sat_dots){i ? &seen_own : &seen, 1};
        naming.headers[i].kept = (struct sat_dots){kept, kept_n};
        naming.headers[i].holes = (struct sat_dots){holes, holes_n};
    }
    if (extra) naming.changes[0].record = record(S);
    if (extra) naming.headers[0].kept.n = naming.headers[0].holes.n = 0;
    seal(court, &naming);
    return says(court, &naming, wrote);
}

static void what_is_kept_or_not_read_is_of_the_same_record(void **state)
{
    struct court *court = *state;
    static const struct sat_dot own[] = {{REP, 1}, {REP, 2}}, of_another = {REP, 3}, elsewhere = {REP, 4},
                                in_the_bundle = {REP, 5};
    OK(names(court, own, 2, NULL, 0, 0));
    OK(names(court, &own[0], 1, &own[1], 1, 0));
    assert_int_equal(names(court, &of_another, 1, NULL, 0, 0), SAT_ERR_BOUNDS);
    assert_int_equal(names(court, NULL, 0, &of_another, 1, 0), SAT_ERR_BOUNDS);
    assert_int_equal(names(court, &elsewhere, 1, NULL, 0, 0), SAT_ERR_BOUNDS); /* the id is the same, the space not */
    assert_int_equal(names(court, &in_the_bundle, 1, NULL, 0, 1), SAT_ERR_BOUNDS);
    OK(names(court, own, 2, NULL, 0, 1));
    court->on_a_device = true; /* which may have pulled the other space first: what the server let in stands */
    OK(names(court, &elsewhere, 1, NULL, 0, 0));
    assert_int_equal(names(court, &of_another, 1, NULL, 0, 0), SAT_ERR_BOUNDS);
}

int main(void)
{
#define JUDGED(name) cmocka_unit_test_setup_teardown(name, open_court, close_court)
    const struct CMUnitTest tests[] = {
        JUDGED(what_lies_above_the_cut_is_late_whenever_it_came),
        JUDGED(what_lies_below_the_cut_counts_for_whoever_reads_it_later),
        JUDGED(of_a_space_that_is_not_listed_what_came_before_counts),
        JUDGED(who_lost_the_right_meanwhile_is_late_and_who_never_had_it_is_denied),
        JUDGED(what_was_let_in_counts_from_there_on),
        JUDGED(let_in_it_is_judged_by_all_other_rules),
        JUDGED(late_work_is_signed_or_it_is_nothing),
        JUDGED(what_comes_behind_late_work_is_late_and_not_only_out_of_place),
        JUDGED(what_comes_behind_its_authors_later_work_is_refused_and_does_not_wait),
        JUDGED(what_is_kept_or_not_read_is_of_the_same_record),
    };
    return cmocka_run_group_tests_name("judge_late", tests, NULL, NULL);
}
