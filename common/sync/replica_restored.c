/* The server knows less of the directory than this device: it was put back from an older copy. The device gives back
 * the links that are missing, each as the server countersigned it, before it says who it is: it may have joined by one
 * of them. */
#include "common/sync/replica_state.h"

enum { LINKS_AT_ONCE = 64 };

static struct sat_span item_of(struct sat_arena *arena, const struct sat_link_row *row)
{
    struct sat_buf item;
    sat_buf_init(&item);
    sat_put_u64(&item, row->sign.time_ms);
    sat_put_bytes(&item, row->sign.signature.b, sizeof row->sign.signature.b);
    sat_put_span(&item, row->bytes);
    struct sat_span span = sat_span_copy(arena, sat_buf_span(&item));
    sat_buf_deinit(&item);
    return span;
}

/* As many as fit a frame; at least one. */
static void send_some(struct replica_step *step, const struct sat_link_row *rows, uint32_t *n)
{
    struct sat_span *items = sat_arena_array(step->arena, *n, sizeof *items);
    size_t bytes = 0;
    uint32_t taken = 0;
    while (taken < *n && (taken == 0 || bytes + rows[taken].bytes.len < SAT_FRAME_BYTES_TARGET)) {
        items[taken] = item_of(step->arena, &rows[taken]);
        bytes += items[taken++].len;
    }
    struct sat_message message = {.type = SAT_MESSAGE_RETURN_LINKS};
    message.as.RETURN_LINKS.first_seq = rows[0].seq;
    message.as.RETURN_LINKS.links = (struct sat_list){items, taken};
    replica_send(step, &message);
    *n = taken;
}

enum sat_err replica_return_links(struct replica_step *step, uint64_t from)
{
    struct sat_replica *replica = step->replica;
    uint64_t seq = from;
    while (seq < replica->config.directory->seq) {
        struct sat_link_row *rows;
        uint32_t n;
        enum sat_err err = sat_store_links(replica->config.store, seq + 1, LINKS_AT_ONCE, step->arena, &rows, &n);
        if (err) return err;
        if (n == 0) return SAT_ERR_CORRUPT;
        send_some(step, rows, &n);
        seq += n;
    }
    return SAT_OK;
}

enum sat_err replica_recovering(struct replica_step *step, const struct sat_message_RECOVERING *message)
{
    struct sat_replica *replica = step->replica;
    if (message->from > replica->config.directory->seq && message->from > replica->dir_goal)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server came back with links that it does not have");
    replica->recovering = message->from;
    return SAT_OK;
}
