/* The people of the rep's book, in the world of client_world.h: Ann is the admin, Bob and Cid are reps who write in
 * Northern. A test program adds whom and what it needs besides. */
#ifndef TESTS_UNIT_BOOK_WORLD_H
#define TESTS_UNIT_BOOK_WORLD_H

#include "client/view/view.h"
#include "tests/unit/client_world.h"

static struct satchel *ann, *bob, *cid;

static __attribute__((unused)) void sync_all(void)
{
    for (int round = 0; round < 2; round++) {
        (void)sync_now(bob);
        (void)sync_now(cid);
        (void)sync_now(ann);
    }
}

/* Cid writes in the other territory as well; NULL: there is none. */
static int make_book_beside(void **state, const char *other)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    if (other) must(ann, satchel_territory_add(ann, other));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_user_add(ann, "Cid", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Northern", "Cid", 0));
    if (other) must(ann, satchel_territory_grant(ann, other, "Cid", 0));
    bob = join_as(ann, "Bob", "bob");
    cid = join_as(ann, "Cid", "cid");
    sync_all();
    return 0;
}

static __attribute__((unused)) int make_book(void **state)
{
    return make_book_beside(state, NULL);
}

static __attribute__((unused)) int make_book_with_southern(void **state)
{
    return make_book_beside(state, "Southern");
}

static __attribute__((unused)) int drop_book(void **state)
{
    satchel_close(ann);
    satchel_close(bob);
    satchel_close(cid);
    return drop_client_world(state);
}

/* The record of a person, by name. */
static __attribute__((unused)) void find_person(const char *name, char id[SATCHEL_ID_SIZE])
{
    struct rows rows = {0};
    char sql[100];
    (void)snprintf(sql, sizeof sql, "SELECT id FROM user WHERE name = '%s'", name);
    must(ann, satchel_query(ann, sql, collect_row, &rows));
    assert_int_equal(rows.n, 1);
    (void)snprintf(id, SATCHEL_ID_SIZE, "%.36s", strstr(rows.text, ":\"") + 2);
}

/* Followed record by record, the tables are as they would be made of all records anew. */
static __attribute__((unused)) void assert_as_made_anew(struct satchel *satchel)
{
    struct sat_fault fault = {0};
    struct client_view *followed, *anew;
    bool same = false;
    char where[160] = "";
    assert_int_equal(client_view_get(satchel, &followed), SAT_OK);
    assert_int_equal(client_view_make(satchel, &anew), SAT_OK);
    assert_int_equal(client_view_compare(followed, anew, &same, where, &fault), SAT_OK);
    if (!same) fail_msg("they differ in %s", where);
    client_view_free(anew);
}

#endif
