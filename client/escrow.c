/* The escrow: work that came after its author had lost the right to write it. The server keeps it; admins, and managers
 * of the territory, read it and decide. What they let in keeps its author and signature. */
#include <string.h>

#include "client/act.h"
#include "client/bundles.h"
#include "client/escrow_held.h"
#include "client/let_in.h"
#include "client/rows.h"

/* ---- Showing ---- */

static const char *name_of_state(const struct client_escrow_item *item)
{
    if (!item->sound) return "forged";
    switch ((enum sat_aside_state)item->state) {
    case SAT_ASIDE_OPEN:
    case SAT_ASIDE_KEPT: /* on devices alone */
        return "open";
    case SAT_ASIDE_ACCEPTED:
        return "accepted";
    case SAT_ASIDE_REJECTED:
        return "rejected";
    }
    return "unknown";
}

static json_t *json_of_item(struct client_escrow_held *held, const struct client_escrow_item *item,
                            struct sat_arena *arena)
{
    json_t *json = json_object(), *author = client_bundle_author(held->satchel, &item->space, item->device, arena);
    (void)json_object_set_new(json, "number", json_integer((json_int_t)item->number));
    (void)json_object_set_new(json, "state", json_string(name_of_state(item)));
    (void)json_object_update(json, author);
    json_decref(author);
    (void)json_object_set_new(json, "changes", json_integer(item->count));
    (void)json_object_set_new(json, "received_at", client_json_of_time(item->recv_ms));
    (void)json_object_set_new(json, "reason", json_string(sat_err_name(item->reason)));
    return json;
}

int satchel_escrow(struct satchel *satchel, satchel_row_fn row, void *context)
{
    struct client_escrow_held held;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MEMBER);
    if (!err) err = client_act_check_sees(satchel);
    if (err) return client_end(satchel, err);
    err = client_escrow_begin(&held, satchel, NULL, 0, 0);
    if (!err) err = client_escrow_ask(&held);
    if (!err) err = client_lease_check(satchel);
    for (uint32_t i = 0; i < held.n && !err; i++)
        if (!client_give_row(row, context, json_of_item(&held, &held.items[i], &held.arena))) break;
    client_escrow_end(&held);
    return client_end(satchel, err);
}

static enum sat_err show(struct client_escrow_held *held, const struct client_escrow_item *item, satchel_row_fn row,
                         void *context)
{
    struct satchel *satchel = held->satchel;
    struct sat_bundle bundle;
    enum sat_err err = client_escrow_open(held, item, &held->arena, &bundle);
    for (uint32_t i = 0; i < item->count && !err; i++) {
        json_t *json = client_bundle_change(satchel, &bundle, i, &held->arena);
        json_t *of_bundle = json_of_item(held, item, &held->arena);
        (void)json_object_update_missing(json, of_bundle);
        json_decref(of_bundle);
        if (!client_give_row(row, context, json)) break;
    }
    return err;
}

int satchel_escrow_show(struct satchel *satchel, uint64_t number, satchel_row_fn row, void *context)
{
    struct client_escrow_held held;
    struct client_escrow_item *item;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MEMBER);
    if (!err) err = client_act_check_sees(satchel);
    if (err) return client_end(satchel, err);
    err = client_escrow_begin(&held, satchel, &number, 1, CLIENT_ESCROW_BYTES_MAX);
    if (!err) err = client_escrow_ask(&held);
    if (!err) err = client_lease_check(satchel);
    if (!err) err = client_escrow_find(&held, number, &item);
    if (!err) err = show(&held, item, row, context);
    client_escrow_end(&held);
    return client_end(satchel, err);
}

/* ---- Deciding ---- */

static enum sat_err reject(struct client_escrow_held *held)
{
    enum sat_err err = SAT_OK;
    for (uint32_t done = 0; done < held->n && !err; done += CLIENT_LINKS_MAX) {
        uint32_t left = held->n - done;
        err = client_decide_some(held->satchel, held->items + done, left < CLIENT_LINKS_MAX ? left : CLIENT_LINKS_MAX,
                                 SAT_ACCEPT_REJECT);
    }
    return err;
}

int satchel_escrow_decide(struct satchel *satchel, const uint64_t *numbers, uint32_t n, int accept)
{
    struct client_escrow_held held;
    struct client_escrow_item *item;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (err || n == 0) return client_end(satchel, err);
    err = client_escrow_begin(&held, satchel, numbers, n, accept ? CLIENT_ESCROW_BYTES_MAX : 0);
    if (!err) err = client_escrow_ask(&held);
    for (uint32_t i = 0; i < n && !err; i++) err = client_escrow_find(&held, numbers[i], &item);
    client_escrow_sort(&held);
    if (!err) err = accept ? client_let_in(&held) : reject(&held);
    client_escrow_end(&held);
    return client_end(satchel, err);
}
