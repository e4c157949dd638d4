/* Searching the view: the index finds (client/search), rows are told. */
#include <string.h>

#include "client/locate.h"
#include "client/rows.h"
#include "client/search/find.h"
#include "client/view/database.h"

static json_t *json_of_hit(const struct client_hit *hit)
{
    json_t *json = json_object();
    (void)json_object_set_new(json, "type", json_string(hit->type->name));
    (void)json_object_set_new(json, "name", json_string(hit->name));
    (void)json_object_set_new(json, "field", json_string(hit->field->name));
    (void)json_object_set_new(json, "text", json_string(hit->excerpt));
    (void)json_object_set_new(json, "match", json_string(hit->match));
    (void)json_object_set_new(json, "territory", json_string(hit->territory));
    (void)json_object_set_new(json, "id", json_string(hit->id));
    return json;
}

/* The index reads its own tables, and asks SQLite for more than those who query the view may. */
static enum sat_err find(struct satchel *satchel, struct client_view *view, const char *text,
                         const struct sat_type *type, int limit, struct sat_arena *arena, struct client_hits *hits)
{
    struct sat_fault fault = {0};
    view->rows = 0;
    (void)sqlite3_set_authorizer(view->db, NULL, NULL);
    enum sat_err err = client_find(view->db, sat_span_text(text), type, (size_t)limit, arena, hits, &satchel->fault);
    if (err == SAT_ERR_IO && view->sealed) view->damaged = true;
    enum sat_err locked = client_view_lock(view->db, &fault);
    if (err || !locked) return err;
    satchel->fault = fault;
    return locked;
}

static enum sat_err find_records(struct satchel *satchel, const char *text, const char *type_name, int limit,
                                 struct sat_arena *arena, struct client_hits *hits)
{
    const struct sat_type *type = NULL;
    struct client_view *view = NULL;
    if (limit < 1 || limit > CLIENT_HITS_MAX)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "the limit is from 1 to %d", CLIENT_HITS_MAX);
    enum sat_err err = type_name ? client_find_type(satchel, type_name, &type) : SAT_OK;
    if (err) return err;
    do {
        err = client_view_get(satchel, &view);
        if (!err) err = find(satchel, view, text ? text : "", type, limit, arena, hits);
    } while (view && client_view_asks_again(view));
    return err;
}

int client_find_records(struct satchel *satchel, const char *text, const char *type, int limit, satchel_row_fn row,
                        void *context, bool *more)
{
    struct client_hits hits = {0};
    struct sat_arena arena;
    client_begin(satchel);
    sat_arena_init(&arena);
    enum sat_err err = find_records(satchel, text, type, limit, &arena, &hits);
    for (size_t i = 0; i < hits.n && !err; i++)
        if (!client_give_row(row, context, json_of_hit(&hits.at[i]))) break;
    *more = hits.more;
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}

int satchel_find(struct satchel *satchel, const char *text, const char *type, int limit, satchel_row_fn row,
                 void *context)
{
    bool more = false;
    return client_find_records(satchel, text, type, limit, row, context, &more);
}
