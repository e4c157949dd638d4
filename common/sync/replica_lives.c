/* The server's log is not the one that this device has seen. If the server says by its signature that the log goes on
 * under another life from where it knows, it was set back to an older copy: both look for the place where the two logs
 * part, this device goes back to it, and keeps what is behind it to be given back. If it says nothing of the kind, it
 * is shown what it had signed. What continues no life that is known here is a fork. */
#include <string.h>

#include "common/base/check.h"
#include "common/sync/compact.h"
#include "common/sync/lives.h"
#include "common/sync/replica_state.h"
#include "common/sync/rewind.h"
#include "common/sync/subscription.h"

/* In a session: what it says stays in memory, and each may be a way back for this device's log. */
enum { LIVES_TOLD_MAX = 64, WENT_BACK_MAX = 3 };

enum sat_err replica_count_returns(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_store *store = step->replica->config.store;
    uint64_t all = 0;
    enum sat_err err = replica_return_asides(step, sub);
    if (!err) err = sat_store_return_count(store, sub->row.sid, false, &sub->returns.left);
    if (!err) err = sat_store_return_count(store, sub->row.sid, true, &all);
    sub->returns.any = all > 0;
    return err;
}

enum sat_err replica_lives_load(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = sat_store_lives(replica->config.store, &sub->row, &replica->lives_arena, &sub->lives);
    return err ? err : replica_count_returns(step, sub);
}

/* ---- Reading ---- */

static enum sat_err read_lives(struct replica_step *step, const struct replica_sub *sub,
                               const struct sat_message_LIVES *message, struct sat_lives *out)
{
    struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    *out = (struct sat_lives){.n = message->lives.n};
    out->at = sat_arena_array(&replica->lives_arena, out->n, sizeof *out->at);
    for (uint32_t i = 0; i < out->n; i++) {
        enum sat_err err = sat_life_decode(message->lives.at[i], &sub->row.id, &out->at[i]);
        if (err) return sat_fail(&step->fault, err, "the server sent a life of a log that cannot be read");
        if (sat_life_verify(&out->at[i], &directory->org, &directory->server))
            return sat_fail(&step->fault, SAT_ERR_TAMPERED,
                            "the server's signature under its log's lives does not hold");
    }
    bool named = out->n == 0 || memcmp(out->at[out->n - 1].epoch.b, message->epoch, sizeof message->epoch) == 0;
    if (!named || !sat_lives_chain(out))
        return sat_fail(&step->fault, SAT_ERR_FORK, "the lives of the server's log do not continue each other");
    return SAT_OK;
}

/* What the life that is known here is descended from: the server may be back in one of them, or have gone on from one.
 */
struct descent {
    struct sat_log_epoch at[SAT_LIVES_MAX];
    uint32_t n;
};

static enum sat_err trace(struct replica_step *step, const struct replica_sub *sub, struct descent *out)
{
    bool found = true;
    enum sat_err err = SAT_OK;
    out->n = 0;
    for (struct sat_log_epoch epoch = sub->row.log_epoch; !err && found && out->n < SAT_LIVES_MAX;) {
        out->at[out->n++] = epoch;
        err = sat_store_life_parent(step->replica->config.store, sub->row.sid, &out->at[out->n - 1], &epoch, &found);
    }
    return err;
}

static enum sat_err save_lives(struct replica_step *step, const struct replica_sub *sub, const struct sat_lives *lives)
{
    struct sat_store *store = step->replica->config.store;
    enum sat_err err = replica_begin(step);
    if (!err) err = sat_store_lives_aside(store, sub->row.sid);
    for (uint32_t i = 0; !err && i < lives->n; i++)
        err = sat_store_life_put(store, sub->row.sid, i + 1, &lives->at[i], (struct sat_span){0});
    return err;
}

/* ---- Showing what it had signed ---- */

/* What no head has proved, it need not have: it is let go of, and that may be all. */
static enum sat_err go_to_head(struct replica_step *step, struct replica_sub *sub)
{
    enum sat_err err = replica_begin(step);
    if (!err) err = sat_base_rewind(step->replica->config.store, &sub->row, step->replica->config.device);
    sub->dirty = false;
    sub->announced = sub->agreed = 0;
    sub->exact = false;
    if (!err) replica_resubscribe(step, sub);
    return err;
}

/* Is it the log's first life, or what was told before it? */
static bool knows_life(const struct replica_step *step, const struct replica_sub *sub,
                       const struct sat_log_epoch *epoch)
{
    const struct sat_directory *directory = step->replica->config.directory;
    const struct sat_space *space = sat_directory_space(directory, &sub->row.id);
    struct sat_hash link = sat_directory_hash_at(directory, space ? space->since_seq : 0);
    struct sat_log_epoch first = sat_life_first(&link);
    return sat_log_epoch_equal(&first, epoch) ||
           (sub->lives.n && sat_log_epoch_equal(&sub->lives.at[sub->lives.n - 1].epoch, epoch));
}

/* Else that got lost on its way; and who does not know what the life is descended from could follow to no other one.
 * Who says nothing though asked has had no other life, and began under a name of its own. */
bool replica_must_ask_lives(struct replica_step *step, struct replica_sub *sub, const struct sat_log_epoch *epoch)
{
    if (knows_life(step, sub, epoch) || sub->went_back == WENT_BACK_MAX) return false;
    sub->went_back++;
    replica_resubscribe(step, sub);
    return true;
}

static enum sat_err claim(struct replica_step *step, struct replica_sub *sub, const struct sat_lost_log *logs,
                          uint32_t n)
{
    struct sat_span heads[SAT_CLAIM_HEADS_MAX];
    uint32_t heads_n = 0;
    bool has_seen_none = sub->row.head_size == 0 && n == 0;
    bool again = has_seen_none || sub->row.log.size > sub->row.head_size;
    if (again && ++sub->went_back > WENT_BACK_MAX)
        return sat_fail(&step->fault, SAT_ERR_FORK,
                        "the server sends another log than it says it has, again and again");
    if (again) return go_to_head(step, sub);
    if (sub->row.head_len) heads[heads_n++] = sat_span(sub->row.head, sub->row.head_len);
    for (uint32_t i = 0; i < n && heads_n < SAT_CLAIM_HEADS_MAX; i++) heads[heads_n++] = logs[i].head;
    if (heads_n == 0 || sub->heal.claimed)
        return sat_fail(&step->fault, SAT_ERR_FORK,
                        "the server's log is not the one that it has signed, and it does not say why");
    sub->heal = (struct replica_heal){.claimed = true};
    struct sat_message message = {.type = SAT_MESSAGE_CLAIM};
    message.as.CLAIM = (struct sat_message_CLAIM){.sub = sub->sub, .heads = {heads, heads_n}};
    replica_send(step, &message);
    return SAT_OK;
}

/* ---- Where the logs part ---- */

static enum sat_err part(struct replica_step *step, struct replica_sub *sub);

static enum sat_err add_root(struct replica_step *step, struct replica_sub *sub, uint64_t size, struct sat_span *item)
{
    struct sat_hash root;
    bool found;
    enum sat_err err = sat_store_root_at(step->replica->config.store, sub->row.sid, size, &root, &found);
    if (err || !found) return err ? err : SAT_ERR_CORRUPT;
    struct sat_root_item wire = {.size = size};
    memcpy(wire.root, root.b, sizeof wire.root);
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_root_item_encode(&wire, &bytes);
    *item = sat_span_copy(step->arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    sub->heal.asked[sub->heal.asked_n++] = size;
    return SAT_OK;
}

/* Spread over what is in doubt, its last included; within a run of this device's there is nothing to compare. */
static enum sat_err ask_roots(struct replica_step *step, struct replica_sub *sub)
{
    struct replica_heal *heal = &sub->heal;
    uint64_t doubt = heal->high - heal->low - 1;
    struct sat_span items[SAT_ROOTS_MAX];
    uint64_t n = doubt < SAT_ROOTS_MAX ? doubt : SAT_ROOTS_MAX;
    enum sat_err err = SAT_OK;
    uint64_t last = heal->low;
    heal->asked_n = 0;
    for (uint64_t i = 1; !err && i <= n; i++) {
        uint64_t size = heal->low + (i == n ? doubt : doubt / n * i + doubt % n * i / n);
        err = sat_compact_before(step->replica->config.store, sub->row.sid, size, &size);
        if (err || size <= last) continue;
        last = size;
        err = add_root(step, sub, size, &items[heal->asked_n]);
    }
    if (err) return err;
    if (heal->asked_n == 0) return part(step, sub);
    struct sat_message message = {.type = SAT_MESSAGE_ROOTS};
    message.as.ROOTS = (struct sat_message_ROOTS){.sub = sub->sub, .roots = {items, heal->asked_n}};
    replica_send(step, &message);
    sub->roots_asked++;
    return SAT_OK;
}

/* What the server signed of its branches must fit where the logs part: none of them is earlier and another. */
static enum sat_err check_branches(struct replica_step *step, const struct replica_sub *sub, uint64_t size)
{
    const struct sat_lives *lives = &sub->heal.lives;
    for (uint32_t i = 0; i < lives->n; i++) {
        struct sat_hash root;
        bool found;
        enum sat_err err =
            sat_store_root_at(step->replica->config.store, sub->row.sid, lives->at[i].size, &root, &found);
        if (err) return err;
        if (found && lives->at[i].size <= size && !sat_hash_equal(&root, &lives->at[i].root))
            return sat_fail(&step->fault, SAT_ERR_FORK, "the server contradicts what it signed of its log's lives");
    }
    return SAT_OK;
}

static enum sat_err part(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_replica *replica = step->replica;
    struct replica_heal heal = sub->heal;
    uint64_t lost = sub->row.log.size - heal.low;
    enum sat_err err = check_branches(step, sub, heal.low);
    if (!err) err = replica_begin(step);
    if (!err && !lost) err = sat_base_stays(replica->config.store, &sub->row);
    if (!err && lost)
        err = sat_base_set_back(replica->config.store, &sub->row, replica->config.device, heal.low, &heal.epoch);
    if (!err) err = save_lives(step, sub, &heal.lives);
    if (err) return err;
    struct replica_sub anew = {.sub = sub->sub,
                               .row = sub->row,
                               .dirty = true,
                               .lives = heal.lives,
                               .lives_told = sub->lives_told,
                               .went_back = sub->went_back,
                               .roots_asked = sub->roots_asked};
    anew.row.log_epoch = heal.epoch;
    anew.window = sub->window;
    *sub = anew;
    if (lost) err = replica_brake_open(step, sub); /* from there on */
    if (!err) err = replica_count_returns(step, sub);
    replica->leaving_at = 0;
    replica->told_in_sync = replica->told_idle = false;
    replica_resubscribe(step, sub);
    if (err) return err;
    return replica_tell(step, sub, SAT_NOTICE_SET_BACK,
                        sat_arena_format(step->out->arena,
                                         "the server was set back to an older copy: %llu entries of its log are "
                                         "given back",
                                         (unsigned long long)lost));
}

static enum sat_err search(struct replica_step *step, struct replica_sub *sub)
{
    return sub->heal.high - sub->heal.low > 1 ? ask_roots(step, sub) : part(step, sub);
}

enum sat_err replica_common(struct replica_step *step, const struct sat_message_COMMON *message)
{
    struct replica_sub *sub = replica_sub_of(step->replica, message->sub);
    if (!sub || sub->roots_asked == 0)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "an answer about a log that was not asked for");
    if (--sub->roots_asked || sub->gone || !sub->heal.searching) return SAT_OK; /* a life began since that was asked */
    struct replica_heal *heal = &sub->heal;
    bool was_asked = message->size == 0;
    uint64_t high = heal->high;
    for (uint32_t i = 0; i < heal->asked_n; i++) {
        if (heal->asked[i] == message->size) was_asked = true;
        if (heal->asked[i] > message->size && heal->asked[i] < high) high = heal->asked[i];
    }
    if (!was_asked) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "an answer about a log that was not asked for");
    if (message->size > heal->low) heal->low = message->size;
    heal->high = high;
    return search(step, sub);
}

/* ---- What the server says of its lives ---- */

/* Where a life of the server's log began with what is here, the two are one up to there: it has signed that, and may
 * have compacted what else would show it. */
static enum sat_err find_common(struct replica_step *step, const struct replica_sub *sub, const struct sat_lives *lives,
                                uint64_t *size)
{
    enum sat_err err = SAT_OK;
    *size = 0;
    for (uint32_t i = 0; i < lives->n && !err; i++) {
        struct sat_hash root;
        bool found;
        err = sat_store_root_at(step->replica->config.store, sub->row.sid, lives->at[i].size, &root, &found);
        if (!err && found && sat_hash_equal(&root, &lives->at[i].root)) *size = lives->at[i].size;
    }
    return err;
}

static enum sat_err accept_lives(struct replica_step *step, struct replica_sub *sub, const struct sat_lives *lives,
                                 const struct sat_log_epoch *epoch)
{
    sub->heal =
        (struct replica_heal){.searching = true, .epoch = *epoch, .lives = *lives, .high = sub->row.log.size + 1};
    sub->in_flight = 0;
    enum sat_err err = find_common(step, sub, lives, &sub->heal.low);
    return err ? err : search(step, sub);
}

/* Back in a life that this device has left: what it had seen of it comes first among the proofs. True: there is some.
 */
static bool was_left(struct sat_lost_log *logs, uint32_t n, const struct sat_log_epoch *epoch)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!sat_log_epoch_equal(&logs[i].epoch, epoch)) continue;
        struct sat_lost_log first = logs[i];
        logs[i] = logs[0];
        logs[0] = first;
        return true;
    }
    return false;
}

/* Has a head of the life that is known here been verified? If not, nothing that this device has seen is gone with it.
 */
static bool has_seen_life(const struct replica_sub *sub)
{
    struct sat_head head;
    struct sat_span bytes = sat_span(sub->row.head, sub->row.head_len);
    return bytes.len && sat_head_decode(bytes, &sub->row.id, &head) == SAT_OK &&
           sat_log_epoch_equal(&head.log_epoch, &sub->row.log_epoch);
}

static enum sat_err compare_lives(struct replica_step *step, struct replica_sub *sub, const struct sat_lives *lives,
                                  const struct sat_log_epoch *epoch)
{
    struct descent descent;
    struct sat_lost_log *logs;
    uint32_t n;
    enum sat_err err = trace(step, sub, &descent);
    if (!err) err = sat_store_lost_logs(step->replica->config.store, sub->row.sid, step->arena, &logs, &n);
    if (err) return err;
    bool left = was_left(logs, n, epoch), goes_on = false;
    for (uint32_t i = 0; i < descent.n; i++) {
        bool back = i > 0 && sub->heal.claimed && !has_seen_life(sub); /* all that it had signed is there */
        if (sat_log_epoch_equal(&descent.at[i], epoch))
            return back ? accept_lives(step, sub, lives, epoch) : claim(step, sub, logs, n);
        if (sat_lives_know(lives, &descent.at[i])) goes_on = true;
    }
    if (left && !sub->heal.claimed) return claim(step, sub, logs, n);
    if (goes_on) return accept_lives(step, sub, lives, epoch);
    return sat_fail(&step->fault, SAT_ERR_FORK,
                    "the server's log has begun a life that continues none that this device has seen");
}

enum sat_err replica_lives(struct replica_step *step, const struct sat_message_LIVES *message)
{
    static const struct sat_log_epoch none;
    struct replica_sub *sub = replica_sub_of(step->replica, message->sub);
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "lives of a space that was not subscribed");
    if (sub->gone) return SAT_OK;
    struct sat_log_epoch epoch;
    struct sat_lives lives;
    memcpy(epoch.b, message->epoch, sizeof epoch.b);
    if (++sub->lives_told > LIVES_TOLD_MAX)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server tells of its log's lives over and over");
    enum sat_err err = read_lives(step, sub, message, &lives);
    if (err) return err;
    if (sub->heal.searching && sat_log_epoch_equal(&sub->heal.epoch, &epoch)) return SAT_OK;
    sub->head_here = sub->digest_agrees = false;
    if (!sat_log_epoch_equal(&sub->row.log_epoch, &none) && !sub->anew.waits)
        return compare_lives(step, sub, &lives, &epoch);
    sub->lives = lives; /* the first meeting: a head follows, which names the newest */
    err = save_lives(step, sub, &lives);
    return err ? err : replica_anew_meet(step, sub, &epoch);
}
