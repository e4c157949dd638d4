/* Invite codes: as text that somebody typed, and with a checksum that holds, so that what lies behind it is reached. */
#include <sodium.h>
#include <string.h>

#include "common/proof/hash.h"
#include "common/vault/invite.h"
#include "tests/fuzz/fuzz.h"

static const char PREFIX[] = "satchel1";
enum { BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

/* What is a code is written as one again, which says the same. */
static void check_text(const char *text, struct sat_arena *arena)
{
    struct sat_invite_code code, again;
    struct sat_fault fault = {0};
    enum sat_err err = sat_invite_code_parse(text, &code, &fault);
    sat_check(!err || (err == SAT_ERR_INVALID && fault.err == err));
    if (err) fuzz_check_sentence(fault.text);
    if (err) return;
    fuzz_must(sat_invite_code_parse(sat_invite_code_format(&code, arena), &again, &fault));
    sat_check(strcmp(code.url, again.url) == 0 && code.dir_seq == again.dir_seq);
    sat_check(memcmp(code.server.b, again.server.b, sizeof code.server.b) == 0);
    sat_check(sat_hash_equal(&code.org, &again.org));
    sat_check(memcmp(code.dir_hash, again.dir_hash, sizeof code.dir_hash) == 0);
    sat_check(memcmp(code.secret, again.secret, sizeof code.secret) == 0);
}

static char *code_of(struct sat_span bytes, struct sat_arena *arena)
{
    struct sat_buf sum;
    struct sat_hash hash = sat_hash("code", bytes);
    sat_buf_init(&sum);
    sat_put_span(&sum, bytes);
    sat_put_bytes(&sum, hash.b, 4);
    size_t size = sodium_base64_encoded_len(sum.len, BASE64);
    char *text = sat_arena_alloc(arena, sizeof PREFIX - 1 + size);
    memcpy(text, PREFIX, sizeof PREFIX - 1);
    sodium_bin2base64(text + sizeof PREFIX - 1, size, sum.at, sum.len, BASE64);
    sat_buf_deinit(&sum);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_span input = sat_span(data, size);
    if (fuzz_byte(&input) & 1)
        check_text(code_of(input, &arena), &arena);
    else
        check_text(sat_arena_text(&arena, (const char *)input.at, input.len), &arena);
    sat_arena_deinit(&arena);
    return 0;
}
