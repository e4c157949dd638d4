/* Who is live: the log replayed with the merge itself, a record at a time, as no record's merge looks at another's. */
#include <stdlib.h>
#include <string.h>

#include "common/store/inspect.h"
#include "common/sync/digest.h"
#include "common/sync/inspect_state.h"
#include "common/sync/merge.h"

struct step { /* one change of the record at hand */
    int64_t seq, cid;
    struct sat_dot dot;
    int64_t state;
    bool stub, readable;
    struct sat_header header;
};

struct live_walk {
    struct inspector *inspector;
    const struct sat_space_row *space;
    struct sat_space_row again; /* its digest, computed anew */
    struct sat_arena arena;     /* of one record */
    struct sat_record_id record;
    struct step *steps;
    uint32_t n, cap;
    bool is_collected; /* the record was, by: */
    struct sat_collected_row collected;
};

static int compare_steps(const void *a, const void *b)
{
    const struct step *left = a, *right = b;
    if (left->seq != right->seq) return left->seq < right->seq ? -1 : 1;
    return left->cid < right->cid ? -1 : left->cid > right->cid;
}

static const char *state_name(int64_t state)
{
    static const char *const states[] = {"live", "superseded", "aside", "pending"};
    return state >= 0 && state < 4 ? states[state] : "of no state";
}

static void compare_state(struct live_walk *walk, const struct step *step, enum sat_change_state wanted)
{
    if (step->state == (int64_t)wanted || step->state == SAT_CHANGE_ASIDE) return;
    char record[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(walk->record.b, record);
    inspect_found(walk->inspector, SAT_CHECK_LIVE, "record %s: change %llu of device %u is %s and should be %s", record,
                  (unsigned long long)step->dot.counter, step->dot.device, state_name(step->state), state_name(wanted));
}

/* Once the log is behind the collection: what was live of the record up to the floor is forgotten. */
static void collect(struct live_walk *walk, uint64_t seq, struct sat_version *live, uint64_t *seqs, uint32_t *n)
{
    uint32_t left = 0;
    if (!walk->is_collected || seq < walk->collected.seq) return;
    walk->is_collected = false;
    for (uint32_t i = 0; i < *n; i++) {
        if (seqs[i] <= walk->collected.floor) continue;
        seqs[left] = seqs[i];
        live[left++] = live[i];
    }
    *n = left;
}

/* The next change in the order of the log, as the base took it in. */
static void arrive(struct live_walk *walk, const struct step *step, struct sat_version *live, uint64_t *seqs,
                   uint32_t *n, bool *drop)
{
    struct sat_version arrived = {
        .dot = step->dot, .seen = step->header.seen, .kept = step->header.kept, .holes = step->header.holes};
    bool dead;
    uint32_t left = 0;
    collect(walk, (uint64_t)step->seq, live, seqs, n);
    sat_merge_arrive(live, *n, &arrived, drop, &dead);
    for (uint32_t i = 0; i < *n; i++) {
        if (drop[i]) continue;
        seqs[left] = seqs[i];
        live[left++] = live[i];
    }
    if (!dead) seqs[left] = (uint64_t)step->seq;
    if (!dead) live[left++] = arrived;
    *n = left;
}

static bool is_among(const struct sat_version *live, uint32_t n, struct sat_dot dot)
{
    for (uint32_t i = 0; i < n; i++)
        if (sat_dot_compare(live[i].dot, dot) == 0) return true;
    return false;
}

static enum sat_err replay_record(struct live_walk *walk)
{
    if (walk->n == 0) return SAT_OK;
    walk->inspector->result->looked_at[SAT_CHECK_LIVE]++;
    qsort(walk->steps, walk->n, sizeof *walk->steps, compare_steps);
    struct sat_version *live = sat_arena_array(&walk->arena, walk->n, sizeof *live);
    uint64_t *seqs = sat_arena_array(&walk->arena, walk->n, sizeof *seqs);
    bool *drop = sat_arena_array(&walk->arena, walk->n, sizeof *drop);
    uint32_t n = 0;
    enum sat_err err = sat_store_collected_get(walk->inspector->store, walk->space->sid, &walk->record,
                                               &walk->collected, &walk->is_collected);
    for (uint32_t i = 0; i < walk->n; i++)
        if (walk->steps[i].seq && walk->steps[i].readable) arrive(walk, &walk->steps[i], live, seqs, &n, drop);
    collect(walk, walk->space->log.size, live, seqs, &n);
    for (uint32_t i = 0; i < walk->n; i++) {
        const struct step *step = &walk->steps[i];
        enum sat_change_state wanted = is_among(live, n, step->dot) ? SAT_CHANGE_LIVE : SAT_CHANGE_DEAD;
        if (step->seq == 0) wanted = SAT_CHANGE_LIVE; /* as soon as its bundle is accepted */
        if (step->readable || step->stub) compare_state(walk, step, wanted);
    }
    walk->n = 0;
    sat_arena_reset(&walk->arena);
    return err;
}

static struct step *add_step(struct live_walk *walk)
{
    if (walk->n == walk->cap) {
        uint32_t cap = walk->cap ? walk->cap * 2 : 64;
        struct step *steps = realloc(walk->steps, cap * sizeof *steps);
        if (!steps) return NULL;
        walk->steps = steps;
        walk->cap = cap;
    }
    walk->steps[walk->n] = (struct step){0};
    return &walk->steps[walk->n++];
}

static enum sat_err take_change(void *context, const struct sat_raw_change *raw)
{
    struct live_walk *walk = context;
    struct sat_hash rest;
    if (raw->record.len != sizeof walk->record.b || raw->rest.len != sizeof rest.b) {
        inspect_found(walk->inspector, SAT_CHECK_LIVE, "change %lld of device %lld is cut", (long long)raw->counter,
                      (long long)raw->device);
        return SAT_OK;
    }
    if (memcmp(raw->record.at, walk->record.b, sizeof walk->record.b) != 0) {
        enum sat_err err = replay_record(walk);
        if (err) return err;
        memcpy(walk->record.b, raw->record.at, sizeof walk->record.b);
    }
    struct step *step = add_step(walk);
    if (!step) return SAT_ERR_NO_MEMORY;
    step->seq = raw->seq;
    step->cid = raw->cid;
    step->dot = (struct sat_dot){(uint32_t)raw->device, (uint64_t)raw->counter};
    step->state = raw->state;
    step->stub = raw->header.len == 0;
    struct sat_span header = sat_span_copy(&walk->arena, raw->header);
    step->readable = !step->stub && sat_header_decode(header, &walk->arena, &step->header) == SAT_OK;
    if (!step->readable && !step->stub)
        inspect_found(walk->inspector, SAT_CHECK_LIVE, "the header of change %lld of device %lld cannot be read",
                      (long long)raw->counter, (long long)raw->device);
    if (raw->state != SAT_CHANGE_LIVE || raw->seq == 0) return SAT_OK;
    memcpy(rest.b, raw->rest.at, sizeof rest.b);
    sat_digest_add(&walk->again, &walk->record, step->dot, &rest);
    return SAT_OK;
}

static void compare_digest(struct live_walk *walk)
{
    const struct sat_space_row *space = walk->space;
    char name[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(space->id.b, name);
    walk->inspector->result->looked_at[SAT_CHECK_DIGEST] += walk->again.live;
    if (walk->again.live != space->live)
        inspect_found(walk->inspector, SAT_CHECK_DIGEST, "space %s: %llu changes are live and it counts %llu", name,
                      (unsigned long long)walk->again.live, (unsigned long long)space->live);
    else if (memcmp(walk->again.digest, space->digest, sizeof space->digest) != 0)
        inspect_found(walk->inspector, SAT_CHECK_DIGEST, "space %s: its digest is not that of its live changes", name);
}

enum sat_err inspect_live(struct inspector *inspector, const struct sat_space_row *space)
{
    struct live_walk walk = {.inspector = inspector, .space = space, .again = {.id = space->id}};
    sat_arena_init(&walk.arena);
    enum sat_err err = sat_store_walk_changes(inspector->store, space->sid, take_change, &walk);
    if (!err) err = replay_record(&walk);
    if (!err) compare_digest(&walk);
    sat_arena_deinit(&walk.arena);
    free(walk.steps);
    return inspect_unreadable(inspector, SAT_CHECK_LIVE, err);
}
