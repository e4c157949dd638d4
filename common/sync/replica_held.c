/* Does the server still have what this device has handed in? One that was set back since has not, and nobody else would
 * notice: what it keeps for the admins is in no log. So each session asks, by the ids alone, as long as the admins have
 * not rejected it; what is missing waits again, to be pushed, or handed in once more (docs/decisions/0252). A server
 * that does not know the question is not asked: what was handed in counts as had (0286). */
#include <string.h>

#include "common/sync/held.h"
#include "common/sync/replica_state.h"

enum { PENDING_PER_READ = 16 };

struct question {
    struct sat_span items[SAT_HELD_PER_MESSAGE_MAX];
    uint32_t n;
    uint64_t last; /* counter of the first change of the last of them */
};

static bool was_handed_in(const struct sat_bundle_row *row)
{
    return row->state == SAT_BUNDLE_REFUSED && (row->refused == SAT_ERR_ESCROWED || row->refused == SAT_ERR_EXISTS);
}

static void add(struct replica_step *step, struct question *question, const struct sat_bundle_row *row)
{
    const struct sat_directory *directory = step->replica->config.directory;
    struct sat_buf bytes;
    if (!was_handed_in(row) || sat_directory_decided(directory, &row->id, directory->seq) == SAT_ACCEPT_REJECT) return;
    sat_buf_init(&bytes);
    sat_held_encode(&(struct sat_held){row->first, row->id}, &bytes);
    question->items[question->n++] = sat_span_copy(step->arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    question->last = row->first;
}

/* Those of a space that were handed in in other sessions, and have not been asked about in this one. */
static enum sat_err collect(struct replica_step *step, int64_t sid, uint64_t first, struct question *question)
{
    for (uint32_t n = PENDING_PER_READ; n == PENDING_PER_READ && question->n < SAT_HELD_PER_MESSAGE_MAX;) {
        struct sat_bundle_row *rows;
        enum sat_err err = sat_store_bundles_pending(step->replica->config.store, sid, first, PENDING_PER_READ,
                                                     step->arena, &rows, &n);
        if (err) return err;
        for (uint32_t i = 0; i < n && question->n < SAT_HELD_PER_MESSAGE_MAX; i++) {
            if (rows[i].state == SAT_BUNDLE_NORMAL) return SAT_OK; /* what stands behind that was never sent */
            add(step, question, &rows[i]);
            first = rows[i].first + rows[i].count;
        }
    }
    return SAT_OK;
}

enum sat_err replica_ask_held(struct replica_step *step, const struct sat_space_row *row, bool *waits)
{
    struct replica_leaving *leaving = replica_leaving_of(step->replica, row->sid);
    struct question question = {0};
    bool unknown;
    *waits = leaving && replica_awaits_held(leaving);
    if (*waits) return SAT_OK;
    uint64_t known = leaving ? leaving->held > leaving->sent ? leaving->held : leaving->sent : 0;
    enum sat_err err = collect(step, row->sid, known + 1, &question);
    if (err || question.n == 0) return err;
    err = replica_is_unknown(step, SAT_UNHELD_KEY, &unknown);
    if (err || unknown) return err;
    leaving = replica_leaving_add(step->replica, row);
    leaving->held_asked = question.last;
    leaving->unanswered = 0;
    *waits = true;
    struct sat_message message = {.type = SAT_MESSAGE_HELD_GET};
    memcpy(message.as.HELD_GET.space, row->id.b, sizeof row->id.b);
    message.as.HELD_GET.bundles = (struct sat_list){question.items, question.n};
    replica_send(step, &message);
    return SAT_OK;
}

/* It waits as if it never had been handed in. */
static enum sat_err wait_again(struct replica_step *step, const struct replica_leaving *leaving,
                               const struct sat_held *held)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row *rows;
    uint32_t n;
    enum sat_err err = sat_store_bundles_pending(store, leaving->sid, held->first, 1, step->arena, &rows, &n);
    if (err || n == 0 || !was_handed_in(&rows[0]) || !sat_hash_equal(&rows[0].id, &held->id)) return err;
    if (rows[0].first <= leaving->held || rows[0].first > leaving->held_asked) return SAT_OK; /* it was not asked */
    for (uint32_t i = 0; i < step->replica->subs_n; i++) {
        struct replica_sub *sub = &step->replica->subs[i];
        if (sub->row.sid != leaving->sid) continue;
        sub->blocked = false;
        sub->pushed = 0;
    }
    err = replica_begin(step);
    return err ? err : sat_store_bundle_set_refused(store, rows[0].bid, SAT_OK);
}

enum sat_err replica_held(struct replica_step *step, const struct sat_message_HELD *message)
{
    struct sat_replica *replica = step->replica;
    struct replica_leaving *leaving = NULL;
    for (uint32_t i = 0; i < replica->leaving_n; i++)
        if (memcmp(replica->leaving[i].id.b, message->space, sizeof message->space) == 0)
            leaving = &replica->leaving[i];
    if (!leaving || !replica_awaits_held(leaving))
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "an answer about work that was not asked for");
    enum sat_err err = replica_is_known(step, SAT_UNHELD_KEY);
    for (uint32_t i = 0; i < message->missing.n && !err; i++) {
        struct sat_held held;
        err = sat_held_decode(message->missing.at[i], &held);
        if (err) return sat_fail(&step->fault, err, "what the server says to lack cannot be read");
        err = wait_again(step, leaving, &held);
    }
    leaving->held = leaving->held_asked;
    replica->leaving_at = 0;
    replica->frozen.more = false;
    return err;
}
