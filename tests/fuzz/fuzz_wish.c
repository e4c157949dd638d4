/* The JSON that the calls of the book take: the first byte says which call, the rest is its JSON. What is taken is told
 * in JSON, what is refused by a sentence; a call that would commit finds a transaction open when it has read all, so
 * that one input leaves nothing to the next one. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/handle.h"
#include "client/include/satchel_book.h"
#include "common/base/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/org.h"

#define ACCOUNT "0191f0a0-0000-7000-8000-000000000001"
#define LEAD "0191f0a0-0000-7000-8000-000000000002"
#define PRODUCT "0191f0a0-0000-7000-8000-000000000003"
#define LIST "0191f0a0-0000-7000-8000-000000000004"
#define ORDER "0191f0a0-0000-7000-8000-000000000005"
#define LINE "0191f0a0-0000-7000-8000-000000000006"
#define OWED "0191f0a0-0000-7000-8000-000000000007"
#define ROW "0191f0a0-0000-7000-8000-000000000008"
#define VISIT "0191f0a0-0000-7000-8000-000000000009"

struct scene {
    struct satchel handle;
    struct sat_entropy_stream stream;
    struct satchel_tx *tx;
};

static void put(struct satchel_tx *tx, const char *type, const char *id, const char *territory, const char *fields)
{
    sat_check(!satchel_put(tx, type, id, territory, fields, NULL));
}

static void set_scene(struct satchel *handle)
{
    struct satchel_tx *tx;
    sat_check(!satchel_begin(handle, &tx));
    put(tx, "account", ACCOUNT, NULL, "{\"name\":\"Ana\"}");
    put(tx, "lead", LEAD, NULL, "{\"company\":\"Dairy\",\"person_name\":\"Dora\",\"phone\":\"1\"}");
    sat_check(!satchel_step(tx, "lead", LEAD, "qualified", NULL, NULL));
    put(tx, "product", PRODUCT, NULL, "{\"sku\":\"MILK\"}");
    put(tx, "price_list", LIST, NULL, "{\"code\":\"W\",\"version\":1,\"currency\":\"CNY\"}");
    put(tx, "price_row", ROW, NULL, "{\"price_list\":\"" LIST "\",\"product\":\"" PRODUCT "\",\"unit_price\":4000}");
    put(tx, "visit", VISIT, NULL, "{\"account\":\"" ACCOUNT "\",\"purpose\":\"samples\"}");
    put(tx, "order", ORDER, NULL,
        "{\"no_local\":\"N-1\",\"account\":\"" ACCOUNT
        "\",\"currency\":\"CNY\",\"submitted_at\":\"2024-05-17T09:30:00Z\"}");
    put(tx, "order_line", LINE, NULL,
        "{\"order\":\"" ORDER "\",\"product\":\"" PRODUCT "\",\"qty\":3,\"unit_price\":4000}");
    put(tx, "receivable", OWED, NULL,
        "{\"account\":\"" ACCOUNT "\",\"order\":\"" ORDER
        "\",\"amount\":12000,\"currency\":\"CNY\",\"due\":\"2024-06-01\"}");
    put(tx, "config_item", NULL, NULL,
        "{\"kind\":\"field\",\"name\":\"visit.shelf\",\"version\":1,\"body\":\"{\\\"kind\\\":\\\"integer\\\","
        "\\\"grade\\\":\\\"G1\\\"}\","
        "\"published_at\":\"2024-05-01T08:00:00Z\"}");
    sat_check(!satchel_commit(tx));
}

static struct scene *the_scene(void)
{
    static struct scene scene;
    static bool set;
    if (!set) {
        fuzz_org_open(fuzz_org(), 1, sat_entropy_seeded(&scene.stream, 1), &scene.handle);
        set_scene(&scene.handle);
        set = true;
    }
    return &scene;
}

static int no_row(void *context, const char *json)
{
    (void)context;
    (void)json;
    return 0;
}

enum call { ORDER_NEW, PAY, LEAD_CONVERT, LEAD_SCORE, ORDER_MOVE, AMEND, PUT_VISIT, CALLS };

static int call(struct scene *scene, enum call which, const char *text, char **json)
{
    switch (which) {
    case ORDER_NEW:
        return satchel_order_new(&scene->handle, text, json);
    case PAY:
        return satchel_pay(&scene->handle, text, json);
    case LEAD_CONVERT:
        return satchel_lead_convert(scene->tx, LEAD, text, json);
    case LEAD_SCORE:
        return satchel_lead_score(scene->tx, LEAD, text, json);
    case ORDER_MOVE:
        return satchel_order_move(&scene->handle, ORDER, "reviewed", NULL, text, json);
    case AMEND:
        return satchel_amend(&scene->handle, "order", ORDER, text, "typed", no_row, NULL);
    case PUT_VISIT:
    case CALLS:
        break;
    }
    return satchel_put(scene->tx, "visit", VISIT, NULL, text, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *scene = the_scene();
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    char *json = NULL;
    sat_arena_init(&arena);
    enum call which = (enum call)(fuzz_byte(&input) % CALLS);
    const char *text = sat_arena_text(&arena, (const char *)input.at, input.len);
    sat_check(!satchel_begin(&scene->handle, &scene->tx));
    if (call(scene, which, text, &json)) {
        fuzz_check_sentence(satchel_error_of(&scene->handle)->message);
        sat_check(!json);
    }
    satchel_rollback(scene->tx);
    json_t *told = json ? json_loads(json, JSON_ALLOW_NUL, NULL) : NULL;
    sat_check(!json || json_is_object(told));
    json_decref(told);
    satchel_free(json);
    sat_arena_deinit(&arena);
    return 0;
}
