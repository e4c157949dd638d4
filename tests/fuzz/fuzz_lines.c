/* NDJSON, as `put --stdin` reads it. The reader is a part of the program and not of a library, so its file is included
 * here, with an input instead of stdin and a handle in memory instead of a home. What it refuses it names by its line;
 * nothing is ever half written. */
#define _GNU_SOURCE

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/org.h"

static struct sat_span the_input;

static int next_byte(void)
{
    return the_input.len ? fuzz_byte(&the_input) : EOF;
}

#undef getc_unlocked
#define getc_unlocked(file) next_byte()
#include "client/cli/lines.c"
#undef getc_unlocked

static int the_failures; /* sentences told */

/* ---- What the reader calls ---- */

const char *cli_option(const struct cli *cli, enum cli_option option)
{
    (void)cli;
    (void)option;
    return NULL;
}

/* As the program shows it: a sentence may quote what was no UTF-8. */
static int tell(const char *text)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    the_failures++;
    fuzz_check_sentence(sat_utf8_shown(&arena, text));
    sat_arena_deinit(&arena);
    return 2;
}

int cli_fail(struct cli *cli, enum sat_err err, const char *format, ...)
{
    char text[1000];
    va_list args;
    (void)cli;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sat_check(err != SAT_OK);
    return tell(text);
}

int cli_fail_error(struct cli *cli, const struct satchel_error *error, const char *where)
{
    (void)cli;
    sat_check(error->number && error->exit_code && strncmp(where, "line ", 5) == 0);
    return tell(error->message);
}

int cli_open(struct cli *cli, enum cli_purpose purpose)
{
    (void)cli;
    (void)purpose;
    return 0;
}

int cli_begin(struct cli *cli, struct satchel_tx **tx)
{
    return satchel_begin(cli->satchel, tx);
}

static uint64_t drafts(const struct satchel *handle)
{
    uint64_t n;
    fuzz_must(sat_store_draft_count(handle->store, &n));
    return n;
}

int cli_fail_handle(struct cli *cli)
{
    sat_check(drafts(cli->satchel) == 0);
    return tell(satchel_error_of(cli->satchel)->message);
}

void cli_out_span(struct cli *cli, struct sat_span text)
{
    (void)cli;
    (void)text;
}

void cli_progress_show(struct cli_progress *progress, const char *what, uint64_t done, uint64_t total)
{
    (void)progress;
    (void)what;
    (void)done;
    (void)total;
}

void cli_progress_clear(struct cli_progress *progress)
{
    (void)progress;
}

/* ---- The target ---- */

/* A handle into which nothing was written is as good as a fresh one, and to open one is most of the work. */
static struct satchel *spare_handle(void)
{
    static struct satchel handle;
    static struct sat_entropy_stream stream;
    if (handle.store && drafts(&handle)) {
        fuzz_org_close(&handle);
        handle = (struct satchel){0};
    }
    if (!handle.store) fuzz_org_open(fuzz_org(), 2, sat_entropy_seeded(&stream, 1), &handle);
    return &handle;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct satchel *handle = spare_handle();
    struct cli cli = {.satchel = handle};
    the_input = sat_span(data, size);
    cli.json = size && data[0] == '{';
    the_failures = 0;
    int code = cli_put_lines(&cli);
    sat_check((code != 0) == (the_failures == 1) && the_failures <= 1);
    sat_check(!code || drafts(handle) == 0);
    sat_check(!handle->tx && !sat_store_in_transaction(handle->store));
    return 0;
}
