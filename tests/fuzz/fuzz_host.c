/* The server's role: a founded org in memory and one peer, who says what the input says. The first byte is who the peer
 * is; then a byte for what happens and, for what is said, how it is mended, and a piece. Whatever was said, the host
 * goes on, what it stores agrees with itself, and an honest device that reads it afterwards finds nothing wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/digest.h"
#include "common/sync/host.h"
#include "common/sync/inspect.h"
#include "common/sync/ranges.h"
#include "common/sync/replica.h"
#include "common/sync/subscription.h"
#include "common/wire/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host_talk.h"
#include "tests/fuzz/make.h"

enum { FRAMES_MAX = 64, ROUNDS_MAX = 256, READER = 3, PEAKS_MAX = 16 };

static void read_frames(struct talk *talk)
{
    struct sat_buf frame;
    sat_buf_init(&frame);
    for (uint32_t i = 0; i < FRAMES_MAX && talk->open; i++) {
        sat_buf_clear(&frame);
        fuzz_must(sat_host_frame(talk->host, talk->peer, talk->now_ms, &frame));
        if (frame.len == 0) break;
        talk_check_sent(sat_buf_span(&frame));
    }
    sat_buf_deinit(&frame);
}

/* ---- Mending what is said ---- */

static void note_subscriptions(struct talk *talk, struct sat_list items)
{
    for (uint32_t i = 0; i < items.n; i++) {
        struct sat_subscription wish;
        if (sat_subscription_decode(items.at[i], &wish) == SAT_OK && wish.sub < SUBS_MAX)
            talk->subs[wish.sub] = wish.space;
    }
}

static void mend_push(struct talk *talk, struct sat_message_PUSH *push, enum fuzz_mending how, struct sat_arena *arena)
{
    struct sat_space_row row;
    bool found;
    if (push->sub >= SUBS_MAX) return;
    fuzz_must(sat_store_space_find(talk->store, &talk->subs[push->sub], &row, &found));
    if (!found) return;
    struct fuzz_place place = {
        .store = talk->store, .directory = sat_host_directory(talk->host), .space = &row, .device = talk->device};
    push->bundle = fuzz_mend_bundle(push->bundle, &place, how, arena);
}

/* A batch of one link only is put in its place: those behind it would need a directory with it applied. */
static void mend_append(struct talk *talk, struct sat_message_APPEND *append, enum fuzz_mending how,
                        struct sat_arena *arena)
{
    struct sat_span *links = sat_arena_array(arena, append->links.n, sizeof *links);
    for (uint32_t i = 0; i < append->links.n; i++)
        links[i] = fuzz_mend_link(append->links.at[i], sat_host_directory(talk->host), how, arena);
    append->links.at = links;
}

static void say_mended(struct talk *talk, struct sat_span bytes, enum fuzz_mending how)
{
    struct sat_arena arena;
    struct sat_message message;
    struct sat_buf mended;
    sat_arena_init(&arena);
    sat_buf_init(&mended);
    bool read = sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message) == SAT_OK;
    if (read && message.type == SAT_MESSAGE_SUBSCRIBE) note_subscriptions(talk, message.as.SUBSCRIBE.subs);
    if (read && how != FUZZ_AS_IT_IS) {
        if (message.type == SAT_MESSAGE_PUSH) mend_push(talk, &message.as.PUSH, how, &arena);
        if (message.type == SAT_MESSAGE_APPEND) mend_append(talk, &message.as.APPEND, how, &arena);
        sat_message_encode(&message, &mended);
        bytes = sat_buf_span(&mended);
    }
    talk_say(talk, bytes);
    sat_buf_deinit(&mended);
    sat_arena_deinit(&arena);
}

/* ---- Pushing what is made from a few bytes ---- */

static void push_made(struct talk *talk, struct sat_span *input)
{
    struct sat_arena arena;
    struct sat_space_row row;
    bool found;
    sat_arena_init(&arena);
    uint8_t where = fuzz_byte(input);
    uint32_t sub = where < 16 ? 1 + where % FUZZ_SPACES : FUZZ_SPACES; /* mostly into the territory */
    static const struct sat_space_id none;
    if (talk->device && sat_space_equal(&talk->subs[FUZZ_SPACES], &none)) talk_subscribe(talk, &arena);
    fuzz_must(sat_store_space_find(talk->store, &talk->org->spaces[sub - 1], &row, &found));
    struct fuzz_place place = {.store = talk->store,
                               .directory = sat_host_directory(talk->host),
                               .space = &row,
                               .device = talk->device ? talk->device : 1};
    struct sat_message message = {.type = SAT_MESSAGE_PUSH};
    message.as.PUSH =
        (struct sat_message_PUSH){.sub = sub, .bundle = fuzz_make_bundle(input, &place, talk->now_ms, &arena)};
    talk_say_message(talk, &message);
    sat_arena_deinit(&arena);
}

/* ---- Leaving, handing in, deciding, rotating ---- */

static void hand_in_made(struct talk *talk, struct sat_span *input)
{
    struct sat_arena arena;
    struct sat_space_row row;
    bool found;
    sat_arena_init(&arena);
    uint32_t index = fuzz_byte(input) % FUZZ_SPACES;
    fuzz_must(sat_store_space_find(talk->store, &talk->org->spaces[index], &row, &found));
    struct fuzz_place place = {.store = talk->store,
                               .directory = sat_host_directory(talk->host),
                               .space = &row,
                               .device = talk->device ? talk->device : 1};
    struct sat_message message = {.type = SAT_MESSAGE_HAND_IN};
    message.as.HAND_IN.bundle = fuzz_make_bundle(input, &place, talk->now_ms, &arena);
    memcpy(message.as.HAND_IN.space, row.id.b, sizeof row.id.b);
    talk_say_message(talk, &message);
    sat_arena_deinit(&arena);
}

/* A device revokes itself; the admin's revokes device 2. Cuts are in the order of their spaces. */
static void revoke(struct talk *talk)
{
    static const uint32_t other = 2;
    struct sat_body_revoke body = {.device = talk->device == 1 ? other : talk->device};
    struct sat_buf bytes;
    uint8_t before[16] = {0};
    for (uint32_t n = 0; n < FUZZ_SPACES; n++) {
        const struct sat_space_id *next = NULL;
        struct sat_space_row row;
        struct sat_bundle_row tip;
        bool found;
        for (uint32_t i = 0; i < FUZZ_SPACES; i++) {
            const struct sat_space_id *space = &talk->org->spaces[i];
            if (memcmp(space->b, before, 16) > 0 && (!next || memcmp(space->b, next->b, 16) < 0)) next = space;
        }
        if (!next) break;
        memcpy(before, next->b, sizeof before);
        fuzz_must(sat_store_space_find(talk->store, next, &row, &found));
        fuzz_must(sat_store_bundle_tip(talk->store, row.sid, body.device, false, &tip, &found));
        if (found) body.cuts[body.cuts_n++] = (struct sat_cut){*next, tip.first + tip.count - 1, tip.id};
    }
    sat_buf_init(&bytes);
    sat_body_revoke_encode(&body, &bytes);
    talk_append(talk, SAT_LINK_REVOKE, talk->device == 1, &bytes);
    sat_buf_deinit(&bytes);
}

/* About one of the first bundles of the escrow. */
static void decide(struct talk *talk, uint8_t which)
{
    struct sat_arena arena;
    struct sat_aside_row *rows;
    struct sat_buf bytes;
    uint32_t n;
    sat_arena_init(&arena);
    fuzz_must(sat_store_aside_list(talk->store, 0, 16, &arena, &rows, &n));
    if (n) {
        const struct sat_aside_row *row = &rows[which / 2 % n];
        struct sat_body_accept body = {.what = which % 2 ? SAT_ACCEPT_BUNDLE : SAT_ACCEPT_REJECT,
                                       .device = row->device,
                                       .space = row->space,
                                       .bundle = row->id};
        sat_buf_init(&bytes);
        sat_body_accept_encode(&body, &bytes);
        talk_append(talk, SAT_LINK_ACCEPT, true, &bytes);
        sat_buf_deinit(&bytes);
    }
    sat_arena_deinit(&arena);
}

/* A new epoch of a space for all who are due its key, or for all but one. */
static void rotate(struct talk *talk, uint8_t which)
{
    const struct sat_directory *directory = sat_host_directory(talk->host);
    struct sat_arena arena;
    struct sat_recipient *due;
    struct sat_box boxes[16] = {0};
    struct sat_span items[16];
    struct sat_buf bytes;
    const struct sat_space_id *space = &talk->org->spaces[which % FUZZ_SPACES];
    sat_arena_init(&arena);
    uint32_t n = sat_directory_recipients(directory, space, talk->now_ms, &arena, &due);
    if (n > 16) n = 16;
    if (n && which >= 240) n--;
    struct sat_body_epoch body = {.space = *space, .suite = 1, .kc = {{which}}, .chain = {1}};
    body.epoch = sat_directory_epoch_at(directory, space, directory->seq) + 1;
    for (uint32_t i = 0; i < n; i++)
        boxes[i] = (struct sat_box){
            .space = *space, .epoch = body.epoch, .kind = due[i].kind, .number = due[i].number, .bytes = {which}};
    body.boxes = (struct sat_boxes){.root = sat_boxes_root(boxes, n), .count = n};
    for (uint32_t i = 0; i < n; i++) {
        sat_buf_init(&bytes);
        sat_box_encode(&boxes[i], &bytes);
        items[i] = sat_span_copy(&arena, sat_buf_span(&bytes));
        sat_buf_deinit(&bytes);
    }
    struct sat_message message = {.type = SAT_MESSAGE_BOXES};
    message.as.BOXES.boxes = (struct sat_list){items, n};
    talk_say_message(talk, &message);
    sat_buf_init(&bytes);
    sat_body_epoch_encode(&body, &bytes);
    if (talk->open) talk_append(talk, SAT_LINK_EPOCH, false, &bytes);
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

static void ask(struct talk *talk, uint8_t what)
{
    struct sat_message message = {.type = what % 2 ? SAT_MESSAGE_ESCROW_GET : SAT_MESSAGE_DEVICES_GET};
    if (what % 2)
        message.as.ESCROW_GET.after = what / 2;
    else
        message.as.DEVICES_GET.after = what / 2;
    talk_say_message(talk, &message);
}

/* ---- A server that is told that it lost something ---- */

static void say_returned(struct talk *talk, uint32_t sub, struct sat_span bytes)
{
    struct sat_message message = {.type = SAT_MESSAGE_RETURN};
    message.as.RETURN = (struct sat_message_RETURN){.sub = sub, .bundle = bytes};
    if (talk->open) talk_say_message(talk, &message);
}

/* All of a log as runs: the largest come first. */
static uint32_t list_runs(const struct sat_frontier *log, struct sat_span items[PEAKS_MAX], struct sat_arena *arena)
{
    uint32_t n = 0;
    for (uint32_t level = PEAKS_MAX; level-- > 0;) {
        struct sat_buf item;
        if (!(log->size >> level & 1)) continue;
        sat_buf_init(&item);
        sat_lost_encode(&(struct sat_entry){.kind = SAT_ENTRY_RUN, .id = log->peak[level], .recv_ms = level}, &item);
        items[n++] = sat_span_copy(arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    return n;
}

/* By a head that the server signs, of its log with one entry more: it claims that, or shows the receipt in it. */
static void show_lost(struct talk *talk, uint32_t sub, const struct sat_space_row *row, const struct sat_hash *id,
                      uint8_t what, struct sat_arena *arena)
{
    const struct sat_directory *directory = sat_host_directory(talk->host);
    struct sat_entry entry = {.seq = row->log.size + 1,
                              .kind = what & 8 ? SAT_ENTRY_VOID : SAT_ENTRY_BUNDLE,
                              .id = *id,
                              .recv_ms = talk->now_ms > row->last_recv_ms ? talk->now_ms : row->last_recv_ms,
                              .dir_at = directory->seq};
    struct sat_frontier log = row->log;
    struct sat_hash leaf = sat_entry_hash(&entry);
    struct sat_buf head_bytes, before, behind, item;
    struct sat_span items[PEAKS_MAX + 1];
    uint32_t n = 0;
    sat_buf_init(&head_bytes);
    sat_buf_init(&before);
    sat_buf_init(&behind);
    sat_buf_init(&item);
    if (what & 64) n = list_runs(&log, items, arena);
    struct sat_frontier empty;
    sat_frontier_init(&empty);
    sat_frontier_encode(n ? &empty : &log, &before);
    sat_frontier_append(&log, &leaf);
    sat_merkle_behind(log.size, NULL, 0, &behind);
    sat_lost_encode(&entry, &item);
    struct sat_head head = {.space = row->id,
                            .log_epoch = row->log_epoch,
                            .size = log.size,
                            .root = sat_frontier_root(&log),
                            .dir_seq = directory->seq,
                            .dir_hash = sat_directory_hash_at(directory, directory->seq),
                            .time_ms = talk->now_ms};
    sat_head_sign(&head, &directory->org, &talk->org->server);
    sat_head_encode(&head, false, &head_bytes);
    struct sat_span head_span = sat_span_copy(arena, sat_buf_span(&head_bytes));
    items[n++] = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_CLAIM};
    message.as.CLAIM = (struct sat_message_CLAIM){.sub = sub, .heads = {&head_span, 1}};
    if (what & 1) talk_say_message(talk, &message);
    message = (struct sat_message){.type = SAT_MESSAGE_RECEIPTS};
    message.as.RECEIPTS = (struct sat_message_RECEIPTS){.sub = sub,
                                                        .head = head_span,
                                                        .before = sat_buf_span(&before),
                                                        .entries = {items, n},
                                                        .behind = sat_buf_span(&behind)};
    if (what & 2 && talk->open) talk_say_message(talk, &message);
    sat_buf_deinit(&item);
    sat_buf_deinit(&behind);
    sat_buf_deinit(&before);
    sat_buf_deinit(&head_bytes);
}

/* In place of a bundle that was made: the statement that its changes are empty. */
static void return_made(struct talk *talk, struct sat_span *input)
{
    struct sat_arena arena;
    struct sat_bundle bundle;
    uint8_t what = fuzz_byte(input);
    uint32_t sub = FUZZ_SPACES;
    sat_arena_init(&arena);
    struct sat_space_row row = talk_subscribed(talk, &arena);
    struct fuzz_place place = {.store = talk->store,
                               .directory = sat_host_directory(talk->host),
                               .space = &row,
                               .device = 1 + what / 16 % (READER - 1)}; /* he would be his own copy */
    struct sat_span bytes = fuzz_make_bundle(input, &place, talk->now_ms, &arena);
    bool stubs = fuzz_has_stubs(bytes, &row.id, &bundle, &arena); /* a reader would wait for the rest */
    struct sat_hash id = bundle.id;
    if (what & 8) bytes = fuzz_make_void(&bundle, &id, &arena);
    if (talk->open && (what & 3)) show_lost(talk, sub, &row, &id, what, &arena);
    if ((what & 4 || !stubs) && (!stubs || what & 8)) say_returned(talk, sub, bytes);
    sat_arena_deinit(&arena);
}

/* Ranges of the records that changes are made for; or a cursor. */
static void ask_ranges_or_sign(struct talk *talk, struct sat_span *input)
{
    struct sat_arena arena;
    struct sat_span items[4];
    uint8_t what = fuzz_byte(input);
    uint32_t n = 1 + what % 4;
    sat_arena_init(&arena);
    struct sat_space_row row = talk_subscribed(talk, &arena);
    if (what & 8) {
        talk_sign_cursor(talk, input, &arena);
        sat_arena_deinit(&arena);
        return;
    }
    if (what & 16 && talk->open) {
        struct sat_message all = {.type = SAT_MESSAGE_EVIDENCE};
        all.as.EVIDENCE = (struct sat_message_EVIDENCE){.sub = FUZZ_SPACES, .from = what / 64};
        talk_say_message(talk, &all);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct sat_range range = {.first = fuzz_record(fuzz_byte(input) % 8), .last = fuzz_record(7)};
        if (i + 1 < n) range.last = range.first;
        if (what & 4) range = SAT_RANGE_ALL;
        struct sat_buf item;
        sat_buf_init(&item);
        sat_range_encode(&range, &item);
        items[i] = sat_span_copy(&arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    struct sat_message message = {.type = SAT_MESSAGE_RANGES};
    message.as.RANGES = (struct sat_message_RANGES){.sub = FUZZ_SPACES, .size = row.log.size, .ranges = {items, n}};
    if (talk->open) talk_say_message(talk, &message);
    sat_arena_deinit(&arena);
}

/* What devices do that lose something, and admins about that. */
static void order(struct talk *talk, uint8_t what, struct sat_span *input)
{
    if (talk->device == 0 && what % 8 != 0) return; /* who has shown nothing yet signs nothing */
    switch (what % 8) {
    case 1:
        revoke(talk);
        return;
    case 2:
    case 3:
        decide(talk, fuzz_byte(input));
        return;
    case 4:
        rotate(talk, fuzz_byte(input));
        return;
    case 5:
        ask(talk, fuzz_byte(input));
        return;
    case 6:
        return_made(talk, input);
        return;
    case 7:
        ask_ranges_or_sign(talk, input);
        return;
    default:
        hand_in_made(talk, input);
        return;
    }
}

/* ---- Afterwards ---- */

/* Is it the reader's fault that the session ended: a right that was taken away, say? */
static bool is_own_fault(enum sat_err err)
{
    return sat_err_class(err) == SAT_CLASS_USER || err == SAT_ERR_UPGRADE_NEEDED;
}

static bool have_every_key(void *context, const struct sat_space_id *space, uint32_t epoch)
{
    (void)context, (void)space, (void)epoch;
    return true;
}

struct reading {
    struct talk *talk;
    struct sat_replica *replica;
    struct sat_arena arena;
    bool over;
};

static void give(struct reading *reading, enum sat_event_kind kind, struct sat_span bytes);

static void hear(struct reading *reading, const struct sat_actions *actions)
{
    for (const struct sat_action *action = actions->first; action; action = action->next) {
        if (action->kind == SAT_ACTION_NOTICE && action->notice == SAT_NOTICE_FAILED)
            sat_check(is_own_fault(action->err));
        if (action->kind == SAT_ACTION_CLOSE) reading->over = true;
        if (action->kind != SAT_ACTION_SEND) continue;
        struct sat_actions answers;
        sat_actions_init(&answers, &reading->arena);
        talk_step(reading->talk,
                  &(struct sat_event){.kind = SAT_EVENT_MESSAGE, .peer = reading->talk->peer, .bytes = action->bytes},
                  &answers);
        for (const struct sat_action *answer = answers.first; answer && !reading->over; answer = answer->next)
            if (answer->kind == SAT_ACTION_SEND) give(reading, SAT_EVENT_MESSAGE, answer->bytes);
    }
}

static void give(struct reading *reading, enum sat_event_kind kind, struct sat_span bytes)
{
    struct sat_actions actions;
    struct sat_event event = {.kind = kind, .peer = reading->talk->peer, .bytes = bytes};
    sat_actions_init(&actions, &reading->arena);
    fuzz_must(sat_replica_step(reading->replica, reading->talk->now_ms, &event, 1, &actions));
    hear(reading, &actions);
}

static void converse(struct reading *reading)
{
    struct talk *talk = reading->talk;
    struct sat_actions greeting;
    sat_actions_init(&greeting, &reading->arena);
    talk_step(talk, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = talk->peer}, &greeting);
    struct sat_event opened = {.kind = SAT_EVENT_OPENED, .peer = ++talk->peer};
    sat_replica_nonce(reading->replica, opened.client_nonce);
    talk->open = true;
    sat_actions_init(&greeting, &reading->arena);
    talk_step(talk, &opened, &greeting);
    give(reading, SAT_EVENT_OPENED, (struct sat_span){0});
    give(reading, SAT_EVENT_MESSAGE, greeting.first->bytes);
    for (uint32_t i = 0; i < ROUNDS_MAX && talk->open && !reading->over; i++) {
        struct sat_buf frame;
        sat_buf_init(&frame);
        fuzz_must(sat_host_frame(talk->host, talk->peer, talk->now_ms, &frame));
        struct sat_span bytes = sat_span_copy(&reading->arena, sat_buf_span(&frame));
        sat_buf_deinit(&frame);
        if (bytes.len == 0) break;
        give(reading, SAT_EVENT_MESSAGE, bytes);
    }
}

/* A device that has never synced reads all that it may. */
static void read_honestly(struct talk *talk)
{
    struct satchel device;
    struct reading reading = {.talk = talk};
    fuzz_org_open(talk->org, READER, sat_entropy_seeded(&talk->stream, 2), &device);
    struct sat_replica_config config = {
        .mode = SAT_REPLICA_DEVICE,
        .store = device.store,
        .directory = &device.directory,
        .server = sat_sign_public(&talk->org->server),
        .org = talk->org->id,
        .device = READER,
        .key = talk->org->signing[READER - 1],
        .entropy = device.entropy,
        .hooks = {.have_key = have_every_key},
    };
    sat_arena_init(&reading.arena);
    fuzz_must(sat_replica_new(&config, &reading.replica));
    converse(&reading);
    sat_check(reading.over || sat_replica_in_sync(reading.replica));
    sat_replica_free(reading.replica);
    sat_arena_deinit(&reading.arena);
    fuzz_check_store(device.store, &device.directory);
    fuzz_org_close(&device);
}

static void complain(void *context, enum sat_check check, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s: %s\n", sat_check_name(check), text);
}

/* What it forgot shows nowhere. */
static void inspect(struct talk *talk)
{
    struct sat_inspection inspection = {.store = talk->store, .found = complain};
    struct sat_inspection_result result;
    struct sat_directory directory;
    sat_directory_init(&directory);
    fuzz_must(sat_inspect(&inspection, &directory, &result));
    for (int i = 0; i < SAT_CHECK_COUNT; i++) sat_check(result.faults[i] == 0);
    sat_directory_deinit(&directory);
}

static void happen(struct talk *talk, struct sat_span *input)
{
    uint8_t what = fuzz_byte(input);
    if (what >= 224) {
        order(talk, what, input);
        return;
    }
    if (what >= 208) {
        talk_forget(talk, input);
        return;
    }
    switch (what % 8) {
    case 0:
        talk->now_ms += (uint64_t)fuzz_byte(input) * 500;
        return;
    case 1:
        talk_come(talk, fuzz_byte(input) % READER);
        return;
    case 2:
        read_frames(talk);
        return;
    case 3:
    case 4:
        push_made(talk, input);
        return;
    default:
        say_mended(talk, fuzz_piece(input), what % 8 == 5 ? FUZZ_PLACED : what % 8 == 6 ? FUZZ_SIGNED : FUZZ_AS_IT_IS);
        return;
    }
}

/* To open a store is most of the work: one into which nothing was written is as good as a fresh one. */
static struct sat_store **spare_store(void)
{
    static struct sat_store *store;
    if (!store) store = fuzz_org_store(fuzz_org(), true);
    return &store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_store **store = spare_store();
    struct talk talk = {.org = fuzz_org(), .store = *store};
    struct sat_fault fault = {0};
    talk.now_ms = talk.org->now_ms;
    struct sat_host_config config = {
        .store = talk.store,
        .server = &talk.org->server,
        .entropy = sat_entropy_seeded(&talk.stream, 1),
        .collect_every_ms = 1,
    };
    fuzz_must(sat_host_new(&config, &talk.host, &fault));
    talk_come(&talk, fuzz_byte(&input) % READER);
    while (input.len) happen(&talk, &input);
    read_frames(&talk);
    fuzz_check_store(talk.store, sat_host_directory(talk.host));
    struct sat_host_counts counts = sat_host_counts(talk.host);
    if (counts.collections + counts.compacted) inspect(&talk);
    if (counts.bundles + counts.links) read_honestly(&talk);
    sat_host_free(talk.host);
    if (counts.commits) {
        sat_store_close(talk.store);
        *store = NULL;
    }
    return 0;
}
