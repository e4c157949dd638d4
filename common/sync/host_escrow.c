/* The escrow: work that came after its author had lost the right to write it. It is kept as it came, for the admins to
 * decide about; what they let in goes into the log with its author and signature. */
#include <string.h>

#include "common/sync/admin_items.h"
#include "common/sync/held.h"
#include "common/sync/host_state.h"

enum { ROWS_PER_READ = 256 };

/* ---- What comes in ---- */

static enum sat_err check_room(struct host_step *step, uint32_t device, size_t bytes, struct sat_fault *fault)
{
    uint64_t rows, used;
    enum sat_err err = sat_store_aside_sum(step->host->store, device, &rows, &used);
    if (err) return err;
    if (rows >= SAT_ESCROW_DEVICE_BUNDLES_MAX || used + bytes > SAT_ESCROW_DEVICE_BYTES_MAX)
        return sat_fail(fault, SAT_ERR_TOO_LARGE, "device %u has as much put aside as it may: ask an admin to decide",
                        device);
    return SAT_OK;
}

static enum sat_err keep(struct host_step *step, const struct sat_bundle *bundle, struct sat_span bytes,
                         struct sat_fault *fault)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_aside_row row;
    bool found;
    enum sat_err err = sat_store_aside_find(step->host->store, &bundle->id, step->arena, &row, &found);
    if (err || found) return err;
    err = check_room(step, m->device, bytes.len, fault);
    if (!err) err = host_begin(step);
    if (err) return err;
    row = (struct sat_aside_row){.space = m->space,
                                 .device = m->device,
                                 .first = m->first,
                                 .count = m->count,
                                 .id = bundle->id,
                                 .bytes = bytes,
                                 .recv_ms = step->now_ms,
                                 .reason = SAT_ERR_ESCROWED};
    step->host->counts.escrowed++;
    return sat_store_aside_put(step->host->store, &row);
}

enum sat_err host_put_aside(struct host_step *step, const struct sat_bundle *bundle, struct sat_fault *fault)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(bundle, SAT_BUNDLE_FULL, &bytes);
    enum sat_err err = bytes.len > SAT_BUNDLE_BYTES_MAX
                           ? sat_fail(fault, SAT_ERR_TOO_LARGE, "the bundle's full form is larger than a message")
                           : keep(step, bundle, sat_buf_span(&bytes), fault);
    sat_buf_deinit(&bytes);
    return err ? err : SAT_ERR_ESCROWED;
}

/* It need not fit the chain, nor the log: it is judged in full when it is let in. */
static enum sat_err check_handed(const struct host_step *step, const struct sat_bundle *bundle, struct sat_fault *fault)
{
    const struct sat_directory *directory = &step->host->directory;
    if (!sat_directory_space(directory, &bundle->manifest.space))
        return sat_fail(fault, SAT_ERR_DENIED, "there is no such space");
    for (uint32_t i = 0; i < bundle->manifest.count; i++)
        if (bundle->changes[i].stub) return sat_fail(fault, SAT_ERR_PROTOCOL, "a stub was handed in");
    if (sat_bundle_verify(bundle, &sat_directory_device(directory, bundle->manifest.device)->sign))
        return sat_fail(fault, SAT_ERR_TAMPERED, "the signature of device %u does not hold", bundle->manifest.device);
    return SAT_OK;
}

/* Was it handed in by somebody who could not know yet that a repudiation let him in again? */
static bool may_be_pushed(const struct host_step *step, const struct host_peer *peer, const struct sat_bundle *bundle)
{
    const struct sat_directory *directory = &step->host->directory;
    const struct sat_manifest *m = &bundle->manifest;
    if (peer->dir_known >= directory->repudiated_seq) return false;
    if (peer->state != HOST_PEER_DEVICE || host_standing(step->host, peer) != HOST_STANDING_GOOD) return false;
    for (uint32_t i = 0; i < m->count; i++)
        if (!sat_directory_may_write(directory, &m->space, m->device, &bundle->changes[i].record, directory->seq))
            return false;
    return true;
}

/* Has the log it? */
static enum sat_err is_logged(const struct host_step *step, const struct sat_bundle *bundle, bool *logged)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_bundle_row row;
    enum sat_err err = sat_store_bundle_overlapping(step->host->store, m->device, m->first, m->count, &row, logged);
    *logged = !err && *logged && sat_hash_equal(&row.id, &bundle->id);
    return err;
}

static void send_handed_in(struct host_step *step, uint64_t peer, const struct sat_manifest *m, enum sat_err err,
                           const struct sat_fault *fault)
{
    struct sat_message message = {.type = SAT_MESSAGE_HANDED_IN};
    const char *text = fault->err == err ? fault->text : sat_err_text(err);
    message.as.HANDED_IN =
        (struct sat_message_HANDED_IN){.first = m->first, .error = err, .text = sat_span_text(err ? text : "")};
    memcpy(message.as.HANDED_IN.space, m->space.b, sizeof m->space.b);
    host_send(step, peer, &message);
}

/* Its own, or what its home has written under another number, which it has signed, too. */
static bool is_of_home(const struct host_step *step, uint32_t device, uint32_t author)
{
    uint32_t kin[SAT_LINEAGE_MAX];
    uint32_t n = sat_directory_lineage(&step->host->directory, device, kin);
    bool is = device == author;
    for (uint32_t i = 0; i < n; i++) is = is || kin[i] == author;
    return is;
}

enum sat_err host_hand_in(struct host_step *step, struct host_peer *peer, const struct sat_message_HAND_IN *message,
                          struct sat_fault *fault)
{
    struct sat_space_id space;
    struct sat_bundle bundle;
    struct sat_fault why = {0};
    bool logged = false;
    memcpy(space.b, message->space, sizeof space.b);
    enum sat_err err = sat_bundle_decode(message->bundle, &step->host->directory.org, &space, step->arena, &bundle);
    if (err) return err;
    if (bundle.form != SAT_BUNDLE_FULL) return sat_fail(fault, SAT_ERR_MALFORMED, "a bundle is handed in in full form");
    if (!is_of_home(step, peer->device, bundle.manifest.device))
        return sat_fail(fault, SAT_ERR_DENIED, "a bundle of another device was handed in");
    if (peer->out_ms) peer->out_ms = step->now_ms;
    err = check_handed(step, &bundle, &why);
    if (!err) err = is_logged(step, &bundle, &logged);
    if (!err && !logged && may_be_pushed(step, peer, &bundle))
        err = sat_fail(&why, SAT_ERR_STALE, "you may write there again: it is to be pushed");
    if (!err && !logged) err = keep(step, &bundle, message->bundle, &why);
    if (!err && !logged) err = host_decide_again(step);
    if (err && sat_err_is_local(err)) return err;
    if (err) step->host->counts.refused++;
    if (!err && !logged) err = SAT_ERR_ESCROWED;
    send_handed_in(step, peer->id, &bundle.manifest, err, &why);
    return SAT_OK;
}

/* ---- Whether it is here still ---- */

static enum sat_err has_it(const struct host_step *step, uint32_t device, const struct sat_held *held, bool *has)
{
    struct sat_store *store = step->host->store;
    struct sat_bundle_row row;
    bool logged = false;
    enum sat_err err = sat_store_aside_has(store, &held->id, has);
    if (!err && !*has) err = sat_store_bundle_of_dot(store, (struct sat_dot){device, held->first}, &row, &logged);
    *has = *has || (!err && logged && sat_hash_equal(&row.id, &held->id));
    return err;
}

enum sat_err host_held_get(struct host_step *step, const struct host_peer *peer,
                           const struct sat_message_HELD_GET *message)
{
    struct sat_span missing[SAT_HELD_PER_MESSAGE_MAX];
    struct sat_message answer = {.type = SAT_MESSAGE_HELD};
    uint32_t n = 0;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < message->bundles.n && !err; i++) {
        struct sat_held held;
        bool has = false;
        err = sat_held_decode(message->bundles.at[i], &held);
        if (!err) err = has_it(step, peer->device, &held, &has);
        if (!has) missing[n++] = message->bundles.at[i];
    }
    if (err) return err;
    memcpy(answer.as.HELD.space, message->space, sizeof message->space);
    answer.as.HELD.missing = (struct sat_list){missing, n};
    host_send(step, peer->id, &answer);
    return SAT_OK;
}

/* ---- What is decided ---- */

static enum sat_err let_in(struct host_step *step, const struct sat_aside_row *row, uint64_t seq,
                           struct sat_fault *fault)
{
    struct host_space *space;
    struct sat_bundle bundle;
    enum sat_err err = host_space_load(step->host, &row->space, &space);
    if (err || !space) return err ? err : SAT_ERR_CORRUPT;
    if (sat_bundle_decode(row->bytes, &step->host->directory.org, &row->space, step->arena, &bundle))
        return sat_fail(fault, SAT_ERR_INVALID, "what is kept of that bundle is damaged");
    struct sat_fault why = {0};
    err = host_accept(step, space, &bundle, seq, &why);
    if (!err || sat_err_is_local(err)) return err;
    if (err == SAT_ERR_STALE)
        return sat_fail(fault, err, "it continues work of device %u that is not here: let in what came before it first",
                        row->device);
    return sat_fail(fault, SAT_ERR_INVALID, "that bundle cannot be let in: %s",
                    why.err == err ? why.text : sat_err_text(err));
}

enum sat_err host_decide(struct host_step *step, const struct sat_body_accept *body, uint64_t seq,
                         struct sat_fault *fault)
{
    struct sat_aside_row row;
    bool found;
    enum sat_err err = sat_store_aside_find(step->host->store, &body->bundle, step->arena, &row, &found);
    if (err) return err;
    if (!found || row.device != body->device || !sat_space_equal(&row.space, &body->space))
        return sat_fail(fault, SAT_ERR_INVALID, "there is no such bundle in the escrow");
    bool in = body->what == SAT_ACCEPT_BUNDLE;
    if (in) err = let_in(step, &row, seq, fault);
    if (!err) err = host_begin(step);
    if (err) return err;
    return sat_store_aside_set_state(step->host->store, row.number, in ? SAT_ASIDE_ACCEPTED : SAT_ASIDE_REJECTED);
}

/* What admins have decided about, and waits here again, as the server was set back to before that. listed: without
 * bytes. */
static enum sat_err decide_once_more(struct host_step *step, const struct sat_aside_row *listed, bool *any)
{
    const struct sat_directory *directory = &step->host->directory;
    struct sat_aside_row row;
    struct sat_bundle bundle;
    struct sat_fault why = {0};
    bool found, logged = false;
    if (listed->state != SAT_ASIDE_OPEN) return SAT_OK;
    uint8_t decided = sat_directory_decided(directory, &listed->id, directory->seq);
    if (!decided) return SAT_OK;
    if (decided == SAT_ACCEPT_REJECT) {
        enum sat_err begun = host_begin(step);
        return begun ? begun : sat_store_aside_set_state(step->host->store, listed->number, SAT_ASIDE_REJECTED);
    }
    enum sat_err err = sat_store_aside_find(step->host->store, &listed->id, step->arena, &row, &found);
    if (err || !found) return err;
    if (sat_bundle_decode(row.bytes, &directory->org, &row.space, step->arena, &bundle)) return SAT_OK;
    err = is_logged(step, &bundle, &logged);
    if (!err && !logged) err = let_in(step, &row, directory->seq, &why);
    if (err) return sat_err_is_local(err) ? err : SAT_OK; /* it may be what is before it that is not back yet */
    *any = true;
    err = host_begin(step);
    return err ? err : sat_store_aside_set_state(step->host->store, row.number, SAT_ASIDE_ACCEPTED);
}

enum sat_err host_decide_again(struct host_step *step)
{
    enum sat_err err = SAT_OK;
    if (step->host->recovering) return SAT_OK; /* who has it gives it back with its receipt */
    for (bool any = true; any && !err;) {      /* one may stand on another that came later */
        struct sat_arena arena;                /* of one read */
        int64_t after = 0;
        any = false;
        sat_arena_init(&arena);
        for (uint32_t n = ROWS_PER_READ; n == ROWS_PER_READ && !err; sat_arena_reset(&arena)) {
            struct sat_aside_row *rows;
            err = sat_store_aside_list(step->host->store, after, ROWS_PER_READ, &arena, &rows, &n);
            for (uint32_t i = 0; i < n && !err; i++) {
                after = rows[i].number;
                err = decide_once_more(step, &rows[i], &any);
            }
        }
        sat_arena_deinit(&arena);
    }
    return err;
}

static enum sat_err reopen(struct host_step *step, const struct sat_aside_row *row)
{
    const struct sat_directory *directory = &step->host->directory;
    uint8_t decided = sat_directory_decided(directory, &row->id, directory->seq);
    uint8_t state = decided == SAT_ACCEPT_REJECT ? SAT_ASIDE_REJECTED : SAT_ASIDE_OPEN;
    if (row->state == SAT_ASIDE_ACCEPTED || row->state == state) return SAT_OK;
    return sat_store_aside_set_state(step->host->store, row->number, state);
}

enum sat_err host_reopen(struct host_step *step)
{
    enum sat_err err = host_begin(step);
    struct sat_arena arena; /* of one read */
    sat_arena_init(&arena);
    int64_t after = 0;
    for (uint32_t n = ROWS_PER_READ; n == ROWS_PER_READ && !err; sat_arena_reset(&arena)) {
        struct sat_aside_row *rows;
        err = sat_store_aside_list(step->host->store, after, ROWS_PER_READ, &arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            after = rows[i].number;
            err = reopen(step, &rows[i]);
        }
    }
    sat_arena_deinit(&arena);
    return err;
}

/* ---- What is shown ---- */

/* Admins decide about everything, managers about the spaces that they manage. */
static bool may_decide(const struct sat_directory *directory, const struct host_peer *peer, const struct sat_user *user,
                       const struct sat_space_id *space)
{
    if (user->role == SAT_ROLE_ADMIN) return true;
    return user->role == SAT_ROLE_MANAGER &&
           (sat_directory_device_rights(directory, space, peer->device, directory->seq) & SAT_RIGHT_MANAGE);
}

static struct sat_span item_of(const struct sat_aside_row *row, struct sat_arena *arena)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    struct sat_escrow_item item = {.number = (uint64_t)row->number,
                                   .state = row->state,
                                   .space = row->space,
                                   .recv_ms = row->recv_ms,
                                   .reason = row->reason,
                                   .bundle = row->bytes};
    sat_escrow_item_encode(&item, &bytes);
    struct sat_span out = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return out;
}

/* One message's worth, and whether there are more behind it. */
struct page {
    struct sat_span *items;
    uint32_t n;
    size_t bytes;
    bool more;
};

/* Adds it, or says that it has no room. */
static enum sat_err add_item(struct host_step *step, const struct host_peer *peer, const struct sat_hash *bundle,
                             struct page *page)
{
    struct sat_aside_row row;
    bool found;
    page->more = page->n == ROWS_PER_READ || page->bytes >= peer->frame_target;
    if (page->more) return SAT_OK;
    enum sat_err err = sat_store_aside_find(step->host->store, bundle, step->arena, &row, &found);
    if (err || !found) return err;
    page->more = page->n && page->bytes + row.bytes.len > peer->frame_max;
    if (page->more) return SAT_OK;
    page->items[page->n] = item_of(&row, step->arena);
    page->bytes += page->items[page->n++].len;
    return SAT_OK;
}

static enum sat_err fill_page(struct host_step *step, const struct host_peer *peer, const struct sat_user *user,
                              int64_t after, struct page *page)
{
    enum sat_err err = SAT_OK;
    struct sat_arena arena; /* of one read: a manager may be shown few of many */
    sat_arena_init(&arena);
    page->items = sat_arena_array(step->arena, ROWS_PER_READ, sizeof *page->items);
    for (uint32_t n = ROWS_PER_READ; n == ROWS_PER_READ && !err && !page->more; sat_arena_reset(&arena)) {
        struct sat_aside_row *rows;
        err = sat_store_aside_list(step->host->store, after, ROWS_PER_READ, &arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err && !page->more; i++) {
            after = rows[i].number;
            if (may_decide(&step->host->directory, peer, user, &rows[i].space))
                err = add_item(step, peer, &rows[i].id, page);
        }
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err host_escrow_get(struct host_step *step, const struct host_peer *peer,
                             const struct sat_message_ESCROW_GET *message, struct sat_fault *fault)
{
    const struct sat_directory *directory = &step->host->directory;
    const struct sat_user *user = sat_directory_user(directory, sat_directory_device(directory, peer->device)->user);
    if (user->role != SAT_ROLE_ADMIN && user->role != SAT_ROLE_MANAGER)
        return sat_fail(fault, SAT_ERR_DENIED, "the escrow is for admins, and for managers");
    struct page page = {0};
    enum sat_err err = message->after ? SAT_OK : host_decide_again(step);
    if (!err) err = fill_page(step, peer, user, (int64_t)message->after, &page);
    if (err) return err;
    struct sat_message answer = {.type = SAT_MESSAGE_ESCROW};
    answer.as.ESCROW = (struct sat_message_ESCROW){.more = page.more, .items = {page.items, page.n}};
    host_send(step, peer->id, &answer);
    return SAT_OK;
}
