/* What somebody has published, whatever it says, and what is put or asked by it. The first byte says what is published:
 * a policy, a field that is added, or more words for one; a piece is its body, and the rest is JSON that is put, or the
 * answers about a lead. */
#include <stdlib.h>
#include <string.h>

#include "client/book/trade.h"
#include "client/fits.h"
#include "client/include/satchel_book.h"
#include "client/locate.h"
#include "common/vault/derived.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/org.h"

#define LEAD "0191f0a0-0000-7000-8000-000000000001"
#define VISIT "0191f0a0-0000-7000-8000-000000000002"

struct scene {
    struct satchel handle;
    struct sat_entropy_stream stream;
};

static struct scene *the_scene(void)
{
    static struct scene scene;
    static bool set;
    struct satchel_tx *tx;
    if (set) return &scene;
    fuzz_org_open(fuzz_org(), 1, sat_entropy_seeded(&scene.stream, 1), &scene.handle);
    sat_check(!satchel_begin(&scene.handle, &tx));
    sat_check(!satchel_put(tx, "lead", LEAD, NULL, "{\"company\":\"Dairy\"}", NULL));
    sat_check(!satchel_put(tx, "visit", VISIT, NULL, "{\"note\":\"x\"}", NULL));
    sat_check(!satchel_commit(tx));
    set = true;
    return &scene;
}

static const struct what {
    const char *kind, *name;
} whats[] = {{"policy", "bant"}, {"policy", "order.discount"}, {"field", "visit.shelf"}, {"words", "lead.channel"}};

static struct sat_cell text_cell(const struct sat_type *type, const char *field, struct sat_span text)
{
    return (struct sat_cell){.field = sat_field_by_name(type, field)->number,
                             .value = {.kind = SAT_VALUE_TEXT, .text = text}};
}

/* As a draft of this device; who wrote it does not matter to who reads it. */
static void publish(struct satchel *handle, const struct what *what, struct sat_span body)
{
    const struct sat_type *type = sat_type_by_name("config_item");
    struct sat_vault vault = client_vault(handle);
    struct sat_edit edit = {.type = type->number};
    uint32_t written;
    struct sat_cell cells[] = {
        text_cell(type, "kind", sat_span_text(what->kind)),
        text_cell(type, "name", sat_span_text(what->name)),
        {.field = sat_field_by_name(type, "version")->number, .value = {.kind = SAT_VALUE_INT, .integer = 1}},
        text_cell(type, "body", body),
        {.field = sat_field_by_name(type, "published_at")->number,
         .value = {.kind = SAT_VALUE_TIME, .integer = 1700000000000}},
    };
    edit.cells = cells;
    edit.cells_n = sizeof cells / sizeof cells[0];
    fuzz_must(sat_record_id_derived(&handle->directory.org, type, cells, 3, &edit.record));
    fuzz_must(client_sid_of_space(handle, &fuzz_org()->spaces[0], &edit.sid));
    fuzz_must(sat_author_commit(&vault, &edit, 1, fuzz_org()->now_ms, &written));
    sat_check(written == 1);
}

static void check_score(const char *json)
{
    json_t *told = json ? json_loads(json, 0, NULL) : NULL;
    double score = json_number_value(json_object_get(told, "score"));
    int64_t most = json_integer_value(json_object_get(told, "most"));
    sat_check(told && score >= 0 && score <= (double)most && most <= 4000);
    json_decref(told);
}

/* What is read of it, whether it is what it should be or not. */
static void read_policy(struct satchel *handle, const struct what *what)
{
    struct sat_arena arena;
    struct client_published published;
    int64_t value;
    sat_arena_init(&arena);
    client_begin(handle);
    fuzz_must(client_published_get(handle, what->kind, what->name, &arena, &published));
    sat_check(published.there && published.version == 1);
    json_decref(published.body);
    fuzz_must(client_trade_policy(handle, what->name, "max_bp", -1, &arena, &value));
    sat_arena_deinit(&arena);
}

static void put(struct satchel *handle, const char *type, const char *id, const char *text)
{
    struct satchel_tx *tx;
    sat_check(!satchel_begin(handle, &tx));
    if (satchel_put(tx, type, id, NULL, text, NULL)) fuzz_check_sentence(satchel_error_of(handle)->message);
    satchel_rollback(tx);
}

/* This one looks into the view, which takes its time as each input has another one. */
static void score(struct satchel *handle, const char *text)
{
    struct satchel_tx *tx;
    char *json = NULL;
    sat_check(!satchel_begin(handle, &tx));
    if (satchel_lead_score(tx, LEAD, *text ? text : NULL, &json))
        fuzz_check_sentence(satchel_error_of(handle)->message);
    else
        check_score(json);
    satchel_rollback(tx);
    satchel_free(json);
}

static void use(struct satchel *handle, const struct what *what, const char *text)
{
    if (strcmp(what->name, "bant") == 0) score(handle, text);
    if (strcmp(what->kind, "field") == 0) put(handle, "visit", VISIT, text);
    if (strcmp(what->kind, "words") == 0) put(handle, "lead", LEAD, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *scene = the_scene();
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    sat_arena_init(&arena);
    const struct what *what = &whats[fuzz_byte(&input) % (sizeof whats / sizeof whats[0])];
    struct sat_span piece = fuzz_piece(&input);
    char *body = sat_arena_text(&arena, (const char *)piece.at, piece.len);
    sat_utf8_mend(body); /* what is stored is UTF-8 */
    fuzz_must(sat_store_begin(scene->handle.store));
    publish(&scene->handle, what, sat_span_text(body));
    read_policy(&scene->handle, what);
    use(&scene->handle, what, sat_arena_text(&arena, (const char *)input.at, input.len));
    sat_store_rollback(scene->handle.store);
    client_touch(&scene->handle);
    sat_arena_deinit(&arena);
    return 0;
}
