/* Three phones of one rep and a server between them: real stores, keyrings, keys and a real directory, without the
 * protocol. A push judges and accepts as the server does, a pull as a client does. For the tests of what writes and
 * reads records. */
#ifndef TESTS_UNIT_AUTHOR_WORLD_H
#define TESTS_UNIT_AUTHOR_WORLD_H

#include "tests/unit/directory_world.h"

#include "common/sync/base.h"
#include "common/sync/clock.h"
#include "common/sync/judge.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"
#include "common/vault/author.h"
#include "common/vault/types.h"

#define OK(call) assert_int_equal((call), SAT_OK)

enum { PHONES = 3, SPACES = 6, USER = 2, ACCOUNT = 1, NAME = 1, CITY = 3, TAGS = 7, NOTE = 8 };

struct office;

struct phone {
    struct office *office;
    uint32_t device;
    struct sat_store *store;
    struct sat_keyring *keyring;
    struct sat_keys *keys;
    struct sat_squeezer *squeezer;
    struct sat_vault vault;
    int64_t sid[SPACES]; /* by the space's number in the directory world */
    struct sat_arena arena;
    struct sat_record_view view;
};

struct office {
    struct world world;
    struct sat_store *server;
    int64_t sid[SPACES];
    struct sat_entropy entropy;
    struct sat_entropy_stream stream;
    uint64_t now_ms; /* everybody's clock, unless a test says otherwise */
    struct phone phones[PHONES];
    struct sat_arena arena;
};

static const struct sat_log_epoch LOG_EPOCH = {{0x10, 0x60}};

/* ---- Making it ---- */

static inline int64_t create_space(struct sat_store *store, uint8_t space, const struct sat_log_epoch *log_epoch)
{
    struct sat_space_row row = {.id = space_id(space)};
    if (log_epoch) row.log_epoch = *log_epoch;
    OK(sat_store_space_create(store, &row));
    return row.sid;
}

static inline struct sat_epoch_key epoch_key(uint8_t space, uint32_t epoch)
{
    return (struct sat_epoch_key){{0x77, space, (uint8_t)epoch}};
}

static inline void give_key(struct phone *phone, uint8_t space, uint32_t epoch)
{
    struct sat_space_id id = space_id(space);
    struct sat_epoch_key key = epoch_key(space, epoch);
    OK(sat_store_begin(phone->store));
    OK(sat_keys_add(phone->keys, &id, epoch, &key));
    OK(sat_store_commit(phone->store));
}

/* The phone joins the directory by an invite of its own. */
static inline void join(struct office *office, struct phone *phone, uint32_t invite)
{
    struct world *world = &office->world;
    uint64_t invite_seq = must(world, invite_link(world, invite, USER, SAT_ROLE_REP));
    phone->device = world->directory.devices_n + 1;
    struct sat_body_join body = {
        .invite = invite_id(invite),
        .sign = sat_keyring_sign_public(phone->keyring),
        .box = sat_keyring_box_public(phone->keyring),
    };
    struct sat_buf buf = {0};
    sat_body_join_encode(&body, &buf);
    struct sat_link link = draft(world, SAT_LINK_JOIN, &buf);
    link.author = phone->device;
    sat_link_finish(&link, &world->arena);
    sign_as(world, &link, 'i', invite, SAT_SIGNER_INVITE, (uint32_t)invite_seq);
    sat_link_sign(&link, SAT_SIGNER_DEVICE, phone->device, &world->directory.org,
                  &sat_keyring_secrets(phone->keyring)->sign);
    must(world, link);
}

static inline void open_phone(struct office *office, uint32_t n)
{
    struct phone *phone = &office->phones[n];
    phone->office = office;
    sat_arena_init(&phone->arena);
    OK(sat_store_open(":memory:", SAT_STORE_CREATE, &phone->store, NULL));
    OK(sat_keyring_new(&office->entropy, &phone->keyring));
    join(office, phone, 201 + n);
    sat_keyring_set_member(phone->keyring, &office->world.directory.org, phone->device);
    OK(sat_keys_new(phone->store, phone->keyring, &office->entropy, &phone->keys));
    OK(sat_squeezer_new(&phone->squeezer));
    phone->vault = (struct sat_vault){
        .store = phone->store,
        .keyring = phone->keyring,
        .keys = phone->keys,
        .squeezer = phone->squeezer,
        .directory = &office->world.directory,
        .entropy = &office->entropy,
    };
    for (uint8_t space = ORG; space <= BOARD; space++) phone->sid[space] = create_space(phone->store, space, NULL);
    give_key(phone, PEOPLE, 1);
    give_key(phone, EAST, 1);
    give_key(phone, WEST, 1);
}

static inline int open_office(void **state)
{
    static struct office office;
    office = (struct office){.now_ms = NOW_MS};
    *state = &office;
    office.entropy = sat_entropy_seeded(&office.stream, 42);
    sat_arena_init(&office.arena);
    world_init(&office.world);
    must(&office.world, grant_link(&office.world, WEST, USER, RW));
    must(&office.world, epoch_link(&office.world, WEST, 1));
    OK(sat_store_open(":memory:", SAT_STORE_CREATE, &office.server, NULL));
    for (uint8_t space = ORG; space <= BOARD; space++)
        office.sid[space] = create_space(office.server, space, &LOG_EPOCH);
    for (uint32_t n = 0; n < PHONES; n++) open_phone(&office, n);
    return 0;
}

static inline int close_office(void **state)
{
    struct office *office = *state;
    for (uint32_t n = 0; n < PHONES; n++) {
        sat_keys_free(office->phones[n].keys);
        sat_squeezer_free(office->phones[n].squeezer);
        sat_keyring_free(office->phones[n].keyring);
        sat_store_close(office->phones[n].store);
        sat_arena_deinit(&office->phones[n].arena);
    }
    sat_store_close(office->server);
    world_deinit(&office->world);
    sat_arena_deinit(&office->arena);
    return 0;
}

/* ---- Writing ---- */

static inline struct sat_record_id record_id(uint8_t n)
{
    return (struct sat_record_id){{0x02, [15] = n}};
}

static inline struct sat_cell text_cell(uint16_t field, const char *text)
{
    return (struct sat_cell){.field = field, .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(text)}};
}

static inline struct sat_cell nil_cell(uint16_t field)
{
    return (struct sat_cell){.field = field};
}

static inline struct sat_cell tag_cell(const char *element, bool in)
{
    return (struct sat_cell){.field = TAGS,
                             .in_set = true,
                             .element = sat_span_text(element),
                             .value = {.kind = SAT_VALUE_BOOL, .truth = in}};
}

static inline struct sat_cell deleted(bool truth)
{
    return (struct sat_cell){.field = SAT_FIELD_DELETED, .value = {.kind = SAT_VALUE_BOOL, .truth = truth}};
}

/* In a transaction of its own; *written is the number of drafts made. */
static inline enum sat_err commit(struct phone *phone, const struct sat_edit *edits, uint32_t n, uint32_t *written)
{
    OK(sat_store_begin(phone->store));
    enum sat_err err = sat_author_commit(&phone->vault, edits, n, phone->office->now_ms++, written);
    if (err)
        sat_store_rollback(phone->store);
    else
        OK(sat_store_commit(phone->store));
    return err;
}

static inline enum sat_err try_put(struct phone *phone, uint8_t space, uint8_t record, uint16_t type,
                                   const struct sat_cell *cells, uint32_t n, uint32_t *written)
{
    struct sat_edit edit = {
        .record = record_id(record), .sid = phone->sid[space], .type = type, .cells = cells, .cells_n = n};
    return commit(phone, &edit, 1, written);
}

static inline uint32_t put_cells(struct phone *phone, uint8_t space, uint8_t record, const struct sat_cell *cells,
                                 uint32_t n)
{
    uint32_t written;
    OK(try_put(phone, space, record, ACCOUNT, cells, n, &written));
    return written;
}

/* put(phone, record, cells…): into EAST; gives the number of drafts made. */
#define put(phone, record, ...)                                                                                        \
    put_cells(phone, EAST, record, (const struct sat_cell[]){__VA_ARGS__},                                             \
              sizeof((const struct sat_cell[]){__VA_ARGS__}) / sizeof(struct sat_cell))

static inline enum sat_err try_remove(struct phone *phone, uint8_t record, uint32_t *written)
{
    struct sat_edit edit = {.record = record_id(record), .sid = phone->sid[EAST], .remove = true};
    return commit(phone, &edit, 1, written);
}

static inline uint32_t rm(struct phone *phone, uint8_t record)
{
    uint32_t written;
    OK(try_remove(phone, record, &written));
    return written;
}

/* Freezes; gives the number of drafts that are left. */
static inline uint64_t freeze(struct phone *phone)
{
    struct sat_frozen frozen;
    OK(sat_store_begin(phone->store));
    OK(sat_author_freeze(&phone->vault, 0, UINT32_MAX, &frozen));
    OK(sat_store_commit(phone->store));
    return frozen.left;
}

/* ---- Exchanging ---- */

static inline void accept(struct sat_store *store, struct office *office, int64_t sid, struct sat_bundle *bundle,
                          uint64_t recv_ms, uint64_t dir_at, bool is_author)
{
    struct sat_arena *arena = &office->arena;
    struct sat_space_row space;
    struct sat_fault fault = {0};
    OK(sat_store_begin(store));
    OK(sat_store_space_get(store, sid, &space));
    space.log_epoch = LOG_EPOCH;
    struct sat_judge judge = {.store = store, .directory = &office->world.directory, .space = &space, .dir_at = dir_at};
    struct sat_header *headers = sat_arena_array(arena, bundle->manifest.count, sizeof *headers);
    enum sat_err err = sat_judge_bundle(&judge, bundle, arena, headers, &fault);
    if (err) print_error("%s\n", fault.text);
    OK(err);
    struct sat_accept accept = {
        .store = store, .space = &space, .bundle = bundle, .headers = headers, .recv_ms = recv_ms, .dir_at = dir_at};
    struct sat_bundle_row own;
    bool found = false;
    if (is_author)
        OK(sat_store_bundle_of_dot(store, (struct sat_dot){bundle->manifest.device, bundle->manifest.first}, &own,
                                   &found));
    if (found) accept.pending_bid = own.bid;
    OK(sat_base_accept(&accept));
    for (uint32_t i = 0; i < bundle->manifest.count; i++)
        if (!is_author) OK(sat_clock_receive(store, sat_clock_effective(headers[i].hlc, recv_ms)));
    space.head_size = space.log.size;
    OK(sat_store_space_save(store, &space));
    OK(sat_store_commit(store));
}

/* Through the wire form, as it would travel. */
static inline struct sat_bundle transport(struct sat_store *store, const struct sat_bundle_row *row, uint8_t space,
                                          struct office *office)
{
    struct sat_bundle bundle, received;
    struct sat_space_id id = space_id(space);
    struct sat_buf buf = {0};
    OK(sat_base_bundle(store, row, false, &office->arena, &bundle));
    sat_bundle_encode(&bundle, SAT_BUNDLE_FULL, &buf);
    assert_true(buf.len <= SAT_BUNDLE_BYTES_MAX);
    struct sat_span bytes = sat_span_copy(&office->arena, sat_buf_span(&buf));
    OK(sat_bundle_decode(bytes, &office->world.directory.org, &id, &office->arena, &received));
    sat_buf_deinit(&buf);
    return received;
}

/* Freezes and sends what may be sent. */
static inline void push(struct phone *phone)
{
    struct office *office = phone->office;
    (void)freeze(phone);
    for (uint8_t space = ORG; space <= BOARD; space++) {
        struct sat_bundle_row *rows;
        uint32_t n;
        sat_arena_reset(&office->arena);
        OK(sat_store_bundles_pending(phone->store, phone->sid[space], 0, 100, &office->arena, &rows, &n));
        for (uint32_t i = 0; i < n; i++) {
            bool known;
            struct sat_bundle_row row;
            OK(sat_store_bundle_of_dot(office->server, (struct sat_dot){phone->device, rows[i].first}, &row, &known));
            if (known) continue;
            struct sat_bundle bundle = transport(phone->store, &rows[i], space, office);
            accept(office->server, office, office->sid[space], &bundle, office->now_ms++, office->world.directory.seq,
                   false);
        }
    }
}

static inline void pull(struct phone *phone)
{
    struct office *office = phone->office;
    for (uint8_t space = ORG; space <= BOARD; space++) {
        struct sat_space_row row;
        struct sat_entry_row *entries;
        uint32_t n;
        sat_arena_reset(&office->arena);
        OK(sat_store_space_get(phone->store, phone->sid[space], &row));
        OK(sat_store_entries(office->server, office->sid[space], row.log.size + 1, 1000, &office->arena, &entries, &n));
        for (uint32_t i = 0; i < n; i++) {
            struct sat_bundle_row stored;
            OK(sat_store_bundle_get(office->server, entries[i].bid, &stored));
            struct sat_bundle bundle = transport(office->server, &stored, space, office);
            accept(phone->store, office, phone->sid[space], &bundle, entries[i].entry.recv_ms, entries[i].entry.dir_at,
                   bundle.manifest.device == phone->device);
        }
    }
}

static inline void exchange_all(struct office *office)
{
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t n = 0; n < PHONES; n++) pull(&office->phones[n]);
        for (uint32_t n = 0; n < PHONES; n++) push(&office->phones[n]);
    }
    for (uint32_t n = 0; n < PHONES; n++) pull(&office->phones[n]);
}

/* ---- Looking ---- */

/* By the definition, one by one: is the dot, which a live change names, neither held live nor replaced? */
static inline bool is_absent(const struct sat_record_view *view, struct sat_dot dot)
{
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_header *header = &view->live[i].header;
        struct sat_version version = {view->live[i].dot, header->seen, header->kept, header->holes};
        if (sat_dot_compare(view->live[i].dot, dot) == 0 || sat_merge_covers(&version, &dot)) return false;
    }
    return true;
}

static inline void expect_holes_by_definition(const struct sat_record_view *view, struct sat_arena *arena)
{
    enum { COMPARED_MAX = 40 };
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, arena);
    if (view->live_n > COMPARED_MAX) return;
    for (uint32_t i = 0; i < view->live_n; i++) {
        struct sat_dots lists[] = {view->live[i].header.kept, view->live[i].header.holes};
        if (!view->live[i].readable) sat_dots_add(&builder, view->live[i].dot);
        for (uint32_t list = 0; list < 2; list++)
            for (uint32_t k = 0; k < lists[list].n; k++)
                if (is_absent(view, lists[list].at[k])) sat_dots_add(&builder, lists[list].at[k]);
    }
    struct sat_dots expected = sat_dots_as_set(&builder);
    assert_int_equal(view->holes.n, expected.n);
    for (uint32_t i = 0; i < expected.n; i++) assert_int_equal(sat_dot_compare(view->holes.at[i], expected.at[i]), 0);
}

static inline const struct sat_record_view *look(struct phone *phone, uint8_t record)
{
    struct sat_record_id id = record_id(record);
    sat_arena_reset(&phone->arena);
    OK(sat_record_load(&phone->vault, phone->sid[EAST], &id, &phone->arena, &phone->view));
    expect_holes_by_definition(&phone->view, &phone->arena);
    return &phone->view;
}

static inline const struct sat_merged *cell_of(struct phone *phone, uint8_t record, uint16_t field)
{
    return sat_merged_cell(&look(phone, record)->merged, field, (struct sat_span){0});
}

static inline void expect_text(struct phone *phone, uint8_t record, uint16_t field, const char *text,
                               uint32_t alternatives)
{
    const struct sat_merged *merged = cell_of(phone, record, field);
    assert_non_null(merged);
    assert_int_equal(merged->value.kind, SAT_VALUE_TEXT);
    if (!sat_span_equal(merged->value.text, sat_span_text(text)))
        fail_msg("shown: %.*s, expected: %s", (int)merged->value.text.len, (const char *)merged->value.text.at, text);
    assert_int_equal(merged->alternatives_n, alternatives);
}

static inline bool has_tag(struct phone *phone, uint8_t record, const char *element)
{
    const struct sat_merged *merged = sat_merged_cell(&look(phone, record)->merged, TAGS, sat_span_text(element));
    return merged && merged->value.truth;
}

/* The live change of the device with the highest counter: what it wrote last. */
static inline const struct sat_source *newest_of(struct phone *phone, uint8_t record, uint32_t device)
{
    const struct sat_record_view *view = look(phone, record);
    static const struct sat_source none;
    const struct sat_source *newest = &none;
    for (uint32_t i = 0; i < view->live_n; i++)
        if (view->live[i].dot.device == device) newest = &view->live[i];
    assert_ptr_not_equal(newest, &none);
    return newest;
}

static inline void expect_dots(struct sat_dots got, const struct sat_dot *expected, uint32_t n)
{
    assert_int_equal(got.n, n);
    for (uint32_t i = 0; i < n; i++) assert_int_equal(sat_dot_compare(got.at[i], expected[i]), 0);
}
#define DOTS_ARE(got, ...)                                                                                             \
    expect_dots(got, (const struct sat_dot[]){__VA_ARGS__},                                                            \
                sizeof((const struct sat_dot[]){__VA_ARGS__}) / sizeof(struct sat_dot))

#endif
