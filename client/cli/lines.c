/* put --stdin: NDJSON, strictly, in one commit. What is wrong is told with its line's number, and then nothing has been
 * written. */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/output.h"
#include "client/cli/write.h"
#include "common/base/limits.h"

enum {
    /* A body's plaintext, every byte of it escaped as \u00XX, and some white space. */
    LINE_BYTES_MAX = 8 * SAT_BODY_BYTES_MAX,
};

struct put_line {
    const char *type, *id, *territory;
    json_t *fields;
};

static int fail_line(struct cli *cli, uint64_t number, const char *what)
{
    return cli_fail(cli, SAT_ERR_INVALID, "line %llu: %s", (unsigned long long)number, what);
}

/* A member that must be text where it is given. */
static bool take_text(const json_t *value, const char **out)
{
    *out = json_string_value(value);
    return *out != NULL;
}

/* The members of a line's object, into the empty `out`. Returns what is wrong with them; NULL: nothing. */
static const char *read_members(struct sat_arena *arena, const json_t *object, struct put_line *out)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        bool good = true;
        if (strcmp(name, "type") == 0) {
            good = take_text(value, &out->type);
        } else if (strcmp(name, "id") == 0) {
            good = take_text(value, &out->id);
        } else if (strcmp(name, "territory") == 0) {
            good = take_text(value, &out->territory);
        } else if (strcmp(name, "fields") == 0) {
            out->fields = value;
            if (!json_is_object(value)) return "\"fields\" is no object";
        } else {
            return sat_arena_format(arena, "unknown member \"%s\" (there are type, id, territory and fields)", name);
        }
        if (!good) return sat_arena_format(arena, "\"%s\" is no text", name);
    }
    if (!out->type) return "\"type\" is missing";
    if (!out->fields) return "\"fields\" is missing";
    return NULL;
}

/* jansson's sentences are for programmers; where what went wrong has a name, a person gets a better one. */
static const char *say_json_error(struct sat_arena *arena, const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    const char *text = code == json_error_invalid_utf8             ? "invalid UTF-8"
                       : code == json_error_null_character         ? "a text holds a zero character"
                       : code == json_error_duplicate_key          ? "a member is given twice"
                       : code == json_error_premature_end_of_input ? "it ends too early"
                       : code == json_error_end_of_input_expected  ? "something follows the object"
                       : code == json_error_numeric_overflow       ? "a number is too large"
                                                                   : error->text;
    return sat_arena_format(arena, "column %d: %s", error->column < 0 ? 0 : error->column, text);
}

static json_t *parse_line(struct sat_arena *arena, const char *line, size_t len, const char **what)
{
    json_error_t error;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!object) {
        *what = say_json_error(arena, &error);
        return NULL;
    }
    if (json_is_object(object)) return object;
    *what = "no JSON object";
    json_decref(object);
    return NULL;
}

struct put_run {
    struct cli *cli;
    struct satchel_tx *tx;
    struct sat_arena arena; /* of one line */
    struct sat_buf printed; /* the ids, held back until the commit is done */
    struct sat_buf numbers; /* of the lines that were put, each 8 bytes as they are in memory */
    uint64_t number;
};

static void print_later(struct put_run *run, const char *type, const char *id)
{
    char *line = NULL;
    if (run->cli->json) {
        json_t *object = json_pack("{s:s, s:s}", "type", type, "id", id);
        line = json_dumps(object, JSON_COMPACT);
        json_decref(object);
    }
    const char *text = line ? line : id;
    sat_put_bytes(&run->printed, text, strlen(text));
    sat_put_u8(&run->printed, '\n');
    free(line);
}

static int put_line(struct put_run *run, const char *line, size_t len)
{
    const char *what = NULL;
    json_t *object = parse_line(&run->arena, line, len, &what);
    struct put_line it = {0};
    if (object) what = read_members(&run->arena, object, &it);
    if (what) {
        json_decref(object);
        return fail_line(run->cli, run->number, what);
    }
    const char *territory = it.territory ? it.territory : cli_option(run->cli, CLI_OPTION_TERRITORY);
    char *fields = json_dumps(it.fields, JSON_COMPACT), id[SATCHEL_ID_SIZE] = "";
    int code = 0;
    if (satchel_put(run->tx, it.type, it.id, territory, fields, id)) {
        code = cli_fail_error(run->cli, satchel_error_of(run->cli->satchel),
                              sat_arena_format(&run->arena, "line %llu", (unsigned long long)run->number));
    } else {
        print_later(run, it.type, id);
        sat_put_bytes(&run->numbers, &run->number, sizeof run->number);
    }
    free(fields);
    json_decref(object);
    return code;
}

static bool is_empty(const char *line, size_t len)
{
    size_t i = 0;
    while (i < len && strchr(" \t\r\n", line[i]) && line[i]) i++;
    return i == len;
}

/* getline() with a bound: *len is LINE_BYTES_MAX + 1 for a longer line. false at the end of the input or when it cannot
 * be read. */
static bool next_line(char *line, size_t *len)
{
    *len = 0;
    int byte;
    while ((byte = getc_unlocked(stdin)) != EOF) {
        if (byte == '\n') return true;
        if (*len <= LINE_BYTES_MAX) line[(*len)++] = (char)byte;
    }
    return *len > 0;
}

static int put_all(struct put_run *run)
{
    struct cli *cli = run->cli;
    char *line = malloc(LINE_BYTES_MAX + 1);
    if (!line) return cli_fail(cli, SAT_ERR_NO_MEMORY, "out of memory");
    size_t len;
    int code = 0;
    while (!code && next_line(line, &len)) {
        const char *start = line;
        if (++run->number == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) { /* a byte-order mark */
            start += 3;
            len -= 3;
        }
        if (len > LINE_BYTES_MAX) {
            code = cli_fail(cli, SAT_ERR_TOO_LARGE, "line %llu: longer than %d bytes", (unsigned long long)run->number,
                            LINE_BYTES_MAX);
        } else if (!is_empty(start, len)) {
            code = put_line(run, start, len);
        }
        sat_arena_reset(&run->arena);
        cli_progress_show(&cli->progress, "reading", run->number, 0);
    }
    if (!code && ferror(stdin)) code = cli_fail(cli, SAT_ERR_IO, "stdin cannot be read: %s", strerror(errno));
    free(line);
    return code;
}

/* What only the whole commit tells is told with its line's number all the same. */
static int commit_lines(struct put_run *run)
{
    if (!satchel_commit(run->tx)) return 0;
    const struct satchel_error *error = satchel_error_of(run->cli->satchel);
    if (error->edit == 0) return cli_fail_handle(run->cli);
    uint64_t number;
    memcpy(&number, run->numbers.at + (error->edit - 1) * sizeof number, sizeof number);
    return cli_fail_error(run->cli, error, sat_arena_format(&run->arena, "line %llu", (unsigned long long)number));
}

int cli_put_lines(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct put_run run = {.cli = cli};
    code = cli_begin(cli, &run.tx);
    if (code) return code;
    sat_arena_init(&run.arena);
    sat_buf_init(&run.printed);
    sat_buf_init(&run.numbers);
    code = put_all(&run);
    if (code) {
        satchel_rollback(run.tx);
    } else {
        code = commit_lines(&run);
        if (!code) cli_out_span(cli, sat_buf_span(&run.printed));
    }
    cli_progress_clear(&cli->progress);
    sat_arena_deinit(&run.arena);
    sat_buf_wipe(&run.printed);
    sat_buf_deinit(&run.numbers);
    return code;
}
