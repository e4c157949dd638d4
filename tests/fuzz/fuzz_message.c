/* Messages, as the server and as the client read them. */
#include "common/wire/message.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode_as(sat_span(data, size), SAT_SENDER_CLIENT);
    decode_as(sat_span(data, size), SAT_SENDER_SERVER);
    return 0;
}
