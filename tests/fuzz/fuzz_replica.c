/* The client's role: a device with some unsynced work in memory and one server, which says what the input says. The
 * first byte says as what they met, and what the device had lost by then; then a byte for what happens and how it is
 * mended, and a piece. Whatever the server says, the device's store does not fail, what it keeps agrees with itself,
 * and its own work is there still, unless it was handed in from a territory that the directory took away. */
#include <stdlib.h>
#include <string.h>

#include "client/links.h"
#include "common/proof/link_short.h"
#include "common/sync/base.h"
#include "common/sync/copied.h"
#include "common/sync/digest.h"
#include "common/sync/replica.h"
#include "common/sync/subscription.h"
#include "common/sync/tidy.h"
#include "common/wire/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/make.h"
#include "tests/fuzz/replica_talk.h"

enum { EDITS = 2, SESSION = 255 };

/* Bytes for what happens that are none of those below. */
enum { LOSES_ANOTHER = 0xf8, IS_REFUSED = 0xb8, IS_SHOWN_TAKEN = 0xd8 };

/* ---- Meeting ---- */

static void greet(struct talk *talk)
{
    struct sat_message message = {.type = SAT_MESSAGE_HELLO};
    message.as.HELLO = (struct sat_message_HELLO){.time_ms = talk->now_ms};
    fuzz_mend_hello(&message.as.HELLO, talk->replica, &talk->org->id, &talk->device.directory, FUZZ_PLACED);
    hears_message(talk, &message);
    sat_check(!talk->over);
}

/* ---- Mending what the server says ---- */

static struct sat_span mend_signed_link(const struct talk *talk, struct sat_span item, uint64_t seq,
                                        enum fuzz_mending how, struct sat_arena *arena)
{
    const struct sat_directory *directory = &talk->device.directory;
    struct sat_hash prev = sat_directory_hash_at(directory, seq - 1);
    struct sat_link link;
    struct sat_countersign sign;
    struct sat_span long_form;
    struct sat_buf bytes;
    if (sat_link_decode_short(item, seq, &prev, directory, arena, &link, &long_form, &sign)) return item;
    struct sat_span mended = fuzz_mend_link(long_form, directory, how, arena);
    if (sat_link_decode(mended, &link)) return item;
    uint64_t time_ms = how == FUZZ_PLACED ? directory->time_ms : sign.time_ms;
    sat_countersign(&link, time_ms, &talk->org->id, &talk->org->server, &sign);
    sat_buf_init(&bytes);
    sat_link_encode_short(&link, &sign, directory, &bytes);
    mended = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return mended;
}

static void mend_links(const struct talk *talk, struct sat_message_LINKS *message, enum fuzz_mending how,
                       struct sat_arena *arena)
{
    struct sat_span *items = sat_arena_array(arena, message->links.n, sizeof *items);
    for (uint32_t i = 0; i < message->links.n; i++)
        items[i] = mend_signed_link(talk, message->links.at[i], message->first_seq + i, how, arena);
    message->links.at = items;
    if (how == FUZZ_PLACED) message->first_seq = talk->device.directory.seq + 1;
}

/* Somebody's bundle (an even directory position: the admin's, else the other rep's), or the echo of this device's own.
 */
static struct sat_span mend_entry(const struct talk *talk, struct sat_span item, const struct sat_space_row *row,
                                  enum fuzz_mending how, struct sat_arena *arena)
{
    struct sat_entry_wire entry;
    struct sat_buf bytes;
    struct sat_bundle_row *pending;
    uint32_t n;
    if (sat_entry_wire_decode(item, &entry)) return item;
    struct fuzz_place place = {.store = talk->device.store,
                               .directory = &talk->device.directory,
                               .space = row,
                               .device = entry.dir_at & 1 ? 3 : 1};
    entry.bundle = fuzz_mend_bundle(entry.bundle, &place, how, arena);
    if (how == FUZZ_PLACED) {
        entry.kind = SAT_ENTRY_BUNDLE;
        entry.dir_at = talk->device.directory.seq;
        if (entry.recv_ms < row->last_recv_ms) entry.recv_ms = row->last_recv_ms;
        fuzz_must(sat_store_bundles_pending(talk->device.store, row->sid, 0, 1, arena, &pending, &n));
        if (n) memcpy(entry.id_prefix, pending[0].id.b, sizeof entry.id_prefix);
    }
    sat_buf_init(&bytes);
    sat_entry_wire_encode(&entry, &bytes);
    item = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return item;
}

static void mend_entries(const struct talk *talk, struct sat_message_ENTRIES *message, enum fuzz_mending how,
                         struct sat_arena *arena)
{
    struct sat_space_row row;
    if (!hears_find_space(talk, message->sub, &row)) return;
    struct sat_span *items = sat_arena_array(arena, message->entries.n, sizeof *items);
    for (uint32_t i = 0; i < message->entries.n; i++)
        items[i] = mend_entry(talk, message->entries.at[i], &row, how, arena);
    message->entries.at = items;
    if (how == FUZZ_PLACED) message->first_seq = row.log.size + 1;
}

/* The head of what the device holds, or of something else. */
static void mend_head(const struct talk *talk, struct sat_message_HEAD *message, enum fuzz_mending how,
                      struct sat_arena *arena)
{
    const struct sat_directory *directory = &talk->device.directory;
    struct sat_space_row row;
    struct sat_head head;
    struct sat_buf bytes;
    if (!hears_find_space(talk, message->sub, &row) || sat_head_decode(message->head, &row.id, &head)) return;
    bool is_short = head.is_short;
    if (how == FUZZ_PLACED) {
        head.size = row.log.size;
        head.root = sat_frontier_root(&row.log);
        head.digest = sat_digest_of(&row);
        head.dir_seq = directory->seq;
        head.dir_hash = sat_directory_hash_at(directory, head.dir_seq);
        for (uint32_t i = 0; i < FUZZ_SPACES; i++)
            if (sat_space_equal(&talk->org->spaces[i], &row.id)) head.log_epoch = talk->log_epochs[i];
    }
    sat_head_sign(&head, &talk->org->id, &talk->org->server);
    sat_buf_init(&bytes);
    sat_head_encode(&head, is_short, &bytes);
    message->head = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
}

static void ask(struct talk *talk)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    fuzz_must(sat_replica_ask_escrow(talk->replica, talk->now_ms, 0, &actions));
    fuzz_must(sat_replica_ask_devices(talk->replica, talk->now_ms, 0, &actions));
    sat_arena_deinit(&arena);
}

static void hear_mended(struct talk *talk, struct sat_span bytes, enum fuzz_mending how)
{
    struct sat_arena arena;
    struct sat_message message;
    struct sat_buf mended;
    sat_arena_init(&arena);
    sat_buf_init(&mended);
    if (how != FUZZ_AS_IT_IS && sat_message_decode(bytes, SAT_SENDER_SERVER, &arena, &message) == SAT_OK) {
        if (message.type == SAT_MESSAGE_HELLO)
            fuzz_mend_hello(&message.as.HELLO, talk->replica, &talk->org->id, &talk->device.directory, how);
        if (message.type == SAT_MESSAGE_LINKS) mend_links(talk, &message.as.LINKS, how, &arena);
        if (message.type == SAT_MESSAGE_ENTRIES) mend_entries(talk, &message.as.ENTRIES, how, &arena);
        if (message.type == SAT_MESSAGE_HEAD) mend_head(talk, &message.as.HEAD, how, &arena);
        sat_message_encode(&message, &mended);
        bytes = sat_buf_span(&mended);
    }
    hears(talk, bytes);
    sat_buf_deinit(&mended);
    sat_arena_deinit(&arena);
}

/* ---- What is made from a few bytes ---- */

static void make_entry(struct talk *talk, struct sat_span *input, const struct sat_space_row *row,
                       struct sat_entry_wire *out, struct sat_arena *arena)
{
    struct sat_bundle_row *pending;
    uint32_t n;
    uint8_t what = fuzz_byte(input);
    struct fuzz_place place = {.store = talk->device.store,
                               .directory = &talk->device.directory,
                               .space = row,
                               .device = what & 1    ? 3
                                         : what & 32 ? DEVICE
                                                     : 1};
    *out = (struct sat_entry_wire){.kind = what & 2 && what & 4 ? what % 64 : SAT_ENTRY_BUNDLE,
                                   .own = what & 16,
                                   .recv_ms = talk->now_ms > row->last_recv_ms ? talk->now_ms : row->last_recv_ms,
                                   .dir_at = place.directory->seq};
    if (what & 128 && what & 64) out->recv_ms -= 1000;
    fuzz_must(sat_store_bundles_pending(talk->device.store, row->sid, 0, 1, arena, &pending, &n));
    if (n) memcpy(out->id_prefix, pending[0].id.b, sizeof out->id_prefix);
    if (!out->own) out->bundle = fuzz_make_bundle(input, &place, talk->now_ms, arena);
}

static void hear_entry(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_entry_wire entry;
    struct sat_buf bytes;
    struct sat_arena arena;
    uint32_t sub;
    uint8_t where = fuzz_byte(input);
    if (!hears_choose_space(talk, where, &sub, &row)) return;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    make_entry(talk, input, &row, &entry, &arena);
    sat_entry_wire_encode(&entry, &bytes);
    struct sat_span item = sat_buf_span(&bytes);
    struct sat_message message = {.type = SAT_MESSAGE_ENTRIES};
    message.as.ENTRIES = (struct sat_message_ENTRIES){
        .sub = sub, .first_seq = row.log.size + 1 + (where == 255), .size = row.log.size + 1, .entries = {&item, 1}};
    hears_message(talk, &message);
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

static void hear_head(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_buf bytes;
    uint32_t sub;
    uint8_t where = fuzz_byte(input);
    if (!hears_choose_space(talk, where, &sub, &row)) return;
    struct sat_head head =
        fuzz_make_head(input, &row, &talk->log_epochs[sub - 1], &talk->device.directory, talk->now_ms);
    sat_buf_init(&bytes);
    sat_head_encode(&head, where & 1, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_HEAD};
    message.as.HEAD = (struct sat_message_HEAD){.sub = sub, .head = sat_buf_span(&bytes)};
    hears_message(talk, &message);
    sat_buf_deinit(&bytes);
}

/* ---- A server that was set back, or says that this device was ---- */

static void hear_lives(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_arena arena;
    struct sat_span items[2];
    uint32_t sub;
    uint8_t where = fuzz_byte(input);
    if (!hears_choose_space(talk, where, &sub, &row)) return;
    sat_arena_init(&arena);
    const struct fuzz_place place = {talk->device.store, &talk->device.directory, &row, DEVICE, NULL};
    struct sat_log_epoch *now = &talk->log_epochs[sub - 1];
    struct sat_message message = {.type = SAT_MESSAGE_LIVES};
    message.as.LIVES = (struct sat_message_LIVES){.sub = sub, .lives = {items, where % 3}};
    for (uint32_t i = 0; i < where % 3; i++) {
        struct sat_buf bytes;
        struct sat_life life = fuzz_make_life(input, &place, now);
        *now = life.epoch;
        sat_buf_init(&bytes);
        sat_life_encode(&life, &bytes);
        items[i] = sat_span_copy(&arena, sat_buf_span(&bytes));
        sat_buf_deinit(&bytes);
    }
    if (where == 255) now->b[1] ^= 1;
    memcpy(message.as.LIVES.epoch, now->b, sizeof now->b);
    hears_message(talk, &message);
    sat_arena_deinit(&arena);
}

/* The answer to the roots by which the place is searched where two logs part. */
static void hear_common(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_message message = {.type = SAT_MESSAGE_COMMON};
    uint32_t sub;
    if (!hears_choose_space(talk, fuzz_byte(input), &sub, &row)) return;
    message.as.COMMON = (struct sat_message_COMMON){.sub = sub, .size = fuzz_byte(input)};
    hears_message(talk, &message);
}

static void hear_set_back(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_signature signature;
    struct sat_buf bytes;
    uint32_t sub;
    uint8_t where = fuzz_byte(input);
    if (!hears_choose_space(talk, where, &sub, &row)) return;
    const struct fuzz_place place = {talk->device.store, &talk->device.directory, &row, where & 32 ? 3 : DEVICE, NULL};
    struct sat_cursor cursor = fuzz_make_cursor(input, &place, &talk->log_epochs[sub - 1], &signature);
    sat_buf_init(&bytes);
    sat_cursor_wire_encode(&cursor, &signature, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_SET_BACK};
    message.as.SET_BACK = (struct sat_message_SET_BACK){.sub = sub, .cursor = sat_buf_span(&bytes)};
    hears_message(talk, &message);
    sat_buf_deinit(&bytes);
}

/* ---- What everybody has seen the end of ---- */

static void hear_words(struct talk *talk, struct sat_span *input)
{
    struct sat_space_row row;
    struct sat_arena arena;
    uint32_t sub;
    if (!hears_choose_space(talk, fuzz_byte(input), &sub, &row)) return;
    const struct fuzz_place place = {talk->device.store, &talk->device.directory, &row, DEVICE, NULL};
    sat_arena_init(&arena);
    struct sat_message message = fuzz_make_words(input, &place, &talk->log_epochs[sub - 1], sub, &arena);
    hears_message(talk, &message);
    sat_arena_deinit(&arena);
}

/* ---- The device ---- */

static enum sat_err freeze(void *context, uint64_t now_ms, uint32_t bundles_max, struct sat_frozen *out)
{
    struct talk *talk = context;
    struct sat_vault vault = client_vault(&talk->device);
    return sat_author_freeze(&vault, now_ms, bundles_max, out);
}

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct talk *talk = context;
    return sat_keys_open_box(talk->device.keys, &talk->device.directory, box, NULL, NULL);
}

static bool have_key(void *context, const struct sat_space_id *space, uint32_t epoch)
{
    struct talk *talk = context;
    return sat_keys_have(talk->device.keys, space, epoch);
}

static void forget_space(void *context, const struct sat_space_id *space)
{
    struct talk *talk = context;
    sat_keys_forget(talk->device.keys, space);
}

static enum sat_err pay_debts(void *context, uint64_t now_ms, const struct sat_space_id *spaces, uint32_t n,
                              struct sat_arena *arena, struct sat_link_batch *out)
{
    struct talk *talk = context;
    return client_links_pay(&talk->device, now_ms, spaces, n, arena, out);
}

static enum sat_err see_escrow(void *context, const struct sat_escrow_item *items, uint32_t n, bool more)
{
    (void)context, (void)more;
    for (uint32_t i = 1; i < n; i++) sat_check(items[i].number > items[i - 1].number);
    return SAT_OK;
}

static enum sat_err see_devices(void *context, const struct sat_device_item *items, uint32_t n, bool more)
{
    (void)context, (void)more;
    for (uint32_t i = 1; i < n; i++) sat_check(items[i].device > items[i - 1].device);
    return SAT_OK;
}

/* ---- What it has written ---- */

static void freeze_all(struct talk *talk)
{
    struct sat_frozen frozen;
    fuzz_must(sat_store_begin(talk->device.store));
    fuzz_must(freeze(talk, talk->now_ms, UINT32_MAX, &frozen));
    fuzz_must(sat_store_commit(talk->device.store));
}

/* One account in the territory, edited a few times. */
static void write_something(struct talk *talk)
{
    struct sat_vault vault = client_vault(&talk->device);
    struct sat_cell cell = {.field = 1, .value = {.kind = SAT_VALUE_TEXT}};
    struct sat_edit edit = {.record = fuzz_record(1), .type = 1, .cells = &cell, .cells_n = 1};
    uint32_t written;
    fuzz_must(client_sid_of_space(&talk->device, &talk->org->spaces[FUZZ_SPACES - 1], &edit.sid));
    for (uint32_t i = 0; i < EDITS; i++) {
        cell.value.text = sat_span_text(i ? "Berlin" : "Bern");
        fuzz_must(sat_store_begin(talk->device.store));
        fuzz_must(sat_author_commit(&vault, &edit, 1, talk->now_ms, &written));
        fuzz_must(sat_store_commit(talk->device.store));
        sat_check(written == 1);
    }
}

/* What everybody has forgotten, or is behind a run: something else of its record is live, or it is known that all of it
 * was deleted. */
static bool is_replaced(const struct talk *talk, uint64_t counter)
{
    struct sat_collected_row collected;
    struct sat_change_row *live;
    struct sat_record_id record = fuzz_record(1);
    struct sat_arena arena;
    struct sat_space_row row;
    uint64_t let_go;
    uint32_t n;
    bool found;
    fuzz_must(sat_let_go_of(talk->device.store, &talk->org->spaces[FUZZ_SPACES - 1], &let_go));
    fuzz_must(sat_store_space_find(talk->device.store, &talk->org->spaces[FUZZ_SPACES - 1], &row, &found));
    if (counter > let_go || !found) return false;
    sat_arena_init(&arena);
    fuzz_must(sat_store_changes_live(talk->device.store, row.sid, &record, &arena, &live, &n));
    sat_arena_deinit(&arena);
    fuzz_must(sat_store_collected_get(talk->device.store, row.sid, &record, &collected, &found));
    return n || found;
}

/* Each change is somewhere still: a draft, or of a bundle. */
static void check_work(const struct talk *talk)
{
    struct sat_arena arena;
    struct sat_draft_row *drafts;
    struct sat_bundle_row bundle;
    uint32_t n;
    sat_arena_init(&arena);
    for (uint64_t counter = 1; counter <= EDITS; counter++) {
        bool found = false;
        fuzz_must(sat_store_drafts(talk->device.store, counter, 1, SIZE_MAX, &arena, &drafts, &n));
        bool is_draft = n && drafts[0].counter == counter;
        fuzz_must(sat_store_bundle_of_dot(talk->device.store, (struct sat_dot){DEVICE, counter}, &bundle, &found));
        sat_check(found != is_draft || (!found && is_replaced(talk, counter)));
    }
    sat_arena_deinit(&arena);
}

/* Every record can be read, or it is known why not. */
static enum sat_err read_record(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct talk *talk = context;
    struct sat_vault vault = client_vault(&talk->device);
    struct sat_record_view view;
    struct sat_arena arena;
    sat_arena_init(&arena);
    fuzz_must(sat_record_load(&vault, sid, record, &arena, &view));
    sat_arena_deinit(&arena);
    return SAT_OK;
}

static void begin(struct talk *talk, uint8_t met)
{
    talk->org = fuzz_org();
    talk->now_ms = talk->org->now_ms;
    memcpy(talk->log_epochs, talk->org->log_epochs, sizeof talk->log_epochs);
    fuzz_org_open(talk->org, DEVICE, sat_entropy_seeded(&talk->stream, 1), &talk->device);
    write_something(talk);
    loses(talk, met);
    if (met & WIPED) freeze_all(talk);
    talk->met = met;
}

static void meet(struct talk *talk)
{
    uint8_t met = talk->met;
    struct sat_replica_config config = {
        .mode = SAT_REPLICA_DEVICE,
        .store = talk->device.store,
        .directory = &talk->device.directory,
        .server = sat_sign_public(&talk->org->server),
        .org = talk->org->id,
        .device = DEVICE,
        .key = talk->org->signing[DEVICE - 1],
        .entropy = talk->device.entropy,
        .hooks = {.context = talk,
                  .freeze = freeze,
                  .open_box = open_box,
                  .have_key = have_key,
                  .pay_debts = pay_debts,
                  .forget_space = forget_space,
                  .escrow = see_escrow,
                  .devices = see_devices},
    };
    if (met & AS_KIT) config.mode = SAT_REPLICA_KIT;
    if (met & WIPED) {
        config.mode = SAT_REPLICA_WIPED;
        config.key = NULL;
        config.hooks = (struct sat_replica_hooks){0};
    }
    fuzz_must(sat_replica_new(&config, &talk->replica));
    hears_step(talk, SAT_EVENT_OPENED, (struct sat_span){0});
    if (!(met & NOT_MET)) greet(talk);
    if (met & ASKS && !talk->over) ask(talk);
}

/* An answer about the oldest work of the device, or about any. */
static void hear_handed_in(struct talk *talk, struct sat_span *input)
{
    struct sat_message message = {.type = SAT_MESSAGE_HANDED_IN};
    uint8_t where = fuzz_byte(input);
    const struct sat_space_id *space = &talk->org->spaces[where < 16 ? where % FUZZ_SPACES : FUZZ_SPACES - 1];
    memcpy(message.as.HANDED_IN.space, space->b, sizeof space->b);
    message.as.HANDED_IN.first = where & 32 ? fuzz_byte(input) : 1;
    message.as.HANDED_IN.error = where & 64 ? fuzz_byte(input) : SAT_ERR_ESCROWED;
    message.as.HANDED_IN.text = fuzz_piece(input);
    if (message.as.HANDED_IN.text.len > 400) message.as.HANDED_IN.text.len = 400;
    hears_message(talk, &message);
}

/* An item of the escrow and one of the devices. */
static void hear_page(struct talk *talk, struct sat_span *input)
{
    struct sat_buf item;
    sat_buf_init(&item);
    struct sat_message message = {.type = SAT_MESSAGE_ESCROW};
    struct sat_escrow_item kept = {.number = fuzz_byte(input),
                                   .state = fuzz_byte(input) % 4,
                                   .space = talk->org->spaces[FUZZ_SPACES - 1],
                                   .recv_ms = talk->now_ms,
                                   .reason = fuzz_byte(input),
                                   .bundle = fuzz_piece(input)};
    struct sat_device_item device = {.device = (uint32_t)kept.number, .seen_ms = talk->now_ms};
    bool of_devices = kept.state == 3;
    if (of_devices)
        sat_device_item_encode(&device, &item);
    else
        sat_escrow_item_encode(&kept, &item);
    struct sat_span span = sat_buf_span(&item);
    message.as.ESCROW = (struct sat_message_ESCROW){.more = kept.reason & 1, .items = {&span, 1}};
    if (of_devices) {
        message.type = SAT_MESSAGE_DEVICES;
        message.as.DEVICES = (struct sat_message_DEVICES){.more = kept.reason & 1, .items = {&span, 1}};
    }
    hears_message(talk, &message);
    sat_buf_deinit(&item);
}

static void part(struct talk *talk)
{
    struct sat_tidied done = {0};
    sat_replica_free(talk->replica);
    talk->replica = NULL;
    fuzz_must(sat_tidy_device(talk->device.store, &talk->device.directory, DEVICE, UINT8_MAX, &done));
}

/* The session ends, the device tidies its store, as it does then, and they meet again. */
static void meet_again(struct talk *talk, void (*meanwhile)(struct talk *talk))
{
    part(talk);
    if (meanwhile) meanwhile(talk);
    talk->over = false;
    talk->now_ms += 1000;
    meet(talk);
}

/* What is pushed is refused as another's, where the device cannot look whether it is. True: that was it. */
static bool happens_of_numbers(struct talk *talk, uint8_t what, struct sat_span *input)
{
    if (what == LOSES_ANOTHER) meet_again(talk, loses_another);
    if (what == IS_REFUSED) hears_refused(talk, input);
    if (what == IS_SHOWN_TAKEN) hears_taken(talk, input);
    return what == LOSES_ANOTHER || what == IS_REFUSED || what == IS_SHOWN_TAKEN;
}

static void happen(struct talk *talk, struct sat_span *input)
{
    uint8_t what = fuzz_byte(input);
    if (what == SESSION) {
        meet_again(talk, NULL);
        return;
    }
    if (happens_of_numbers(talk, what, input)) return;
    switch (what % 8) {
    case 0:
        if (what & 128) {
            (what & 8 ? hear_words : what & 64 ? hear_set_back : what & 32 ? hear_common : hear_lives)(talk, input);
            return;
        }
        if (what & 8) {
            hear_handed_in(talk, input);
            return;
        }
        if (what & 16) {
            hear_page(talk, input);
            return;
        }
        if (what & 64) {
            hears_of_forgetting(talk, input);
            return;
        }
        talk->now_ms += (uint64_t)fuzz_byte(input) * 500;
        return;
    case 1:
        hears_frames(talk);
        return;
    case 2:
    case 3:
        hear_entry(talk, input);
        return;
    case 4:
        hear_head(talk, input);
        return;
    default:
        hear_mended(talk, fuzz_piece(input), what % 8 == 5 ? FUZZ_PLACED : what % 8 == 6 ? FUZZ_SIGNED : FUZZ_AS_IT_IS);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct talk talk = {0};
    begin(&talk, fuzz_byte(&input));
    meet(&talk);
    while (input.len && (!talk.over || input.at[0] == SESSION)) happen(&talk, &input);
    if (!talk.over) hears_frames(&talk);
    part(&talk);
    fuzz_check_store(talk.device.store, &talk.device.directory);
    if (!talk.lost_space) check_work(&talk);
    fuzz_must(sat_store_each_record(talk.device.store, read_record, &talk));
    fuzz_org_close(&talk.device);
    return 0;
}
