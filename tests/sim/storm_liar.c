/* A server that lies to some of the devices for a while: it withholds, leaves out, reorders, shows old heads again or
 * signs what is not so, and repeats what it said. Then it is honest again. One that shows another log to some is one
 * that was set back between them, silently (storm_faults.c). */
#include "common/base/check.h"
#include "tests/sim/storm.h"
#include "tests/story/forge.h"

enum lie { LIE_WITHHOLD, LIE_LEAVE_OUT, LIE_REORDER, LIE_OLD_HEAD, LIE_FALSE_HEAD, LIE_REPEAT, LIES };

static const char *const lies[LIES] = {"withholds entries from", "leaves entries out for", "reorders entries for",
                                       "shows old heads to",     "signs false heads for",  "repeats itself to"};

void storm_lies(struct life *life)
{
    struct world *world = &life->world;
    if (life->lying.acts && --life->lying.acts == 0) {
        world_say(world, "the server is honest again");
        life->lying.to = 0;
        return;
    }
    if (life->lying.acts || world_dice(world, 100) >= 3) return;
    life->lying.to = 1 + (uint32_t)world_dice(world, (1u << world->devices_n) - 1);
    life->lying.acts = 5 + (uint32_t)world_dice(world, 30);
    life->lying.how = (uint8_t)world_dice(world, LIES);
    life->oracle.unproved_may_go = true;
    world_say(world, "the server %s homes %x for %u acts", lies[life->lying.how], life->lying.to, life->lying.acts);
}

void storm_is_honest(struct life *life)
{
    life->lying.to = life->lying.acts = 0;
    for (uint32_t i = 0; i < WORLD_DEVICES_MAX; i++) sat_buf_deinit(&life->lying.said[i]);
}

static bool leave_out(struct life *life, struct sat_message *message, struct sat_arena *arena, bool reorder)
{
    struct sat_list *list = &message->as.ENTRIES.entries;
    if (list->n < (reorder ? 2 : 1)) return false;
    uint32_t at = (uint32_t)world_dice(&life->world, reorder ? list->n - 1 : list->n);
    struct sat_span *entries = sat_arena_copy(arena, list->at, list->n * sizeof *list->at);
    if (reorder) {
        entries[at] = list->at[at + 1];
        entries[at + 1] = list->at[at];
        life->counts->lie_reordered++;
    } else {
        for (uint32_t i = at; i + 1 < list->n; i++) entries[i] = list->at[i + 1];
        list->n--;
        life->counts->lie_left_out++;
    }
    list->at = entries;
    return true;
}

/* The head that would be signed now, but for one thing. */
static bool sign_false_head(struct life *life, struct world_device *device, struct sat_message *message,
                            struct sat_arena *arena)
{
    struct world *world = &life->world;
    uint32_t sub = (uint32_t)message->as.HEAD.sub;
    const struct sat_directory *directory = &device->handle.directory;
    for (uint32_t i = 0; i < world->spaces_n; i++) {
        if (!sub || sub > directory->spaces_n || !sat_space_equal(&directory->spaces[sub - 1].id, &world->spaces[i]))
            continue;
        struct sat_head head = forge_true_head(world, &world->spaces[i]);
        uint8_t *const parts[] = {head.root.b, head.digest.b, head.log_epoch.b, head.dir_hash.b};
        uint64_t which = world_dice(world, 5);
        if (which < 4) parts[which][3] ^= (uint8_t)(1 + world_dice(world, 255)); /* never the same lie twice */
        if (which == 4) head.size += 1 + world_dice(world, 3);
        sat_head_sign(&head, &directory->org, &world->server_key);
        struct sat_buf bytes;
        sat_buf_init(&bytes);
        sat_head_encode(&head, false, &bytes);
        message->as.HEAD.head = sat_span_copy(arena, sat_buf_span(&bytes));
        sat_buf_deinit(&bytes);
        life->counts->lie_head++;
        return true;
    }
    return false;
}

/* What was said before, in place of what is to be said now. */
static bool repeat(struct life *life, uint32_t home, struct sat_buf *bytes, uint64_t *count)
{
    struct sat_buf *said = &life->lying.said[home];
    if (!said->len) return false;
    sat_buf_clear(bytes);
    sat_put_span(bytes, sat_buf_span(said));
    ++*count;
    return true;
}

/* False: the message is withheld. *changed: it is to be encoded again. */
static bool lie(struct life *life, struct world_device *device, struct sat_message *message, struct sat_arena *arena,
                struct sat_buf *bytes, bool *changed)
{
    uint32_t home = storm_number(life, device);
    bool entries = message->type == SAT_MESSAGE_ENTRIES, head = message->type == SAT_MESSAGE_HEAD;
    switch ((enum lie)life->lying.how) {
    case LIE_WITHHOLD:
        life->counts->lie_withheld += entries;
        return !entries;
    case LIE_LEAVE_OUT:
    case LIE_REORDER:
        if (entries) *changed = leave_out(life, message, arena, life->lying.how == LIE_REORDER);
        return true;
    case LIE_OLD_HEAD:
        if (head) (void)repeat(life, home, bytes, &life->counts->lie_old_head);
        return true;
    case LIE_FALSE_HEAD:
        if (head && world_dice(&life->world, 2)) *changed = sign_false_head(life, device, message, arena);
        return true;
    case LIE_REPEAT:
        if (world_dice(&life->world, 4) == 0) (void)repeat(life, home, bytes, &life->counts->lie_repeated);
        return true;
    case LIES:
        break;
    }
    return true;
}

bool storm_says(struct life *life, struct world_device *device, struct sat_buf *bytes)
{
    if (!storm_plays(life, "liar")) return true;
    struct sat_buf *said = &life->lying.said[storm_number(life, device)];
    struct sat_arena arena;
    struct sat_message message;
    bool passes = true, changed = false;
    sat_arena_init(&arena);
    struct sat_span copy = sat_span_copy(&arena, sat_buf_span(bytes));
    enum sat_err err = sat_message_decode(copy, SAT_SENDER_SERVER, &arena, &message);
    if (!err && (life->lying.to & 1u << storm_number(life, device)))
        passes = lie(life, device, &message, &arena, bytes, &changed);
    if (changed) {
        sat_buf_clear(bytes);
        sat_message_encode(&message, bytes);
    }
    /* Some head of before is enough. */
    if (!err && message.type == SAT_MESSAGE_HEAD && !changed && world_dice(&life->world, 3) == 0) {
        sat_buf_clear(said);
        sat_put_span(said, copy);
    }
    sat_arena_deinit(&arena);
    return passes;
}
