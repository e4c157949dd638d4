#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/proof/entropy.h"
#include "common/sync/vector.h"

#define DOTS(array) ((struct sat_dots){(array), sizeof(array) / sizeof(array)[0]})

static const struct sat_dot VECTOR[] = {{1, 5}, {3, 1}, {70000, UINT64_MAX}};

static void a_vector_covers_up_to_its_counter_and_no_further(void **state)
{
    (void)state;
    assert_true(sat_vector_covers(DOTS(VECTOR), (struct sat_dot){1, 1}));
    assert_true(sat_vector_covers(DOTS(VECTOR), (struct sat_dot){1, 5}));
    assert_false(sat_vector_covers(DOTS(VECTOR), (struct sat_dot){1, 6}));
    assert_true(sat_vector_covers(DOTS(VECTOR), (struct sat_dot){70000, UINT64_MAX}));
}

static void a_device_that_is_not_named_is_not_covered(void **state)
{
    (void)state;
    assert_false(sat_vector_covers(DOTS(VECTOR), (struct sat_dot){2, 1}));
    assert_false(sat_vector_covers(DOTS(VECTOR), (struct sat_dot){70001, 1}));
    assert_false(sat_vector_covers((struct sat_dots){0}, (struct sat_dot){1, 1}));
    assert_true(sat_vector_counter(DOTS(VECTOR), 3) == 1);
    assert_true(sat_vector_counter(DOTS(VECTOR), 2) == 0);
}

static void a_set_is_sorted_and_has_each_dot_once(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_dots_builder builder;
    sat_arena_init(&arena);
    sat_dots_begin(&builder, &arena);
    sat_dots_add(&builder, (struct sat_dot){2, 9});
    sat_dots_add(&builder, (struct sat_dot){1, 7});
    sat_dots_add(&builder, (struct sat_dot){2, 9});
    sat_dots_add(&builder, (struct sat_dot){2, 3});
    struct sat_dots set = sat_dots_as_set(&builder);
    static const struct sat_dot expected[] = {{1, 7}, {2, 3}, {2, 9}};
    assert_int_equal(set.n, 3);
    for (uint32_t i = 0; i < set.n; i++) assert_int_equal(sat_dot_compare(set.at[i], expected[i]), 0);
    sat_arena_deinit(&arena);
}

static void nothing_makes_an_empty_set_and_an_empty_vector(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_dots_builder builder;
    sat_arena_init(&arena);
    sat_dots_begin(&builder, &arena);
    assert_int_equal(sat_dots_as_set(&builder).n, 0);
    assert_int_equal(sat_dots_as_vector(&builder).n, 0);
    sat_arena_deinit(&arena);
}

static void a_joined_vector_covers_exactly_what_its_parts_cover(void **state)
{
    (void)state;
    const uint64_t seed = 7;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, seed);
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (unsigned round = 0; round < 500; round++) {
        sat_arena_reset(&arena);
        uint8_t bytes[24];
        sat_entropy_fill(&entropy, bytes, sizeof bytes);
        struct sat_dots_builder builder;
        sat_dots_begin(&builder, &arena);
        uint64_t highest[4] = {0};
        for (size_t i = 0; i < sizeof bytes; i += 2) {
            struct sat_dot dot = {1 + bytes[i] % 4u, 1 + bytes[i + 1] % 9u};
            sat_dots_add(&builder, dot);
            if (dot.counter > highest[dot.device - 1]) highest[dot.device - 1] = dot.counter;
        }
        struct sat_dots vector = sat_dots_as_vector(&builder);
        for (uint32_t device = 1; device <= 4; device++) {
            assert_true(sat_vector_counter(vector, device) == highest[device - 1]);
            for (uint64_t counter = 1; counter < 12; counter++)
                assert_int_equal(sat_vector_covers(vector, (struct sat_dot){device, counter}),
                                 counter <= highest[device - 1]);
        }
        for (uint32_t i = 1; i < vector.n; i++) assert_true(vector.at[i - 1].device < vector.at[i].device);
    }
    sat_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vector_covers_up_to_its_counter_and_no_further),
        cmocka_unit_test(a_device_that_is_not_named_is_not_covered),
        cmocka_unit_test(a_set_is_sorted_and_has_each_dot_once),
        cmocka_unit_test(nothing_makes_an_empty_set_and_an_empty_vector),
        cmocka_unit_test(a_joined_vector_covers_exactly_what_its_parts_cover),
    };
    return cmocka_run_group_tests_name("vector", tests, NULL, NULL);
}
