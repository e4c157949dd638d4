/* The lives of the logs. Nobody begins one without this server's own word: the operator's, who put an older copy of the
 * store back, or a signed head that a client has and the log contradicts. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/host_state.h"
#include "common/sync/lives.h"
#include "common/sync/subscription.h"

static void add_life(struct sat_lives *lives, const struct sat_life *life)
{
    lives->at = realloc(lives->at, (lives->n + 1) * sizeof *lives->at);
    sat_check(lives->at != NULL);
    lives->at[lives->n++] = *life;
}

enum sat_err host_lives_load(struct sat_host *host, struct host_space *space)
{
    struct sat_arena arena;
    struct sat_lives lives;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_lives(host->store, &space->row, &arena, &lives);
    for (uint32_t i = 0; !err && i < lives.n; i++) add_life(&space->lives, &lives.at[i]);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err begin_life(struct host_step *step, struct host_space *space, struct sat_span proof)
{
    struct sat_host *host = step->host;
    struct sat_life life = {.space = space->row.id,
                            .parent = space->row.log_epoch,
                            .size = space->row.log.size,
                            .root = sat_frontier_root(&space->row.log),
                            .time_ms = step->now_ms};
    sat_entropy_fill(&host->entropy, life.epoch.b, sizeof life.epoch.b);
    enum sat_err err = sat_store_life_put(host->store, space->row.sid, space->lives.n + 1, &life, proof);
    if (err) return err;
    add_life(&space->lives, &life);
    space->row.log_epoch = life.epoch;
    space->dirty = true;
    space->head_valid = false;
    return SAT_OK;
}

/* Whoever is connected learns of it, as it is on a log that goes on under another name. */
static void tell_peers(struct sat_host *host)
{
    for (uint32_t i = 0; i < host->peers_n; i++)
        for (uint32_t k = 0; k < host->peers[i]->subs_n; k++)
            host->peers[i]->subs[k].lives_due = host->peers[i]->subs[k].adrift = host->peers[i]->subs[k].from_before =
                true;
}

enum sat_err host_begin_lives(struct host_step *step, struct sat_span proof)
{
    struct sat_host *host = step->host;
    struct sat_space_row *rows;
    uint32_t n = 0;
    uint8_t name[16];
    enum sat_err err = host_begin(step);
    if (!err) err = sat_store_spaces(host->store, step->arena, &rows, &n);
    for (uint32_t i = 0; !err && i < n; i++) {
        struct host_space *space;
        err = host_space_load(host, &rows[i].id, &space);
        if (!err && space->lives.n < SAT_LIVES_MAX) err = begin_life(step, space, proof);
    }
    sat_entropy_fill(&host->entropy, name, sizeof name);
    if (!err) err = sat_store_meta_put(host->store, SAT_LIFE_KEY, SAT_SPAN(name));
    if (!err) err = sat_store_meta_put_u64(host->store, SAT_RESTORED_KEY, 0);
    if (!err) err = host_came_back(step);
    if (err) return err;
    host->counts.lives++;
    host->counts.announced = proof.len == 0;
    tell_peers(host);
    return SAT_OK;
}

void host_lives_frame(struct sat_host *host, struct host_sub *sub, const struct host_space *space, struct sat_buf *out)
{
    struct sat_arena arena;
    struct sat_buf item;
    sat_arena_init(&arena);
    sat_buf_init(&item);
    struct sat_span *items = sat_arena_array(&arena, space->lives.n, sizeof *items);
    for (uint32_t i = 0; i < space->lives.n; i++) {
        struct sat_life life = space->lives.at[i]; /* signed by whoever this server is today */
        sat_life_sign(&life, &host->directory.org, host_signer(host));
        sat_buf_clear(&item);
        sat_life_encode(&life, &item);
        items[i] = sat_span_copy(&arena, sat_buf_span(&item));
    }
    struct sat_message message = {.type = SAT_MESSAGE_LIVES};
    message.as.LIVES.sub = sub->sub;
    message.as.LIVES.lives = (struct sat_list){items, space->lives.n};
    memcpy(message.as.LIVES.epoch, space->row.log_epoch.b, sizeof message.as.LIVES.epoch);
    sat_message_encode(&message, out);
    sub->lives_due = false;
    sat_buf_deinit(&item);
    sat_arena_deinit(&arena);
}

enum sat_err host_has_grown(struct host_step *step, bool *grown)
{
    struct sat_space_row *rows;
    uint32_t n = 0;
    *grown = false;
    enum sat_err err = sat_store_spaces(step->host->store, step->arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        struct host_space *space;
        err = host_space_load(step->host, &rows[i].id, &space);
        if (err || space->lives.n >= SAT_LIVES_MAX) continue;
        uint64_t since = space->lives.n ? space->lives.at[space->lives.n - 1].size : 0;
        if (space->row.log.size > since) *grown = true;
    }
    return err;
}

/* ---- Proofs that this server was set back ---- */

static enum sat_err verify_head(const struct sat_host *host, const struct sat_head *head)
{
    for (uint32_t i = 0; i <= host->former_n; i++) {
        struct sat_public_key key = sat_sign_public(i == 0 ? host->server : &host->former[i - 1]);
        if (sat_head_verify(head, &host->directory.org, &key) == SAT_OK) return SAT_OK;
    }
    return SAT_ERR_TAMPERED;
}

enum sat_err host_is_lost_head(struct sat_host *host, const struct host_space *space, struct sat_span bytes,
                               struct sat_head *head, bool *lost, struct sat_fault *fault)
{
    enum sat_err err = sat_head_decode(bytes, &space->row.id, head);
    if (err || head->is_short) return SAT_ERR_MALFORMED;
    if (verify_head(host, head)) return sat_fail(fault, SAT_ERR_TAMPERED, "this server has not signed that head");
    struct sat_hash root;
    bool found;
    err = sat_store_root_at(host->store, space->row.sid, head->size, &root, &found);
    /* Within a run there is no root to compare: what everybody has acknowledged proves no loss. */
    bool is_kept = found || head->size > space->row.compacted;
    *lost = !err && is_kept && (!found || !sat_hash_equal(&root, &head->root));
    return err;
}

/* A head of a life that is not known here is of one that was lost as well; each such life is a proof once. */
static enum sat_err proves(struct host_step *step, const struct host_space *space, const struct sat_head *head,
                           bool lost, bool *out)
{
    struct sat_log_epoch parent;
    bool known = false;
    *out = lost && sat_log_epoch_equal(&head->log_epoch, &space->row.log_epoch);
    if (*out || sat_log_epoch_equal(&head->log_epoch, &space->row.log_epoch) ||
        sat_lives_know(&space->lives, &head->log_epoch))
        return SAT_OK;
    enum sat_err err = sat_store_life_parent(step->host->store, space->row.sid, &head->log_epoch, &parent, &known);
    *out = !err && !known;
    if (err || known) return err;
    struct sat_life gone = {.epoch = head->log_epoch, .size = head->size, .root = head->root, .time_ms = head->time_ms};
    err = host_begin(step);
    return err ? err : sat_store_life_put(step->host->store, space->row.sid, 0, &gone, (struct sat_span){0});
}

enum sat_err host_claim(struct host_step *step, struct host_peer *peer, struct host_sub *sub, struct host_space *space,
                        const struct sat_message_CLAIM *message, struct sat_fault *fault)
{
    bool proven = false, of_now = false;
    /* A log that can have no more lives would be proved lost over and over, and use up those of all the others. */
    uint32_t n = space->lives.n < SAT_LIVES_MAX ? message->heads.n : 0;
    of_now = n == 0;
    for (uint32_t i = 0; i < n && !proven; i++) {
        struct sat_head head;
        bool lost;
        enum sat_err err = host_is_lost_head(step->host, space, message->heads.at[i], &head, &lost, fault);
        bool knows = false;
        if (!err && !lost && !sub->adrift) err = host_knows_cursor(step, peer, sub, space, &head, &knows);
        if (err || knows) return err;
        err = proves(step, space, &head, lost, &proven);
        of_now = of_now || sat_log_epoch_equal(&head.log_epoch, &space->row.log_epoch);
        if (!err && proven) err = host_begin_lives(step, message->heads.at[i]);
        if (err) return err;
    }
    /* It is all here: that is the answer. Where a life has begun meanwhile, as somebody else or another space was
     * first, it is told without. */
    if (!proven && of_now) sub->lives_due = sub->adrift = true;
    return SAT_OK;
}

/* ---- Where two logs part ---- */

enum sat_err host_roots(struct host_step *step, const struct host_peer *peer, const struct host_space *space,
                        const struct sat_message_ROOTS *message)
{
    struct sat_message answer = {.type = SAT_MESSAGE_COMMON};
    answer.as.COMMON.sub = message->sub;
    for (uint32_t i = message->roots.n; i-- > 0 && !answer.as.COMMON.size;) {
        struct sat_root_item item;
        struct sat_hash root;
        bool found;
        enum sat_err err = sat_root_item_decode(message->roots.at[i], &item);
        if (!err) err = sat_store_root_at(step->host->store, space->row.sid, item.size, &root, &found);
        if (err) return err;
        if (found && memcmp(root.b, item.root, sizeof item.root) == 0) answer.as.COMMON.size = item.size;
    }
    host_send(step, peer->id, &answer);
    return SAT_OK;
}
