#include "tests/sim/ends.h"

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "common/sync/digest.h"

/* All that a device shows of a space, as one hash: values, alternatives in their order, what is deleted. */
static struct sat_hash view_of(struct world *world, struct world_device *device, uint32_t space, uint32_t records,
                               uint32_t *conflicts)
{
    struct sat_hasher hasher;
    struct sat_arena arena;
    sat_arena_init(&arena);
    sat_hash_begin(&hasher, "view");
    for (uint32_t record = 0; record < records; record++) {
        struct sat_record_view view;
        struct sat_record_id id = world_record(10 * space + record);
        world_load(device, &world->spaces[space], &id, &arena, &view);
        sat_hash_add_u32(&hasher, (uint32_t)view.merged.exists << 1 | view.merged.deleted);
        *conflicts += view.merged.conflicts;
        for (uint32_t i = 0; i < view.merged.cells_n; i++) {
            const struct sat_merged *cell = &view.merged.cells[i];
            sat_hash_add_u32(&hasher, cell->field);
            sat_hash_add_counted(&hasher, cell->element);
            for (uint32_t k = 0; k < cell->alternatives_n; k++) {
                sat_hash_add_u32(&hasher, cell->alternatives[k].value.truth);
                sat_hash_add_counted(&hasher, cell->alternatives[k].value.text);
                sat_hash_add_u32(&hasher, cell->alternatives[k].source->dot.device);
                sat_hash_add_u64(&hasher, cell->alternatives[k].source->dot.counter);
            }
        }
    }
    sat_arena_deinit(&arena);
    return sat_hash_end(&hasher);
}

/* What it cannot read, of all that it holds: mostly what makes views differ where digests do not. */
static void tell_unreadable(struct world *world, struct world_device *device, uint32_t space, uint32_t records)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (uint32_t record = 0; record < records; record++) {
        struct sat_record_view view;
        struct sat_record_id id = world_record(10 * space + record);
        world_load(device, &world->spaces[space], &id, &arena, &view);
        for (uint32_t i = 0; i < view.live_n; i++) {
            const struct sat_source *source = &view.live[i];
            if (source->readable) continue;
            (void)fprintf(stderr, "  change %llu of device %u, of record %u, cannot be read: %s\n",
                          (unsigned long long)source->dot.counter, source->dot.device, 10 * space + record,
                          sat_err_name(source->why));
        }
    }
    sat_arena_deinit(&arena);
}

static struct sat_hash digest_in(struct sat_store *store, const struct sat_space_id *space)
{
    struct sat_space_row row;
    bool found;
    sat_check(sat_store_space_find(store, space, &row, &found) == SAT_OK && found);
    return sat_digest_of(&row);
}

uint32_t ends_compare(struct oracle *oracle, struct world *world, uint32_t space, uint32_t records, uint32_t homes,
                      uint32_t *conflicts)
{
    uint32_t wrong = 0;
    struct sat_hash view = {0}, digest = digest_in(world->server_store, &world->spaces[space]);
    bool first = true;
    struct world_device *tell = NULL;
    *conflicts = 0;
    for (uint32_t i = 0; i < world->devices_n; i++) {
        struct world_device *device = &world->devices[i];
        if (!(homes & 1u << i)) continue;
        struct sat_hash its_view = view_of(world, device, space, records, conflicts);
        struct sat_hash its_digest = digest_in(device->handle.store, &world->spaces[space]);
        if (first) view = its_view;
        if (first) tell = device;
        first = false;
        bool sees = !sat_hash_equal(&view, &its_view), holds = !sat_hash_equal(&digest, &its_digest);
        if (sees || holds)
            (void)fprintf(stderr, "device %u %s another space %u\n", i + 1, sees ? "sees" : "holds", space);
        if (sees) tell_unreadable(world, device, space, records);
        if (sees && tell) {
            (void)fprintf(stderr, "  and the first of them:\n");
            tell_unreadable(world, tell, space, records);
        }
        uint32_t missed = oracle_check(oracle, device, world, space);
        if (missed) (void)fprintf(stderr, "  so it is at device %u\n", i + 1);
        wrong += (sees || holds) + missed;
    }
    return wrong;
}
