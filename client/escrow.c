/* The escrow: work that came after its author had lost the right to write it. The server keeps it; admins, and managers
 * of the territory, read it and decide. What they let in keeps its author and signature. */
#include <stdlib.h>
#include <string.h>

#include "client/act.h"
#include "client/bundles.h"
#include "client/handed.h"
#include "client/question.h"
#include "client/rows.h"

enum { TIMEOUT_MS = 60 * 1000 };

struct item { /* what is kept of one while the session lasts */
    uint64_t number, first, recv_ms;
    struct sat_space_id space;
    struct sat_hash id, prev;
    uint32_t device, count;
    uint8_t state;
    enum sat_err reason;
    bool sound;           /* signed by the device that it names */
    struct sat_span full; /* of those that are wanted whole */
};

struct asking {
    struct satchel *satchel;
    struct sat_arena arena;
    const uint64_t *wanted; /* numbers whose bundles are wanted whole; NULL: of none, but all are listed */
    uint32_t wanted_n;
    const struct item *beside; /* all that their devices have handed in in their spaces are wanted whole … */
    uint32_t beside_n;         /* 0: not so */
    bool asked;
    struct item *items;
    uint32_t n, cap;
};

static bool is_wanted(const struct asking *asking, uint64_t number)
{
    for (uint32_t i = 0; i < asking->wanted_n; i++)
        if (asking->wanted[i] == number) return true;
    return false;
}

static bool is_same_chain(const struct item *item, uint32_t device, const struct sat_space_id *space)
{
    return item->device == device && sat_space_equal(&item->space, space);
}

static bool is_beside(const struct asking *asking, uint32_t device, const struct sat_space_id *space)
{
    for (uint32_t i = 0; i < asking->beside_n; i++)
        if (is_same_chain(&asking->beside[i], device, space)) return true;
    return false;
}

static struct item *add_item(struct asking *asking)
{
    if (asking->n == asking->cap) {
        uint32_t cap = asking->cap ? asking->cap * 2 : 16;
        struct item *items = sat_arena_array(&asking->arena, cap, sizeof *items);
        if (asking->n) memcpy(items, asking->items, asking->n * sizeof *items);
        asking->items = items;
        asking->cap = cap;
    }
    return &asking->items[asking->n++];
}

static void take_item(struct asking *asking, const struct sat_escrow_item *from)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_bundle bundle = {0};
    enum sat_err err = client_bundle_read(asking->satchel, from->bundle, &from->space, &arena, &bundle);
    bool wanted = is_wanted(asking, from->number) || is_beside(asking, bundle.manifest.device, &from->space);
    asking->satchel->fault = (struct sat_fault){0};
    *add_item(asking) = (struct item){
        .number = from->number,
        .first = bundle.manifest.first,
        .recv_ms = from->recv_ms,
        .space = from->space,
        .id = bundle.id,
        .prev = bundle.manifest.prev,
        .device = bundle.manifest.device,
        .count = bundle.manifest.count,
        .state = from->state,
        .reason = sat_err_from_wire(from->reason),
        .sound = err == SAT_OK,
        .full = wanted ? sat_span_copy(&asking->arena, from->bundle) : (struct sat_span){0},
    };
    sat_arena_deinit(&arena);
}

static enum sat_err take_page(void *context, const struct sat_escrow_item *items, uint32_t n, bool more)
{
    struct asking *asking = context;
    (void)more;
    for (uint32_t i = 0; i < n; i++)
        if (!asking->wanted || is_wanted(asking, items[i].number)) take_item(asking, &items[i]);
    return SAT_OK;
}

static enum sat_err ask(struct asking *asking)
{
    struct client_question question = {.context = asking, .escrow = take_page, .timeout_ms = TIMEOUT_MS};
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < asking->wanted_n; i++)
        if (asking->wanted[i] < least) least = asking->wanted[i];
    if (asking->wanted_n) question.escrow_after = least - 1;
    asking->asked = true;
    return client_question_run(asking->satchel, &question);
}

static enum sat_err begin(struct asking *asking, struct satchel *satchel, const uint64_t *numbers, uint32_t n)
{
    *asking = (struct asking){.satchel = satchel, .wanted = numbers, .wanted_n = n};
    sat_arena_init(&asking->arena);
    for (uint32_t i = 0; i < n; i++)
        if (numbers[i] == 0) return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "the escrow begins with number 1");
    return SAT_OK;
}

/* ---- Showing ---- */

static const char *name_of_state(const struct item *item)
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

static json_t *json_of_item(struct asking *asking, const struct item *item, struct sat_arena *arena)
{
    json_t *json = json_object(), *author = client_bundle_author(asking->satchel, &item->space, item->device, arena);
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
    struct asking asking;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MEMBER);
    if (!err) err = client_act_check_sees(satchel);
    if (err) return client_end(satchel, err);
    err = begin(&asking, satchel, NULL, 0);
    if (!err) err = ask(&asking);
    if (!err) err = client_lease_check(satchel);
    for (uint32_t i = 0; i < asking.n && !err; i++)
        if (!client_give_row(row, context, json_of_item(&asking, &asking.items[i], &asking.arena))) break;
    sat_arena_deinit(&asking.arena);
    return client_end(satchel, err);
}

static enum sat_err find_item(struct asking *asking, uint64_t number, struct item **out)
{
    for (uint32_t i = 0; i < asking->n; i++) {
        *out = &asking->items[i];
        if ((*out)->number != number) continue;
        if ((*out)->sound) return SAT_OK;
        return sat_fail(&asking->satchel->fault, SAT_ERR_TAMPERED,
                        "number %llu is not what device %u signed: the server, or who handed it in, has altered it",
                        (unsigned long long)number, (unsigned)(*out)->device);
    }
    return sat_fail(&asking->satchel->fault, SAT_ERR_NOT_FOUND, "the escrow has no number %llu",
                    (unsigned long long)number);
}

static enum sat_err show(struct asking *asking, const struct item *item, satchel_row_fn row, void *context)
{
    struct satchel *satchel = asking->satchel;
    struct sat_bundle bundle;
    enum sat_err err = client_bundle_read(satchel, item->full, &item->space, &asking->arena, &bundle);
    for (uint32_t i = 0; i < item->count && !err; i++) {
        json_t *json = client_bundle_change(satchel, &bundle, i, &asking->arena);
        json_t *of_bundle = json_of_item(asking, item, &asking->arena);
        (void)json_object_update_missing(json, of_bundle);
        json_decref(of_bundle);
        if (!client_give_row(row, context, json)) break;
    }
    return err;
}

int satchel_escrow_show(struct satchel *satchel, uint64_t number, satchel_row_fn row, void *context)
{
    struct asking asking;
    struct item *item;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MEMBER);
    if (!err) err = client_act_check_sees(satchel);
    if (err) return client_end(satchel, err);
    err = begin(&asking, satchel, &number, 1);
    if (!err) err = ask(&asking);
    if (!err) err = client_lease_check(satchel);
    if (!err) err = find_item(&asking, number, &item);
    if (!err) err = show(&asking, item, row, context);
    sat_arena_deinit(&asking.arena);
    return client_end(satchel, err);
}

/* ---- Deciding ---- */

struct decision {
    const struct item *items;
    uint32_t n;
    uint8_t what;
};

/* A bundle is let in behind the one that its author had written before. Which that is can be told where this device
 * reads. */
static enum sat_err check_before(const struct decision *decision, uint32_t i, struct client_links *links)
{
    const struct item *item = &decision->items[i], *last = i ? item - 1 : NULL;
    struct satchel *satchel = links->satchel;
    struct sat_space_row row;
    struct sat_bundle_row tip = {0};
    bool found = false;
    if (decision->what != SAT_ACCEPT_BUNDLE || !(client_rights(satchel, &item->space) & SAT_RIGHT_READ)) return SAT_OK;
    if (last && is_same_chain(last, item->device, &item->space)) {
        tip.id = last->id;
    } else {
        enum sat_err err = sat_store_space_find(satchel->store, &item->space, &row, &found);
        if (!err && found) err = sat_store_bundle_tip(satchel->store, row.sid, item->device, false, &tip, &found);
        if (err) return err;
        if (!found) tip.id = (struct sat_hash){0};
    }
    if (sat_hash_equal(&tip.id, &item->prev)) return SAT_OK;
    return sat_fail(links->fault, SAT_ERR_STALE, "number %llu: let in what came before it first",
                    (unsigned long long)item->number);
}

static enum sat_err build_decision(void *context, struct client_links *links)
{
    const struct decision *decision = context;
    struct sat_buf buf;
    sat_buf_init(&buf);
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < decision->n && !err; i++) {
        const struct item *item = &decision->items[i];
        struct sat_body_accept body = {
            .what = decision->what, .device = item->device, .space = item->space, .bundle = item->id};
        if (sat_directory_decided(&links->ahead, &item->id, links->ahead.seq) == SAT_ACCEPT_BUNDLE)
            err = sat_fail(links->fault, SAT_ERR_EXISTS, "number %llu has been let in already",
                           (unsigned long long)item->number);
        if (!err) err = check_before(decision, i, links);
        sat_buf_clear(&buf);
        sat_body_accept_encode(&body, &buf);
        if (!err) err = client_links_add(links, SAT_LINK_ACCEPT, &buf);
    }
    sat_buf_deinit(&buf);
    return err;
}

/* What a device wrote first comes first: its bundles are a chain. */
static int compare_items(const void *a, const void *b)
{
    const struct item *left = a, *right = b;
    int spaces = memcmp(left->space.b, right->space.b, sizeof left->space.b);
    if (spaces) return spaces;
    if (left->device != right->device) return left->device < right->device ? -1 : 1;
    return left->first < right->first ? -1 : left->first > right->first;
}

static enum sat_err decide_some(struct asking *asking, const struct item *items, uint32_t n, uint8_t what)
{
    struct decision decision = {items, n, what};
    struct client_act act = {
        .satchel = asking->satchel, .context = &decision, .build = build_decision, .when_pulled = true};
    return client_act_run(&act);
}

static enum sat_err reject(struct asking *asking)
{
    enum sat_err err = SAT_OK;
    for (uint32_t done = 0; done < asking->n && !err; done += CLIENT_LINKS_MAX) {
        uint32_t left = asking->n - done;
        err = decide_some(asking, asking->items + done, left < CLIENT_LINKS_MAX ? left : CLIENT_LINKS_MAX,
                          SAT_ACCEPT_REJECT);
    }
    return err;
}

/* ---- Letting in ---- */

static enum sat_err open_item(struct satchel *satchel, const struct item *item, struct sat_arena *arena,
                              struct sat_bundle *out)
{
    return client_bundle_read(satchel, item->full, &item->space, arena, out);
}

/* Has its home a copy? The other one may have handed in the same: one after the other, so that it is seen. */
static bool has_copies(const struct satchel *satchel, const struct item *item)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, item->device);
    return device && (device->parent || device->copies);
}

/* How many from the first on go in together as they are; 0: not even that one. */
static enum sat_err count_fitting(struct asking *asking, const struct item *items, uint32_t n, uint32_t *out)
{
    struct satchel *satchel = asking->satchel;
    bool fits = true;
    enum sat_err err = SAT_OK;
    for (*out = 0; *out < n && *out < CLIENT_LINKS_MAX && !err; ++*out) {
        const struct item *item = &items[*out], *last = *out ? item - 1 : NULL;
        struct sat_bundle bundle;
        if (last && (has_copies(satchel, last) || has_copies(satchel, item))) return SAT_OK;
        bool was_let_in =
            sat_directory_decided(&satchel->directory, &item->id, satchel->directory.seq) == SAT_ACCEPT_BUNDLE;
        if (was_let_in && item->state == SAT_ASIDE_OPEN) return SAT_OK; /* by a server that was set back since */
        if (was_let_in) continue;                                       /* and that is said */
        bool behind = last && is_same_chain(last, item->device, &item->space);
        err = open_item(satchel, item, &asking->arena, &bundle);
        if (!err) err = client_handed_fits(satchel, &bundle, behind ? &last->id : NULL, &fits);
        if (err || !fits) return err;
    }
    return err;
}

/* As of now: much may have been decided since it was asked for. */
static bool is_open(const struct satchel *satchel, const struct item *item)
{
    return item->state == SAT_ASIDE_OPEN &&
           !sat_directory_decided(&satchel->directory, &item->id, satchel->directory.seq);
}

/* With all that its device has handed in there, as what it stands on may be among that. */
static enum sat_err take_beside(const struct asking *all, const struct item *item)
{
    struct satchel *satchel = all->satchel;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_bundle bundle, *others = sat_arena_array(&arena, all->n, sizeof *others);
    const struct sat_bundle *before = NULL;
    uint32_t n = 0;
    enum sat_err err = open_item(satchel, item, &arena, &bundle);
    for (uint32_t i = 0; i < all->n && !err; i++)
        if (all->items[i].sound && is_same_chain(&all->items[i], item->device, &item->space))
            err = open_item(satchel, &all->items[i], &arena, &others[n++]);
    if (!err) err = client_handed_before(satchel, &bundle, others, n, &before);
    for (uint32_t i = 0; i < all->n && !err && before; i++)
        if (sat_hash_equal(&all->items[i].id, &before->id) && is_open(satchel, &all->items[i]))
            err = sat_fail(&satchel->fault, SAT_ERR_STALE, "number %llu: let in what came before it first",
                           (unsigned long long)item->number);
    if (!err) err = client_handed_take(satchel, &bundle, others, n);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err sync_once(struct satchel *satchel)
{
    struct client_question sync = {.timeout_ms = TIMEOUT_MS};
    return client_question_run(satchel, &sync);
}

/* What it may stand on, once for all that is let in; and what was wished for, which any session brings. */
static enum sat_err bring(struct asking *all, bool wished)
{
    if (!all->asked) return ask(all);
    return wished ? sync_once(all->satchel) : SAT_OK;
}

/* The log cannot take it as it is: it is written again, and as it is it stays out. */
static enum sat_err take(struct asking *asking, struct asking *all, const struct item *item)
{
    struct satchel *satchel = asking->satchel;
    const struct sat_directory *directory = &satchel->directory;
    struct sat_bundle bundle;
    bool any, fits = false;
    enum sat_err err = open_item(satchel, item, &asking->arena, &bundle);
    if (!err) err = client_handed_wish(satchel, &bundle, &any);
    if (!err) err = bring(all, any);
    if (!err && any) err = client_handed_fits(satchel, &bundle, NULL, &fits); /* now that it can be told */
    if (!err && !fits) err = take_beside(all, item);
    if (err) return err;
    uint8_t decided = sat_directory_decided(directory, &item->id, directory->seq);
    if (decided == SAT_ACCEPT_BUNDLE) return sync_once(satchel); /* where it fits, the server lets it in by itself */
    if (fits) return decide_some(asking, item, 1, SAT_ACCEPT_BUNDLE);
    if (decided != SAT_ACCEPT_REJECT) return decide_some(asking, item, 1, SAT_ACCEPT_REJECT);
    return sync_once(satchel);
}

static enum sat_err let_in(struct asking *asking)
{
    struct asking all = {.satchel = asking->satchel, .beside = asking->items, .beside_n = asking->n};
    enum sat_err err = SAT_OK;
    sat_arena_init(&all.arena);
    for (uint32_t done = 0, n; done < asking->n && !err; done += n ? n : 1) {
        const struct item *items = asking->items + done;
        err = count_fitting(asking, items, asking->n - done, &n);
        if (!err) err = n ? decide_some(asking, items, n, SAT_ACCEPT_BUNDLE) : take(asking, &all, items);
    }
    sat_arena_deinit(&all.arena);
    return err;
}

int satchel_escrow_decide(struct satchel *satchel, const uint64_t *numbers, uint32_t n, int accept)
{
    struct asking asking;
    struct item *item;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (err || n == 0) return client_end(satchel, err);
    err = begin(&asking, satchel, numbers, n);
    if (!err) err = ask(&asking);
    for (uint32_t i = 0; i < n && !err; i++) err = find_item(&asking, numbers[i], &item);
    qsort(asking.items, asking.n, sizeof *asking.items, compare_items);
    if (!err) err = accept ? let_in(&asking) : reject(&asking);
    sat_arena_deinit(&asking.arena);
    return client_end(satchel, err);
}
