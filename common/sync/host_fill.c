/* A bundle that came back with stubs, of which nothing here says what replaced them: whoever has the bytes brings them,
 * as its author's signed manifest has their hashes. Who gave it back without them hides nothing for long. Readers of
 * the log get such a bundle with stubs at its place, as what the bytes stand on may have come behind it, and ask for
 * the whole at the end. */
#include "common/sync/base.h"
#include "common/sync/host_state.h"
#include "common/sync/judge.h"

static void answer(struct host_step *step, const struct host_peer *peer, uint64_t sub, const struct sat_bundle_row *row,
                   enum sat_err err, const char *text)
{
    struct sat_message message = {.type = SAT_MESSAGE_UNRETURNED};
    message.as.UNRETURNED = (struct sat_message_UNRETURNED){
        .sub = sub, .device = row->device, .first = row->first, .error = err, .text = sat_span_text(text)};
    host_send(step, peer->id, &message);
}

static void show_new_head(struct sat_host *host, struct host_space *space)
{
    space->dirty = true;
    space->head_valid = false;
    for (uint32_t i = 0; i < host->peers_n; i++)
        for (uint32_t k = 0; k < host->peers[i]->subs_n; k++)
            if (host->peers[i]->subs[k].sid == space->row.sid) host->peers[i]->subs[k].head_due = true;
}

enum sat_err host_fill(struct host_step *step, struct host_space *space, const struct sat_bundle_row *row,
                       struct sat_bundle *bundle, uint32_t *filled, struct sat_fault *why)
{
    struct sat_host *host = step->host;
    struct sat_header *headers = sat_arena_array(step->arena, bundle->manifest.count, sizeof *headers);
    struct sat_fill fill = {
        .store = host->store, .space = &space->row, .row = row, .bundle = bundle, .headers = headers};
    struct sat_judge judge = {.store = host->store,
                              .directory = &host->directory,
                              .space = &space->row,
                              .dir_at = host->directory.seq,
                              .stubs_allowed = true,
                              .in_full = true,
                              .lives = &space->lives,
                              .others_may_come = true};
    *filled = 0;
    if (row->sid != space->row.sid || !row->seq || row->state == SAT_BUNDLE_VOID) return SAT_OK;
    uint32_t n;
    enum sat_err err = sat_base_unfilled(&fill, step->arena, &n);
    if (err || n == 0) return err;
    err = sat_judge_filled(&judge, bundle, step->arena, headers, why);
    if (err) return err;
    err = host_begin(step);
    if (!err) err = sat_base_fill(&fill);
    if (!err) err = sat_store_bundle_set_filled(host->store, row->bid);
    if (err) return sat_err_is_local(err) ? err : SAT_ERR_CORRUPT;
    show_new_head(host, space);
    *filled = n;
    return SAT_OK;
}

enum sat_err host_return_more(struct host_step *step, const struct host_peer *peer, struct host_space *space,
                              uint64_t sub, const struct sat_bundle_row *row, struct sat_bundle *bundle)
{
    struct sat_fault why = {0};
    struct sat_bundle_row owing;
    uint32_t filled;
    bool owes;
    if (!row->seq) return SAT_OK;
    enum sat_err err = sat_store_bundle_owing(step->host->store, space->row.sid, row->seq - 1, &owing, &owes);
    if (err) return err;
    owes = owes && owing.bid == row->bid;
    err = host_fill(step, space, row, bundle, &filled, &why);
    if (err && sat_err_is_local(err)) return err;
    if (filled)
        answer(step, peer, sub, row, SAT_OK, "");
    else if (err)
        answer(step, peer, sub, row, err, why.err == err ? why.text : sat_err_text(err));
    else if (owes)
        answer(step, peer, sub, row, SAT_ERR_UNJUSTIFIED, "bytes of it are still missing");
    return SAT_OK;
}

/* Who comes is told of some that lack bytes, before the head: from where the last one's turn ended, and around, so that
 * those which nobody can fill hide none behind them. How many is left to chance, or of two who come by turns each would
 * hear of the same half for ever. */
enum { TOLD_MIN = 33, TOLD_MAX = 64 };

static enum sat_err begin_turn(struct sat_host *host, const struct host_space *space, struct host_sub *sub)
{
    struct sat_bundle_row row;
    bool any;
    uint8_t chance;
    enum sat_err err = sat_store_bundle_owing(host->store, sub->sid, 0, &row, &any);
    if (err || !any) return err;
    sat_entropy_fill(&host->entropy, &chance, sizeof chance);
    sub->owing_left = TOLD_MIN + chance % (TOLD_MAX - TOLD_MIN + 1);
    sub->owing_after = sub->owing_from = space->owing_at;
    sub->owing_told = true;
    return SAT_OK;
}

static enum sat_err next_owing(struct sat_host *host, struct host_sub *sub, struct sat_bundle_row *row, bool *found)
{
    enum sat_err err = sat_store_bundle_owing(host->store, sub->sid, sub->owing_after, row, found);
    if (!err && !*found && sub->owing_from && !sub->owing_around) {
        sub->owing_around = true;
        err = sat_store_bundle_owing(host->store, sub->sid, 0, row, found);
    }
    if (sub->owing_around && *found) *found = row->seq <= sub->owing_from;
    return err;
}

enum sat_err host_owing_frame(struct sat_host *host, struct host_space *space, struct host_sub *sub,
                              struct sat_buf *out)
{
    struct sat_bundle_row row;
    bool found = false;
    enum sat_err err = SAT_OK;
    if (!sub->owing_told) err = begin_turn(host, space, sub);
    if (!err && sub->owing_left) err = next_owing(host, sub, &row, &found);
    if (err || !found) {
        sub->owing_due = false;
        return err;
    }
    sub->owing_left--;
    sub->owing_after = space->owing_at = row.seq;
    struct sat_message message = {.type = SAT_MESSAGE_UNRETURNED};
    message.as.UNRETURNED = (struct sat_message_UNRETURNED){.sub = sub->sub,
                                                            .device = row.device,
                                                            .first = row.first,
                                                            .error = SAT_ERR_UNJUSTIFIED,
                                                            .text = sat_span_text("bytes of it are missing")};
    sat_message_encode(&message, out);
    return SAT_OK;
}
