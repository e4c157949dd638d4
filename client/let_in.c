#include "client/let_in.h"

#include "client/act.h"
#include "client/handed.h"
#include "client/question.h"

enum { TIMEOUT_MS = 60 * 1000 };

/* ---- Deciding ---- */

struct decision {
    const struct client_escrow_item *items;
    uint32_t n;
    uint8_t what;
};

/* A bundle is let in behind the one that its author had written before. Which that is can be told where this device
 * reads. */
static enum sat_err check_before(const struct decision *decision, uint32_t i, struct client_links *links)
{
    const struct client_escrow_item *item = &decision->items[i], *last = i ? item - 1 : NULL;
    struct satchel *satchel = links->satchel;
    struct sat_space_row row;
    struct sat_bundle_row tip = {0};
    bool found = false;
    if (decision->what != SAT_ACCEPT_BUNDLE || !(client_rights(satchel, &item->space) & SAT_RIGHT_READ)) return SAT_OK;
    if (last && client_escrow_is_chain(last, item->device, &item->space)) {
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
        const struct client_escrow_item *item = &decision->items[i];
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

enum sat_err client_decide_some(struct satchel *satchel, const struct client_escrow_item *items, uint32_t n,
                                uint8_t what)
{
    struct decision decision = {items, n, what};
    struct client_act act = {.satchel = satchel, .context = &decision, .build = build_decision, .when_pulled = true};
    return client_act_run(&act);
}

/* ---- What stands before and beside ---- */

struct letting_in {
    struct satchel *satchel;
    struct client_escrow_held *held;
    struct client_escrow_held all;     /* what the devices have handed in, and what is let in may stand on */
    struct client_escrow_chain *chain; /* what is open of that; NULL: nothing */
    struct sat_arena arena;            /* of the chain */
    const struct client_escrow_item **items;
    struct sat_bundle *others; /* in the same places */
    struct client_handed_beside beside;
};

static enum sat_err open_chain(struct letting_in *letting, const struct client_escrow_item *item)
{
    struct client_escrow_held *all = &letting->all;
    struct client_escrow_chain *chain = client_escrow_chain_of(all, item);
    if (chain == letting->chain) return SAT_OK;
    uint32_t n = 0;
    enum sat_err err = SAT_OK;
    sat_arena_reset(&letting->arena);
    letting->chain = chain;
    for (uint32_t at = chain->oldest; at; at = all->items[at - 1].next_of_chain) n++;
    letting->items = sat_arena_array(&letting->arena, n, sizeof(struct client_escrow_item *));
    letting->others = sat_arena_array(&letting->arena, n, sizeof *letting->others);
    n = 0;
    for (uint32_t at = chain->oldest; at && !err; at = all->items[at - 1].next_of_chain) {
        letting->items[n] = &all->items[at - 1];
        err = client_escrow_open(all, &all->items[at - 1], &letting->arena, &letting->others[n++]);
    }
    client_handed_begin_beside(&letting->beside, letting->others, n, &letting->arena);
    return err;
}

/* As of now: much may have been decided since it was asked for. */
static bool is_open(const struct satchel *satchel, const struct client_escrow_item *item)
{
    return item->state == SAT_ASIDE_OPEN &&
           !sat_directory_decided(&satchel->directory, &item->id, satchel->directory.seq);
}

static enum sat_err check_chain(struct letting_in *letting, const struct client_escrow_item *item,
                                const struct sat_bundle *bundle)
{
    const struct sat_bundle *before;
    enum sat_err err = client_handed_before(letting->satchel, bundle, &letting->beside, &before);
    if (err || !before || !is_open(letting->satchel, letting->items[before - letting->others])) return err;
    return sat_fail(&letting->satchel->fault, SAT_ERR_STALE, "number %llu: let in what came before it first",
                    (unsigned long long)item->number);
}

static enum sat_err sync_once(struct satchel *satchel)
{
    struct client_question sync = {.timeout_ms = TIMEOUT_MS};
    return client_question_run(satchel, &sync);
}

/* What it may stand on, once for all that is let in; and what was wished for, which any session brings. */
static enum sat_err bring(struct letting_in *letting, bool wished)
{
    if (!letting->all.asked) return client_escrow_ask(&letting->all);
    return wished ? sync_once(letting->satchel) : SAT_OK;
}

/* ---- As it is ---- */

/* Has its home a copy? The other one may have handed in the same: one after the other, so that it is seen. */
static bool has_copies(const struct satchel *satchel, const struct client_escrow_item *item)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, item->device);
    return device && (device->parent || device->copies);
}

static bool was_let_in(const struct satchel *satchel, const struct client_escrow_item *item)
{
    return sat_directory_decided(&satchel->directory, &item->id, satchel->directory.seq) == SAT_ACCEPT_BUNDLE;
}

static enum sat_err fits(struct letting_in *letting, const struct client_escrow_item *item,
                         const struct sat_hash *before, bool *does)
{
    struct sat_arena arena;
    struct sat_bundle bundle;
    sat_arena_init(&arena);
    enum sat_err err = client_escrow_open(letting->held, item, &arena, &bundle);
    if (!err) err = client_handed_fits(letting->satchel, &bundle, before, does);
    sat_arena_deinit(&arena);
    return err;
}

/* How many from the first on go in together as they are; 0: not even that one. */
static enum sat_err count_fitting(struct letting_in *letting, const struct client_escrow_item *items, uint32_t n,
                                  uint32_t *out)
{
    struct satchel *satchel = letting->satchel;
    enum sat_err err = SAT_OK;
    for (*out = 0; *out < n && *out < CLIENT_LINKS_MAX && !err; ++*out) {
        const struct client_escrow_item *item = &items[*out], *last = *out ? item - 1 : NULL;
        bool does = true;
        if (last && (has_copies(satchel, last) || has_copies(satchel, item))) return SAT_OK;
        bool let_in = was_let_in(satchel, item);
        if (let_in && item->state == SAT_ASIDE_OPEN) return SAT_OK; /* by a server that was set back since */
        if (let_in) continue;                                       /* and that is said */
        if (!item->full.len) return SAT_OK;                         /* it is asked for again */
        bool behind = last && client_escrow_is_chain(last, item->device, &item->space);
        err = fits(letting, item, behind ? &last->id : NULL, &does);
        if (err || !does) return err;
    }
    return err;
}

/* ---- Written again ---- */

struct run { /* one behind the other, none of which the log can take as it is */
    struct sat_arena arena;
    struct sat_bundle *bundles;
    uint32_t n;
    bool fits; /* the first one does, now that what it may repeat is here */
};

/* May the log take it, now that this was asked for? */
static enum sat_err look_again(struct letting_in *letting, const struct sat_bundle *bundle, bool *fits_now)
{
    bool any;
    *fits_now = false;
    enum sat_err err = client_handed_wish(letting->satchel, bundle, &any);
    if (!err) err = bring(letting, any);
    return err || !any ? err : client_handed_fits(letting->satchel, bundle, NULL, fits_now);
}

static enum sat_err add_to_run(struct letting_in *letting, struct run *run, const struct client_escrow_item *item,
                               bool *added)
{
    struct satchel *satchel = letting->satchel;
    struct sat_bundle *bundle = &run->bundles[run->n];
    bool fits_now = false;
    *added = false;
    enum sat_err err = client_escrow_open(letting->held, item, &run->arena, bundle);
    if (!err && run->n && !(was_let_in(satchel, item) && item->state == SAT_ASIDE_OPEN))
        err = client_handed_fits(satchel, bundle, NULL, &fits_now);
    if (!err && !fits_now) err = look_again(letting, bundle, &fits_now);
    if (!err && run->n == 0) run->fits = fits_now;
    if (err || fits_now) return err;
    if (run->n == 0) err = open_chain(letting, item);
    if (!err && run->n == 0) err = check_chain(letting, item, bundle);
    if (!err) err = client_handed_check(satchel, bundle);
    *added = !err;
    run->n += !err;
    return err;
}

/* How many from the first on name the one before them. */
static uint32_t count_linked(const struct client_escrow_item *items, uint32_t n)
{
    uint32_t linked = 1;
    while (linked < n && client_escrow_is_chain(&items[linked - 1], items[linked].device, &items[linked].space) &&
           sat_hash_equal(&items[linked - 1].id, &items[linked].prev))
        linked++;
    return linked;
}

/* What cannot be let in ends it, and is met again as the first of the next one. */
static enum sat_err find_run(struct letting_in *letting, const struct client_escrow_item *items, uint32_t n,
                             struct run *run)
{
    bool added = true;
    enum sat_err err = SAT_OK;
    uint32_t linked = count_linked(items, n);
    run->bundles = sat_arena_array(&run->arena, linked, sizeof *run->bundles);
    for (uint32_t i = 0; i < linked && !err && added; i++) {
        const struct client_escrow_item *item = &items[i];
        bool said = i && was_let_in(letting->satchel, item) && item->state != SAT_ASIDE_OPEN;
        if (said || !item->full.len) return SAT_OK;
        err = add_to_run(letting, run, item, &added);
        if (err && i && !sat_err_is_local(err) && sat_err_class(err) != SAT_CLASS_RETRY) {
            letting->satchel->fault = (struct sat_fault){0};
            return SAT_OK;
        }
    }
    return err;
}

/* As they are they stay out. Where one was let in before, the server lets it in by itself if it fits. */
static enum sat_err keep_out(struct satchel *satchel, const struct client_escrow_item *items, uint32_t n)
{
    enum sat_err err = SAT_OK;
    bool said = false;
    for (uint32_t i = 0; i < n && !err;) {
        uint32_t due = 0;
        while (i + due < n && due < CLIENT_LINKS_MAX &&
               !sat_directory_decided(&satchel->directory, &items[i + due].id, satchel->directory.seq))
            due++;
        if (due) err = client_decide_some(satchel, items + i, due, SAT_ACCEPT_REJECT);
        said = due > 0;
        i += due ? due : 1;
    }
    return err || said ? err : sync_once(satchel);
}

/* Where one of them cannot be written again, those before it are: what is left is tried by halves. */
static enum sat_err take_most(struct letting_in *letting, struct run *run)
{
    for (;;) {
        enum sat_err err = client_handed_take(letting->satchel, run->bundles, run->n, &letting->beside);
        if (!err || sat_err_is_local(err) || run->n == 1) return err;
        run->n /= 2;
    }
}

/* How many, and at least one. */
static enum sat_err take(struct letting_in *letting, const struct client_escrow_item *items, uint32_t n, uint32_t *done)
{
    struct satchel *satchel = letting->satchel;
    struct run run = {0};
    sat_arena_init(&run.arena);
    enum sat_err err = find_run(letting, items, n, &run);
    if (!err && run.n) err = take_most(letting, &run);
    *done = run.n ? run.n : 1;
    sat_arena_deinit(&run.arena);
    if (err) return err;
    if (run.n) return keep_out(satchel, items, run.n);
    return was_let_in(satchel, items) ? sync_once(satchel) : client_decide_some(satchel, items, 1, SAT_ACCEPT_BUNDLE);
}

enum sat_err client_let_in(struct client_escrow_held *held)
{
    struct letting_in letting = {.satchel = held->satchel, .held = held};
    enum sat_err err = SAT_OK;
    sat_arena_init(&letting.arena);
    client_escrow_begin_beside(&letting.all, held);
    for (uint32_t done = 0, n; done < held->n && !err; done += n) {
        const struct client_escrow_item *items = held->items + done;
        err = client_escrow_hold(held, done);
        if (!err) err = count_fitting(&letting, items, held->n - done, &n);
        if (!err && n)
            err = client_decide_some(held->satchel, items, n, SAT_ACCEPT_BUNDLE);
        else if (!err)
            err = take(&letting, items, held->n - done, &n);
    }
    client_escrow_end(&letting.all);
    sat_arena_deinit(&letting.arena);
    return err;
}
