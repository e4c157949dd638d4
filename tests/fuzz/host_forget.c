/* What a server forgets, in steps that are each right in themselves: records are written and deleted, everybody says
 * how far he is, who never comes is expelled, time passes, it collects and compacts; and somebody subscribes from
 * wherever. In which order, and how often, is the input's choice. */
#include <string.h>

#include "common/sync/subscription.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host_talk.h"
#include "tests/fuzz/make.h"

#define DAY_MS (UINT64_C(24) * 3600 * 1000)

enum { SILENT = 3, DAYS = 181, LOOK_MS = 61 * 1000, ROUNDS = 4, TIMES_MAX = 8 };

/* By a device, who has seen all, of one record: bytes as fuzz_make_bundle() takes them. */
static void push_one(struct talk *talk, uint8_t record, bool deletion)
{
    enum { ALL_SEEN_BY_ALL = 0x2a };
    const uint8_t bytes[] = {0, (uint8_t)(record % FUZZ_RECORDS + (deletion ? 4 : 0)), 0, 0, ALL_SEEN_BY_ALL};
    struct sat_span input = sat_span(bytes, sizeof bytes);
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_space_row row = talk_subscribed(talk, &arena);
    struct fuzz_place place = {
        .store = talk->store, .directory = sat_host_directory(talk->host), .space = &row, .device = talk->device};
    struct sat_message message = {.type = SAT_MESSAGE_PUSH};
    message.as.PUSH =
        (struct sat_message_PUSH){.sub = FUZZ_SPACES, .bundle = fuzz_make_bundle(&input, &place, talk->now_ms, &arena)};
    if (talk->open) talk_say_message(talk, &message);
    sat_arena_deinit(&arena);
}

static void write_often(struct talk *talk, uint8_t what)
{
    if (!talk->device) talk_come(talk, 1);
    for (uint32_t i = 0; i <= what / 4 % TIMES_MAX; i++) push_one(talk, what, false);
}

static void delete_one(struct talk *talk, uint8_t what)
{
    if (!talk->device) talk_come(talk, 1);
    push_one(talk, what, true);
}

/* All but the reader, who never comes, say that they have everything. */
static void acknowledge(struct talk *talk)
{
    for (uint32_t device = 1; device < SILENT; device++) {
        static const uint8_t honest[] = {0, 128};
        struct sat_span input = sat_span(honest, sizeof honest);
        struct sat_arena arena;
        sat_arena_init(&arena);
        talk_come(talk, device);
        talk_sign_cursor(talk, &input, &arena);
        sat_arena_deinit(&arena);
    }
}

static void give_up(struct talk *talk, uint8_t what)
{
    struct sat_body_expel body = {.device = what < 240 ? SILENT : what % 4};
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_body_expel_encode(&body, &bytes);
    if (what < 128) talk->now_ms += DAYS * DAY_MS;
    talk_come(talk, 1);
    if (talk->open) talk_append(talk, SAT_LINK_EXPEL, false, &bytes);
    sat_buf_deinit(&bytes);
}

static void keep_few_versions(struct talk *talk, uint8_t what)
{
    struct sat_body_policy body = {
        .values = {{SAT_POLICY_HISTORY_DAYS, what / 16}, {SAT_POLICY_HISTORY_VERSIONS, 1 + what % 16}}, .values_n = 2};
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_body_policy_encode(&body, &bytes);
    talk_come(talk, 1);
    if (talk->open) talk_append(talk, SAT_LINK_POLICY, true, &bytes);
    sat_buf_deinit(&bytes);
}

/* Who is in the middle of a log keeps it from becoming runs. */
static void maintain(struct talk *talk, bool stays, uint8_t budget)
{
    if (!stays) talk_come(talk, talk->device);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct sat_arena arena;
        struct sat_actions actions;
        sat_arena_init(&arena);
        sat_actions_init(&actions, &arena);
        talk->now_ms += LOOK_MS;
        fuzz_must(sat_host_maintain(talk->host, talk->now_ms, 1u + budget, &actions));
        for (const struct sat_action *action = actions.first; action; action = action->next)
            if (action->kind == SAT_ACTION_SEND) talk_check_sent(action->bytes);
        sat_arena_deinit(&arena);
    }
}

/* From anywhere on the log, or beside it. */
static void subscribe_from(struct talk *talk, struct sat_span *input)
{
    struct sat_arena arena;
    struct sat_buf item;
    bool found;
    uint8_t where = fuzz_byte(input);
    sat_arena_init(&arena);
    sat_buf_init(&item);
    struct sat_space_row row = talk_subscribed(talk, &arena);
    struct sat_subscription wish = {.sub = FUZZ_SPACES, .space = row.id, .cursor = where % (row.log.size + 2)};
    struct sat_hash root = {{0}};
    if (where < 240) fuzz_must(sat_store_root_at(talk->store, row.sid, wish.cursor, &root, &found));
    memcpy(wish.root, root.b, sizeof wish.root);
    if (where % 16) memcpy(wish.log_epoch, row.log_epoch.b, sizeof wish.log_epoch);
    sat_subscription_encode(&wish, &item);
    struct sat_span span = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_SUBSCRIBE};
    message.as.SUBSCRIBE.subs = (struct sat_list){&span, 1};
    if (talk->open) talk_say_message(talk, &message);
    sat_buf_deinit(&item);
    sat_arena_deinit(&arena);
}

void talk_forget(struct talk *talk, struct sat_span *input)
{
    uint8_t what = fuzz_byte(input), how = what / 8;
    switch (what % 8) {
    case 0:
    case 1:
        write_often(talk, how);
        return;
    case 2:
        delete_one(talk, how);
        return;
    case 3:
        acknowledge(talk);
        return;
    case 4:
        give_up(talk, fuzz_byte(input));
        return;
    case 5:
        keep_few_versions(talk, fuzz_byte(input));
        return;
    case 6:
        maintain(talk, how & 1, how & 2 ? fuzz_byte(input) : UINT8_MAX);
        return;
    default:
        subscribe_from(talk, input);
        return;
    }
}
