#include "client/escrow_held.h"

#include <stdlib.h>
#include <string.h>

#include "client/bundles.h"
#include "client/question.h"

enum { TIMEOUT_MS = 60 * 1000 };

bool client_escrow_is_chain(const struct client_escrow_item *item, uint32_t device, const struct sat_space_id *space)
{
    return item->device == device && sat_space_equal(&item->space, space);
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static bool is_listed(const struct client_escrow_held *held, uint64_t number)
{
    return !held->numbers || bsearch(&number, held->numbers, held->numbers_n, sizeof number, compare_numbers);
}

static int compare_chain(uint32_t device, const struct sat_space_id *space, uint32_t other_device,
                         const struct sat_space_id *other)
{
    int spaces = memcmp(space->b, other->b, sizeof space->b);
    if (spaces) return spaces;
    return device < other_device ? -1 : device > other_device;
}

static int compare_to_chain(const void *a, const void *b)
{
    const struct client_escrow_item *item = a;
    const struct client_escrow_chain *chain = b;
    return compare_chain(item->device, &item->space, chain->device, &chain->space);
}

struct client_escrow_chain *client_escrow_chain_of(const struct client_escrow_held *beside,
                                                   const struct client_escrow_item *item)
{
    return bsearch(item, beside->chains, beside->chains_n, sizeof *beside->chains, compare_to_chain);
}

static struct client_escrow_item *add_item(struct client_escrow_held *held)
{
    if (held->n == held->cap) {
        uint32_t cap = held->cap ? held->cap * 2 : 16;
        struct client_escrow_item *items = sat_arena_array(&held->arena, cap, sizeof *items);
        if (held->n) memcpy(items, held->items, held->n * sizeof *items);
        held->items = items;
        held->cap = cap;
    }
    return &held->items[held->n++];
}

static void hold(struct client_escrow_held *held, struct client_escrow_item *item, struct sat_span bytes)
{
    sat_put_span(&item->full, bytes);
    held->bytes += bytes.len;
}

static void let_go(struct client_escrow_held *held, struct client_escrow_item *item)
{
    held->bytes -= item->full.len;
    sat_buf_deinit(&item->full);
    sat_buf_init(&item->full);
}

/* What comes last stands nearest to what is let in: the oldest goes where there is no room for both. */
static void hold_in_chain(struct client_escrow_held *held, uint32_t place, struct sat_span bytes)
{
    struct client_escrow_item *item = &held->items[place];
    struct client_escrow_chain *chain = client_escrow_chain_of(held, item);
    size_t share = held->budget / (held->chains_n ? held->chains_n : 1);
    if (!chain || !item->sound || item->first >= chain->until) return;
    if (chain->tail) held->items[chain->tail - 1].next_of_chain = place + 1;
    if (!chain->oldest) chain->oldest = place + 1;
    chain->tail = place + 1;
    hold(held, item, bytes);
    chain->held += bytes.len;
    while (chain->oldest && chain->held > share) {
        struct client_escrow_item *oldest = &held->items[chain->oldest - 1];
        chain->held -= oldest->full.len;
        chain->oldest = oldest->next_of_chain;
        let_go(held, oldest);
    }
}

static void take_item(struct client_escrow_held *held, const struct sat_escrow_item *from)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_bundle bundle = {0};
    enum sat_err err = client_bundle_read(held->satchel, from->bundle, &from->space, &arena, &bundle);
    held->satchel->fault = (struct sat_fault){0};
    struct client_escrow_item *item = add_item(held);
    *item = (struct client_escrow_item){
        .number = from->number,
        .first = bundle.manifest.first,
        .recv_ms = from->recv_ms,
        .space = from->space,
        .id = bundle.id,
        .prev = bundle.manifest.prev,
        .device = bundle.manifest.device,
        .count = bundle.manifest.count,
        .bytes = (uint32_t)from->bundle.len,
        .state = from->state,
        .reason = sat_err_from_wire(from->reason),
        .sound = err == SAT_OK,
    };
    sat_buf_init(&item->full);
    if (held->chains)
        hold_in_chain(held, held->n - 1, from->bundle);
    else if (held->bytes + from->bundle.len <= held->budget)
        hold(held, item, from->bundle);
    sat_arena_deinit(&arena);
}

static enum sat_err take_page(void *context, const struct sat_escrow_item *items, uint32_t n, bool more)
{
    struct client_escrow_held *held = context;
    (void)more;
    for (uint32_t i = 0; i < n; i++)
        if (is_listed(held, items[i].number)) take_item(held, &items[i]);
    return SAT_OK;
}

static int compare_item_numbers(const void *a, const void *b)
{
    return compare_numbers(&((const struct client_escrow_item *)a)->number,
                           &((const struct client_escrow_item *)b)->number);
}

enum sat_err client_escrow_ask(struct client_escrow_held *held)
{
    struct client_question question = {.context = held, .escrow = take_page, .timeout_ms = TIMEOUT_MS};
    if (held->numbers_n) question.escrow_after = held->numbers[0] - 1;
    held->asked = true;
    enum sat_err err = client_question_run(held->satchel, &question);
    if (!held->chains && held->n) qsort(held->items, held->n, sizeof *held->items, compare_item_numbers);
    return err;
}

enum sat_err client_escrow_begin(struct client_escrow_held *held, struct satchel *satchel, const uint64_t *numbers,
                                 uint32_t n, size_t budget)
{
    *held = (struct client_escrow_held){.satchel = satchel, .numbers_n = n, .budget = budget};
    sat_arena_init(&held->arena);
    if (!numbers) return SAT_OK;
    held->numbers = sat_arena_copy(&held->arena, numbers, n * sizeof *numbers);
    qsort(held->numbers, n, sizeof *numbers, compare_numbers);
    if (n && held->numbers[0] == 0)
        return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "the escrow begins with number 1");
    return SAT_OK;
}

void client_escrow_end(struct client_escrow_held *held)
{
    for (uint32_t i = 0; i < held->n; i++) sat_buf_deinit(&held->items[i].full);
    sat_arena_deinit(&held->arena);
}

enum sat_err client_escrow_find(struct client_escrow_held *held, uint64_t number, struct client_escrow_item **out)
{
    struct client_escrow_item wanted = {.number = number};
    *out = held->n ? bsearch(&wanted, held->items, held->n, sizeof wanted, compare_item_numbers) : NULL;
    if (!*out)
        return sat_fail(&held->satchel->fault, SAT_ERR_NOT_FOUND, "the escrow has no number %llu",
                        (unsigned long long)number);
    if ((*out)->sound) return SAT_OK;
    return sat_fail(&held->satchel->fault, SAT_ERR_TAMPERED,
                    "number %llu is not what device %u signed: the server, or who handed it in, has altered it",
                    (unsigned long long)number, (unsigned)(*out)->device);
}

static int compare_items(const void *a, const void *b)
{
    const struct client_escrow_item *left = a, *right = b;
    int chains = compare_chain(left->device, &left->space, right->device, &right->space);
    if (chains) return chains;
    return left->first < right->first ? -1 : left->first > right->first;
}

void client_escrow_sort(struct client_escrow_held *held)
{
    if (held->n) qsort(held->items, held->n, sizeof *held->items, compare_items);
}

enum sat_err client_escrow_open(const struct client_escrow_held *held, const struct client_escrow_item *item,
                                struct sat_arena *arena, struct sat_bundle *out)
{
    enum sat_err err = client_bundle_read(held->satchel, sat_buf_span(&item->full), &item->space, arena, out);
    if (err || sat_hash_equal(&out->id, &item->id)) return err;
    return sat_fail(&held->satchel->fault, SAT_ERR_TAMPERED, "the server shows another number %llu than before",
                    (unsigned long long)item->number);
}

/* ---- More than is held at once ---- */

struct part { /* of the items that are due, those whose numbers are asked for again */
    struct client_escrow_held *held;
    struct numbered {
        uint64_t number;
        uint32_t place;
    } * due;
    uint32_t n;
};

static int compare_numbered(const void *a, const void *b)
{
    return compare_numbers(&((const struct numbered *)a)->number, &((const struct numbered *)b)->number);
}

static enum sat_err take_part(void *context, const struct sat_escrow_item *items, uint32_t n, bool more)
{
    struct part *part = context;
    (void)more;
    for (uint32_t i = 0; i < n; i++) {
        struct numbered wanted = {.number = items[i].number};
        const struct numbered *at = bsearch(&wanted, part->due, part->n, sizeof *part->due, compare_numbered);
        if (!at) continue;
        struct client_escrow_item *item = &part->held->items[at->place];
        if (!item->full.len && items[i].bundle.len == item->bytes) hold(part->held, item, items[i].bundle);
    }
    return SAT_OK;
}

static enum sat_err ask_for_part(struct client_escrow_held *held, uint32_t from, uint32_t until)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct part part = {.held = held, .due = sat_arena_array(&arena, until - from, sizeof *part.due)};
    for (uint32_t i = from; i < until; i++)
        if (!held->items[i].full.len) part.due[part.n++] = (struct numbered){held->items[i].number, i};
    qsort(part.due, part.n, sizeof *part.due, compare_numbered);
    struct client_question question = {.context = &part, .escrow = take_part, .timeout_ms = TIMEOUT_MS};
    question.escrow_after = part.due[0].number - 1;
    enum sat_err err = client_question_run(held->satchel, &question);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err client_escrow_hold(struct client_escrow_held *held, uint32_t place)
{
    if (held->items[place].full.len) return SAT_OK;
    size_t bytes = 0;
    uint32_t until = place;
    for (uint32_t i = 0; i < held->n; i++) let_go(held, &held->items[i]);
    while (until < held->n && (until == place || bytes + held->items[until].bytes <= held->budget))
        bytes += held->items[until++].bytes;
    enum sat_err err = ask_for_part(held, place, until);
    if (err || held->items[place].full.len) return err;
    return sat_fail(&held->satchel->fault, SAT_ERR_NOT_FOUND, "the escrow has no number %llu",
                    (unsigned long long)held->items[place].number);
}

/* ---- What stands beside ---- */

void client_escrow_begin_beside(struct client_escrow_held *beside, const struct client_escrow_held *of)
{
    *beside = (struct client_escrow_held){.satchel = of->satchel, .budget = of->budget};
    sat_arena_init(&beside->arena);
    beside->chains = sat_arena_array(&beside->arena, of->n, sizeof *beside->chains);
    for (uint32_t i = 0; i < of->n; i++) {
        const struct client_escrow_item *item = &of->items[i];
        if (i == 0 || !client_escrow_is_chain(item - 1, item->device, &item->space))
            beside->chains[beside->chains_n++] =
                (struct client_escrow_chain){.device = item->device, .space = item->space};
        beside->chains[beside->chains_n - 1].until = item->first;
    }
}
