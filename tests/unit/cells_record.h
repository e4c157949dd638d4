/* Records made by hand, change by change, without stores and keys. For the tests of the merge at cell level. */
#ifndef TESTS_UNIT_CELLS_RECORD_H
#define TESTS_UNIT_CELLS_RECORD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/vault/cells.h"
#include "common/vault/types.h"

enum { A = 1, B = 2, C = 3, ACCOUNT = 1, NAME = 1, CITY = 3, TAGS = 7, SOURCES_MAX = 64, CELLS_MAX = 8 };

#define DOTS(...)                                                                                                      \
    ((struct sat_dots){(const struct sat_dot[]){__VA_ARGS__},                                                          \
                       sizeof((const struct sat_dot[]){__VA_ARGS__}) / sizeof(struct sat_dot)})
#define NONE ((struct sat_dots){0})

struct record {
    struct sat_source sources[SOURCES_MAX];
    struct sat_cell cells[SOURCES_MAX][CELLS_MAX];
    uint32_t n;
    struct sat_arena arena;
    struct sat_merged_record merged;
};

static inline int setup(void **state)
{
    static struct record record;
    record = (struct record){0};
    sat_arena_init(&record.arena);
    *state = &record;
    return 0;
}

static inline int teardown(void **state)
{
    struct record *record = *state;
    sat_arena_deinit(&record->arena);
    return 0;
}

/* A change of `device` with that counter, written at `effective`. */
static inline struct sat_source *change(struct record *record, uint32_t device, uint64_t counter, uint64_t effective,
                                        struct sat_dots seen)
{
    assert_true(record->n < SOURCES_MAX);
    struct sat_source *source = &record->sources[record->n];
    *source = (struct sat_source){
        .dot = {device, counter},
        .header = {.hlc = effective, .seen = seen},
        .effective = effective,
        .readable = true,
        .body = {.type = ACCOUNT, .schema = 1, .cells = record->cells[record->n]},
    };
    record->n++;
    return source;
}

static inline struct sat_source *put(struct sat_source *source, struct sat_cell cell)
{
    assert_true(source->body.cells_n < CELLS_MAX);
    uint32_t at = source->body.cells_n++;
    for (; at > 0 && sat_cell_compare(&source->body.cells[at - 1], &cell) > 0; at--)
        source->body.cells[at] = source->body.cells[at - 1];
    source->body.cells[at] = cell;
    return source;
}

static inline struct sat_source *say(struct sat_source *source, uint16_t field, const char *text)
{
    return put(source,
               (struct sat_cell){.field = field, .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(text)}});
}

static inline struct sat_source *clear(struct sat_source *source, uint16_t field)
{
    return put(source, (struct sat_cell){.field = field});
}

static inline struct sat_source *tag(struct sat_source *source, const char *element, bool in)
{
    return put(source, (struct sat_cell){.field = TAGS,
                                         .in_set = true,
                                         .element = sat_span_text(element),
                                         .value = {.kind = SAT_VALUE_BOOL, .truth = in}});
}

static inline struct sat_source *set_deleted(struct sat_source *source, bool deleted)
{
    return put(source,
               (struct sat_cell){.field = SAT_FIELD_DELETED, .value = {.kind = SAT_VALUE_BOOL, .truth = deleted}});
}

static inline const struct sat_merged_record *merge(struct record *record)
{
    sat_cells_merge(record->sources, record->n, &record->arena, &record->merged);
    return &record->merged;
}

#endif
