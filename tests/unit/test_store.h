/* What the store's tests share: a store in memory with an arena, and makers of rows. */
#ifndef SAT_TESTS_UNIT_TEST_STORE_H
#define SAT_TESTS_UNIT_TEST_STORE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/store.h"

#define OK(call) assert_int_equal((call), SAT_OK)

struct bench { /* a store in memory, and an arena for what it gives out */
    struct sat_store *store;
    struct sat_arena arena;
};

static inline int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    sat_arena_init(&bench->arena);
    OK(sat_store_open(":memory:", SAT_STORE_CREATE, &bench->store, NULL));
    *state = bench;
    return 0;
}

static inline int tear_down(void **state)
{
    struct bench *bench = *state;
    sat_store_close(bench->store);
    sat_arena_deinit(&bench->arena);
    free(bench);
    return 0;
}

static inline struct sat_record_id record_of(uint8_t n)
{
    return (struct sat_record_id){{0x01, 0x90, [15] = n}};
}

static inline struct sat_space_id space_of(uint8_t n)
{
    return (struct sat_space_id){{0x5a, [15] = n}};
}

static inline int64_t make_space(struct sat_store *store, uint8_t n)
{
    struct sat_space_row row = {.id = space_of(n)};
    OK(sat_store_space_create(store, &row));
    return row.sid;
}

/* A bundle of `count` counters from `first`; seq 0 leaves it pending. */
static inline struct sat_bundle_row make_bundle(struct sat_store *store, int64_t sid, uint32_t device, uint64_t first,
                                                uint32_t count, uint64_t seq)
{
    struct sat_bundle_row row = {.sid = sid, .device = device, .first = first, .count = count, .seq = seq};
    memset(row.id.b, (int)(first % 251 + 1), sizeof row.id.b);
    memset(row.manifest, (int)(first % 241 + 3), sizeof row.manifest);
    memset(row.signature.b, (int)(first % 239 + 7), sizeof row.signature.b);
    OK(sat_store_bundle_insert(store, &row));
    return row;
}

static inline int64_t make_change(struct sat_store *store, const struct sat_bundle_row *bundle, uint32_t index,
                                  struct sat_record_id record, enum sat_change_state state)
{
    struct sat_change_row row = {.cid = bundle->bid << 10 | index,
                                 .sid = bundle->sid,
                                 .record = record,
                                 .dot = {bundle->device, bundle->first + index},
                                 .state = (uint8_t)state,
                                 .header = sat_span_text("header"),
                                 .body = sat_span_text("ciphertext"),
                                 .rest = {{(uint8_t)index, 9}}};
    OK(sat_store_change_insert(store, &row));
    return row.cid;
}

static inline void make_entry(struct sat_store *store, const struct sat_bundle_row *bundle, uint64_t recv_ms)
{
    struct sat_entry_row row = {
        .entry = {.seq = bundle->seq, .kind = SAT_ENTRY_BUNDLE, .id = bundle->id, .recv_ms = recv_ms},
        .root = {{(uint8_t)bundle->seq, 0xaa}},
        .bid = bundle->bid};
    OK(sat_store_entry_append(store, bundle->sid, &row));
}

static inline void assert_bundle(const struct sat_bundle_row *a, const struct sat_bundle_row *b)
{
    assert_true(a->bid == b->bid && a->sid == b->sid && a->device == b->device && a->first == b->first);
    assert_true(a->count == b->count && a->seq == b->seq && a->state == b->state && a->refused == b->refused);
    assert_memory_equal(&a->id, &b->id, sizeof a->id);
    assert_memory_equal(a->manifest, b->manifest, sizeof a->manifest);
    assert_memory_equal(&a->signature, &b->signature, sizeof a->signature);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
