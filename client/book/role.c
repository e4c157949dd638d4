/* Business roles: those that come with the program (roles.def) become records, which an admin changes from then on. */
#include <string.h>

#include "client/book/ask.h"
#include "client/book/writing.h"
#include "client/grades.h"
#include "client/rows.h"
#include "client/tx.h"

static json_t *grants_of(const char *list)
{
    json_t *grants = json_object();
    for (const char *at = list; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " "), name = strcspn(at, ":");
        if (name < n) (void)json_object_setn_new(grants, at, name, json_stringn(at + name + 1, n - name - 1));
        at += n;
    }
    return grants;
}

/* Those that there are, by code. */
static enum sat_err ask_here(struct satchel *satchel, json_t **out)
{
    json_t *rows, *row;
    size_t i;
    *out = json_object();
    enum sat_err err =
        client_book_ask(satchel,
                        "SELECT code, name_zh AS name, max_grade, grants FROM role_template WHERE code IS NOT"
                        " NULL ORDER BY code, id",
                        NULL, 0, &rows);
    if (err) return err;
    json_array_foreach(rows, i, row)(void) json_object_set(*out, client_book_text(row, "code"), row);
    json_decref(rows);
    return SAT_OK;
}

static enum sat_err install(struct satchel_tx *tx)
{
    json_t *here;
    enum sat_err err = ask_here(tx->satchel, &here);
    for (size_t i = 0; i < client_roles_n && !err; i++) {
        const struct client_role *role = &client_roles[i];
        if (json_object_get(here, role->code)) continue;
        err = client_book_put(tx, "role_template", NULL,
                              json_pack("{s:s, s:s, s:i, s:o}", "code", role->code, "name_zh", role->name, "max_grade",
                                        (int)role->max_grade, "grants", grants_of(role->grants)),
                              NULL);
    }
    json_decref(here);
    return err;
}

int satchel_roles_install(struct satchel_tx *tx)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, install(tx));
}

/* Who has the role. */
static enum sat_err set_people(struct satchel *satchel, json_t *role)
{
    const char *values[] = {client_book_text(role, "code")};
    json_t *rows, *row, *people = json_array();
    size_t i;
    enum sat_err err = client_book_ask(satchel,
                                       "SELECT u.name FROM \"user\" AS u, json_each(u.roles) AS j WHERE j.value = ?1"
                                       " ORDER BY u.name",
                                       values, 1, &rows);
    json_array_foreach(rows, i, row)(void) json_array_append(people, json_object_get(row, "name"));
    json_decref(rows);
    (void)json_object_set_new(role, "people", people);
    return err;
}

int satchel_roles(struct satchel *satchel, satchel_row_fn row, void *context)
{
    json_t *here = NULL, *one;
    const char *code;
    client_begin(satchel);
    enum sat_err err = ask_here(satchel, &here);
    json_object_foreach(here, code, one)(void) json_object_set_new(one, "here", json_true());
    for (size_t i = 0; i < client_roles_n && !err; i++) {
        const struct client_role *role = &client_roles[i];
        if (json_object_get(here, role->code)) continue;
        (void)json_object_set_new(here, role->code,
                                  json_pack("{s:s, s:s, s:i, s:o, s:b}", "code", role->code, "name", role->name,
                                            "max_grade", (int)role->max_grade, "grants", grants_of(role->grants),
                                            "here", 0));
    }
    json_object_foreach(here, code, one)
    {
        if (!err) err = set_people(satchel, one);
        if (err || !client_give_row(row, context, json_incref(one))) break;
    }
    json_decref(here);
    return client_end(satchel, err);
}
