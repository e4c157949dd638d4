/* Claims from the pool: accounts and leads that belong to nobody. Whoever wants one asks for it, without a network as
 * well; of several who do side by side the one has it whose claim the server received first, and the others are told
 * who that is, and since when. */
#include "client/book/claim.h"

#include <string.h>

#include "client/book/ask.h"
#include "client/book/writing.h"
#include "client/rows.h"
#include "client/tx.h"
#include "common/base/utf8.h"

/* What is in the pool (?2: and claimed); of one that is named, by type and id, whoever it belongs to. */
static const char POOL[] =
    "SELECT p.type, p.id, p.name, p.territory, p.claimed_by, u.name AS \"by\", o.name AS owner, p.owner AS owner_id "
    "FROM"
    " (SELECT 'account' AS type, id, COALESCE(name, short_name) AS name, territory, owner, claimed_by FROM account"
    " WHERE merged_into IS NULL UNION ALL SELECT 'lead', id, company, territory, owner, claimed_by FROM lead WHERE"
    " COALESCE(state, 'new') NOT IN ('converted', 'disqualified')) AS p LEFT JOIN \"user\" AS u ON u.id ="
    " p.claimed_by LEFT JOIN \"user\" AS o ON o.id = p.owner WHERE CASE WHEN ?1 IS NULL THEN p.owner IS NULL AND"
    " (?2 IS NULL OR p.claimed_by IS NOT NULL) ELSE p.type = ?1 AND p.id = ?2 END ORDER BY p.type, p.name, p.id";

struct standing {
    const char *state;               /* free, asked, confirmed */
    const char *own;                 /* asked, confirmed, lost; NULL: one has not asked for it */
    const struct sat_source *source; /* of the claim that is shown; NULL: none */
};

/* When the server received it, which is what decides; of one that it has not, when it was written. */
static uint64_t when(const struct sat_source *source)
{
    return source->recv_ms ? source->recv_ms : source->effective >> 16;
}

static enum sat_err look_at(struct satchel *satchel, const json_t *row, const struct client_book_self *self,
                            struct sat_arena *arena, struct standing *out)
{
    const char *type = client_book_text(row, "type"), *id = client_book_text(row, "id");
    const struct sat_type *of;
    struct client_place place;
    struct sat_record_view view;
    uint8_t own[16];
    *out = (struct standing){.state = "free"};
    if (!client_book_text(row, "claimed_by")) return SAT_OK;
    enum sat_err err = client_locate_named(satchel, type, id, arena, &of, &place, &view);
    if (err || sat_uuid_parse(self->id, own)) return err;
    uint16_t field = sat_field_by_name(of, "claimed_by")->number;
    const struct sat_merged *cell = sat_merged_cell(&view.merged, field, (struct sat_span){0});
    if (!cell || cell->value.kind != SAT_VALUE_REF) return SAT_OK;
    out->source = cell->source;
    out->state = cell->source->recv_ms ? "confirmed" : "asked";
    for (uint32_t i = 0; i < cell->alternatives_n; i++) {
        const struct sat_alternative *one = &cell->alternatives[i];
        if (one->value.kind != SAT_VALUE_REF || memcmp(one->value.ref.b, own, sizeof own) != 0) continue;
        out->own = one->shown ? out->state : "lost";
    }
    return SAT_OK;
}

static json_t *json_of_claim(const json_t *row, const struct standing *standing)
{
    static const char *const same[] = {"type", "id", "name", "territory"};
    char at[CLIENT_TIME_TEXT_SIZE] = "";
    bool claimed = standing->source != NULL;
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        (void)json_object_set(json, same[i], json_object_get(row, same[i]));
    (void)json_object_set_new(json, "state", json_string(standing->state));
    (void)json_object_set(json, "by", claimed ? json_object_get(row, "by") : json_null());
    if (claimed) client_book_time_of(when(standing->source), at);
    (void)json_object_set_new(json, "at", claimed ? json_string(at) : json_null());
    (void)json_object_set_new(json, "own", standing->own ? json_string(standing->own) : json_null());
    return json;
}

/* The record's row as the pool has it, archived ones not. */
static enum sat_err find(struct satchel *satchel, const char *type, const char *named, char id[SATCHEL_ID_SIZE],
                         json_t **row)
{
    const char *values[] = {type, id};
    *row = NULL;
    if (strcmp(type, "account") != 0 && strcmp(type, "lead") != 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "accounts and leads are claimed, no %.40s", type);
    enum sat_err err = client_book_find(satchel, type, named, id);
    if (!err) err = client_book_ask_one(satchel, POOL, values, 2, row);
    if (!err && !*row) err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no %s %s to claim", type, id);
    return err;
}

/* What the row says, as a sentence has room for it. */
static const char *shown(const json_t *row, const char *member, const char *absent, struct sat_arena *arena)
{
    const char *text = client_book_text(row, member);
    return sat_utf8_beginning(arena, text ? text : absent, 60);
}

static enum sat_err check_free(struct satchel *satchel, const char *type, const json_t *row,
                               const struct client_book_self *self, const struct standing *standing,
                               struct sat_arena *arena)
{
    char at[CLIENT_TIME_TEXT_SIZE];
    const char *name = shown(row, "name", "", arena), *owner = client_book_text(row, "owner_id");
    if (owner && strcmp(owner, self->id) != 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s %s is not in the pool: it belongs to %s", type, name,
                        shown(row, "owner", owner, arena));
    if (!standing->source || (standing->own && strcmp(standing->own, "lost") != 0)) return SAT_OK;
    client_book_time_of(when(standing->source), at);
    return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "%s %s is claimed by %s at %s", type, name,
                    shown(row, "by", "somebody", arena), at);
}

/* Nobody takes back what is another one's; managers may. */
static enum sat_err check_own(struct satchel *satchel, const char *type, const json_t *row,
                              const struct client_book_self *self, const struct standing *standing,
                              struct sat_arena *arena)
{
    const char *name = shown(row, "name", "", arena);
    if (!standing->source)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "%s %s is claimed by nobody", type, name);
    bool own = standing->own && strcmp(standing->own, "lost") != 0;
    if (own || self->duties & SAT_DUTY_MANAGER) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_DENIED, "%s %s is given back by whoever claimed it, or a manager", type,
                    name);
}

static enum sat_err write(struct satchel *satchel, const char *type, const char *id, const char *person)
{
    struct satchel_tx *tx;
    enum sat_err err = (enum sat_err)satchel_begin(satchel, &tx);
    if (err) return err;
    json_t *fields = json_object();
    (void)json_object_set_new(fields, "claimed_by", person ? json_string(person) : json_null());
    return client_book_end(tx, client_book_put(tx, type, id, fields, NULL));
}

static enum sat_err claim(struct satchel *satchel, const char *type, const char *named, bool back,
                          struct sat_arena *arena, char **json)
{
    char id[SATCHEL_ID_SIZE];
    const char *values[] = {type, id};
    struct client_book_self self;
    struct standing standing;
    json_t *row = NULL;
    enum sat_err err = client_book_check_typed(satchel, named);
    if (!err) err = client_book_self(satchel, &self);
    if (!err) err = find(satchel, type, named, id, &row);
    if (!err) err = look_at(satchel, row, &self, arena, &standing);
    if (!err) err = (back ? check_own : check_free)(satchel, type, row, &self, &standing, arena);
    if (!err && (back || !standing.own)) err = write(satchel, type, id, back ? NULL : self.id);
    json_decref(row);
    row = NULL;
    if (!err) err = client_book_ask_one(satchel, POOL, values, 2, &row);
    if (!err) err = look_at(satchel, row, &self, arena, &standing);
    if (!err) *json = client_json_text(json_of_claim(row, &standing));
    json_decref(row);
    return err;
}

static int take(struct satchel *satchel, const char *type, const char *named, bool back, char **json)
{
    struct sat_arena arena;
    *json = NULL;
    client_begin(satchel);
    sat_arena_init(&arena);
    enum sat_err err = claim(satchel, type, named, back, &arena, json);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}

int satchel_claim(struct satchel *satchel, const char *type, const char *named, char **json)
{
    return take(satchel, type, named, false, json);
}

int satchel_claim_back(struct satchel *satchel, const char *type, const char *named, char **json)
{
    return take(satchel, type, named, true, json);
}

/* Gives the rows of the pool; of `own` alone what one asked for and does not have, or not for sure. */
static enum sat_err give(struct satchel *satchel, bool own, satchel_row_fn row, void *context)
{
    const char *values[] = {NULL, own ? "claimed" : NULL};
    struct client_book_self self;
    json_t *rows = NULL, *one;
    size_t i;
    bool more = true;
    enum sat_err err = client_book_self(satchel, &self);
    if (!err) err = client_book_ask(satchel, POOL, values, 2, &rows);
    json_array_foreach(rows, i, one)
    {
        struct sat_arena arena;
        struct standing standing;
        if (err || !more) break;
        sat_arena_init(&arena);
        err = look_at(satchel, one, &self, &arena, &standing);
        bool open = standing.own && strcmp(standing.own, "confirmed") != 0;
        if (!err && (open || !own)) more = client_give_row(row, context, json_of_claim(one, &standing));
        sat_arena_deinit(&arena);
    }
    json_decref(rows);
    return err;
}

int satchel_claims(struct satchel *satchel, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    return client_end(satchel, give(satchel, false, row, context));
}

static int keep(void *context, const char *json)
{
    (void)json_array_append_new(context, json_loads(json, 0, NULL));
    return 0;
}

enum sat_err client_claims_open(struct satchel *satchel, json_t **rows)
{
    *rows = json_array();
    return give(satchel, true, keep, *rows);
}
