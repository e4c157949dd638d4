/* Proposals for a second signature: as text that somebody pasted, and with a checksum that holds, so that the link and
 * the key boxes behind it are reached. What is read is written as a proposal again that says the same. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/proposal.h"
#include "common/proof/hash.h"
#include "tests/fuzz/fuzz.h"

static const char PREFIX[] = "satchel-cosign1";
enum { BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING, CHECK_BYTES = 4 };

static void check_text(const char *text, struct sat_arena *arena)
{
    struct client_proposal proposal, again;
    struct sat_fault fault = {0};
    enum sat_err err = client_proposal_parse(text, arena, &proposal, &fault);
    sat_check(!err || (err == SAT_ERR_INVALID && fault.err == err));
    if (err) fuzz_check_sentence(fault.text);
    if (err) return;
    char *written = client_proposal_text(&proposal.link, proposal.boxes, proposal.boxes_n, proposal.name);
    fuzz_must(client_proposal_parse(written, arena, &again, &fault));
    sat_check(!proposal.name == !again.name && (!again.name || strcmp(proposal.name, again.name) == 0));
    sat_check(sat_span_equal(proposal.link.message, again.link.message));
    sat_check(proposal.link.signatures_n == again.link.signatures_n && proposal.boxes_n == again.boxes_n);
    for (uint32_t i = 0; i < again.boxes_n; i++)
        sat_check(memcmp(proposal.boxes[i].bytes, again.boxes[i].bytes, SAT_BOX_BYTES) == 0 &&
                  proposal.boxes[i].number == again.boxes[i].number);
    free(written);
}

static const char *whole(struct sat_span bytes, struct sat_arena *arena)
{
    struct sat_buf sum;
    struct sat_hash hash = sat_hash("cosign", bytes);
    sat_buf_init(&sum);
    sat_put_span(&sum, bytes);
    sat_put_bytes(&sum, hash.b, CHECK_BYTES);
    size_t size = sodium_base64_encoded_len(sum.len, BASE64);
    char *text = sat_arena_alloc(arena, sizeof PREFIX - 1 + size);
    memcpy(text, PREFIX, sizeof PREFIX - 1);
    sodium_bin2base64(text + sizeof PREFIX - 1, size, sum.at, sum.len, BASE64);
    sat_buf_deinit(&sum);
    return text;
}

/* The parts of a proposal, whatever they hold: a name, a link, and boxes as many as the bytes behind make. */
static void put_parts(struct sat_span input, struct sat_buf *out)
{
    struct sat_span name = fuzz_piece(&input), link = fuzz_piece(&input);
    sat_put_counted(out, name);
    sat_put_counted(out, link);
    sat_put_u32(out, (uint32_t)(input.len / SAT_BOX_WIRE_BYTES));
    sat_put_span(out, sat_span(input.at, input.len / SAT_BOX_WIRE_BYTES * SAT_BOX_WIRE_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_arena arena;
    struct sat_buf parts;
    sat_arena_init(&arena);
    sat_buf_init(&parts);
    struct sat_span input = sat_span(data, size);
    switch (fuzz_byte(&input) % 3) {
    case 0:
        check_text(sat_arena_text(&arena, (const char *)input.at, input.len), &arena);
        break;
    case 1:
        check_text(whole(input, &arena), &arena);
        break;
    default:
        put_parts(input, &parts);
        check_text(whole(sat_buf_span(&parts), &arena), &arena);
    }
    sat_buf_deinit(&parts);
    sat_arena_deinit(&arena);
    return 0;
}
