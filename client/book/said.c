/* What a person says of a visit, word by word, as fields of its records. */
#include <string.h>

#include "client/book/visit.h"
#include "client/book/writing.h"
#include "common/base/utf8.h"

enum { TOLD_BYTES = 300 }; /* of what there is, in a sentence */

struct reading {
    struct satchel *satchel;
    struct sat_arena arena;
    const struct client_template *form, *checklist;
    const char *family;
    struct client_said *out;
};

static enum sat_err fail_key(struct reading *reading, const char *key)
{
    const char *list = "goal, purpose, note, next, none, contact, signal, date";
    const struct client_template *templates[] = {reading->form, reading->checklist};
    for (size_t i = 0; i < 2; i++) {
        size_t index;
        json_t *item;
        json_array_foreach((json_t *)client_template_items(templates[i]), index, item)
        {
            const char *own = client_book_text(item, "key"), *dot = own ? strchr(own, '.') : NULL;
            if (!own || (i == 0 && !dot) || strcmp(own, "goal") == 0) continue;
            if (strlen(list) > TOLD_BYTES) break; /* more is not told */
            list = sat_arena_format(
                &reading->arena, "%s, %s", list,
                sat_utf8_beginning(&reading->arena, dot && strncmp(own, "sections.", 9) == 0 ? dot + 1 : own, 40));
        }
    }
    return sat_fail(&reading->satchel->fault, SAT_ERR_INVALID, "a visit has no part \"%.40s\"; there are: %.300s", key,
                    list);
}

/* ---- Who was met ---- */

/* Of the account's own people first, as there is a 王经理 in many a company. */
static enum sat_err find_contact(struct reading *reading, const char *named, char out[SATCHEL_ID_SIZE])
{
    static const char sql[] = "SELECT c.id FROM contact AS c WHERE c.name = ?1 AND (c.account IN (SELECT value FROM"
                              " json_each(?2)) OR c.id IN (SELECT r.contact FROM contact_role AS r WHERE r.account IN"
                              " (SELECT value FROM json_each(?2)))) LIMIT 2";
    const char *values[] = {named, reading->family ? reading->family : "[]"};
    json_t *rows;
    enum sat_err err = client_book_ask(reading->satchel, sql, values, 2, &rows);
    if (err) return err;
    const char *id = client_book_text(json_array_get(rows, 0), "id");
    bool one = json_array_size(rows) == 1 && id;
    if (one) memcpy(out, id, SATCHEL_ID_SIZE);
    json_decref(rows);
    return one ? SAT_OK : client_book_find(reading->satchel, "contact", named, out);
}

/* ---- Elements of sets ---- */

static void add_element(json_t *fields, const char *set, const char *element)
{
    json_t *known = json_object_get(fields, set);
    if (!known) {
        known = json_pack("{s:[]}", "add");
        (void)json_object_set_new(fields, set, known);
    }
    (void)json_array_append_new(json_object_get(known, "add"), json_string(element));
}

static enum sat_err take_element(struct reading *reading, const char *key, const char *text)
{
    char id[SATCHEL_ID_SIZE];
    if (strcmp(key, "next") == 0) {
        (void)json_array_append_new(reading->out->next, json_string(text));
        add_element(reading->out->visit, "next_steps", text);
        return SAT_OK;
    }
    if (strcmp(key, "signal") == 0) {
        add_element(reading->out->visit, "signals", text);
        return SAT_OK;
    }
    enum sat_err err = find_contact(reading, text, id);
    if (!err) add_element(reading->out->visit, "contacts", id);
    return err;
}

/* ---- Words ---- */

static void set_key(json_t *fields, const char *map, const char *key, json_t *value)
{
    json_t *known = json_object_get(fields, map);
    if (!known) {
        known = json_object();
        (void)json_object_set_new(fields, map, known);
    }
    (void)json_object_set(known, key, value);
}

static bool is_one_of(const char *key, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, words[i]) == 0) return true;
    return false;
}

static enum sat_err take_word(struct reading *reading, const char *key, json_t *value)
{
    static const char *const fields[] = {"goal", "purpose", "note"};
    struct client_said *out = reading->out;
    const char *text = json_string_value(value);
    const char *part = sat_arena_format(&reading->arena, "sections.%s", strncmp(key, "sections.", 9) ? key : key + 9);
    bool known = true;
    if (!text) return sat_fail(&reading->satchel->fault, SAT_ERR_INVALID, "%.40s takes a text", key);
    bool asked = client_template_item(reading->checklist, key) != NULL;
    if (asked) (void)json_object_set(out->answers, key, value);
    if (is_one_of(key, fields, 3))
        (void)json_object_set(out->visit, key, value);
    else if (strcmp(key, "date") == 0)
        out->date = text;
    else if (strcmp(key, "none") == 0)
        out->none = text;
    else if (strncmp(key, "ext.", 4) == 0 && key[4])
        set_key(out->visit, "ext", key + 4, value);
    else if (client_template_item(reading->form, part))
        set_key(out->visit, "sections", part + 9, value);
    else
        known = asked;
    if (known && strcmp(key, "date") == 0 && !client_date_valid(sat_span_text(text)))
        return sat_fail(&reading->satchel->fault, SAT_ERR_INVALID, "date is YYYY-MM-DD, not \"%.40s\"", text);
    return known ? SAT_OK : fail_key(reading, key);
}

static enum sat_err take(struct reading *reading, const char *key, json_t *value)
{
    static const char *const sets[] = {"next", "contact", "signal"};
    if (!is_one_of(key, sets, 3)) return take_word(reading, key, value);
    enum sat_err err = SAT_OK;
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < n && !err; i++) {
        const char *text = json_string_value(json_is_array(value) ? json_array_get(value, i) : value);
        err = text && *text ? take_element(reading, key, text)
                            : sat_fail(&reading->satchel->fault, SAT_ERR_INVALID, "%s takes texts, none empty", key);
    }
    return err;
}

enum sat_err client_said_read(struct satchel *satchel, const char *said, const struct client_template *form,
                              const struct client_template *checklist, const char *family, struct client_said *out)
{
    struct reading reading = {.satchel = satchel, .form = form, .checklist = checklist, .family = family, .out = out};
    enum sat_err err = SAT_OK;
    const char *key;
    json_t *value;
    *out = (struct client_said){.visit = json_object(),
                                .answers = json_object(),
                                .next = json_array(),
                                .words = said && *said ? json_loads(said, 0, NULL) : json_object()};
    sat_arena_init(&reading.arena);
    if (!json_is_object(out->words))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "what is said of a visit is a JSON object");
    json_object_foreach(out->words, key, value) if (!err) err = take(&reading, key, value);
    sat_arena_deinit(&reading.arena);
    return err;
}

void client_said_drop(struct client_said *said)
{
    json_decref(said->visit);
    json_decref(said->answers);
    json_decref(said->next);
    json_decref(said->words);
    *said = (struct client_said){0};
}
