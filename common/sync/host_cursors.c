/* What devices have signed of how far they are: kept as evidence (a home that comes back behind it is an older copy),
 * and for collecting what everybody has seen the end of. */
#include <string.h>

#include "common/sync/digest.h"
#include "common/sync/host_state.h"

enum { CURSORS_AT_ONCE = 512, CURSOR_ITEM_MAX = 5 + 3 * 9 + 4 + 32 + 64 };

/* Of one device in one life of the log the one that is furthest counts, and it may take back nothing. */
static bool is_news(const struct sat_cursor *known, const struct sat_cursor *cursor)
{
    if (!sat_log_epoch_equal(&known->log_epoch, &cursor->log_epoch)) return true;
    if (cursor->size != known->size) return cursor->size > known->size;
    if (cursor->ack != known->ack) return cursor->ack > known->ack;
    return cursor->dir_seq > known->dir_seq;
}

enum sat_err host_cursor(struct host_step *step, const struct host_peer *peer, const struct host_sub *sub,
                         const struct sat_message_CURSOR *message, struct sat_fault *fault)
{
    struct sat_host *host = step->host;
    const struct host_space *space = host_space_by_sid(host, sub->sid);
    if (!space) return SAT_ERR_CORRUPT;
    if (sub->ended || !host_peer_may_read(host, peer, &space->row.id)) return SAT_OK;
    struct sat_cursor_row known, row = {.sid = sub->sid};
    bool on_log, found;
    row.cursor = (struct sat_cursor){
        .device = peer->device,
        .space = space->row.id,
        .log_epoch = space->row.log_epoch,
        .size = message->size,
        .ack = message->ack,
        .dir_seq = message->dir_seq,
        .dir_hash = sat_directory_hash_at(&host->directory, message->dir_seq),
    };
    memcpy(row.cursor.digest.b, message->digest, sizeof message->digest);
    memcpy(row.signature.b, message->signature, sizeof message->signature);
    enum sat_err err = sat_store_root_at(host->store, sub->sid, message->size, &row.cursor.root, &on_log);
    if (err) return err;
    struct sat_hash digest = sat_digest_of(&space->row);
    bool other = message->size == space->row.log.size && !sat_hash_equal(&digest, &row.cursor.digest);
    if (!on_log || other || message->size == 0 || message->ack > message->size ||
        message->dir_seq > host->directory.seq)
        return sat_fail(fault, SAT_ERR_BOUNDS, "a cursor says what this log does not");
    const struct sat_device *device = sat_directory_device(&host->directory, peer->device);
    if (sat_cursor_verify(&row.cursor, &host->directory.org, &device->sign, &row.signature))
        return sat_fail(fault, SAT_ERR_TAMPERED, "the signature under a cursor does not hold");
    err = sat_store_cursor_get(host->store, sub->sid, peer->device, &known, &found);
    if (err || (found && !is_news(&known.cursor, &row.cursor))) return err;
    err = host_begin(step);
    return err ? err : sat_store_cursor_put(host->store, &row);
}

enum sat_err host_show_cursor(struct host_step *step, struct host_peer *peer, struct host_sub *sub,
                              const struct host_space *space, const struct sat_subscription *wish)
{
    struct sat_cursor_row row;
    bool found;
    enum sat_err err = sat_store_cursor_get(step->host->store, space->row.sid, peer->device, &row, &found);
    static const uint8_t none[4];
    if (!err && found && !sat_log_epoch_equal(&row.cursor.log_epoch, &space->row.log_epoch)) sub->from_before = true;
    bool behind = !err && found && wish->cursor < row.cursor.size &&
                  sat_log_epoch_equal(&row.cursor.log_epoch, &space->row.log_epoch);
    /* Of another life it may have gone back rightly, and says next what it has of this one. */
    if (memcmp(wish->log_epoch, none, sizeof none) && memcmp(wish->log_epoch, row.cursor.log_epoch.b, sizeof none))
        behind = false;
    if (!behind) return err;
    peer->set_back = sub->behind = true;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_cursor_wire_encode(&row.cursor, &row.signature, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_SET_BACK};
    message.as.SET_BACK = (struct sat_message_SET_BACK){.sub = wish->sub, .cursor = sat_buf_span(&bytes)};
    host_send(step, peer->id, &message);
    sat_buf_deinit(&bytes);
    return SAT_OK;
}

enum sat_err host_knows_cursor(struct host_step *step, struct host_peer *peer, struct host_sub *sub,
                               const struct host_space *space, const struct sat_head *head, bool *knows)
{
    struct sat_cursor_row row;
    bool found;
    *knows = false;
    if (!sub->behind) return SAT_OK;
    enum sat_err err = sat_store_cursor_get(step->host->store, space->row.sid, peer->device, &row, &found);
    *knows =
        !err && found && head->size >= row.cursor.size && sat_log_epoch_equal(&head->log_epoch, &row.cursor.log_epoch);
    if (!*knows) return err;
    sub->behind = peer->set_back = false;
    for (uint32_t i = 0; i < peer->subs_n; i++) peer->set_back = peer->set_back || peer->subs[i].behind;
    return SAT_OK;
}

enum sat_err host_cursors_frame(struct sat_host *host, const struct host_peer *peer, struct host_sub *sub,
                                struct sat_arena *arena, struct sat_buf *out)
{
    struct sat_span items[SAT_CURSORS_PER_MESSAGE_MAX];
    struct sat_cursor_row *rows;
    uint32_t n, used = 0;
    size_t bytes = 0;
    enum sat_err err =
        sat_store_cursors(host->store, sub->sid, sub->words_from, SAT_CURSORS_PER_MESSAGE_MAX, arena, &rows, &n);
    if (err) return err;
    while (used < n && rows[used].sid == sub->sid && (!used || bytes + CURSOR_ITEM_MAX <= peer->frame_target)) {
        struct sat_buf item;
        sat_buf_init(&item);
        sat_cursor_item_encode(&rows[used].cursor, &rows[used].signature, &item);
        items[used] = sat_span_copy(arena, sat_buf_span(&item));
        bytes += items[used++].len;
        sat_buf_deinit(&item);
    }
    struct sat_message message = {.type = SAT_MESSAGE_CURSORS};
    message.as.CURSORS = (struct sat_message_CURSORS){
        .sub = sub->sub, .from = sub->words_from, .dir_seq = host->directory.seq, .cursors = {items, used}};
    message.as.CURSORS.more = used < n ? rows[used].sid == sub->sid : n == SAT_CURSORS_PER_MESSAGE_MAX;
    sat_message_encode(&message, out);
    sub->words_due = false;
    return SAT_OK;
}

/* ---- Who may not read a space any more has no say in it ---- */

static bool takes_rights(const struct sat_link *link)
{
    static const uint16_t kinds[] = {SAT_LINK_USER,   SAT_LINK_ROLE, SAT_LINK_GRANT,
                                     SAT_LINK_REVOKE, SAT_LINK_WIPE, SAT_LINK_REPUDIATE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (link->type == kinds[i]) return true;
    return false;
}

static enum sat_err drop_if_lost(struct host_step *step, const struct sat_cursor_row *row)
{
    struct sat_host *host = step->host;
    struct sat_space_row space;
    enum sat_err err = sat_store_space_get(host->store, row->sid, &space);
    if (err) return err;
    const struct sat_directory *directory = &host->directory;
    if (sat_directory_device_rights(directory, &space.id, row->cursor.device, directory->seq) & SAT_RIGHT_READ)
        return SAT_OK;
    err = host_begin(step);
    return err ? err : sat_store_cursor_delete(host->store, row->sid, row->cursor.device);
}

enum sat_err host_cursors_review(struct host_step *step, const struct sat_link *links, uint32_t n)
{
    bool due = false;
    for (uint32_t i = 0; i < n; i++) due = due || takes_rights(&links[i]);
    int64_t sid = 0;
    uint32_t device = 0, got = due ? CURSORS_AT_ONCE : 0;
    enum sat_err err = SAT_OK;
    while (!err && got == CURSORS_AT_ONCE) {
        struct sat_cursor_row *rows;
        err = sat_store_cursors(step->host->store, sid, device, CURSORS_AT_ONCE, step->arena, &rows, &got);
        for (uint32_t i = 0; i < got && !err; i++) err = drop_if_lost(step, &rows[i]);
        if (!err && got) {
            sid = rows[got - 1].sid;
            device = rows[got - 1].cursor.device;
        }
    }
    return err;
}
