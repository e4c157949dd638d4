/* Which points may be near each other: all that are, and few more, wherever on the earth they are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "client/book/near.h"

enum { POINTS = 400, METRES = 150 };

struct met {
    const struct client_point *points; /* by name */
    size_t n;
    uint8_t *pairs; /* n times n: told so often */
    size_t near, wrong;
};

static void meet(void *context, size_t a, size_t b)
{
    struct met *met = context;
    met->pairs[a * met->n + b]++;
    met->pairs[b * met->n + a]++;
}

/* A sequence that is the same each time. */
static int64_t next(uint64_t *seed, int64_t most)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(*seed >> 33) % (2 * most + 1) - most;
}

static size_t tell(const struct client_point *points, size_t n, client_near_fn fn, void *context)
{
    struct client_near *near = calloc(n, sizeof *near);
    assert_non_null(near);
    for (size_t i = 0; i < n; i++) near[i] = (struct client_near){points[i], i};
    size_t looked_at = client_near_pairs(near, n, METRES, fn, context);
    free(near);
    return looked_at;
}

/* Whoever is near is told once, and nobody twice, as comparing each with each says. */
static void expect_all(int64_t lat_e7, int64_t lat_wide_e7, int64_t lon_e7, int64_t lon_wide_e7)
{
    struct client_point points[POINTS];
    struct met met = {.points = points, .n = POINTS, .pairs = calloc(POINTS, POINTS)};
    uint64_t seed = 7;
    size_t near = 0;
    assert_non_null(met.pairs);
    for (size_t i = 0; i < POINTS; i++) {
        int64_t lat = lat_e7 + next(&seed, lat_wide_e7), lon = lon_e7 + next(&seed, lon_wide_e7);
        if (lat > 900000000) lat = 900000000;
        if (lat < -900000000) lat = -900000000;
        if (lon > 1800000000) lon -= 3600000000;
        points[i] = client_point_at(lat, lon);
        assert_true(points[i].there);
    }
    (void)tell(points, POINTS, meet, &met);
    for (size_t a = 0; a < POINTS; a++)
        for (size_t b = a + 1; b < POINTS; b++) {
            bool is_near = client_distance_m(&points[a], &points[b]) < METRES;
            near += is_near;
            assert_in_range(met.pairs[a * POINTS + b], is_near, 1);
            struct client_near_box box = client_near_box_of(&points[a], METRES);
            const struct client_point *y = &points[b];
            bool east = y->lon_e7 >= box.west_e7, west = y->lon_e7 <= box.east_e7;
            bool inside = y->lat_e7 >= box.south_e7 && y->lat_e7 <= box.north_e7 &&
                          (box.over_date_line ? east || west : east && west);
            assert_true(inside || !is_near);
        }
    assert_true(near > POINTS / 10); /* else nothing was tried */
    free(met.pairs);
}

static void all_that_are_near_are_told(void **state)
{
    (void)state;
    expect_all(0, 100000, 0, 100000);
    expect_all(312304000, 100000, 1214737000, 100000);
    expect_all(-312304000, 100000, -1214737000, 100000);
    expect_all(600000000, 50000, 1800000000, 100000); /* over the date line */
    expect_all(0, 50000, 1800000000, 50000);
    expect_all(899000000, 30000, 1800000000, 20000000); /* close to a pole */
    expect_all(899999000, 10000, 0, 1800000000);
    expect_all(-900000000, 20000, 0, 1800000000);
}

static void count(void *context, size_t a, size_t b)
{
    (void)a;
    (void)b;
    ++*(size_t *)context;
}

/* On one circle of latitude, on one meridian, and at one place: whoever puts his records there. */
static void few_are_looked_at(void **state)
{
    enum { MANY = 4000 };
    (void)state;
    struct client_point *points = calloc(MANY, sizeof *points);
    size_t told = 0;
    assert_non_null(points);
    for (int64_t i = 0; i < MANY; i++) points[i] = client_point_at(312304000, i * 800000 - 1600000000);
    assert_int_equal(tell(points, MANY, count, &told), 0);
    for (int64_t i = 0; i < MANY; i++) points[i] = client_point_at(i * 400000 - 800000000, 0);
    assert_int_equal(tell(points, MANY, count, &told), 0);
    for (int64_t i = 0; i < MANY; i++) points[i] = client_point_at(312304000, 1214737000);
    assert_true(tell(points, MANY, count, &told) <= MANY * CLIENT_NEAR_MOST);
    for (int64_t i = 0; i < MANY; i++) points[i] = client_point_at(900000000 - i, i * 900000 - 1800000000);
    assert_true(tell(points, MANY, count, &told) <= 2 * MANY * CLIENT_NEAR_MOST);
    assert_true(told > 0);
    free(points);
}

static void nothing_is_near_nothing(void **state)
{
    (void)state;
    struct client_point alone = client_point_at(0, 0);
    size_t told = 0;
    assert_int_equal(client_near_pairs(NULL, 0, METRES, count, &told), 0);
    assert_int_equal(tell(&alone, 1, count, &told), 0);
    assert_int_equal(told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_are_near_are_told),
        cmocka_unit_test(few_are_looked_at),
        cmocka_unit_test(nothing_is_near_nothing),
    };
    return cmocka_run_group_tests_name("near", tests, NULL, NULL);
}
