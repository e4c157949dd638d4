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

/* What is in the pool (?2: and asked for by ?3, who does not have it, or not for sure); of one that is named, by type
 * and id, whoever it belongs to. With it who has claimed it (client/view/claims.h), and what one's own claim came to.
 */
static const char POOL[] =
    "SELECT p.type, p.id, p.name, p.territory, o.name AS owner, p.owner AS owner_id, COALESCE(c.standing, 'free') AS"
    " state, c.person AS by_id, u.name AS \"by\", c.at_ms, w.standing AS own FROM"
    " (SELECT 'account' AS type, id, COALESCE(name, short_name) AS name, territory, owner FROM account"
    " WHERE merged_into IS NULL UNION ALL SELECT 'lead', id, company, territory, owner FROM lead WHERE"
    " COALESCE(state, 'new') NOT IN ('converted', 'disqualified')) AS p LEFT JOIN claimed AS c ON c.id = p.id AND"
    " c.territory = p.territory AND c.standing IN ('confirmed', 'asked') LEFT JOIN claimed AS w ON w.id = p.id AND"
    " w.territory = p.territory AND w.person = ?3 AND w.author = ?3 LEFT JOIN \"user\" AS u ON u.id = c.person LEFT"
    " JOIN \"user\" AS o ON o.id = p.owner WHERE CASE WHEN ?1 IS NULL THEN p.owner IS NULL AND (?2 IS NULL OR"
    " w.standing <> 'confirmed') ELSE p.type = ?1 AND p.id = ?2 END ORDER BY p.type, p.name, p.id";

/* Was it claimed in one's name by somebody else? What says so is there already, and would be nothing new. */
static const char IN_ONES_NAME[] = "SELECT id FROM claimed WHERE id = ?1 AND person = ?2 AND author <> ?2";

struct standing {
    const char *own; /* asked, confirmed, lost; NULL: one has not asked for it */
    uint64_t at_ms;  /* since when somebody has claimed it; 0: nobody has */
};

static struct standing standing_of(const json_t *row)
{
    return (struct standing){.own = client_book_text(row, "own"),
                             .at_ms = (uint64_t)client_book_integer(row, "at_ms", 0)};
}

static json_t *json_of_claim(const json_t *row)
{
    static const char *const same[] = {"type", "id", "name", "territory", "state", "by", "own"};
    char at[CLIENT_TIME_TEXT_SIZE];
    struct standing standing = standing_of(row);
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        (void)json_object_set(json, same[i], json_object_get(row, same[i]));
    if (standing.at_ms) client_book_time_of(standing.at_ms, at);
    (void)json_object_set_new(json, "at", standing.at_ms ? json_string(at) : json_null());
    return json;
}

/* The record's row as the pool has it, archived ones not. */
static enum sat_err find(struct satchel *satchel, const char *type, const char *named,
                         const struct client_book_self *self, char id[SATCHEL_ID_SIZE], json_t **row)
{
    const char *values[] = {type, id, self->id};
    *row = NULL;
    if (strcmp(type, "account") != 0 && strcmp(type, "lead") != 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "accounts and leads are claimed, no %.40s", type);
    enum sat_err err = client_book_find(satchel, type, named, id);
    if (!err) err = client_book_ask_one(satchel, POOL, values, 3, row);
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
    if (!standing->at_ms || (standing->own && strcmp(standing->own, "lost") != 0)) return SAT_OK;
    client_book_time_of(standing->at_ms, at);
    return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "%s %s is claimed by %s at %s", type, name,
                    shown(row, "by", "somebody", arena), at);
}

/* Nobody takes back what is another one's; managers may. */
static enum sat_err check_own(struct satchel *satchel, const char *type, const json_t *row,
                              const struct client_book_self *self, const struct standing *standing,
                              struct sat_arena *arena)
{
    const char *name = shown(row, "name", "", arena);
    if (!standing->at_ms) return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "%s %s is claimed by nobody", type, name);
    bool own = standing->own && strcmp(standing->own, "lost") != 0;
    if (own || self->duties & SAT_DUTY_MANAGER) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_DENIED, "%s %s is given back by whoever claimed it, or a manager", type,
                    name);
}

static enum sat_err put_claim(struct satchel_tx *tx, const char *type, const char *id, const char *person)
{
    json_t *fields = json_object();
    (void)json_object_set_new(fields, "claimed_by", person ? json_string(person) : json_null());
    return client_book_put(tx, type, id, fields, NULL);
}

static enum sat_err write(struct satchel *satchel, const char *type, const char *id, const char *person)
{
    const char *values[] = {id, person};
    json_t *other = NULL;
    struct satchel_tx *tx;
    enum sat_err err = person ? client_book_ask_one(satchel, IN_ONES_NAME, values, 2, &other) : SAT_OK;
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (err) return err;
    if (other) err = put_claim(tx, type, id, NULL);
    if (!err) err = put_claim(tx, type, id, person);
    json_decref(other);
    return client_book_end(tx, err);
}

static enum sat_err claim(struct satchel *satchel, const char *type, const char *named, bool back,
                          struct sat_arena *arena, char **json)
{
    char id[SATCHEL_ID_SIZE];
    struct client_book_self self;
    json_t *row = NULL;
    enum sat_err err = client_book_check_typed(satchel, named);
    if (!err) err = client_book_self(satchel, &self);
    const char *values[] = {type, id, self.id};
    if (!err) err = find(satchel, type, named, &self, id, &row);
    struct standing standing = standing_of(row);
    if (!err) err = (back ? check_own : check_free)(satchel, type, row, &self, &standing, arena);
    if (!err && (back || !standing.own)) err = write(satchel, type, id, back ? NULL : self.id);
    json_decref(row);
    row = NULL;
    if (!err) err = client_book_ask_one(satchel, POOL, values, 3, &row);
    if (!err) *json = client_json_text(json_of_claim(row));
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
    struct client_book_self self;
    json_t *rows = NULL, *one;
    size_t i;
    bool more = true;
    enum sat_err err = client_book_self(satchel, &self);
    const char *values[] = {NULL, own ? "asked" : NULL, self.id};
    if (!err) err = client_book_ask(satchel, POOL, values, 3, &rows);
    json_array_foreach(rows, i, one)
    {
        if (err || !more) break;
        more = client_give_row(row, context, json_of_claim(one));
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
