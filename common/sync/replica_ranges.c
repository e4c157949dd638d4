/* The digest that the server signed is not this device's, though both hold the same log: first the device looks whether
 * its own sum is that of what is live here, then it asks which ranges differ, and merges their records anew. What the
 * log says is right, on both sides. */
#include <string.h>

#include "common/sync/digest.h"
#include "common/sync/ranges.h"
#include "common/sync/remerge.h"
#include "common/sync/replica_state.h"

enum { TRIES_MAX = 3 }; /* in a session: another head may come in between */

static void ask(struct replica_step *step, struct replica_sub *sub, const struct sat_range *ranges, uint32_t n)
{
    struct sat_span items[SAT_RANGES_PER_MESSAGE_MAX];
    for (uint32_t i = 0; i < n; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        sat_range_encode(&ranges[i], &item);
        items[i] = sat_span_copy(step->arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    struct sat_message message = {.type = SAT_MESSAGE_RANGES};
    message.as.RANGES = (struct sat_message_RANGES){.sub = sub->sub, .size = sub->row.log.size, .ranges = {items, n}};
    replica_send(step, &message);
    sub->mending.awaited++;
    sub->mending.ranges += n;
}

static enum sat_err mended(struct replica_step *step, struct replica_sub *sub)
{
    step->replica->counts.mended++;
    sub->dirty = true;
    return replica_begin(step);
}

enum sat_err replica_compare(struct replica_step *step, struct replica_sub *sub, const struct sat_hash *digest)
{
    struct sat_range all = SAT_RANGE_ALL;
    struct sat_space_row sum, *row = &sub->row;
    uint64_t live;
    struct sat_hash own = sat_digest_of(row);
    sub->mending.digest = *digest;
    sub->mending.size = row->log.size;
    sub->digest_agrees = sat_hash_equal(&own, digest);
    if (replica_is_offering(sub)) return SAT_OK; /* another head follows */
    if (sub->digest_agrees || sub->mending.awaited || sub->mending.tries++ >= TRIES_MAX) return SAT_OK;
    enum sat_err err = sat_range_sum(step->replica->config.store, row, &all, &live, &sum);
    if (err) return err;
    if (live != row->live || memcmp(sum.digest, row->digest, sizeof row->digest) != 0) {
        err = mended(step, sub);
        row->live = live;
        memcpy(row->digest, sum.digest, sizeof row->digest);
    }
    own = sat_digest_of(row);
    sub->digest_agrees = sat_hash_equal(&own, digest);
    if (err || sub->digest_agrees) return err;
    ask(step, sub, &all, 1);
    return SAT_OK;
}

static bool same(const struct sat_live_change *a, const struct sat_live_change *b)
{
    return memcmp(a->record.b, b->record.b, sizeof a->record.b) == 0 && sat_dot_compare(a->dot, b->dot) == 0 &&
           sat_hash_equal(&a->rest, &b->rest);
}

/* Of one record, at the head of both lists, which it is taken off: are they the same? */
static bool take_record(const struct sat_record_id *record, const struct sat_live_change **at, uint32_t *n,
                        const struct sat_live_change **other, uint32_t *other_n)
{
    bool equal = true;
    for (;;) {
        bool here = *n && memcmp((*at)->record.b, record->b, sizeof record->b) == 0;
        bool there = *other_n && memcmp((*other)->record.b, record->b, sizeof record->b) == 0;
        if (!here && !there) return equal;
        if (!here || !there || !same(*at, *other)) equal = false;
        if (here) (*at)++, (*n)--;
        if (there) (*other)++, (*other_n)--;
    }
}

static enum sat_err mend_contents(struct replica_step *step, struct replica_sub *sub,
                                  const struct sat_difference *theirs)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_live_change *own = sat_arena_array(step->arena, SAT_RECORD_LIVE_MAX, sizeof *own);
    const struct sat_live_change *at = own, *other = theirs->changes;
    uint32_t n, other_n = theirs->n;
    enum sat_err err = sat_range_contents(store, &sub->row, &theirs->range, SAT_RECORD_LIVE_MAX, own, &n);
    sub->mending.walked += n;
    if (err == SAT_ERR_TOO_LARGE) return SAT_OK; /* too much is wrong here for this: status says that they differ */
    while (!err && (n || other_n)) {
        bool first = n && (!other_n || memcmp(at->record.b, other->record.b, sizeof at->record.b) <= 0);
        struct sat_record_id record = first ? at->record : other->record;
        bool changed = false;
        if (take_record(&record, &at, &n, &other, &other_n)) continue;
        err = replica_begin(step);
        sub->mending.walked += SAT_RANGES_MERGE_COST;
        if (!err) err = sat_base_remerge(store, &sub->row, &record, &changed);
        if (!err && changed) err = mended(step, sub);
    }
    return err;
}

/* This device asks for less than a server bears with, and does no more for one that answers nonsense. */
static bool is_enough(const struct replica_sub *sub)
{
    uint64_t allowed = (sub->row.live * SAT_RANGES_WALKS_MAX + SAT_RANGES_WALK_MIN) / 2;
    return sub->mending.ranges >= SAT_RANGES_PER_SESSION_MAX || sub->mending.walked > allowed;
}

static enum sat_err check_order(struct replica_step *step, const struct sat_difference *theirs,
                                const struct sat_range *before)
{
    if (!before || sat_range_follows(&theirs->range, before)) return SAT_OK;
    return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server answers about ranges that overlap");
}

/* Nothing more is awaited: does it agree now? */
static enum sat_err conclude(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_hash own = sat_digest_of(&sub->row);
    sub->digest_agrees = sub->head_here && sat_hash_equal(&own, &sub->mending.digest);
    if (!sub->digest_agrees && sub->head_here && !is_enough(sub) && sub->mending.tries++ < TRIES_MAX)
        ask(step, sub, &SAT_RANGE_ALL, 1); /* the server mended its own side meanwhile; zeros agree with nothing */
    sub->exact = sub->digest_agrees;
    if (!sub->digest_agrees) return SAT_OK;
    sub->agreed = sub->row.log.size;
    sub->row.synced_ms = replica_now(step);
    sub->dirty = true;
    return replica_begin(step);
}

enum sat_err replica_differences(struct replica_step *step, const struct sat_message_DIFFERENCES *message)
{
    struct replica_sub *sub = replica_sub_of(step->replica, message->sub);
    if (!sub || !sub->mending.awaited)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "an answer about ranges that nobody asked for");
    sub->mending.awaited--;
    if (message->size != sub->mending.size || sub->row.log.size != sub->mending.size) return SAT_OK;
    struct sat_range differing[SAT_RANGES_PER_MESSAGE_MAX], before;
    uint32_t n = 0;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < message->items.n && !err; i++) {
        struct sat_difference theirs;
        uint64_t live;
        err = sat_difference_decode(message->items.at[i], step->arena, &theirs);
        if (!err) err = check_order(step, &theirs, i ? &before : NULL);
        before = theirs.range;
        if (!err && !theirs.is_part) err = mend_contents(step, sub, &theirs);
        if (err || !theirs.is_part || sub->mending.ranges + n >= SAT_RANGES_PER_SESSION_MAX || is_enough(sub)) continue;
        differing[n] = theirs.range;
        err = sat_range_sum(step->replica->config.store, &sub->row, &differing[n], &live, NULL);
        sub->mending.walked += live;
        if (memcmp(differing[n].digest, theirs.range.digest, sizeof theirs.range.digest) != 0) n++;
        if (n < SAT_RANGES_PER_MESSAGE_MAX) continue;
        ask(step, sub, differing, n);
        n = 0;
    }
    if (err) return err;
    if (n) ask(step, sub, differing, n);
    return sub->mending.awaited ? SAT_OK : conclude(step, sub);
}
