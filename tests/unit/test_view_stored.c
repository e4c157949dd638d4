/* The view on the disk: what is asked of it is answered as if it had been built anew, whatever has happened to the
 * records and to its files. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/leasehold.h"
#include "client/view/database.h"
#include "tests/unit/client_world.h"

enum { RECORDS = 24, ACTS = 60, PAGE = 4096 };

static struct satchel *ann, *bob;

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_territory_add(ann, "Southern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Southern", "Bob", 0));
    bob = join_as(ann, "Bob", "bob");
    (void)sync_now(bob);
    (void)sync_now(ann);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    satchel_close(bob);
    return drop_client_world(state);
}

static void reopen(struct satchel **satchel, const char *name)
{
    char home[128];
    struct satchel_error error = {0};
    struct satchel_open_options options = test_options();
    satchel_close(*satchel);
    if (satchel_open(home_of(name, home), &options, satchel, &error)) fail_msg("%s: %s", error.name, error.message);
}

static struct client_view *view_of(struct satchel *satchel)
{
    struct client_view *view;
    client_begin(satchel);
    assert_int_equal(client_view_get(satchel, &view), SAT_OK);
    return view;
}

static struct client_view_mark mark_of(struct satchel *satchel)
{
    return view_of(satchel)->mark;
}

static void assert_as_anew(struct satchel *satchel, const char *when)
{
    struct client_view *view = view_of(satchel), *anew;
    char where[160] = "";
    bool same;
    assert_int_equal(client_view_make(satchel, &anew), SAT_OK);
    assert_int_equal(client_view_compare(view, anew, &same, where, &satchel->fault), SAT_OK);
    client_view_free(anew);
    if (!same) fail_msg("%s: the view differs at %s", when, where);
}

static bool is_same_serial(const struct client_view_mark *a, const struct client_view_mark *b)
{
    return memcmp(a->serial, b->serial, sizeof a->serial) == 0;
}

static bool is_same_salt(const struct client_view_mark *a, const struct client_view_mark *b)
{
    return memcmp(a->salt, b->salt, sizeof a->salt) == 0;
}

/* ---- Random lives ---- */

static uint64_t dice_state;

static uint32_t dice(uint32_t sides)
{
    dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice_state >> 33) % sides;
}

/* A few ids for all types, so that references meet, and now and then a record of another type than they mean. */
static const char *some_id(char out[SATCHEL_ID_SIZE])
{
    (void)snprintf(out, SATCHEL_ID_SIZE, "0191f0a0-0000-7000-8000-0000000000%02x", (unsigned)dice(RECORDS));
    return out;
}

/* As good as any other outcome. */
static void may_fail(int failed)
{
    (void)failed;
}

static const char *const TERRITORIES[] = {"Northern", "Southern"};

static void write_one(struct satchel *satchel)
{
    static const char *const types[] = {"account", "contact", "order", "order_line", "order_line", "visit", "product"};
    char id[SATCHEL_ID_SIZE], other[SATCHEL_ID_SIZE], third[SATCHEL_ID_SIZE], fields[300];
    const char *type = types[dice(satchel == ann ? 7 : 6)];
    struct satchel_tx *tx;
    some_id(other);
    some_id(third);
    if (strcmp(type, "order_line") == 0)
        (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"product\":\"%s\",\"qty\":%u,\"unit_price\":%u}",
                       other, third, dice(9), dice(1000));
    else if (strcmp(type, "order") == 0 || strcmp(type, "contact") == 0 || strcmp(type, "visit") == 0)
        (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\"}", other);
    else
        (void)snprintf(fields, sizeof fields, "{\"name\":\"n%u\"}", dice(100));
    must(satchel, satchel_begin(satchel, &tx));
    /* One that is of another type, or elsewhere, is refused: as good as any. */
    if (satchel_put(tx, type, some_id(id), strcmp(type, "product") == 0 ? NULL : TERRITORIES[dice(2)], fields, NULL))
        satchel_rollback(tx);
    else
        may_fail(satchel_commit(tx));
}

static void remove_or_restore(struct satchel *satchel)
{
    static const char *const types[] = {"account", "order", "order_line", "visit"};
    char id[SATCHEL_ID_SIZE];
    struct satchel_tx *tx;
    must(satchel, satchel_begin(satchel, &tx));
    const char *type = types[dice(4)];
    some_id(id);
    int failed = dice(3) ? satchel_remove(tx, type, id) : satchel_restore(tx, type, id);
    if (failed)
        satchel_rollback(tx);
    else
        may_fail(satchel_commit(tx));
}

static int no_row(void *context, const char *json)
{
    (void)context;
    (void)json;
    return 0;
}

static void move_one(struct satchel *satchel)
{
    char id[SATCHEL_ID_SIZE];
    const char *const ids[] = {some_id(id)};
    may_fail(satchel_move(satchel, "account", ids, 1, TERRITORIES[dice(2)], 0, no_row, NULL));
}

static void act(void)
{
    struct satchel **one = dice(2) ? &ann : &bob;
    struct satchel_sync_result result;
    switch (dice(12)) {
    case 0:
        reopen(one, *one == ann ? "ann" : "bob");
        return;
    case 1:
    case 2:
        may_fail(satchel_sync(*one, NULL, &result));
        return;
    case 3:
    case 4:
        remove_or_restore(*one);
        return;
    case 5:
        move_one(ann);
        return;
    case 6:
        if (dice(4) == 0) may_fail(satchel_rotate(ann, TERRITORIES[dice(2)]));
        return;
    default:
        write_one(*one);
        return;
    }
}

static void whatever_happens_the_view_is_as_one_that_is_built_anew(void **state)
{
    const char *chosen = getenv("SEED");
    uint64_t first = chosen ? strtoull(chosen, NULL, 10) : 1, last = chosen ? first : 6;
    for (uint64_t seed = first; seed <= last; seed++) {
        char when[80];
        uint32_t followed = 0;
        if (seed > first) assert_int_equal(make_org(state), 0);
        dice_state = seed;
        for (uint32_t i = 0; i < ACTS; i++) {
            struct client_view_mark before = mark_of(bob);
            act();
            (void)snprintf(when, sizeof when, "seed %llu, act %u", (unsigned long long)seed, i);
            if (dice(3)) assert_as_anew(ann, when);
            assert_as_anew(bob, when);
            struct client_view_mark behind = mark_of(bob);
            followed += is_same_salt(&before, &behind) && !is_same_serial(&before, &behind);
        }
        assert_true(followed > ACTS / 8); /* record by record, that is */
        if (seed < last) assert_int_equal(drop_org(state), 0);
    }
}

/* ---- Opening ---- */

static const char *file_of(const char *home_name, const char *file, char out[160])
{
    char home[128];
    (void)snprintf(out, 160, "%s/%s", home_of(home_name, home), file);
    return out;
}

static uint8_t *read_file(const char *path, size_t *len)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    uint8_t *bytes = malloc((size_t)info.st_size + 1);
    *len = fread(bytes, 1, (size_t)info.st_size, file);
    (void)fclose(file);
    return bytes;
}

static void write_file(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
}

static const char COUNT[] = "SELECT count(*) AS n, min(name) AS a, max(name) AS z FROM account";
static const char ANSWER[] = "{\"n\":40,\"a\":\"Blondel 10\",\"z\":\"Blondel 49\"}";

static void put_accounts(void)
{
    struct satchel_tx *tx;
    char fields[40];
    must(bob, satchel_begin(bob, &tx));
    for (int i = 10; i < 50; i++) {
        (void)snprintf(fields, sizeof fields, "{\"name\":\"Blondel %d\"}", i);
        must(bob, satchel_put(tx, "account", NULL, "Northern", fields, NULL));
    }
    must(bob, satchel_commit(tx));
}

static void archive_one(const char *id)
{
    struct satchel_tx *tx;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_remove(tx, "account", id));
    must(bob, satchel_commit(tx));
}

static void what_did_not_change_is_not_touched(void **state)
{
    (void)state;
    char path[160];
    size_t len, later;
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark before = mark_of(bob);
    uint8_t *bytes = read_file(file_of("bob", CLIENT_VIEW_FILE, path), &len);
    reopen(&bob, "bob");
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark behind = mark_of(bob);
    assert_true(is_same_salt(&before, &behind) && is_same_serial(&before, &behind));
    uint8_t *again = read_file(path, &later);
    assert_int_equal(len, later);
    assert_memory_equal(bytes, again, len);
    free(bytes);
    free(again);
}

static void nothing_of_it_lies_open_and_it_is_for_its_owner_alone(void **state)
{
    (void)state;
    static const char *const files[] = {CLIENT_VIEW_FILE, CLIENT_ARCHIVE_FILE};
    char path[160], id[SATCHEL_ID_SIZE] = "";
    put_accounts();
    put_one(bob, "account", id, "Northern", "{\"name\":\"Blondel, archived\"}");
    archive_one(id);
    assert_rows(bob, "SELECT name FROM archived.account", "{\"name\":\"Blondel, archived\"}");
    for (size_t i = 0; i < 2; i++) {
        struct stat info;
        size_t len;
        uint8_t *bytes = read_file(file_of("bob", files[i], path), &len);
        assert_true(len >= PAGE && !memmem(bytes, len, "Blondel", 7) && !memmem(bytes, len, "SQLite", 6));
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        free(bytes);
    }
}

/* ---- What is no good is built anew ---- */

static void damage_anywhere_changes_no_answer(void **state)
{
    (void)state;
    static const char *const files[] = {CLIENT_VIEW_FILE, CLIENT_ARCHIVE_FILE};
    char path[160];
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    for (size_t i = 0; i < 2; i++) {
        size_t len, pages = 1;
        for (size_t page = 0; page < pages; page += 5) {
            satchel_close(bob);
            bob = NULL;
            uint8_t *bytes = read_file(file_of("bob", files[i], path), &len);
            pages = len / PAGE;
            bytes[page * PAGE + page * 31 % PAGE] ^= 1;
            write_file(path, bytes, len);
            free(bytes);
            reopen(&bob, "bob");
            assert_rows(bob, COUNT, ANSWER);
            assert_rows(bob, "SELECT count(*) AS n FROM archived.account", "{\"n\":0}");
            assert_rows(bob, "SELECT count(*) AS n FROM waiting", "{\"n\":0}");
        }
    }
}

/* Bob's, while he has it open. */
static void break_view(void)
{
    char path[160];
    size_t len;
    struct client_view *view = view_of(bob);
    if (!view->sealed) return;
    uint8_t *bytes = read_file(file_of("bob", CLIENT_VIEW_FILE, path), &len);
    memset(bytes, 0x5a, len);
    write_file(path, bytes, len);
    free(bytes);
    must(bob, sqlite3_db_release_memory(view->db));
}

static void a_report_is_told_though_the_view_breaks(void **state)
{
    (void)state;
    const struct satchel_report_options day = {.today = "2026-05-09"};
    char *before, *after;
    put_accounts();
    must(bob, satchel_report(bob, "visits", &day, &before));
    assert_non_null(view_of(bob)->sealed);
    break_view();
    must(bob, satchel_report(bob, "visits", &day, &after));
    assert_string_equal(before, after);
    satchel_free(before);
    satchel_free(after);
}

static void what_breaks_while_it_is_open_is_built_anew_too(void **state)
{
    (void)state;
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    for (int i = 0; i < 4; i++) {
        break_view();
        assert_rows(bob, COUNT, ANSWER);
    }
    assert_null(view_of(bob)->sealed); /* a disk that spoils it again and again is not asked any more */
}

static int count_row(void *context, const char *json)
{
    (void)json;
    ++*(int *)context;
    return 0;
}

/* So many that a query has given rows when it comes to a page in the middle. */
static void put_long_accounts(int n)
{
    struct satchel_tx *tx;
    char fields[1100];
    must(bob, satchel_begin(bob, &tx));
    for (int i = 0; i < n; i++) {
        (void)snprintf(fields, sizeof fields, "{\"name\":\"%01000d\"}", i);
        must(bob, satchel_put(tx, "account", NULL, "Northern", fields, NULL));
    }
    must(bob, satchel_commit(tx));
}

/* One bit of a page, while nobody has it open. */
static void spoil_page(size_t page)
{
    char path[160];
    size_t len;
    satchel_close(bob);
    bob = NULL;
    uint8_t *bytes = read_file(file_of("bob", CLIENT_VIEW_FILE, path), &len);
    assert_true((page + 1) * PAGE <= len);
    bytes[page * PAGE + 7] ^= 1;
    write_file(path, bytes, len);
    free(bytes);
    reopen(&bob, "bob");
}

static void what_broke_on_the_way_is_whole_for_the_next_one(void **state)
{
    (void)state;
    enum { ACCOUNTS = 120 };
    int rows = 0, broken = 0;
    char path[160];
    size_t len;
    put_long_accounts(ACCOUNTS);
    must(bob, satchel_query(bob, "SELECT name FROM account", count_row, &rows));
    assert_int_equal(rows, ACCOUNTS);
    free(read_file(file_of("bob", CLIENT_VIEW_FILE, path), &len));
    for (size_t page = len / PAGE - 1; page > 0 && !broken; page--) {
        spoil_page(page);
        rows = 0;
        if (!satchel_query(bob, "SELECT name FROM account", count_row, &rows)) continue; /* another table's */
        assert_string_equal(satchel_error_of(bob)->name, "io");
        assert_in_range(rows, 1, ACCOUNTS - 1);
        broken = 1;
    }
    assert_true(broken);
    reopen(&bob, "bob"); /* as another process would */
    rows = 0;
    must(bob, satchel_query(bob, "SELECT name FROM account", count_row, &rows));
    assert_int_equal(rows, ACCOUNTS);
}

static void an_older_state_of_it_is_not_believed(void **state)
{
    (void)state;
    char path[160], archive[160], id[SATCHEL_ID_SIZE] = "";
    size_t len, archive_len;
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    uint8_t *bytes = read_file(file_of("bob", CLIENT_VIEW_FILE, path), &len);
    uint8_t *archived = read_file(file_of("bob", CLIENT_ARCHIVE_FILE, archive), &archive_len);
    put_one(bob, "account", id, "Northern", "{\"name\":\"Ana\"}");
    assert_rows(bob, "SELECT count(*) AS n FROM account", "{\"n\":41}");
    struct client_view_mark before = mark_of(bob);
    satchel_close(bob);
    bob = NULL;
    write_file(path, bytes, len);
    write_file(archive, archived, archive_len);
    reopen(&bob, "bob");
    assert_rows(bob, "SELECT count(*) AS n FROM account", "{\"n\":41}");
    struct client_view_mark behind = mark_of(bob);
    assert_false(is_same_salt(&before, &behind));
    free(bytes);
    free(archived);
}

/* The archive is half of the view: the other half alone is not what was left. */
static void an_archive_that_is_older_empty_or_missing_is_not_believed(void **state)
{
    (void)state;
    static const char archived[] = "SELECT name FROM archived.account ORDER BY name";
    static const char both[] = "{\"name\":\"Ana\"}\n{\"name\":\"Berta\"}";
    char path[160], id[SATCHEL_ID_SIZE] = "", other[SATCHEL_ID_SIZE] = "";
    size_t len;
    put_accounts();
    put_one(bob, "account", id, "Northern", "{\"name\":\"Ana\"}");
    put_one(bob, "account", other, "Northern", "{\"name\":\"Berta\"}");
    archive_one(id);
    assert_rows(bob, archived, "{\"name\":\"Ana\"}");
    uint8_t *older = read_file(file_of("bob", CLIENT_ARCHIVE_FILE, path), &len);
    archive_one(other);
    for (int i = 0; i < 3; i++) {
        assert_rows(bob, archived, both);
        struct client_view_mark before = mark_of(bob);
        satchel_close(bob);
        bob = NULL;
        assert_int_equal(unlink(path), 0);
        if (i < 2) write_file(path, older, i == 0 ? len : 0);
        reopen(&bob, "bob");
        assert_rows(bob, archived, both);
        struct client_view_mark behind = mark_of(bob);
        assert_false(is_same_salt(&before, &behind));
    }
    free(older);
}

/* A crash in the midst of a change leaves no mark; another program another form. */
static void without_its_mark_or_of_another_form_it_is_built_anew(void **state)
{
    (void)state;
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark first = mark_of(bob);
    assert_int_equal(sat_derived_begin(bob->store), SAT_OK);
    reopen(&bob, "bob");
    char path[160];
    assert_int_equal(access(file_of("bob", CLIENT_VIEW_FILE, path), F_OK), -1);
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark second = mark_of(bob);
    assert_false(is_same_salt(&first, &second));

    struct sat_arena arena;
    struct sat_span mark;
    bool found;
    sat_arena_init(&arena);
    assert_int_equal(sat_derived_mark(bob->store, &arena, &mark, &found), SAT_OK);
    assert_true(found);
    uint8_t *other = sat_arena_alloc(&arena, mark.len);
    memcpy(other, mark.at, mark.len);
    other[SAT_PAGE_SALT_BYTES + CLIENT_VIEW_SERIAL_BYTES] ^= 1;
    assert_int_equal(sat_derived_put(bob->store, sat_span(other, mark.len)), SAT_OK);
    sat_arena_deinit(&arena);
    reopen(&bob, "bob");
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark third = mark_of(bob);
    assert_false(is_same_salt(&second, &third));
    assert_true(sat_hash_equal(&second.form, &third.form));
}

/* What takes the mark away while the view is open: its rows may be of a space that was purged. */
static void an_open_one_without_its_mark_is_not_believed(void **state)
{
    (void)state;
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark before = mark_of(bob);
    assert_int_equal(sat_derived_begin(bob->store), SAT_OK);
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark behind = mark_of(bob);
    assert_false(is_same_salt(&before, &behind));
}

/* As long as a handle is open; with texts, which the search index reads on the way. */
static void one_change_after_the_other_is_followed(void **state)
{
    (void)state;
    char order[SATCHEL_ID_SIZE] = "", wanted[40];
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    put_one(bob, "order", order, "Northern", "{\"currency\":\"CNY\"}");
    struct client_view_mark before = mark_of(bob);
    for (int i = 1; i <= 4; i++) {
        char fields[120], line[SATCHEL_ID_SIZE] = "", visit[SATCHEL_ID_SIZE] = "";
        (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"qty\":1,\"unit_price\":100}", order);
        put_one(bob, "order_line", line, "Northern", fields);
        put_one(bob, "visit", visit, "Northern", "{\"note\":\"a shelf, and a poster\"}");
        (void)snprintf(wanted, sizeof wanted, "{\"total\":%d}", 100 * i);
        assert_rows(bob, "SELECT total FROM \"order\"", wanted);
        struct client_view_mark behind = mark_of(bob);
        assert_true(is_same_salt(&before, &behind) && !is_same_serial(&before, &behind));
        before = behind;
    }
}

/* Drafts that were written over, deleted or covered by others leave no row; what happens to a bundle happens to its
 * records. */
static void what_is_touched_and_not_new_is_looked_at_again(void **state)
{
    (void)state;
    uint64_t drafts;
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark before = mark_of(bob);
    assert_int_equal(sat_store_draft_count(bob->store, &drafts), SAT_OK);
    assert_true(drafts >= 40);
    assert_int_equal(sat_store_begin(bob->store), SAT_OK);
    assert_int_equal(sat_store_drafts_delete(bob->store, 0, UINT64_MAX >> 1), SAT_OK);
    assert_int_equal(sat_store_commit(bob->store), SAT_OK);
    assert_rows(bob, "SELECT count(*) AS n FROM account", "{\"n\":0}");
    struct client_view_mark behind = mark_of(bob);
    assert_true(is_same_salt(&before, &behind) && !is_same_serial(&before, &behind));
    assert_as_anew(bob, "drafts that are gone");

    (void)sync_now(ann);
    put_accounts();
    (void)sync_now(bob);
    assert_rows(bob, COUNT, ANSWER);
    struct sat_bundle_row bundle;
    int64_t newest;
    assert_int_equal(sat_store_bundle_newest(bob->store, &newest), SAT_OK);
    assert_int_equal(sat_store_bundle_get(bob->store, newest, &bundle), SAT_OK);
    assert_int_equal(sat_store_begin(bob->store), SAT_OK);
    assert_int_equal(sat_store_bundle_delete(bob->store, newest), SAT_OK);
    assert_int_equal(sat_store_commit(bob->store), SAT_OK);
    assert_as_anew(bob, "a bundle that is gone");
}

static void where_it_cannot_lie_it_is_in_memory(void **state)
{
    (void)state;
    char path[160], id[SATCHEL_ID_SIZE] = "";
    assert_int_equal(mkdir(file_of("bob", CLIENT_VIEW_FILE, path), 0700), 0);
    put_accounts();
    assert_rows(bob, COUNT, ANSWER);
    assert_null(view_of(bob)->sealed);
    assert_non_null(satchel_view_trouble(bob));
    put_one(bob, "account", id, "Northern", "{\"name\":\"Ana\"}");
    assert_rows(bob, "SELECT count(*) AS n FROM account", "{\"n\":41}");
    assert_int_equal(rmdir(path), 0);
    reopen(&bob, "bob");
    assert_rows(bob, "SELECT count(*) AS n FROM account", "{\"n\":41}");
    assert_non_null(view_of(bob)->sealed);
    assert_null(satchel_view_trouble(bob));
}

/* ---- What is taken from the device ---- */

static void what_the_device_may_not_have_any_more_leaves_no_view(void **state)
{
    (void)state;
    char path[160];
    put_accounts();
    (void)sync_now(bob);
    assert_rows(bob, COUNT, ANSWER);
    struct client_view_mark before = mark_of(bob);
    must(ann, satchel_territory_revoke(ann, "Northern", "Bob"));
    (void)sync_now(bob);
    assert_int_equal(access(file_of("bob", CLIENT_VIEW_FILE, path), F_OK), -1);
    assert_int_equal(access(file_of("bob", CLIENT_ARCHIVE_FILE, path), F_OK), -1);
    struct sat_arena arena;
    struct sat_span mark;
    bool found;
    sat_arena_init(&arena);
    assert_int_equal(sat_derived_mark(bob->store, &arena, &mark, &found), SAT_OK);
    assert_false(found); /* the salt of the key of its pages went with it */
    sat_arena_deinit(&arena);
    assert_rows(bob, "SELECT count(*) AS n FROM account", "{\"n\":0}");
    struct client_view_mark behind = mark_of(bob);
    assert_false(is_same_salt(&before, &behind));
}

static void what_is_its_own_is_nobody_s_table(void **state)
{
    (void)state;
    struct rows rows = {0};
    put_accounts();
    must_fail(bob, satchel_query(bob, "SELECT * FROM satchel_here", collect_row, &rows), "invalid", "satchel_here");
    must_fail(bob, satchel_query(bob, "SELECT count(*) FROM SATCHEL_state", collect_row, &rows), "invalid", "");
    must_fail(bob, satchel_query(bob, "SELECT (SELECT 1 FROM satchel_name)", collect_row, &rows), "invalid", "");
    assert_rows(bob, COUNT, ANSWER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(what_did_not_change_is_not_touched),
        TEST(nothing_of_it_lies_open_and_it_is_for_its_owner_alone),
        TEST(damage_anywhere_changes_no_answer),
        TEST(what_breaks_while_it_is_open_is_built_anew_too),
        TEST(what_broke_on_the_way_is_whole_for_the_next_one),
        TEST(a_report_is_told_though_the_view_breaks),
        TEST(an_older_state_of_it_is_not_believed),
        TEST(an_archive_that_is_older_empty_or_missing_is_not_believed),
        TEST(without_its_mark_or_of_another_form_it_is_built_anew),
        TEST(an_open_one_without_its_mark_is_not_believed),
        TEST(one_change_after_the_other_is_followed),
        TEST(what_is_touched_and_not_new_is_looked_at_again),
        TEST(where_it_cannot_lie_it_is_in_memory),
        TEST(what_the_device_may_not_have_any_more_leaves_no_view),
        TEST(what_is_its_own_is_nobody_s_table),
        TEST(whatever_happens_the_view_is_as_one_that_is_built_anew),
    };
#undef TEST
    return cmocka_run_group_tests_name("view on the disk", tests, NULL, NULL);
}
