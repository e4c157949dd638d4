#include "tests/fuzz/replica_talk.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { FRAMES_MAX = 16 };

/* What a client sends is a message of a client's. */
static void check_sent(struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    sat_check(bytes.len <= SAT_MESSAGE_BYTES_MAX);
    fuzz_must(sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message));
    sat_arena_deinit(&arena);
}

void hears_frames(struct talk *talk)
{
    struct sat_buf frame;
    sat_buf_init(&frame);
    for (uint32_t i = 0; i < FRAMES_MAX; i++) {
        sat_buf_clear(&frame);
        fuzz_must(sat_replica_frame(talk->replica, talk->now_ms, &frame));
        if (frame.len == 0) break;
        check_sent(sat_buf_span(&frame));
    }
    sat_buf_deinit(&frame);
}

void hears_step(struct talk *talk, enum sat_event_kind kind, struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    struct sat_event event = {.kind = kind, .peer = 1, .bytes = bytes};
    fuzz_must(sat_replica_step(talk->replica, talk->now_ms, &event, 1, &actions));
    for (const struct sat_action *action = actions.first; action; action = action->next) {
        if (action->kind == SAT_ACTION_SEND) check_sent(action->bytes);
        if (action->kind == SAT_ACTION_CLOSE) talk->over = true;
        bool failed = action->kind == SAT_ACTION_NOTICE && action->notice == SAT_NOTICE_FAILED;
        sat_check(!failed || action->err != SAT_OK);
        if (failed) fuzz_check_sentence(action->text);
        if (action->kind == SAT_ACTION_NOTICE && action->notice == SAT_NOTICE_SPACE_LOST) talk->lost_space = true;
    }
    sat_arena_deinit(&arena);
}

void hears(struct talk *talk, struct sat_span message)
{
    uint8_t *exact = malloc(message.len ? message.len : 1); /* so that reading behind its end is seen */
    sat_check(exact != NULL);
    if (message.len) memcpy(exact, message.at, message.len);
    hears_step(talk, SAT_EVENT_MESSAGE, sat_span(exact, message.len));
    free(exact);
}

void hears_message(struct talk *talk, const struct sat_message *message)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_message_encode(message, &bytes);
    hears(talk, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
}

/* The device's own number for a space is its place in the directory. False: there is none, or it does not know it. */
bool hears_find_space(const struct talk *talk, uint64_t sub, struct sat_space_row *out)
{
    const struct sat_directory *directory = &talk->device.directory;
    bool found = false;
    if (sub == 0 || sub > directory->spaces_n) return false;
    fuzz_must(sat_store_space_find(talk->device.store, &directory->spaces[sub - 1].id, out, &found));
    return found;
}

/* A space of the org's, mostly the territory; false: the device has not subscribed to it yet. */
bool hears_choose_space(const struct talk *talk, uint8_t where, uint32_t *sub, struct sat_space_row *out)
{
    *sub = where < 16 ? 1 + where % FUZZ_SPACES : FUZZ_SPACES;
    return hears_find_space(talk, *sub, out);
}
