#include "tests/sim/oracle.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/vector.h"

void oracle_init(struct oracle *oracle)
{
    *oracle = (struct oracle){0};
}

void oracle_deinit(struct oracle *oracle)
{
    free(oracle->writes);
    *oracle = (struct oracle){0};
}

static void name_element(const struct sat_cell *cell, char out[16])
{
    memset(out, 0, 16);
    sat_check(cell->element.len < 16);
    if (cell->in_set && cell->element.len) memcpy(out, cell->element.at, cell->element.len);
}

static struct oracle_write *find(const struct oracle *oracle, struct sat_dot dot, uint16_t field, const char *element)
{
    for (uint32_t i = 0; i < oracle->n; i++) {
        struct oracle_write *write = &oracle->writes[i];
        if (sat_dot_compare(write->dot, dot) == 0 && write->field == field && strcmp(write->element, element) == 0)
            return write;
    }
    return NULL;
}

static void add(struct oracle *oracle, struct oracle_write write)
{
    if (oracle->n == oracle->cap) {
        oracle->cap = oracle->cap ? oracle->cap * 2 : 256;
        oracle->writes = realloc(oracle->writes, oracle->cap * sizeof *oracle->writes);
        sat_check(oracle->writes != NULL);
    }
    oracle->writes[oracle->n++] = write;
}

static bool carries(const struct sat_source *source, const struct sat_cell *name)
{
    for (uint32_t i = 0; i < source->body.cells_n; i++)
        if (sat_cell_compare(&source->body.cells[i], name) == 0) return true;
    return false;
}

/* Does x stand at this cell in what a device shows: is it there, and did nobody who wrote the cell have it in front of
 * him? The oracle's own reading of MERGE 5, apart from the product's. */
static bool stands(const struct sat_record_view *view, const struct sat_source *x, const struct sat_cell *name)
{
    if (!carries(x, name)) return false;
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_source *y = &view->live[i];
        if (y != x && carries(y, name) && sat_vector_covers(y->header.seen, x->dot) &&
            !sat_dots_have(y->header.holes, x->dot))
            return false;
    }
    return true;
}

/* Everything that stands at a cell in front of this author is overwritten by him. */
static void overwrite(struct oracle *oracle, const struct sat_record_view *before, const struct sat_cell *cell)
{
    char element[16];
    name_element(cell, element);
    for (uint32_t i = 0; i < before->live_n; i++) {
        const struct sat_source *source = &before->live[i];
        if (!stands(before, source, cell)) continue;
        struct oracle_write *write = find(oracle, source->dot, cell->field, element);
        sat_check(write != NULL);
        write->overwritten = true;
    }
}

void oracle_edit(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space,
                 uint32_t record, struct sat_edit *edit)
{
    struct sat_arena arena;
    struct sat_record_view before, after;
    sat_arena_init(&arena);
    edit->record = world_record(record);
    edit->sid = world_sid(device, &world->spaces[space]);
    world_load(device, &world->spaces[space], &edit->record, &arena, &before);
    uint64_t first, last;
    world_edit(world, device, edit, 1, &first, &last);
    world_load(device, &world->spaces[space], &edit->record, &arena, &after);
    struct sat_dot dot = {sat_keyring_secrets(device->handle.keyring)->device, last};
    for (uint32_t i = 0; i < after.live_n && last >= first; i++) {
        if (sat_dot_compare(after.live[i].dot, dot)) continue;
        for (uint32_t k = 0; k < after.live[i].body.cells_n; k++) {
            const struct sat_cell *cell = &after.live[i].body.cells[k];
            struct oracle_write write = {.dot = dot, .space = space, .record = record, .field = cell->field};
            name_element(cell, write.element);
            overwrite(oracle, &before, cell);
            add(oracle, write);
        }
    }
    sat_arena_deinit(&arena);
}

static uint32_t complain(const struct oracle_write *write, const char *what)
{
    (void)fprintf(stderr, "%s: device %u change %llu, record %u, field %u %s\n", what, write->dot.device,
                  (unsigned long long)write->dot.counter, write->record, write->field, write->element);
    return 1;
}

static bool visible(const struct sat_record_view *view, const struct oracle_write *write)
{
    struct sat_cell name = {
        .field = write->field, .in_set = write->element[0] != 0, .element = sat_span_text(write->element)};
    for (uint32_t i = 0; i < view->live_n; i++)
        if (sat_dot_compare(view->live[i].dot, write->dot) == 0) return stands(view, &view->live[i], &name);
    return false;
}

uint32_t oracle_check(const struct oracle *oracle, struct world_device *device, const struct world *world,
                      uint32_t space)
{
    uint32_t wrong = 0;
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < oracle->n; i++) {
        const struct oracle_write *write = &oracle->writes[i];
        if (write->space != space) continue;
        struct sat_record_id id = world_record(write->record);
        struct sat_record_view view;
        sat_arena_reset(&arena);
        world_load(device, &world->spaces[space], &id, &arena, &view);
        bool seen = visible(&view, write);
        if (seen && write->overwritten) wrong += complain(write, "BACK");
        if (!seen && !write->overwritten) wrong += complain(write, "LOST");
    }
    sat_arena_deinit(&arena);
    return wrong;
}
