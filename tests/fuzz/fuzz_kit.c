/* The recovery kit's page, as a person typed it in: any text; and, behind a key that holds, so that what stands around
 * it is reached. A page that is read is written as a page again that says the same. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/kit.h"
#include "common/proof/hash.h"
#include "tests/fuzz/fuzz.h"

enum { CHECK_BYTES = 4, NAME_MAX = 200 };

static void check_again(const struct client_kit *kit, const uint8_t seed[SAT_KIT_SEED_BYTES], struct sat_arena *arena)
{
    struct client_kit again;
    struct sat_fault fault = {0};
    uint8_t same[SAT_KIT_SEED_BYTES];
    struct client_kit full = *kit; /* the page has all lines, whatever the typed one left out */
    if (!full.org_name || strlen(full.org_name) > NAME_MAX) full.org_name = "Northwind";
    if (!full.server_url || strlen(full.server_url) > NAME_MAX) full.server_url = "wss://127.0.0.1:7443";
    char *page = client_kit_page(&full, seed);
    fuzz_must(client_kit_parse(page, arena, &again, same, &fault));
    sat_check(memcmp(seed, same, sizeof same) == 0);
    sat_check(strcmp(again.org_name, full.org_name) == 0 && strcmp(again.server_url, full.server_url) == 0);
    sat_check(sat_hash_equal(&again.org, &full.org) && memcmp(&again.server, &full.server, sizeof full.server) == 0);
    free(page);
}

static void check_page(const char *page, struct sat_arena *arena)
{
    struct client_kit kit;
    struct sat_fault fault = {0};
    uint8_t seed[SAT_KIT_SEED_BYTES];
    enum sat_err err = client_kit_parse(page, arena, &kit, seed, &fault);
    sat_check(!err || (err == SAT_ERR_INVALID && fault.err == err));
    if (err)
        fuzz_check_sentence(fault.text);
    else
        check_again(&kit, seed, arena);
}

/* A key line that holds, behind whatever the input says. */
static const char *with_key(struct sat_span seed, struct sat_span text, struct sat_arena *arena)
{
    uint8_t key[SAT_KIT_SEED_BYTES + CHECK_BYTES] = {0};
    char digits[2 * sizeof key + 1];
    if (seed.len) memcpy(key, seed.at, seed.len < SAT_KIT_SEED_BYTES ? seed.len : SAT_KIT_SEED_BYTES);
    struct sat_hash check = sat_hash("kit", sat_span(key, SAT_KIT_SEED_BYTES));
    memcpy(key + SAT_KIT_SEED_BYTES, check.b, CHECK_BYTES);
    sat_hex_format(key, sizeof key, digits);
    const char *rest = sat_arena_text(arena, (const char *)text.at, text.len);
    return sat_arena_format(arena, "Key\n%s\n%s\n", digits, rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_span input = sat_span(data, size);
    if (fuzz_byte(&input) & 1) {
        struct sat_span seed = fuzz_piece(&input);
        check_page(with_key(seed, input, &arena), &arena);
    } else {
        check_page(sat_arena_text(&arena, (const char *)input.at, input.len), &arena);
    }
    sat_arena_deinit(&arena);
    return 0;
}
