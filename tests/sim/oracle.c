#include "tests/sim/oracle.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/vector.h"
#include "common/vault/author_draft.h"
#include "common/vault/seal.h"
#include "common/vault/types.h"

void oracle_init(struct oracle *oracle)
{
    *oracle = (struct oracle){0};
    for (uint32_t i = 0; i < WORLD_DEVICES_MAX; i++) sat_arena_init(&oracle->failed[i].arena);
}

void oracle_deinit(struct oracle *oracle)
{
    free(oracle->writes);
    free(oracle->overs);
    for (uint32_t home = 0; home < WORLD_DEVICES_MAX; home++)
        for (uint32_t record = 0; record < ORACLE_RECORDS_MAX; record++) free(oracle->seen[home][record].at);
    for (uint32_t i = 0; i < WORLD_DEVICES_MAX; i++) sat_arena_deinit(&oracle->failed[i].arena);
    *oracle = (struct oracle){0};
}

static void name_element(const struct sat_cell *cell, char out[16])
{
    memset(out, 0, 16);
    sat_check(cell->element.len < 16);
    if (cell->in_set && cell->element.len) memcpy(out, cell->element.at, cell->element.len);
}

/* A copy of a removal that was handed in: who let it in did not lend his word to an origin that names somebody else. */
static bool was_let_in(const struct oracle_write *write, const struct oracle_fact *fact)
{
    bool is_removal = fact->tag >> ORACLE_REMOVAL_BIT;
    for (uint32_t i = 0; i < write->handed_as.n && is_removal && fact->repeats; i++)
        if (sat_dot_compare(write->handed_as.at[i], fact->first_dot) == 0) return true;
    return false;
}

bool oracle_is_of(const struct oracle_write *write, const struct oracle_fact *fact)
{
    if (!write->tag)
        return sat_dot_compare(write->dot, fact->dot) == 0 ||
               (fact->repeats && sat_dot_compare(write->dot, fact->first_dot) == 0);
    if (fact->tag != write->tag) return was_let_in(write, fact);
    if (!(write->tag >> ORACLE_REMOVAL_BIT)) return true;
    return fact->hlc == write->hlc || (!sat_hash_is_zero(&fact->first) && sat_hash_equal(&fact->first, &write->first));
}

static void *grown(void *at, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap) return at;
    *cap = *cap ? *cap * 2 : 256;
    at = realloc(at, *cap * size);
    sat_check(at != NULL);
    return at;
}

static void add(struct oracle *oracle, struct oracle_write write)
{
    oracle->writes = grown(oracle->writes, oracle->n, &oracle->cap, sizeof *oracle->writes);
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

static bool is_unproved(struct world_device *device, int64_t sid, struct sat_dot dot)
{
    struct sat_bundle_row row;
    struct sat_space_row space;
    bool found;
    sat_check(sat_store_space_get(device->handle.store, sid, &space) == SAT_OK);
    sat_check(sat_store_bundle_of_dot(device->handle.store, dot, &row, &found) == SAT_OK);
    return found && row.seq > space.head_size;
}

/* Everything that stands at a cell in front of this author is overwritten by him, in the write that comes next. */
static void overwrite(struct oracle *oracle, struct world_device *device, const struct oracle_write *by,
                      const struct sat_record_view *before, const struct sat_cell *cell)
{
    char element[16];
    name_element(cell, element);
    for (uint32_t i = 0; i < before->live_n; i++) {
        const struct sat_source *source = &before->live[i];
        if (!stands(before, source, cell)) continue;
        struct oracle_fact fact = oracle_fact_of(source, by->record, oracle->tagged);
        bool found = false;
        for (uint32_t k = 0; k < oracle->n; k++) {
            struct oracle_write *write = &oracle->writes[k];
            if (write->space != by->space || write->record != by->record) continue;
            if (write->field != cell->field || strcmp(write->element, element) != 0 || !oracle_is_of(write, &fact))
                continue;
            found = write->overwritten = true;
            oracle->overs = grown(oracle->overs, oracle->overs_n, &oracle->overs_cap, sizeof *oracle->overs);
            oracle->overs[oracle->overs_n++] = (struct oracle_over){
                .under = k, .over = oracle->n, .unproved = is_unproved(device, before->sid, source->dot)};
        }
        sat_check(found);
    }
}

/* Who brings a record back makes all that it shows his own, but where two values stand beside each other: those he
 * leaves as they are (docs/decisions/0027). */
static void leave(struct oracle *oracle, uint32_t space, uint32_t record, const struct sat_source *source)
{
    struct oracle_fact fact = oracle_fact_of(source, record, oracle->tagged);
    for (uint32_t i = 0; i < oracle->n; i++) {
        struct oracle_write *write = &oracle->writes[i];
        if (write->space == space && write->record == record && oracle_is_of(write, &fact)) write->left = true;
    }
}

static void note(struct oracle *oracle, struct world_device *device, struct oracle_write write,
                 const struct sat_record_view *before, const struct sat_source *source)
{
    write.tag = oracle_fact_of(source, write.record, oracle->tagged).tag;
    write.hlc = source->header.hlc;
    write.first = oracle_first_of(source, write.record);
    for (uint32_t i = 0; i < before->live_n && before->merged.deleted && !source->header.deletion; i++)
        leave(oracle, write.space, write.record, &before->live[i]);
    for (uint32_t k = 0; k < source->body.cells_n; k++) {
        const struct sat_cell *cell = &source->body.cells[k];
        write.field = cell->field;
        name_element(cell, write.element);
        overwrite(oracle, device, &write, before, cell);
        add(oracle, write);
    }
}

static bool note_if_there(struct oracle *oracle, struct world_device *device, struct oracle_write write,
                          const struct sat_record_view *before, const struct sat_record_view *after)
{
    bool there = false;
    for (uint32_t i = 0; i < after->live_n; i++) {
        if (sat_dot_compare(after->live[i].dot, write.dot) != 0) continue;
        note(oracle, device, write, before, &after->live[i]);
        there = true;
    }
    return there;
}

/* With a program of now: what was written, whether or not its author's can read it. */
static void load_whole(struct world *world, struct world_device *device, uint32_t space, uint32_t record,
                       struct sat_arena *arena, struct sat_record_view *out)
{
    struct sat_record_id id = world_record(record);
    void (*acting)(const struct world_device *device) = world->acting;
    world->acting = NULL;
    world_load(device, &world->spaces[space], &id, arena, out);
    world->acting = acting;
}

void oracle_edit(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space,
                 uint32_t record, const struct sat_record_view *before, struct sat_edit *edit)
{
    struct sat_arena arena;
    struct sat_record_view after;
    sat_arena_init(&arena);
    edit->record = before->id;
    edit->sid = before->sid;
    uint64_t first, last;
    uint32_t number;
    struct sat_vault vault = client_vault(&device->handle);
    sat_check(sat_drafts_number(&vault, &number) == SAT_OK);
    enum sat_err err = world_try_edit(world, device, edit, 1, &first, &last);
    sat_check(!err || oracle->recover);
    struct oracle_failed *failed = &oracle->failed[device - world->devices];
    bool waited = failed->waits;
    failed->waits = false; /* whichever of the two is there now, it has this dot */
    if (oracle->recover) oracle->recover(oracle->context, device, err);
    if (err) last = first; /* it may be there all the same */
    load_whole(world, device, space, record, &arena, &after);
    struct oracle_write write = {.dot = {number, last},
                                 .last_dot = {number, last},
                                 .space = space,
                                 .record = record,
                                 .home = (uint32_t)(device - world->devices)};
    bool there = last >= first && note_if_there(oracle, device, write, before, &after);
    failed->waits = waited && err && !there;
    oracle_begun_anew(oracle, world, device);
    failed->waits = err && !there;
    sat_arena_reset(&failed->arena);
    failed->write = write;
    if (failed->waits) load_whole(world, device, space, record, &failed->arena, &failed->before);
    sat_arena_deinit(&arena);
}

void oracle_begun_anew(struct oracle *oracle, struct world *world, struct world_device *device)
{
    struct oracle_failed *failed = &oracle->failed[device - world->devices];
    const struct sat_space_id *space = &world->spaces[failed->write.space];
    struct sat_record_view view;
    struct sat_arena arena;
    int64_t sid;
    if (!failed->waits || client_sid_of_space(&device->handle, space, &sid)) return;
    sat_arena_init(&arena);
    load_whole(world, device, failed->write.space, failed->write.record, &arena, &view);
    if (note_if_there(oracle, device, failed->write, &failed->before, &view)) failed->waits = false;
    sat_arena_deinit(&arena);
}

/* ---- What is lost for good ---- */

/* By a write that cannot be missing itself, and surely covers it; and by one that can. */
static bool is_overwritten(const struct oracle *oracle, uint32_t index, bool surely)
{
    for (uint32_t i = 0; i < oracle->overs_n; i++) {
        const struct oracle_over *over = &oracle->overs[i];
        if (over->under != index) continue;
        bool may_not = oracle->writes[over->over].excused || (over->unproved && oracle->unproved_may_go);
        if (!surely || !may_not) return true;
    }
    return false;
}

static void look_at(struct oracle *oracle, const struct oracle_facts *facts, uint32_t space, uint32_t record)
{
    for (uint32_t k = 0; k < facts->n; k++) {
        const struct oracle_fact *fact = &facts->at[k];
        for (uint32_t i = 0; i < oracle->n; i++) {
            struct oracle_write *write = &oracle->writes[i];
            if (write->space != space || write->record != record || !oracle_is_of(write, fact)) continue;
            write->held = true;
            if (fact->pending && !sat_hash_equal(&write->rest, &(struct sat_hash){0})) continue;
            write->last_dot = fact->dot;
            write->rest = fact->rest;
        }
    }
}

static bool is_written(const struct oracle *oracle, uint32_t space, uint32_t record)
{
    for (uint32_t i = 0; i < oracle->n; i++)
        if (oracle->writes[i].space == space && oracle->writes[i].record == record) return true;
    return false;
}

uint64_t oracle_state_of(const struct oracle *oracle, const struct world_device *device)
{
    return oracle->state_of ? oracle->state_of(oracle->context, device) : 0;
}

/* What the home shows of the record; read again only if anything was written there since. */
static const struct oracle_facts *see(struct oracle *oracle, struct world *world, struct world_device *device,
                                      uint32_t space, uint32_t record, struct sat_arena *arena)
{
    struct oracle_facts *facts = &oracle->seen[device - world->devices][record];
    struct sat_record_id id = world_record(record);
    struct sat_record_view view;
    int64_t sid;
    uint64_t state = oracle_state_of(oracle, device);
    if (facts->known && facts->as_of == state && oracle->state_of) return facts;
    facts->known = true;
    facts->as_of = state;
    facts->n = 0;
    if (client_sid_of_space(&device->handle, &world->spaces[space], &sid)) return facts;
    sat_arena_reset(arena);
    world_load(device, &world->spaces[space], &id, arena, &view);
    oracle_facts_take(facts, &view, record, oracle->tagged);
    return facts;
}

void oracle_look(struct oracle *oracle, struct world *world, uint32_t homes)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < oracle->n; i++) oracle->writes[i].held = false;
    for (uint32_t space = 0; space < world->spaces_n; space++) {
        for (uint32_t record = 10 * space; record < 10 * space + oracle->records; record++) {
            for (uint32_t home = 0; is_written(oracle, space, record) && home < world->devices_n; home++)
                if (homes & 1u << home)
                    look_at(oracle, see(oracle, world, &world->devices[home], space, record, &arena), space, record);
        }
    }
    sat_arena_deinit(&arena);
}

static bool server_has(struct world *world, const struct oracle_write *write)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    struct sat_space_row space;
    uint32_t n = 0;
    bool found, has = false;
    struct sat_record_id id = world_record(write->record);
    sat_arena_init(&arena);
    sat_check(sat_store_space_find(world->server_store, &world->spaces[write->space], &space, &found) == SAT_OK);
    sat_check(sat_store_changes_of_record(world->server_store, space.sid, &id, &arena, &rows, &n) == SAT_OK);
    for (uint32_t i = 0; i < n; i++)
        has =
            has || (sat_dot_compare(rows[i].dot, write->last_dot) == 0 && sat_hash_equal(&rows[i].rest, &write->rest));
    sat_arena_deinit(&arena);
    return has;
}

bool oracle_may_go(const struct oracle *oracle, uint32_t index)
{
    const struct oracle_write *write = &oracle->writes[index];
    return !write->held && !write->excused && !is_overwritten(oracle, index, true);
}

uint32_t oracle_excuse_lost(struct oracle *oracle, struct world *world, uint32_t homes)
{
    uint32_t excused = 0;
    oracle_look(oracle, world, homes);
    for (bool more = true; more;) { /* who is missing lets others be missing that he had overwritten */
        more = false;
        for (uint32_t i = 0; i < oracle->n; i++) {
            struct oracle_write *write = &oracle->writes[i];
            if (!oracle_may_go(oracle, i) || server_has(world, write)) continue;
            write->excused = more = true;
            excused++;
        }
    }
    return excused;
}

/* ---- What was refused ---- */

/* Calls `each` for every write of the bundle's change. */
static void each_of_change(struct oracle *oracle, struct world_device *device, const struct sat_bundle *bundle,
                           uint32_t index, struct sat_arena *arena,
                           void (*each)(struct oracle_write *write, const struct sat_source *source))
{
    const struct sat_change *change = &bundle->changes[index];
    const struct sat_epoch_key *key;
    struct sat_bundle_key bundle_key;
    struct sat_source source = {0};
    struct sat_buf plain;
    sat_buf_init(&plain);
    sat_check(!sat_keys_get(device->handle.keys, &device->handle.directory, &bundle->manifest.space,
                            bundle->manifest.epoch, &key));
    sat_bundle_key_derive(key, &bundle->manifest, &bundle_key);
    sat_check(!sat_unseal_change(device->handle.squeezer, &bundle_key, &bundle->manifest, index, &change->record,
                                 change->header, change->body, &plain));
    sat_check(!sat_body_decode(sat_buf_span(&plain), arena, &source.body));
    sat_check(!sat_header_decode(change->header, arena, &source.header));
    source.dot = (struct sat_dot){bundle->manifest.device, bundle->manifest.first + index};
    for (uint32_t i = 0; i < oracle->n; i++) {
        struct sat_record_id id = world_record(oracle->writes[i].record);
        if (!sat_record_equal(&id, &change->record)) continue;
        struct oracle_fact fact = oracle_fact_of(&source, oracle->writes[i].record, oracle->tagged);
        if (oracle_is_of(&oracle->writes[i], &fact)) each(&oracle->writes[i], &source);
    }
    sat_buf_deinit(&plain);
}

/* Calls `each` for every write of what is listed there. reader: who has the keys. */
static void each_open(struct oracle *oracle, struct sat_store *store, struct world_device *reader, bool escrow,
                      void (*each)(struct oracle_write *write, const struct sat_source *source))
{
    struct sat_arena arena;
    struct sat_aside_row *rows;
    uint32_t n;
    sat_arena_init(&arena);
    sat_check(!sat_store_asides(store, 0, UINT32_MAX, SIZE_MAX, &arena, &rows, &n));
    for (uint32_t i = 0; i < n; i++) {
        struct sat_bundle bundle;
        if (rows[i].state != SAT_ASIDE_OPEN) continue; /* it is not listed */
        if (rows[i].recv_ms && !escrow) continue;      /* it was in the log */
        sat_check(!sat_bundle_decode(rows[i].bytes, &reader->handle.directory.org, &rows[i].space, &arena, &bundle));
        for (uint32_t k = 0; k < bundle.manifest.count; k++) each_of_change(oracle, reader, &bundle, k, &arena, each);
    }
    sat_arena_deinit(&arena);
}

static void excuse(struct oracle_write *write, const struct sat_source *source)
{
    (void)source;
    write->excused = write->refused = true;
}

static uint32_t excuse_open(struct oracle *oracle, struct sat_store *store, struct world_device *reader, bool escrow)
{
    uint32_t before = 0, after = 0;
    for (uint32_t i = 0; i < oracle->n; i++) before += oracle->writes[i].refused;
    each_open(oracle, store, reader, escrow, excuse);
    for (uint32_t i = 0; i < oracle->n; i++) after += oracle->writes[i].refused;
    return after - before;
}

void oracle_each_refused(struct oracle *oracle, struct world *world, struct world_device *device,
                         void (*each)(struct oracle_write *write, const struct sat_source *source))
{
    each_open(oracle, device->handle.store, &world->devices[0], false, each);
}

void oracle_each_handed_in(struct oracle *oracle, struct world *world,
                           void (*each)(struct oracle_write *write, const struct sat_source *source))
{
    each_open(oracle, world->server_store, &world->devices[0], true, each);
}

uint32_t oracle_excuse_refused(struct oracle *oracle, struct world *world, struct world_device *device)
{
    return excuse_open(oracle, device->handle.store, &world->devices[0], false);
}

uint32_t oracle_excuse_escrow(struct oracle *oracle, struct world *world)
{
    return excuse_open(oracle, world->server_store, &world->devices[0], true);
}

uint32_t oracle_drafts(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space,
                       bool excused)
{
    struct sat_arena arena;
    struct sat_draft_row *rows;
    uint32_t n, in = 0;
    int64_t sid = world_sid(device, &world->spaces[space]);
    sat_arena_init(&arena);
    sat_check(!sat_store_drafts(device->handle.store, 0, UINT32_MAX, SIZE_MAX, &arena, &rows, &n));
    for (uint32_t i = 0; i < n; i++) {
        if (rows[i].sid != sid) continue;
        in++;
        for (uint32_t k = 0; k < oracle->n && excused; k++) {
            struct oracle_write *write = &oracle->writes[k];
            struct sat_record_id id = world_record(write->record);
            bool is = write->home == (uint32_t)(device - world->devices) && write->dot.counter == rows[i].counter;
            if (is && sat_record_equal(&id, &rows[i].record)) write->excused = true;
        }
    }
    sat_arena_deinit(&arena);
    return in;
}

/* ---- The end ---- */

static uint32_t complain(struct oracle *oracle, const struct oracle_write *write, const char *what)
{
    oracle->wrong_records |= UINT64_C(1) << write->record;
    bool removal = write->tag >> ORACLE_REMOVAL_BIT;
    (void)fprintf(stderr, "%s: %s%llu of home %u (device %u change %llu), record %u, field %u %s\n", what,
                  removal ? "removal " : "w", removal ? 0 : (unsigned long long)write->tag, write->home + 1,
                  write->dot.device, (unsigned long long)write->dot.counter, write->record, write->field,
                  write->element);
    return 1;
}

static uint32_t visible(const struct oracle *oracle, const struct sat_record_view *view,
                        const struct oracle_write *write)
{
    struct sat_cell name = {
        .field = write->field, .in_set = write->element[0] != 0, .element = sat_span_text(write->element)};
    uint32_t n = 0;
    for (uint32_t i = 0; i < view->live_n; i++) {
        struct oracle_fact fact = oracle_fact_of(&view->live[i], write->record, oracle->tagged);
        n += oracle_is_of(write, &fact) && stands(view, &view->live[i], &name);
    }
    return n;
}

/* Is it what is shown of the cell, and something else is beside it? In a set there is no beside, and where a record is
 * deleted and not, what is shown is that it is. */
static bool wins(const struct oracle *oracle, const struct sat_record_view *view, const struct oracle_write *write)
{
    for (uint32_t i = 0; i < view->merged.cells_n; i++) {
        const struct sat_merged *cell = &view->merged.cells[i];
        if (cell->field != write->field || write->field == SAT_FIELD_DELETED || cell->in_set) continue;
        struct oracle_fact fact = oracle_fact_of(cell->source, write->record, oracle->tagged);
        return cell->alternatives_n > 1 && oracle_is_of(write, &fact);
    }
    return false;
}

/* By one whose word of what it had seen is believed? What was handed in is let in with what its witness proves. */
static bool is_replaced_for_good(const struct oracle *oracle, uint32_t index)
{
    for (uint32_t i = 0; i < oracle->overs_n; i++) {
        const struct oracle_write *over = &oracle->writes[oracle->overs[i].over];
        if (oracle->overs[i].under == index && !over->excused && !over->let_in) return true;
    }
    return false;
}

static uint32_t complain_of_return(struct oracle *oracle, uint32_t index)
{
    for (uint32_t i = 0; i < oracle->overs_n; i++) {
        const struct oracle_write *over = &oracle->writes[oracle->overs[i].over];
        if (oracle->overs[i].under == index)
            (void)fprintf(stderr, "  overwritten by w%llu of home %u (device %u change %llu)%s\n",
                          (unsigned long long)over->tag, over->home + 1, over->dot.device,
                          (unsigned long long)over->dot.counter, over->excused ? ", which may be missing" : "");
    }
    return complain(oracle, &oracle->writes[index], "BACK");
}

uint32_t oracle_check(struct oracle *oracle, struct world_device *device, const struct world *world, uint32_t space)
{
    uint32_t wrong = 0, loaded = UINT32_MAX;
    struct sat_arena arena;
    struct sat_record_view view;
    sat_arena_init(&arena);
    for (uint32_t record = 10 * space; record < 10 * space + 10; record++) {
        for (uint32_t i = 0; i < oracle->n; i++) {
            struct oracle_write *write = &oracle->writes[i];
            if (write->space != space || write->record != record) continue;
            struct sat_record_id id = world_record(record);
            if (loaded != record) {
                sat_arena_reset(&arena);
                world_load(device, &world->spaces[space], &id, &arena, &view);
                loaded = record;
            }
            uint32_t seen = visible(oracle, &view, write);
            bool back = seen && !write->refused && is_overwritten(oracle, i, true);
            if (back && !write->doubted) wrong += complain_of_return(oracle, i);
            if (back && write->doubted && is_replaced_for_good(oracle, i) && wins(oracle, &view, write))
                wrong += complain(oracle, write, "DOUBTED, AND SHOWN FIRST");
            if (back && write->doubted && !write->came_back) oracle->doubted++;
            write->came_back = write->came_back || back;
            bool may_be_back = write->left && write->remembered;
            if (seen && write->collected && !may_be_back && !view.merged.deleted)
                wrong += complain(oracle, write, "NOT FORGOTTEN");
            if (seen > 1) wrong += complain(oracle, write, "TWICE");
            if (!seen && !write->excused && !write->collected && !is_overwritten(oracle, i, false))
                wrong += complain(oracle, write, "LOST");
        }
    }
    sat_arena_deinit(&arena);
    return wrong;
}
