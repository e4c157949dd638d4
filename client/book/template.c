#include "client/book/template.h"

#include <stdio.h>
#include <string.h>

#include "client/book/ask.h"
#include "client/book/writing.h"
#include "client/rows.h"

static json_t *own_body(const char *kind, const char *name)
{
    char both[100];
    (void)snprintf(both, sizeof both, "%s.%s", kind, name);
    for (const struct client_template_text *it = client_template_texts; it->name; it++)
        if (strcmp(it->name, both) == 0) return json_loads(it->text, 0, NULL);
    return json_object();
}

static void take(const json_t *row, struct client_template *out)
{
    const char *id = client_book_text(row, "id"), *body = client_book_text(row, "body");
    const char *at = client_book_text(row, "published_at");
    (void)snprintf(out->id, sizeof out->id, "%s", id ? id : "");
    (void)snprintf(out->published_at, sizeof out->published_at, "%s", at ? at : "");
    out->version = client_book_integer(row, "version", 0);
    out->body = client_book_list(body);
}

enum sat_err client_template_newest(struct satchel *satchel, const char *kind, const char *name, const char *day,
                                    struct client_template *out)
{
    json_t *row;
    const char *values[] = {kind, name, day};
    *out = (struct client_template){0};
    enum sat_err err =
        client_book_ask_one(satchel,
                            "SELECT id, version, published_at, body FROM template WHERE kind = ?1 AND name = ?2 AND"
                            " published_at IS NOT NULL AND (effective_from IS NULL OR effective_from <= ?3)"
                            " ORDER BY version DESC, id LIMIT 1",
                            values, 3, &row);
    if (err) return err;
    if (row)
        take(row, out);
    else
        out->body = own_body(kind, name);
    json_decref(row);
    return SAT_OK;
}

enum sat_err client_template_get(struct satchel *satchel, const char *kind, const char *name, const char *id,
                                 struct client_template *out)
{
    json_t *row;
    *out = (struct client_template){0};
    if (!id || !*id) {
        out->body = own_body(kind, name);
        return SAT_OK;
    }
    enum sat_err err = client_book_ask_one(
        satchel, "SELECT id, version, published_at, body FROM template WHERE id = ?1", &id, 1, &row);
    if (err) return err;
    take(row, out);
    json_decref(row);
    return SAT_OK;
}

void client_template_drop(struct client_template *template)
{
    json_decref(template->body);
    template->body = NULL;
}

/* ---- What is asked, and what is answered ---- */

const json_t *client_template_items(const struct client_template *template)
{
    return json_object_get(template->body, "items");
}

const json_t *client_template_item(const struct client_template *template, const char *key)
{
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)client_template_items(template), index, item)
    {
        const char *own = client_book_text(item, "key");
        if (own && strcmp(own, key) == 0) return item;
    }
    return NULL;
}

const json_t *client_template_answer(const json_t *fields, const char *key)
{
    const char *dot = strchr(key, '.');
    char field[80];
    const json_t *value;
    if (dot && (size_t)(dot - key) < sizeof field) {
        (void)snprintf(field, sizeof field, "%.*s", (int)(dot - key), key);
        value = json_object_get(json_object_get(fields, field), dot + 1);
    } else {
        value = json_object_get(fields, key);
    }
    const char *text = json_string_value(value);
    bool no = json_is_false(value) || (text && strcmp(text, "no") == 0);
    return client_book_says(value) && !no ? value : NULL;
}

static bool is_mandatory(const json_t *item)
{
    return json_is_true(json_object_get(item, "mandatory")) && client_book_text(item, "key");
}

json_t *client_template_missing(const struct client_template *template, const json_t *fields)
{
    size_t index;
    json_t *item, *missing = json_array();
    json_array_foreach((json_t *)client_template_items(template), index, item)
    {
        if (!is_mandatory(item) || client_template_answer(fields, client_book_text(item, "key"))) continue;
        json_t *one = json_object();
        client_book_set(one, "key", client_book_text(item, "key"));
        client_book_set(one, "text", client_book_text(item, "text"));
        (void)json_array_append_new(missing, one);
    }
    return missing;
}

int64_t client_template_readiness_bp(const struct client_template *template, const json_t *answers)
{
    size_t index;
    json_t *item;
    int64_t asked = 0, answered = 0;
    json_array_foreach((json_t *)client_template_items(template), index, item)
    {
        if (!is_mandatory(item)) continue;
        asked++;
        if (client_template_answer(answers, client_book_text(item, "key"))) answered++;
    }
    return asked ? (answered * 20000 + asked) / (2 * asked) : 10000; /* halves up */
}

/* ---- Publishing ---- */

static enum sat_err check_body(struct satchel *satchel, const char *kind, const json_t *body)
{
    size_t index;
    json_t *item;
    bool of_items = strcmp(kind, "checklist") == 0 || strcmp(kind, "visit") == 0;
    if (!json_is_object(body)) return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a template's body is a JSON object");
    if (of_items && !json_array_size(json_object_get(body, "items")))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a template of kind %s has items: [{\"key\",\"text\"}]",
                        kind);
    json_array_foreach(json_object_get(body, "items"), index, item)
    {
        if (!client_book_text(item, "key") || !client_book_text(item, "text"))
            return sat_fail(&satchel->fault, SAT_ERR_INVALID, "item %zu of the template has no key, or no text",
                            index + 1);
    }
    return SAT_OK;
}

struct publishing {
    const char *kind, *name, *effective_from;
    json_t *body;
};

static json_t *row_of(const struct publishing *it, int64_t version, const char *id, bool published)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:b}", "kind", it->kind, "name", it->name, "version", (json_int_t)version,
                     "id", id, "published", published);
}

static enum sat_err publish(struct satchel *satchel, struct satchel_tx *tx, const struct publishing *it, json_t *rows)
{
    struct client_template newest;
    char id[SATCHEL_ID_SIZE], now[CLIENT_TIME_TEXT_SIZE];
    enum sat_err err = check_body(satchel, it->kind, it->body);
    if (!err) err = client_template_newest(satchel, it->kind, it->name, "9999-12-31", &newest);
    if (err) return err;
    bool same = newest.id[0] && json_equal(newest.body, it->body);
    if (same) {
        (void)json_array_append_new(rows, row_of(it, newest.version, newest.id, false));
    } else {
        char *body = json_dumps(it->body, JSON_COMPACT);
        client_book_now(now);
        json_t *fields = json_pack("{s:s, s:s, s:I, s:s, s:s}", "kind", it->kind, "name", it->name, "version",
                                   (json_int_t)newest.version + 1, "body", body, "published_at", now);
        client_book_set(fields, "effective_from", it->effective_from);
        satchel_free(body);
        err = client_book_put(tx, "template", NULL, fields, id);
        if (!err) (void)json_array_append_new(rows, row_of(it, newest.version + 1, id, true));
    }
    client_template_drop(&newest);
    return err;
}

static enum sat_err publish_given(struct satchel *satchel, struct satchel_tx *tx, const char *json, json_t *rows)
{
    json_t *given = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    struct publishing it = {.kind = client_book_text(given, "kind"),
                            .name = client_book_text(given, "name"),
                            .effective_from = client_book_text(given, "effective_from"),
                            .body = json_object_get(given, "body")};
    enum sat_err err = it.kind && it.name
                           ? publish(satchel, tx, &it, rows)
                           : sat_fail(&satchel->fault, SAT_ERR_INVALID,
                                      "a template is a JSON object: {\"kind\",\"name\",\"body\",\"effective_from\"?}");
    json_decref(given);
    return err;
}

static enum sat_err publish_own(struct satchel *satchel, struct satchel_tx *tx, json_t *rows)
{
    enum sat_err err = SAT_OK;
    for (const struct client_template_text *text = client_template_texts; text->name && !err; text++) {
        char kind[40];
        const char *dot = strchr(text->name, '.');
        (void)snprintf(kind, sizeof kind, "%.*s", (int)(dot - text->name), text->name);
        struct publishing it = {.kind = kind, .name = dot + 1, .body = json_loads(text->text, 0, NULL)};
        err = publish(satchel, tx, &it, rows);
        json_decref(it.body);
    }
    return err;
}

int satchel_template_publish(struct satchel *satchel, const char *json, satchel_row_fn row, void *context)
{
    struct satchel_tx *tx;
    json_t *rows = json_array(), *one;
    size_t index;
    bool more = true;
    enum sat_err err = (enum sat_err)satchel_begin(satchel, &tx);
    if (!err) {
        err = json ? publish_given(satchel, tx, json, rows) : publish_own(satchel, tx, rows);
        err = client_book_end(tx, err);
    }
    json_array_foreach(rows, index, one) if (!err && more) more = client_give_row(row, context, json_incref(one));
    json_decref(rows);
    return client_end(satchel, err);
}
