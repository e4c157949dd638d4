#define _GNU_SOURCE

#include "client/cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "client/cli/progress.h"
#include "common/base/utf8.h"

void cli_out(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_progress_clear(&cli->progress);
    if (vprintf(format, args) < 0 && !cli->output_errno) cli->output_errno = errno ? errno : EIO;
    va_end(args);
}

void cli_out_span(struct cli *cli, struct sat_span text)
{
    cli_progress_clear(&cli->progress);
    if (text.len && fwrite(text.at, 1, text.len, stdout) != text.len && !cli->output_errno) {
        cli->output_errno = errno ? errno : EIO;
    }
}

void cli_tell(struct cli *cli, json_t *object, const char *text)
{
    struct sat_arena arena; /* of its own, as a live sync tells things for days */
    sat_arena_init(&arena);
    const char *shown = sat_utf8_shown(&arena, text);
    cli_progress_clear(&cli->progress);
    if (cli->json) {
        (void)json_object_set_new(object, "message", json_string(shown));
        char *line = json_dumps(object, JSON_COMPACT);
        (void)fprintf(stderr, "%s\n", line ? line : "{}");
        free(line);
    } else {
        (void)fprintf(stderr, "satchel: %s\n", shown);
    }
    json_decref(object);
    sat_arena_deinit(&arena);
}

int cli_print_new(struct cli *cli, json_t *object)
{
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!line) return cli_fail(cli, SAT_ERR_INVALID, "the result cannot be written as JSON: it holds what is no UTF-8");
    cli_out(cli, "%s\n", line);
    free(line);
    return 0;
}

/* ---- Values ---- */

static void put_value(struct sat_buf *buf, const json_t *value, bool nested);

static void put_text(struct sat_buf *buf, const char *text)
{
    sat_put_bytes(buf, text, strlen(text));
}

/* A query can make a text with a zero in it, which ends no text here. */
static void put_string(struct sat_buf *buf, const char *text, size_t len)
{
    for (size_t at = 0; at <= len; at += strlen(text + at) + 1) {
        if (at) put_text(buf, "<U+0000>");
        put_text(buf, text + at);
    }
}

static void put_list(struct sat_buf *buf, const json_t *list)
{
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)list, index, item)
    {
        if (index) put_text(buf, ", ");
        put_value(buf, item, true);
    }
}

static void put_object(struct sat_buf *buf, const json_t *object)
{
    const char *name, *gap = "";
    json_t *member;
    json_object_foreach((json_t *)object, name, member)
    {
        put_text(buf, gap);
        put_text(buf, name);
        put_text(buf, "=");
        put_value(buf, member, true);
        gap = " ";
    }
}

/* What is nested stands in brackets, so that one sees where it ends. */
static void put_value(struct sat_buf *buf, const json_t *value, bool nested)
{
    if (json_is_string(value)) {
        put_string(buf, json_string_value(value), json_string_length(value));
    } else if (json_is_array(value) || json_is_object(value)) {
        if (nested) put_text(buf, json_is_array(value) ? "[" : "(");
        (json_is_array(value) ? put_list : put_object)(buf, value);
        if (nested) put_text(buf, json_is_array(value) ? "]" : ")");
    } else if (value && !json_is_null(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        if (text) put_text(buf, text);
        free(text);
    } else if (nested) {
        put_text(buf, "-");
    }
}

const char *cli_shown(struct sat_arena *arena, const json_t *value)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    put_value(&buf, value, false);
    sat_put_u8(&buf, 0);
    const char *shown = sat_utf8_shown(arena, (const char *)buf.at);
    sat_buf_deinit(&buf);
    return shown;
}

int cli_width(const char *text)
{
    mbstate_t state = {0};
    size_t left = strlen(text);
    int width = 0;
    while (left) {
        wchar_t wide;
        size_t n = mbrtowc(&wide, text, left, &state);
        if (n == 0 || n > left) { /* no locale that knows UTF-8: a byte is a column */
            n = 1;
            width++;
            state = (mbstate_t){0};
        } else {
            int columns = wcwidth(wide);
            width += columns < 0 ? 1 : columns;
        }
        text += n;
        left -= n;
    }
    return width;
}

/* ---- Members ---- */

static bool is_list_of_objects(const json_t *value)
{
    return json_array_size(value) > 0 && json_is_object(json_array_get(value, 0));
}

static void print_lists(struct cli *cli, const json_t *object)
{
    const char *name;
    json_t *member, *row;
    size_t index;
    json_object_foreach((json_t *)object, name, member)
    {
        if (!is_list_of_objects(member)) continue;
        cli_out(cli, "\n%s\n", sat_utf8_shown(&cli->arena, name));
        struct cli_table table;
        cli_table_init(&table, cli);
        json_array_foreach(member, index, row)
        {
            char *text = json_dumps(row, JSON_COMPACT);
            (void)cli_table_row(&table, text);
            free(text);
        }
        cli_table_finish(&table);
    }
}

void cli_print_members(struct cli *cli, const json_t *object)
{
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)object, name, member)
    {
        if (is_list_of_objects(member)) continue;
        if (json_is_object(member)) {
            cli_print_members(cli, member);
        } else {
            cli_out(cli, "%s: %s\n", sat_utf8_shown(&cli->arena, name), cli_shown(&cli->arena, member));
        }
    }
    print_lists(cli, object);
}
