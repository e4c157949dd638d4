/* The command line of `satchel`: words as options and what is left, one in a line; and, behind a first byte that names
 * the record type, words as fields. What is taken is JSON for the library; what is refused is refused by a sentence. */
#define _GNU_SOURCE

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/options.h"
#include "client/cli/write.h"
#include "client/json.h"
#include "common/vault/types.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS_MAX = 32 };

/* ---- What the reader of fields calls instead of the program's own ---- */

int cli_fail(struct cli *cli, enum sat_err err, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sat_check(err == SAT_ERR_USAGE || err == SAT_ERR_INVALID);
    fuzz_check_sentence(sat_utf8_shown(&cli->arena, text));
    return 1;
}

/* ---- The target ---- */

static int split(struct sat_span input, struct sat_arena *arena, char *words[WORDS_MAX])
{
    int n = 0;
    while (input.len && n < WORDS_MAX) {
        const uint8_t *end = memchr(input.at, '\n', input.len);
        size_t len = end ? (size_t)(end - input.at) : input.len, used = end ? len + 1 : len;
        words[n++] = sat_arena_text(arena, (const char *)input.at, len);
        input = sat_span(input.at + used, input.len - used);
    }
    return n;
}

/* Each word is an option, an option's value, or one of the words that are left, which keep their order. */
static void check_options(int n, char **words)
{
    const char *left[WORDS_MAX + 1];
    char name[] = "satchel", *argv[WORDS_MAX + 1] = {name};
    struct cli_options options = {.words = left};
    struct sat_fault fault = {0};
    memcpy(argv + 1, words, (size_t)n * sizeof *words);
    enum sat_err err = cli_options_read(n + 1, argv, &options, &fault);
    sat_check(!err || (err == SAT_ERR_USAGE && fault.err == err));
    if (err) fuzz_check_sentence(fault.text);
    sat_check(options.words_n >= 0 && options.words_n <= n);
    int at = 0;
    for (int i = 0; i < options.words_n; i++, at++)
        while (at < n && words[at] != left[i]) at++;
    sat_check(at <= n);
    for (uint64_t allowed = 1; allowed; allowed <<= 16)
        if (cli_options_check(&options, allowed, &fault)) fuzz_check_sentence(fault.text);
}

static void check_fields(uint8_t which, int n, char **words)
{
    const struct sat_type *type = sat_type_at((uint16_t)(which % sat_types_count()));
    const char *given[WORDS_MAX];
    struct cli cli = {0};
    struct client_fields fields;
    struct sat_fault fault = {0};
    char *json = NULL;
    for (int i = 0; i < n; i++) given[i] = words[i];
    sat_arena_init(&cli.arena);
    if (cli_fields_parse(&cli, type->name, given, n, &json) == 0) {
        json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
        sat_check(json_is_object(object));
        json_decref(object);
        enum sat_err err = client_json_fields(type, json, &cli.arena, &fields, &fault);
        sat_check(!err || fault.err == err);
        if (err) fuzz_check_sentence(fault.text);
    }
    free(json);
    sat_arena_deinit(&cli.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    char *words[WORDS_MAX];
    sat_arena_init(&arena);
    uint8_t which = fuzz_byte(&input);
    int n = split(input, &arena, words);
    if (which & 0x80)
        check_options(n, words);
    else
        check_fields(which, n, words);
    sat_arena_deinit(&arena);
    return 0;
}
