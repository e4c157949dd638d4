/* What a member may write and the others have to read: changes of a few records whose sealed bodies are pieces of the
 * input, beside and upon each other, judged and merged as a device does it; and what the device itself writes upon
 * them. Whatever they hold, all that the library says of them is JSON, and writing is done or refused. The first byte
 * says whether the view is built, which is most of the work. */
#include <jansson.h>
#include <stdlib.h>

#include "client/membership.h"
#include "common/sync/base.h"
#include "common/sync/judge.h"
#include "common/vault/types.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/make.h"

enum { DEVICE = 2, STEPS_MAX = 24 };

struct scene {
    struct satchel device;
    struct sat_entropy_stream stream;
    struct sat_space_row space; /* the territory */
    uint64_t now_ms;
};

/* ---- Others write ---- */

static void accept(struct scene *scene, const struct sat_bundle *bundle, struct sat_arena *arena)
{
    struct sat_judge judge = {.store = scene->device.store,
                              .directory = &scene->device.directory,
                              .space = &scene->space,
                              .dir_at = scene->device.directory.seq,
                              .stubs_allowed = true};
    struct sat_header *headers = sat_arena_array(arena, bundle->manifest.count, sizeof *headers);
    struct sat_fault fault = {0};
    struct sat_accept done = {.store = scene->device.store,
                              .space = &scene->space,
                              .bundle = bundle,
                              .headers = headers,
                              .recv_ms = scene->now_ms,
                              .dir_at = judge.dir_at};
    if (sat_judge_bundle(&judge, bundle, arena, headers, &fault)) return;
    fuzz_must(sat_store_begin(scene->device.store));
    fuzz_must(sat_base_accept(&done));
    fuzz_must(sat_store_space_save(scene->device.store, &scene->space));
    fuzz_must(sat_store_commit(scene->device.store));
    client_touch(&scene->device);
}

static void others_write(struct scene *scene, uint8_t who, struct sat_span *input)
{
    struct fuzz_place place = {.store = scene->device.store,
                               .directory = &scene->device.directory,
                               .space = &scene->space,
                               .device = who & 8 ? 1 : 3,
                               .squeezer = scene->device.squeezer};
    struct sat_arena arena;
    struct sat_bundle bundle;
    struct sat_judge judge = {.store = place.store, .directory = place.directory, .space = place.space};
    sat_arena_init(&arena);
    struct sat_span bytes = fuzz_make_bundle(input, &place, scene->now_ms, &arena);
    if (sat_bundle_decode(bytes, &place.directory->org, &scene->space.id, &arena, &bundle) == SAT_OK &&
        (bundle.form == SAT_BUNDLE_FULL || sat_judge_complete(&judge, &bundle) == SAT_OK))
        accept(scene, &bundle, &arena);
    sat_arena_deinit(&arena);
}

/* ---- The device writes ---- */

static void check_refusal(const struct scene *scene, int code)
{
    const struct satchel_error *error = satchel_error_of(&scene->device);
    sat_check(!code || error->number == code);
    if (code) fuzz_check_sentence(error->message);
    sat_check(!code || !sat_err_is_local((enum sat_err)code));
}

static const char *type_name(uint8_t which)
{
    return sat_type_at((uint16_t)(which % sat_types_count()))->name;
}

/* One call that changes a record, whatever type it has. */
static int write_on(struct satchel_tx *tx, struct sat_span *input, struct sat_arena *arena)
{
    char id[SAT_UUID_TEXT_SIZE];
    uint8_t what = fuzz_byte(input);
    const char *type = type_name(fuzz_byte(input));
    struct sat_record_id record = fuzz_record(what / 4 % FUZZ_RECORDS);
    sat_uuid_format(record.b, id);
    struct sat_span piece = fuzz_piece(input);
    const char *text = sat_arena_text(arena, (const char *)piece.at, piece.len);
    if (what % 4 == 0) return satchel_remove(tx, type, id);
    if (what % 4 == 1) return satchel_restore(tx, type, id);
    if (what % 4 == 2) return satchel_put(tx, type, id, NULL, text, NULL);
    const char *field = what & 16 ? "deleted" : sat_type_by_name(type)->fields[0].name;
    return satchel_resolve(tx, type, id, field, what & 32 ? 1 + what / 64 : 0, text);
}

static void device_writes(struct scene *scene, struct sat_span *input)
{
    struct satchel_tx *tx;
    struct sat_arena arena;
    sat_arena_init(&arena);
    sat_check(satchel_begin(&scene->device, &tx) == 0);
    check_refusal(scene, write_on(tx, input, &arena));
    check_refusal(scene, satchel_commit(tx));
    sat_arena_deinit(&arena);
}

/* ---- All reading ---- */

static void check_object(const char *json)
{
    json_t *object = json_loads(json, 0, NULL);
    sat_check(json_is_object(object));
    json_decref(object);
}

static int take_row(void *context, const char *json)
{
    (void)context;
    check_object(json);
    return 0;
}

static void read_record(struct scene *scene, uint32_t index)
{
    char id[SAT_UUID_TEXT_SIZE], *json = NULL;
    struct sat_vault vault = client_vault(&scene->device);
    struct sat_record_view view;
    struct sat_record_id record = fuzz_record(index);
    struct sat_arena arena;
    sat_arena_init(&arena);
    fuzz_must(sat_record_load(&vault, scene->space.sid, &record, &arena, &view));
    const struct sat_type *type = sat_type_by_number(view.merged.type);
    sat_uuid_format(record.b, id);
    const char *name = type ? type->name : "account";
    int code = satchel_get(&scene->device, name, id, &json);
    check_refusal(scene, code);
    sat_check(!code == (type && view.merged.exists && !view.merged.deleted));
    if (!code) check_object(json);
    satchel_free(json);
    check_refusal(scene, satchel_history(&scene->device, name, id, take_row, NULL));
    sat_arena_deinit(&arena);
}

static void read_all(struct scene *scene, bool view)
{
    char *json = NULL;
    for (uint32_t i = 0; i < FUZZ_RECORDS; i++) read_record(scene, i);
    sat_check(satchel_conflicts(&scene->device, take_row, NULL) == 0);
    sat_check(satchel_status(&scene->device, &json) == 0);
    check_object(json);
    satchel_free(json);
    if (!view) return;
    for (uint16_t i = 0; i < sat_types_count(); i++)
        sat_check(satchel_list(&scene->device, sat_type_at(i)->name, NULL, take_row, NULL) == 0);
    sat_check(satchel_query(&scene->device, "SELECT * FROM waiting", take_row, NULL) == 0);
}

static void begin(struct scene *scene)
{
    const struct fuzz_org *org = fuzz_org();
    struct satchel *device = &scene->device;
    scene->now_ms = org->now_ms;
    fuzz_org_open(org, DEVICE, sat_entropy_seeded(&scene->stream, 1), device);
    scene->space =
        (struct sat_space_row){.id = org->spaces[FUZZ_SPACES - 1], .log_epoch = org->log_epochs[FUZZ_SPACES - 1]};
    sat_frontier_init(&scene->space.log);
    fuzz_must(sat_store_begin(device->store));
    fuzz_must(sat_store_space_create(device->store, &scene->space));
    fuzz_must(client_membership_put(device, &(struct client_membership){.org = org->id,
                                                                        .server = sat_sign_public(&org->server),
                                                                        .server_url = "ws://127.0.0.1:7443"}));
    fuzz_must(sat_store_commit(device->store));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct scene scene = {0};
    begin(&scene);
    bool view = fuzz_byte(&input) & 1;
    for (uint32_t i = 0; i < STEPS_MAX && input.len; i++) {
        uint8_t what = fuzz_byte(&input);
        scene.now_ms += what % 4;
        if (what & 4)
            device_writes(&scene, &input);
        else
            others_write(&scene, what, &input);
    }
    read_all(&scene, view);
    fuzz_check_store(scene.device.store, &scene.device.directory);
    fuzz_org_close(&scene.device);
    return 0;
}
