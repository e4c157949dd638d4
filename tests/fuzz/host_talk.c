#include "tests/fuzz/host_talk.h"

#include <stdlib.h>
#include <string.h>

#include "common/sync/subscription.h"
#include "common/wire/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/make.h"

/* What a host sends is a message of a server's. */
void talk_check_sent(struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    sat_check(bytes.len <= SAT_MESSAGE_BYTES_MAX);
    fuzz_must(sat_message_decode(bytes, SAT_SENDER_SERVER, &arena, &message));
    sat_arena_deinit(&arena);
}

void talk_step(struct talk *talk, const struct sat_event *event, struct sat_actions *actions)
{
    fuzz_must(sat_host_step(talk->host, talk->now_ms, event, 1, actions));
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        sat_check(action->peer == talk->peer);
        if (action->kind == SAT_ACTION_SEND) talk_check_sent(action->bytes);
        if (action->kind == SAT_ACTION_CLOSE) talk->open = false;
    }
}

void talk_say(struct talk *talk, struct sat_span message)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    uint8_t *exact = malloc(message.len ? message.len : 1); /* so that reading behind its end is seen */
    sat_check(exact != NULL);
    if (message.len) memcpy(exact, message.at, message.len);
    talk_step(talk,
              &(struct sat_event){.kind = SAT_EVENT_MESSAGE, .peer = talk->peer, .bytes = sat_span(exact, message.len)},
              &actions);
    free(exact);
    sat_arena_deinit(&arena);
}

void talk_say_message(struct talk *talk, const struct sat_message *message)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_message_encode(message, &bytes);
    talk_say(talk, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
}

/* ---- Coming and going ---- */

static void answer_hello(struct talk *talk, const struct sat_message_HELLO *hello)
{
    struct sat_auth auth = {
        .server = sat_sign_public(&talk->org->server), .device = talk->device, .dir_seq = hello->dir_seq};
    memcpy(auth.server_nonce, hello->server_nonce, sizeof auth.server_nonce);
    memcpy(auth.dir_hash.b, hello->dir_hash, sizeof auth.dir_hash.b);
    struct sat_signature signature = sat_auth_sign(&auth, &talk->org->id, talk->org->signing[talk->device - 1]);
    struct sat_message message = {.type = SAT_MESSAGE_AUTH};
    message.as.AUTH = (struct sat_message_AUTH){.device = talk->device, .dir_seq = hello->dir_seq};
    memcpy(message.as.AUTH.signature, signature.b, sizeof signature.b);
    talk_say_message(talk, &message);
}

/* Leaves, and comes again as a device, or as a stranger who has yet to say who he is. */
void talk_come(struct talk *talk, uint32_t device)
{
    struct sat_arena arena;
    struct sat_actions actions;
    struct sat_message hello;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    talk_step(talk, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = talk->peer}, &actions);
    memset(talk->subs, 0, sizeof talk->subs);
    talk->peer++;
    talk->device = device;
    talk->open = true;
    sat_actions_init(&actions, &arena);
    talk_step(talk, &(struct sat_event){.kind = SAT_EVENT_OPENED, .peer = talk->peer}, &actions);
    fuzz_must(sat_message_decode(actions.first->bytes, SAT_SENDER_SERVER, &arena, &hello));
    sat_check(hello.type == SAT_MESSAGE_HELLO);
    if (device) answer_hello(talk, &hello.as.HELLO);
    sat_arena_deinit(&arena);
}

/* ---- Subscribing, appending ---- */

/* To the org's spaces by their places in it, as a device does that has seen nothing yet. */
void talk_subscribe(struct talk *talk, struct sat_arena *arena)
{
    struct sat_span items[FUZZ_SPACES];
    struct sat_message message = {.type = SAT_MESSAGE_SUBSCRIBE};
    for (uint32_t i = 0; i < FUZZ_SPACES; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        talk->subs[i + 1] = talk->org->spaces[i];
        sat_subscription_encode(&(struct sat_subscription){.sub = i + 1, .space = talk->org->spaces[i]}, &item);
        items[i] = sat_span_copy(arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    message.as.SUBSCRIBE.subs = (struct sat_list){items, FUZZ_SPACES};
    talk_say_message(talk, &message);
}

/* The territory, to which it is subscribed from here on. */
struct sat_space_row talk_subscribed(struct talk *talk, struct sat_arena *arena)
{
    static const struct sat_space_id none;
    struct sat_space_row row;
    bool found;
    if (sat_space_equal(&talk->subs[FUZZ_SPACES], &none)) talk_subscribe(talk, arena);
    fuzz_must(sat_store_space_find(talk->store, &talk->org->spaces[FUZZ_SPACES - 1], &row, &found));
    return row;
}

/* The next link, by the device that talks; by its admin key as well where it has one and one is due. */
void talk_append(struct talk *talk, enum sat_link_type type, bool admin, const struct sat_buf *body)
{
    const struct sat_directory *directory = sat_host_directory(talk->host);
    struct sat_arena arena;
    struct sat_buf bytes;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    struct sat_link link = {.seq = directory->seq + 1,
                            .prev = sat_directory_hash_at(directory, directory->seq),
                            .author = talk->device,
                            .type = (uint16_t)type,
                            .critical = 1,
                            .suite = 1,
                            .body = sat_buf_span(body)};
    sat_link_finish(&link, &arena);
    sat_link_sign(&link, SAT_SIGNER_DEVICE, talk->device, &directory->org, talk->org->signing[talk->device - 1]);
    if (admin) sat_link_sign(&link, SAT_SIGNER_ADMIN, 1, &directory->org, talk->org->admin);
    sat_link_encode(&link, &bytes);
    struct sat_span item = sat_buf_span(&bytes);
    struct sat_message message = {.type = SAT_MESSAGE_APPEND};
    message.as.APPEND.links = (struct sat_list){&item, 1};
    talk_say_message(talk, &message);
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

/* How far it says that it is: evidence against it when it comes back behind that. */
void talk_sign_cursor(struct talk *talk, struct sat_span *input, struct sat_arena *arena)
{
    struct sat_signature signature;
    struct sat_space_row row = talk_subscribed(talk, arena);
    const struct fuzz_place place = {talk->store, sat_host_directory(talk->host), &row, talk->device, NULL};
    struct sat_cursor cursor = fuzz_make_cursor(input, &place, &row.log_epoch, &signature);
    struct sat_message message = {.type = SAT_MESSAGE_CURSOR};
    message.as.CURSOR = (struct sat_message_CURSOR){
        .sub = FUZZ_SPACES, .size = cursor.size, .ack = cursor.ack, .dir_seq = cursor.dir_seq};
    memcpy(message.as.CURSOR.digest, cursor.digest.b, sizeof cursor.digest.b);
    memcpy(message.as.CURSOR.signature, signature.b, sizeof signature.b);
    if (talk->open) talk_say_message(talk, &message);
}
