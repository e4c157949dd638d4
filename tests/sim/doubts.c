#include "tests/sim/doubts.h"

#include "common/base/check.h"
#include "common/vault/origin.h"

static void add(struct oracle_dots *dots, struct sat_dot dot)
{
    for (uint32_t i = 0; i < dots->n; i++)
        if (sat_dot_compare(dots->at[i], dot) == 0) return;
    if (dots->n < ORACLE_DOTS_MAX) dots->at[dots->n++] = dot;
}

static bool has(const struct oracle_dots *dots, struct sat_dot dot)
{
    for (uint32_t i = 0; i < dots->n; i++)
        if (sat_dot_compare(dots->at[i], dot) == 0) return true;
    return false;
}

struct told { /* whose change it is */
    struct world *world;
    struct world_device *device;
    uint32_t state; /* the number of that older state, or copy */
    /* The record's rows at the server and at home, once somebody has asked for them. */
    struct sat_arena *arena;
    struct sat_change_row *there, *here;
    uint32_t there_n, here_n;
    bool looked;
};

/* Calls `each` for each write of a record of which the device has a readable change, live or not. Whether the answer
 * depends on what the server has. */
static bool
each_in_record(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space, uint32_t record,
               void (*each)(struct told *told, struct oracle_write *write, const struct sat_history_item *item))
{
    struct sat_arena arena;
    struct sat_history_item *items;
    uint32_t n = 0;
    int64_t sid;
    struct sat_record_id id = world_record(record);
    struct sat_vault vault = client_vault(&device->handle);
    uint32_t last = ORACLE_STATES_MAX - 1, state = oracle->states < last ? oracle->states : last;
    struct told told = {.world = world, .device = device, .state = state, .arena = &arena};
    if (client_sid_of_space(&device->handle, &world->spaces[space], &sid)) return false;
    sat_arena_init(&arena);
    sat_check(sat_record_history(&vault, sid, &id, &arena, &items, &n) == SAT_OK);
    for (uint32_t i = 0; i < n; i++) {
        if (!items[i].readable) continue;
        struct sat_source source = {.dot = items[i].dot, .header = items[i].header, .body = items[i].body};
        struct oracle_fact fact = oracle_fact_of(&source, record, oracle->tagged);
        for (uint32_t k = 0; k < oracle->n; k++) {
            struct oracle_write *write = &oracle->writes[k];
            if (write->space == space && write->record == record && oracle_is_of(write, &fact))
                each(&told, write, &items[i]);
        }
    }
    sat_arena_deinit(&arena);
    return told.looked;
}

static void each_in_home(struct oracle *oracle, struct world *world, struct world_device *device,
                         void (*each)(struct told *told, struct oracle_write *write,
                                      const struct sat_history_item *item))
{
    for (uint32_t space = 0; space < world->spaces_n; space++)
        for (uint32_t record = 10 * space; record < 10 * space + oracle->records; record++)
            (void)each_in_record(oracle, world, device, space, record, each);
}

static void keep(struct told *told, struct oracle_write *write, const struct sat_history_item *item)
{
    (void)told;
    if (!item->recv_ms) write->kept = true;
}

void doubts_keep(struct oracle *oracle, struct world *world, struct world_device *device)
{
    each_in_home(oracle, world, device, keep);
}

static void note_told(struct oracle_write *write, const struct sat_source *source)
{
    (void)source;
    write->told = true;
}

static bool has_waited(const struct oracle_write *write)
{
    for (uint32_t i = 0; i < ORACLE_STATES_MAX; i++)
        if (write->waited[i].n) return true;
    return false;
}

static void note_handed_in(struct oracle_write *write, const struct sat_source *source)
{
    write->handed = write->handed || has_waited(write);
    write->let_in = true;
    if (source->header.deletion) add(&write->handed_as, source->dot);
}

void doubts_hand_in(struct oracle *oracle, struct world *world)
{
    oracle_each_handed_in(oracle, world, note_handed_in);
}

/* Of a record, in a store. */
static void changes_of(struct sat_store *store, struct world *world, const struct oracle_write *write,
                       struct sat_arena *arena, struct sat_change_row **rows, uint32_t *n)
{
    struct sat_space_row space;
    struct sat_record_id id = world_record(write->record);
    bool found;
    sat_check(sat_store_space_find(store, &world->spaces[write->space], &space, &found) == SAT_OK && found);
    sat_check(sat_store_changes_of_record(store, space.sid, &id, arena, rows, n) == SAT_OK);
}

/* Has the server what waits under that dot, of which its home has not heard yet? */
static bool has_arrived(struct told *told, const struct oracle_write *write, struct sat_dot dot)
{
    if (!told->looked) {
        changes_of(told->world->server_store, told->world, write, told->arena, &told->there, &told->there_n);
        changes_of(told->device->handle.store, told->world, write, told->arena, &told->here, &told->here_n);
        told->looked = true;
    }
    for (uint32_t i = 0; i < told->there_n; i++)
        for (uint32_t k = 0; k < told->here_n && sat_dot_compare(told->there[i].dot, dot) == 0; k++)
            if (sat_dot_compare(told->here[k].dot, dot) == 0 &&
                sat_hash_equal(&told->there[i].rest, &told->here[k].rest))
                return true;
    return false;
}

static void note_sent(struct told *told, struct oracle_write *write, const struct sat_history_item *item)
{
    if (has(&write->sent, item->dot)) return;
    if (item->recv_ms || has_arrived(told, write, item->dot)) add(&write->sent, item->dot);
}

void doubts_leave(struct oracle *oracle, struct world *world, struct world_device *device)
{
    oracle_each_refused(oracle, world, device, note_told);
    each_in_home(oracle, world, device, note_sent); /* nobody else may have its bytes */
}

static void note_waiting(struct told *told, struct oracle_write *write, const struct sat_history_item *item)
{
    struct oracle_dots *waited = &write->waited[told->state];
    struct sat_origin first;
    if (item->recv_ms) return;
    write->kept = true;
    add(waited, item->dot);
    if (item->body.origin.len && sat_origin_decode(item->body.origin, &first) == SAT_OK) add(waited, first.dot);
}

void doubts_begin(struct oracle *oracle, struct world *world, struct world_device *device)
{
    each_in_home(oracle, world, device, note_waiting);
    oracle->states++;
}

static void note_lost(struct told *told, struct oracle_write *write, const struct sat_history_item *item)
{
    struct sat_origin first;
    if (!item->recv_ms || has_arrived(told, write, item->dot)) return;
    write->kept = true;
    add(&write->sent, item->dot);
    add(&write->lost, item->dot);
    if (item->body.origin.len && sat_origin_decode(item->body.origin, &first) == SAT_OK) add(&write->lost, first.dot);
}

void doubts_lose(struct oracle *oracle, struct world *world, uint32_t homes)
{
    for (uint32_t home = 0; home < world->devices_n; home++)
        if (homes >> home & 1) each_in_home(oracle, world, &world->devices[home], note_lost);
}

/* What was noted stays noted: where nothing has changed there is nothing new. */
static void look_at(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space,
                    uint32_t record)
{
    struct oracle_asked *asked = &oracle->asked[device - world->devices][record];
    uint64_t home = oracle_state_of(oracle, device), server = oracle_state_of(oracle, NULL);
    if (oracle->state_of && asked->known && asked->home == home && asked->writes == oracle->n &&
        (!asked->at_server || asked->server == server))
        return;
    bool at_server = each_in_record(oracle, world, device, space, record, note_sent);
    *asked = (struct oracle_asked){.known = true, .at_server = at_server, .home = home, .server = server};
    asked->writes = oracle->n;
}

void doubts_look(struct oracle *oracle, struct world *world, uint32_t homes)
{
    for (uint32_t space = 0; space < world->spaces_n; space++) {
        for (uint32_t record = 10 * space; record < 10 * space + oracle->records; record++) {
            bool kept = false;
            for (uint32_t i = 0; i < oracle->n && !kept; i++)
                kept = oracle->writes[i].kept && oracle->writes[i].space == space && oracle->writes[i].record == record;
            for (uint32_t home = 0; home < world->devices_n && kept; home++)
                if (homes >> home & 1) look_at(oracle, world, &world->devices[home], space, record);
        }
    }
}

/* Would its content, behind that place of the log, or its hashes under one of those numbers show that it was there, and
 * was replaced? */
static bool shows(struct world *world, const struct oracle_write *write, const struct oracle_dots *dots,
                  uint64_t behind)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t n;
    bool shows = false;
    sat_arena_init(&arena);
    changes_of(world->server_store, world, write, &arena, &rows, &n);
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].state == SAT_CHANGE_DEAD && has(&write->sent, rows[i].dot))
            shows = shows || (rows[i].header.len && rows[i].seq > behind) || has(dots, rows[i].dot);
    sat_arena_deinit(&arena);
    return shows;
}

/* Before it nobody asks for what was replaced, as the server may have made runs of it. */
static uint64_t floor_of(struct world *world, const struct oracle_write *write)
{
    struct sat_space_row row;
    bool found;
    sat_check(!sat_store_space_find(world->server_store, &world->spaces[write->space], &row, &found) && found);
    return row.floor;
}

static bool is_in_doubt(struct world *world, const struct oracle_write *write)
{
    static const struct oracle_dots none;
    if (!write->sent.n && !write->told) return false;
    for (uint32_t i = 0; i < ORACLE_STATES_MAX; i++)
        if (write->waited[i].n && !shows(world, write, &write->waited[i], 0)) return true;
    if (write->lost.n && !shows(world, write, &write->lost, 0)) return true;
    return write->handed && !shows(world, write, &none, floor_of(world, write));
}

void doubts_judge(struct oracle *oracle, struct world *world)
{
    for (uint32_t i = 0; i < oracle->n; i++) oracle->writes[i].doubted = is_in_doubt(world, &oracle->writes[i]);
}
