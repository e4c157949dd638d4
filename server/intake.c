#include "server/intake.h"

#include "common/base/limits.h"
#include "common/wire/message.h"

/* The answer to a question of many boxes is large, and so is a page of the escrow or of the devices; as many of one
 * peer would not fit its outbox. */
enum { BOX_WEIGHT = 8, PAGE_WEIGHT = 1000 };

/* The manifest's numbers stand in front of a bundle's wire form: form, suite, epoch, device, first, count. */
static uint32_t count_changes(struct sat_span bundle)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bundle);
    (void)sat_take_u8(&reader);
    (void)sat_take_varint(&reader, UINT16_MAX);
    (void)sat_take_varint(&reader, UINT32_MAX);
    (void)sat_take_varint(&reader, UINT32_MAX);
    (void)sat_take_varint(&reader, SAT_COUNTER_MAX);
    uint64_t count = sat_take_varint(&reader, SAT_BUNDLE_CHANGES_MAX);
    return reader.failed ? 0 : (uint32_t)count;
}

/* Work: what a device pushes, hands in, or gives back. */
static struct sat_span bundle_in(const struct sat_message *message)
{
    if (message->type == SAT_MESSAGE_PUSH) return message->as.PUSH.bundle;
    if (message->type == SAT_MESSAGE_HAND_IN) return message->as.HAND_IN.bundle;
    if (message->type == SAT_MESSAGE_RETURN) return message->as.RETURN.bundle;
    return (struct sat_span){0};
}

struct satd_said satd_intake_read(struct sat_span bytes)
{
    struct satd_said said = {.kind = SATD_SAID_OTHER, .weight = 1};
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    if (sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message) == SAT_OK) {
        struct sat_span bundle = bundle_in(&message);
        if (bundle.len) {
            said.kind = SATD_SAID_PUSH;
            said.changes = count_changes(bundle);
            said.weight += said.changes;
        } else if (message.type == SAT_MESSAGE_RECEIPTS) {
            said.weight += message.as.RECEIPTS.entries.n; /* a row for each */
        } else if (message.type == SAT_MESSAGE_ROOTS) {
            said.weight += message.as.ROOTS.roots.n;
        } else if (message.type == SAT_MESSAGE_CLAIM) {
            said.weight += message.as.CLAIM.heads.n * BOX_WEIGHT; /* signatures */
        } else if (message.type == SAT_MESSAGE_APPEND) {
            said.kind = SATD_SAID_APPEND;
        } else if (message.type == SAT_MESSAGE_CREATE) {
            said.kind = SATD_SAID_CREATE;
            said.attempt = true;
        } else if (message.type == SAT_MESSAGE_AUTH_INVITE || message.type == SAT_MESSAGE_AUTH_KIT) {
            said.attempt = true;
        } else if (message.type == SAT_MESSAGE_BOXES_GET) {
            said.weight += message.as.BOXES_GET.wants.n * BOX_WEIGHT;
        } else if (message.type == SAT_MESSAGE_ESCROW_GET || message.type == SAT_MESSAGE_DEVICES_GET) {
            said.weight += PAGE_WEIGHT;
        }
    }
    sat_arena_deinit(&arena);
    return said;
}
