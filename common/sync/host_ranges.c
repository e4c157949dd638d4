/* A client's digest is not this server's, though both hold the same log: the server says which ranges differ, and looks
 * whether the mistake is its own. What the log says is right. */
#include <string.h>

#include "common/sync/digest.h"
#include "common/sync/host_state.h"
#include "common/sync/ranges.h"
#include "common/sync/remerge.h"

enum { RECORDS_MAX = 1024 };

struct answer {
    struct host_step *step;
    struct host_space *space;
    struct host_sub *sub;
    struct host_peer *peer;
    struct sat_span *items;
    uint32_t n;
    struct sat_range last; /* the one before, */
    bool begun;            /* … if there was one */
};

static void add_item(struct answer *answer, const struct sat_difference *difference)
{
    struct sat_buf item;
    sat_buf_init(&item);
    sat_difference_encode(difference, &item);
    answer->items[answer->n++] = sat_span_copy(answer->step->arena, sat_buf_span(&item));
    sat_buf_deinit(&item);
}

static void mended(struct answer *answer)
{
    answer->step->host->counts.mended++;
    answer->space->dirty = true;
    answer->space->head_valid = false;
    answer->sub->head_due = true;
}

/* The sum that is kept is that of what is live? */
static enum sat_err check_sum(struct answer *answer, const struct sat_space_row *sum)
{
    struct sat_space_row *row = &answer->space->row;
    if (row->live == sum->live && memcmp(row->digest, sum->digest, sizeof row->digest) == 0) return SAT_OK;
    row->live = sum->live;
    memcpy(row->digest, sum->digest, sizeof row->digest);
    mended(answer);
    return host_begin(answer->step);
}

static enum sat_err remerge_range(struct answer *answer, const struct sat_range *range)
{
    struct sat_store *store = answer->step->host->store;
    struct sat_record_id *records;
    uint32_t n;
    enum sat_err err = sat_store_records_between(store, answer->space->row.sid, &range->first, &range->last,
                                                 RECORDS_MAX, answer->step->arena, &records, &n);
    if (!err) err = host_begin(answer->step);
    answer->peer->ranges_walked += (uint64_t)n * SAT_RANGES_MERGE_COST;
    for (uint32_t i = 0; i < n && !err; i++) {
        bool changed;
        err = sat_base_remerge(store, &answer->space->row, &records[i], &changed);
        if (changed) mended(answer);
    }
    return err;
}

static enum sat_err give_contents(struct answer *answer, const struct sat_range *range)
{
    struct sat_difference contents = {
        .range = *range,
        .changes = sat_arena_array(answer->step->arena, SAT_RECORD_LIVE_MAX, sizeof *contents.changes)};
    enum sat_err err = remerge_range(answer, range);
    if (!err)
        err = sat_range_contents(answer->step->host->store, &answer->space->row, range, SAT_RECORD_LIVE_MAX,
                                 contents.changes, &contents.n);
    if (!err) add_item(answer, &contents);
    return err == SAT_ERR_TOO_LARGE ? SAT_OK : err;
}

static enum sat_err give_parts(struct answer *answer, const struct sat_range *range, uint64_t live)
{
    struct sat_range parts[SAT_RANGE_PARTS];
    uint32_t n;
    answer->peer->ranges_walked += live;
    enum sat_err err = sat_range_split(answer->step->host->store, &answer->space->row, range, live, parts, &n);
    if (err) return err;
    if (n == 1) return give_contents(answer, range); /* one record */
    for (uint32_t i = 0; i < n; i++) add_item(answer, &(struct sat_difference){.is_part = true, .range = parts[i]});
    return SAT_OK;
}

/* A member who means ill asks about everything over and over. */
static enum sat_err check_cost(struct answer *answer, const struct sat_range *asked, struct sat_fault *fault)
{
    uint64_t allowed = answer->space->row.live * SAT_RANGES_WALKS_MAX + SAT_RANGES_WALK_MIN;
    if (answer->begun && !sat_range_follows(asked, &answer->last))
        return sat_fail(fault, SAT_ERR_PROTOCOL, "questions about what differs that overlap");
    answer->last = *asked;
    answer->begun = true;
    if (answer->peer->ranges_walked <= allowed) return SAT_OK;
    return sat_fail(fault, SAT_ERR_BUSY, "too many questions about what differs");
}

static enum sat_err compare(struct answer *answer, struct sat_span item, struct sat_fault *fault)
{
    struct sat_range asked, own;
    struct sat_space_row sum;
    uint64_t live;
    enum sat_err err = sat_range_decode(item, &asked);
    if (!err) err = check_cost(answer, &asked, fault);
    if (err) return err;
    own = asked;
    err = sat_range_sum(answer->step->host->store, &answer->space->row, &own, &live, &sum);
    answer->peer->ranges_walked += live;
    bool all = memcmp(&own.first, &SAT_RANGE_ALL.first, sizeof own.first) == 0 &&
               memcmp(&own.last, &SAT_RANGE_ALL.last, sizeof own.last) == 0;
    if (!err && all) err = check_sum(answer, &sum);
    if (err || memcmp(own.digest, asked.digest, sizeof own.digest) == 0) return err;
    return live <= SAT_RANGE_CONTENTS_MAX ? give_contents(answer, &own) : give_parts(answer, &own, live);
}

/* Something is still to come in front of the head, which says that all before it was sent (host_frame.c). */
static bool owes_more(const struct answer *answer)
{
    const struct host_sub *sub = answer->sub;
    return answer->peer->dir_sent < host_links_end(answer->step->host, answer->peer) || sub->lives_due || sub->adrift ||
           sub->full_entry || sub->sent < answer->space->row.log.size;
}

/* Of what was mended here the new head goes before the answer: who has both knows that nothing differs any more. After
 * it, he would ask again, or be through with his questions and gone. */
static void send_head(const struct answer *answer)
{
    struct host_step *step = answer->step;
    if (!answer->sub->head_due || owes_more(answer)) return;
    struct sat_buf head;
    sat_buf_init(&head);
    host_head_frame(step->host, answer->sub, answer->space, step->now_ms, &head);
    host_send_bytes(step, answer->peer->id, sat_buf_span(&head));
    sat_buf_deinit(&head);
}

enum sat_err host_ranges(struct host_step *step, struct host_peer *peer, struct host_sub *sub,
                         const struct sat_message_RANGES *message, struct sat_fault *fault)
{
    if (!sub) return sat_fail(fault, SAT_ERR_PROTOCOL, "a question about a space that was not subscribed");
    struct host_space *space = host_space_by_sid(step->host, sub->sid);
    if (!space || sub->ended) return SAT_OK;
    struct answer answer = {.step = step, .space = space, .sub = sub, .peer = peer};
    answer.items = sat_arena_array(step->arena, SAT_RANGES_PER_MESSAGE_MAX * SAT_RANGE_PARTS, sizeof *answer.items);
    peer->ranges_asked += message->ranges.n;
    if (peer->ranges_asked > SAT_RANGES_PER_SESSION_MAX)
        return sat_fail(fault, SAT_ERR_BUSY, "too many questions about what differs");
    step->host->counts.ranges += message->ranges.n;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < message->ranges.n && !err && message->size == space->row.log.size; i++)
        err = compare(&answer, message->ranges.at[i], fault);
    if (err) return err;
    send_head(&answer);
    struct sat_message reply = {.type = SAT_MESSAGE_DIFFERENCES};
    reply.as.DIFFERENCES = (struct sat_message_DIFFERENCES){
        .sub = sub->sub, .size = space->row.log.size, .items = {answer.items, answer.n}};
    host_send(step, peer->id, &reply);
    return SAT_OK;
}
