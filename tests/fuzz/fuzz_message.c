/* Messages, as the server and as the client read them, and as the server weighs them before that. */
#include "common/base/limits.h"
#include "common/wire/message.h"
#include "server/intake.h"
#include "tests/fuzz/fuzz.h"

/* What decodes encodes again, never to more bytes, and that decodes to the same. */
static void decode_as(struct sat_span bytes, enum sat_message_sender sender)
{
    struct sat_arena arena;
    struct sat_message first, second;
    struct sat_buf once, twice;
    sat_arena_init(&arena);
    sat_buf_init(&once);
    sat_buf_init(&twice);
    if (sat_message_decode(bytes, sender, &arena, &first) == SAT_OK) {
        sat_check(sat_message_sender(first.type) & sender);
        sat_message_encode(&first, &once);
        sat_check(once.len <= bytes.len);
        fuzz_must(sat_message_decode(sat_buf_span(&once), sender, &arena, &second));
        sat_check(second.type == first.type);
        sat_message_encode(&second, &twice);
        sat_check(sat_span_equal(sat_buf_span(&once), sat_buf_span(&twice)));
    }
    sat_buf_deinit(&twice);
    sat_buf_deinit(&once);
    sat_arena_deinit(&arena);
}

/* Nothing is heard for free, and nothing weighs more than a message can hold. */
static void weigh(struct sat_span bytes)
{
    struct satd_said said = satd_intake_read(bytes);
    sat_check(said.weight >= 1 && said.weight <= 1 + 8 * (uint64_t)bytes.len + SAT_BUNDLE_CHANGES_MAX);
    sat_check(said.changes <= SAT_BUNDLE_CHANGES_MAX && (said.kind == SATD_SAID_PUSH || said.changes == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_as(sat_span(data, size), SAT_SENDER_CLIENT);
    decode_as(sat_span(data, size), SAT_SENDER_SERVER);
    weigh(sat_span(data, size));
    return 0;
}
