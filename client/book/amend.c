/* Amendments: what was submitted stays, and what is right instead is said beside it, with a reason. */
#include <string.h>

#include "client/amendment.h"
#include "client/book/visit.h"
#include "client/book/writing.h"
#include "client/json.h"
#include "client/locate.h"
#include "client/rows.h"
#include "common/base/utf8.h"

struct amending {
    struct satchel *satchel;
    struct sat_arena arena;
    struct client_book_self self;
    char now[CLIENT_TIME_TEXT_SIZE];
    const struct sat_type *type;
    char id[SATCHEL_ID_SIZE];
    json_t *record; /* as satchel_get() has it */
    const json_t *fields;
    json_t *rows;
    struct satchel_tx *tx;
};

enum sat_err client_visit_named(struct satchel *satchel, const char *type, const char *named, char out[SATCHEL_ID_SIZE])
{
    struct client_visit_account account;
    struct client_book_self self;
    json_t *row = NULL;
    enum sat_err err = client_book_find(satchel, type, named, out);
    if (err != SAT_ERR_NOT_FOUND || strcmp(type, "visit") != 0) return err;
    satchel->fault = (struct sat_fault){0};
    err = client_visit_account(satchel, named, &account);
    if (!err) err = client_book_self(satchel, &self);
    const char *values[] = {account.family, self.id};
    if (!err)
        err = client_book_ask_one(satchel,
                                  "SELECT id FROM visit WHERE account IN (SELECT value FROM json_each(?1)) AND person ="
                                  " ?2 AND submitted_at IS NOT NULL ORDER BY submitted_at DESC, id DESC LIMIT 1",
                                  values, 2, &row);
    satchel_free(account.family);
    const char *id = client_book_text(row, "id");
    if (!err && !id)
        err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "you have submitted no visit of \"%.80s\"", named);
    if (!err) memcpy(out, id, SATCHEL_ID_SIZE);
    json_decref(row);
    return err;
}

/* As an amendment has a value: a text as it is, anything else as JSON writes it. */
static json_t *text_of(const json_t *value)
{
    if (!value || json_is_null(value)) return NULL;
    if (json_is_string(value)) return json_incref((json_t *)value);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    json_t *out = json_string(text ? text : "");
    satchel_free(text);
    return out;
}

/* The field of "qty", or of "sections.needs" with its key; only what its submission has fixed is amended. */
static enum sat_err find_field(struct amending *it, const char *named, const struct sat_field **field, const char **key)
{
    struct sat_fault *fault = &it->satchel->fault;
    const char *dot = strchr(named, '.');
    const char *name = dot ? sat_arena_text(&it->arena, named, (size_t)(dot - named)) : named;
    *field = sat_field_by_name(it->type, name);
    *key = dot ? dot + 1 : NULL;
    if (!*field && !dot && sat_field_by_name(it->type, "sections")) { /* a visit's parts by their own names */
        *field = sat_field_by_name(it->type, "sections");
        *key = named;
    }
    if (!*field)
        return sat_fail(fault, SAT_ERR_NOT_FOUND, "%s has no field \"%s\"", it->type->name,
                        sat_utf8_beginning(&it->arena, named, 40));
    if (!client_is_amended(*field))
        return sat_fail(fault, SAT_ERR_INVALID, "%s of %s is edited, submitted or not: put it", (*field)->name,
                        it->type->name);
    bool map = sat_rule((*field)->rule)->form == SAT_FORM_MAP;
    if (map != (*key != NULL))
        return sat_fail(fault, SAT_ERR_INVALID, map ? "%s: name one of its keys, %s.KEY" : "%s of %s has no keys",
                        (*field)->name, map ? (*field)->name : it->type->name);
    const char *whole = *key ? sat_arena_format(&it->arena, "%s.%s", (*field)->name, *key) : (*field)->name;
    if (!client_amended_field(it->type, whole, &it->arena))
        return sat_fail(fault, SAT_ERR_INVALID, "a %s is not amended: publish another version of it", it->type->name);
    if (it->self.duties & sat_field_amenders(*field)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_DENIED, "%s of a %s is amended by %s", (*field)->name, it->type->name,
                    client_duties_told(sat_field_amenders(*field), &it->arena));
}

/* A record as satchel_get() has it; a new reference. */
static enum sat_err get(struct satchel *satchel, const char *type, const char *id, json_t **record)
{
    char *text = NULL;
    enum sat_err err = (enum sat_err)satchel_get(satchel, type, id, &text);
    *record = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    satchel_free(text);
    return err;
}

/* Is that field of the record behind a mask for this person? */
static bool is_masked(const json_t *record, const char *field)
{
    size_t index;
    const json_t *name;
    json_array_foreach(json_object_get(record, "masked"), index, name)
    {
        if (strcmp(json_string_value(name), field) == 0) return true;
    }
    return false;
}

/* What stands now: what the amendment says that counts, else what was submitted. A mask is no value, and is not written
 * down as one. */
static enum sat_err find_old(struct amending *it, const struct sat_field *field, const char *key, const char *name,
                             json_t **old)
{
    const char *values[] = {it->id, name, client_book_text(it->record, "territory")};
    json_t *row = NULL, *amendment = NULL;
    enum sat_err err = client_book_ask_one(it->satchel,
                                           "SELECT id FROM amendment WHERE about = ?1 AND field = ?2 AND standing ="
                                           " 'counts' AND territory IS ?3",
                                           values, 3, &row);
    if (!err && row) err = get(it->satchel, "amendment", client_book_text(row, "id"), &amendment);
    if (!err && amendment && !is_masked(amendment, "new_value"))
        *old = text_of(json_object_get(json_object_get(amendment, "fields"), "new_value"));
    const json_t *value = json_object_get(it->fields, field->name);
    if (!err && !amendment && !is_masked(it->record, field->name))
        *old = text_of(key ? json_object_get(value, key) : value);
    json_decref(amendment);
    json_decref(row);
    return err;
}

static enum sat_err amend_one(struct amending *it, const char *named, const json_t *value, const char *reason)
{
    const struct sat_field *field;
    const char *key;
    struct sat_value unused;
    json_t *old = NULL;
    char id[SATCHEL_ID_SIZE];
    enum sat_err err = find_field(it, named, &field, &key);
    if (err) return err;
    const char *name = key ? sat_arena_format(&it->arena, "%s.%s", field->name, key) : field->name;
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    err = client_json_value(it->type, field, text ? text : "null", &it->arena, &unused, &it->satchel->fault);
    satchel_free(text);
    if (!err) err = find_old(it, field, key, name, &old);
    if (err) return err;
    json_t *fields = json_pack("{s:s, s:s, s:s, s:s, s:s}", "about", it->id, "field", name, "reason", reason, "at",
                               it->now, "person", it->self.id);
    json_t *new_value = text_of(value);
    if (old) (void)json_object_set_new(fields, "old_value", old);
    if (new_value) (void)json_object_set_new(fields, "new_value", new_value);
    json_t *row = json_copy(fields);
    err = client_book_put(it->tx, "amendment", NULL, fields, id);
    if (!err) (void)json_object_set_new(row, "amendment", json_string(id));
    (void)json_array_append_new(it->rows, row);
    return err;
}

static enum sat_err load(struct amending *it)
{
    enum sat_err err = get(it->satchel, it->type->name, it->id, &it->record);
    it->fields = json_object_get(it->record, "fields");
    const struct sat_field *submits = it->type->submits ? sat_field_by_number(it->type, it->type->submits) : NULL;
    if (!err && (!submits || !client_book_says(json_object_get(it->fields, submits->name))))
        err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "%s %s is not submitted: it is edited, not amended",
                       it->type->name, it->id);
    return err;
}

static enum sat_err amend_all(struct amending *it, const char *changes, const char *reason)
{
    json_t *said = json_loads(changes ? changes : "", JSON_REJECT_DUPLICATES, NULL), *value;
    const char *name;
    enum sat_err err = SAT_OK;
    if (!json_is_object(said) || !json_object_size(said))
        err = sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "which field is amended, and what is right? FIELD=VALUE");
    if (!err) err = (enum sat_err)satchel_begin(it->satchel, &it->tx);
    if (!err) {
        json_object_foreach(said, name, value) if (!err) err = amend_one(it, name, value, reason);
        err = client_book_end(it->tx, err);
    }
    json_decref(said);
    return err;
}

int satchel_amend(struct satchel *satchel, const char *type, const char *record, const char *changes,
                  const char *reason, satchel_row_fn row, void *context)
{
    struct amending it = {.satchel = satchel, .rows = json_array()};
    json_t *one;
    size_t index;
    bool more = true;
    client_begin(satchel);
    sat_arena_init(&it.arena);
    client_book_now(it.now);
    enum sat_err err = client_book_self(satchel, &it.self);
    if (!err) err = client_find_type(satchel, type, &it.type);
    if (!err && (!reason || !*reason))
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "an amendment says why: a reason is missing");
    if (!err) err = client_visit_named(satchel, it.type->name, record, it.id);
    if (!err) err = load(&it);
    if (!err) err = amend_all(&it, changes, reason);
    json_array_foreach(it.rows, index, one) if (!err && more) more = client_give_row(row, context, json_incref(one));
    json_decref(it.rows);
    json_decref(it.record);
    sat_arena_deinit(&it.arena);
    return client_end(satchel, err);
}
