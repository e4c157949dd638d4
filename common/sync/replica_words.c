/* Behind a collection stand the words of others: everybody who counts has acknowledged its floor. The server is asked
 * to show them, and each is checked, before a head is taken that has a collection behind the last one: what a server
 * collects too early is let go of again, and nothing of it is forgotten here (docs/decisions/0110).
 *
 * Not the words of then, but those of now: an acknowledgement grows. So the newest collection speaks for those before
 * it, however many came, and the server need keep none for their sake: there is nothing that it could have lost. */
#include <string.h>

#include "common/sync/collect.h"
#include "common/sync/replica_state.h"

struct hearing { /* of what the server shows */
    struct replica_step *step;
    struct replica_sub *sub;
    uint64_t floor, dir_at;    /* of the collection */
    struct sat_log_epoch life; /* in which it was made */
};

static void ask(struct replica_step *step, const struct replica_sub *sub)
{
    struct sat_message message = {.type = SAT_MESSAGE_EVIDENCE};
    message.as.EVIDENCE = (struct sat_message_EVIDENCE){.sub = sub->sub, .from = sub->words.from};
    replica_send(step, &message);
}

enum sat_err replica_ask_words(struct replica_step *step, struct replica_sub *sub, bool *heard)
{
    uint64_t seq;
    enum sat_err err = sat_store_collection_last(step->replica->config.store, sub->row.sid, &seq);
    *heard = !err && (seq <= sub->row.head_size || seq <= sub->words.heard);
    if (err || *heard || sub->words.asked) return err;
    sub->words.asked = seq;
    sub->words.from = 0;
    ask(step, sub);
    return SAT_OK;
}

static enum sat_err load(struct hearing *it)
{
    struct sat_store *store = it->step->replica->config.store;
    struct replica_sub *sub = it->sub;
    struct sat_span bytes;
    struct sat_collection what;
    struct sat_entry_row *entries;
    uint64_t seq = sub->words.asked;
    uint32_t n = 0;
    bool found;
    enum sat_err err = sat_store_collection_get(store, sub->row.sid, seq, it->step->arena, &bytes, &found);
    if (!err && found) err = sat_store_entries(store, sub->row.sid, seq, 1, it->step->arena, &entries, &n);
    if (err) return err;
    if (!found || n == 0 || entries[0].entry.seq != seq) return SAT_ERR_CORRUPT;
    if (sat_collection_decode(bytes, it->step->arena, &what)) return SAT_ERR_CORRUPT;
    it->floor = what.floor;
    it->dir_at = entries[0].entry.dir_at;
    it->life = sat_lives_at(&sub->lives, &sub->row.log_epoch, seq);
    return SAT_OK;
}

/* Who counted then, and has ever since: of others the server has nothing to show, or need not. */
static bool has_to_speak(const struct hearing *it, uint32_t device)
{
    const struct sat_directory *directory = it->step->replica->config.directory;
    return sat_collect_counts(directory, &it->sub->row.id, device, it->dir_at) &&
           sat_collect_counts(directory, &it->sub->row.id, device, directory->seq);
}

static enum sat_err accuse(const struct hearing *it, uint32_t device)
{
    if (!sat_collect_counted(it->step->replica->config.directory, &it->sub->row.id, device, it->dir_at)) return SAT_OK;
    return sat_fail(&it->step->fault, SAT_ERR_COLLECTED_EARLY, "the server forgets what device %u has not acknowledged",
                    (unsigned)device);
}

static enum sat_err miss(const struct hearing *it, uint32_t first, uint32_t end)
{
    enum sat_err err = SAT_OK;
    for (uint32_t device = first; device < end && !err; device++)
        if (has_to_speak(it, device)) err = accuse(it, device);
    return err;
}

static bool complete_epoch(const struct replica_sub *sub, struct sat_log_epoch *epoch)
{
    const struct sat_log_epoch *known = &sub->row.log_epoch;
    for (uint32_t i = 0; memcmp(known->b, epoch->b, 4) && i < 2 * sub->lives.n; i++)
        known = i % 2 ? &sub->lives.at[i / 2].epoch : &sub->lives.at[i / 2].parent;
    if (memcmp(known->b, epoch->b, 4)) return false;
    *epoch = *known;
    return true;
}

/* It has acknowledged the floor in the life that the collection was made in; or it stands behind the collection itself,
 * which it has looked at, in whatever life since. Both on this log. */
static enum sat_err speaks(const struct hearing *it, struct sat_cursor *cursor, const struct sat_signature *signature,
                           bool *does)
{
    const struct sat_directory *directory = it->step->replica->config.directory;
    const struct sat_device *device = sat_directory_device(directory, cursor->device);
    cursor->space = it->sub->row.id;
    *does = device && cursor->dir_seq <= directory->seq && complete_epoch(it->sub, &cursor->log_epoch);
    if (!*does) return SAT_OK;
    enum sat_err err =
        sat_store_root_at(it->step->replica->config.store, it->sub->row.sid, cursor->size, &cursor->root, does);
    if (err || !*does) return err;
    cursor->dir_hash = sat_directory_hash_at(directory, cursor->dir_seq);
    bool acknowledged = cursor->ack >= it->floor && sat_log_epoch_equal(&cursor->log_epoch, &it->life);
    *does = (acknowledged || cursor->size >= it->sub->words.asked) && cursor->ack <= cursor->size &&
            !sat_cursor_verify(cursor, &directory->org, &device->sign, signature);
    return SAT_OK;
}

static enum sat_err hear(const struct hearing *it, struct sat_span item, uint32_t *last)
{
    struct sat_cursor cursor;
    struct sat_signature signature;
    bool does = false;
    enum sat_err err = sat_cursor_item_decode(item, &cursor, &signature);
    if (!err && (cursor.device <= *last || cursor.device > it->step->replica->config.directory->devices_n))
        err = SAT_ERR_MALFORMED;
    if (err) return sat_fail(&it->step->fault, err, "the server sent cursors that cannot be read");
    err = miss(it, *last + 1, cursor.device);
    *last = cursor.device;
    if (err || !has_to_speak(it, cursor.device)) return err;
    err = speaks(it, &cursor, &signature, &does);
    return err || does ? err : accuse(it, cursor.device);
}

enum sat_err replica_words(struct replica_step *step, const struct sat_message_CURSORS *message)
{
    const struct sat_directory *directory = step->replica->config.directory;
    struct replica_sub *sub = replica_sub_of(step->replica, message->sub);
    struct hearing it = {.step = step, .sub = sub};
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "cursors in a space that was not subscribed");
    if (replica_is_deaf(sub) || replica_is_searching(sub) || !sub->words.asked || message->from != sub->words.from)
        return SAT_OK;
    if (message->dir_seq > directory->seq || (message->more && message->cursors.n == 0))
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL,
                        "cursors came before the directory that they were signed under");
    enum sat_err err = load(&it);
    for (uint32_t i = 0; i < message->cursors.n && !err; i++) err = hear(&it, message->cursors.at[i], &sub->words.from);
    if (err) return err;
    if (message->more) {
        ask(step, sub);
        return SAT_OK;
    }
    err = miss(&it, sub->words.from + 1, directory->devices_n + 1);
    sub->words.heard = sub->words.asked;
    sub->words.asked = 0;
    struct sat_message head = {.type = SAT_MESSAGE_HEAD_GET};
    head.as.HEAD_GET.sub = sub->sub;
    replica_send(step, &head);
    return err;
}
