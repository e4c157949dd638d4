/* What somebody says of a visit, and the templates that it is read by, which other members wrote. The input is pieces:
 * the bodies of the visit's template and of the checklist, and what is said. What is taken is made of the parts that
 * there are, and can be written as JSON; what is refused is refused by a sentence. */
#include <stdlib.h>
#include <string.h>

#include "client/book/visit.h"
#include "client/book/writing.h"
#include "client/view/database.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/org.h"

struct scene {
    struct satchel handle;
    struct sat_entropy_stream stream;
    struct satchel_tx *tx;
};

#define CONTACT "0191f0a0-0000-7000-8000-000000000002"
#define VISIT "0191f0a0-0000-7000-8000-000000000003"

static void put(struct satchel *handle, const char *type, const char *id, const char *fields)
{
    struct satchel_tx *tx;
    sat_check(!satchel_begin(handle, &tx));
    sat_check(!satchel_put(tx, type, id, NULL, fields, NULL));
    sat_check(!satchel_commit(tx));
}

static struct scene *the_scene(void)
{
    static struct scene scene;
    static bool set;
    if (set) return &scene;
    fuzz_org_open(fuzz_org(), 2, sat_entropy_seeded(&scene.stream, 1), &scene.handle);
    put(&scene.handle, "contact", CONTACT, "{\"name\":\"Ana\"}");
    put(&scene.handle, "visit", VISIT, "{\"purpose\":\"samples\"}");
    set = true;
    return &scene;
}

static struct client_template template_of(struct sat_arena *arena, struct sat_span piece)
{
    char *text = sat_arena_text(arena, (const char *)piece.at, piece.len);
    sat_utf8_mend(text); /* what is stored is UTF-8 */
    return (struct client_template){.body = client_book_list(text)};
}

static void check_missing(const struct client_template *template, const json_t *fields)
{
    size_t index;
    json_t *missing = client_template_missing(template, fields), *item;
    int64_t ready_bp = client_template_readiness_bp(template, fields);
    sat_check(ready_bp >= 0 && ready_bp <= 10000 && (json_array_size(missing) == 0 || ready_bp < 10000));
    json_array_foreach(missing, index, item)
    {
        const char *key = json_string_value(json_object_get(item, "key"));
        sat_check(!key || (client_template_item(template, key) && !client_template_answer(fields, key)));
    }
    json_decref(missing);
}

/* Put into a visit it is taken or refused as what anybody types. */
static void check_put(struct scene *scene, json_t *fields)
{
    struct satchel_tx *tx;
    sat_check(!satchel_begin(&scene->handle, &tx));
    if (client_book_put(tx, "visit", VISIT, fields, NULL))
        fuzz_check_sentence(satchel_error_of(&scene->handle)->message);
    satchel_rollback(tx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *scene = the_scene();
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct client_template form = template_of(&arena, fuzz_piece(&input));
    struct client_template checklist = template_of(&arena, fuzz_piece(&input));
    char *said = sat_arena_text(&arena, (const char *)input.at, input.len);
    struct client_said out;
    client_begin(&scene->handle);
    enum sat_err err = client_said_read(&scene->handle, said, &form, &checklist, NULL, &out);
    if (err) {
        sat_check(err == SAT_ERR_INVALID || err == SAT_ERR_NOT_FOUND);
        fuzz_check_sentence(scene->handle.fault.text);
    } else {
        sat_check(json_is_object(out.visit) && json_is_object(out.answers) && json_is_array(out.next));
        check_missing(&form, out.visit);
        check_missing(&checklist, out.answers);
        check_put(scene, json_incref(out.visit));
    }
    client_said_drop(&out);
    client_template_drop(&form);
    client_template_drop(&checklist);
    sat_arena_deinit(&arena);
    return 0;
}
