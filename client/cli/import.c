/* import: tables become records. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

enum { FILE_BYTES_MAX = 64 << 20, MAP_BYTES_MAX = 4 << 20, BADS_TOLD_MAX = 20 };

static int read_stream(struct cli *cli, const char *path, FILE *file, size_t most, struct sat_buf *out)
{
    char piece[16384];
    size_t len;
    while ((len = fread(piece, 1, sizeof piece, file)) > 0) {
        if (out->len + len > most)
            return cli_fail(cli, SAT_ERR_TOO_LARGE, "%s is larger than %zu MiB", path, most >> 20);
        sat_put_bytes(out, piece, len);
    }
    return ferror(file) ? cli_fail(cli, SAT_ERR_IO, "%s cannot be read: %s", path, strerror(errno)) : 0;
}

static int read_file(struct cli *cli, const char *path, size_t most, struct sat_buf *out)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail(cli, errno == ENOENT ? SAT_ERR_NOT_FOUND : SAT_ERR_IO, "%s cannot be opened: %s", path,
                        strerror(errno));
    int code = read_stream(cli, path, file, most, out);
    (void)fclose(file);
    return code;
}

/* ---- For a person ---- */

struct shown {
    struct cli *cli;
    struct cli_table files;
    unsigned bads;
};

/* "was → is" of a field. */
static const char *difference(struct cli *cli, const json_t *record, const char *name, const json_t *value)
{
    const char *is = cli_shown(&cli->arena, value);
    const json_t *was = json_object_get(json_object_get(record, "was"), name);
    if (!was) return sat_arena_format(&cli->arena, "%s=%s", name, is);
    return sat_arena_format(&cli->arena, "%s=%s (was %s)", name, is, cli_shown(&cli->arena, was));
}

static void show_record(struct cli *cli, const json_t *record)
{
    const char *name, *text = "";
    json_t *value;
    json_object_foreach(json_object_get(record, "fields"), name, value) text =
        sat_arena_format(&cli->arena, "%s  %s", text, difference(cli, record, name, value));
    cli_out(cli, "%s %s %s%s\n", cli_shown(&cli->arena, json_object_get(record, "what")),
            cli_shown(&cli->arena, json_object_get(record, "type")),
            cli_shown(&cli->arena, json_object_get(record, "key")), text);
}

static void show_bad(struct shown *shown, const json_t *bad)
{
    if (++shown->bads <= BADS_TOLD_MAX) cli_note(shown->cli, "%s", json_string_value(json_object_get(bad, "message")));
}

/* A satchel_row_fn. */
static int show(void *context, const char *json)
{
    struct shown *shown = context;
    struct cli *cli = shown->cli;
    if (cli->json) {
        cli_out(cli, "%s\n", json);
        return cli->output_errno;
    }
    json_t *row = json_loads(json, 0, NULL);
    const char *kind = json_string_value(json_object_get(row, "kind"));
    if (kind && strcmp(kind, "bad") == 0) show_bad(shown, row);
    if (kind && strcmp(kind, "record") == 0) show_record(cli, row);
    if (kind && strcmp(kind, "file") == 0) {
        (void)json_object_del(row, "kind");
        char *text = json_dumps(row, JSON_COMPACT);
        (void)cli_table_row(&shown->files, text);
        free(text);
    }
    json_decref(row);
    return cli->output_errno;
}

static int run_import(struct cli *cli, const char *map, const struct satchel_import_file *files, size_t n)
{
    bool dry_run = cli_has(cli, CLI_OPTION_DRY_RUN);
    int flags = (dry_run ? SATCHEL_DRY_RUN : 0) | (cli_has(cli, CLI_OPTION_SKIP_BAD) ? SATCHEL_SKIP_BAD : 0);
    struct shown shown = {.cli = cli};
    cli_table_init(&shown.files, cli);
    int failed =
        satchel_import(cli->satchel, map, files, n, flags, cli_option(cli, CLI_OPTION_TERRITORY), show, &shown);
    if (shown.bads > BADS_TOLD_MAX)
        cli_note(cli, "… and %u more; --json tells all of them", shown.bads - BADS_TOLD_MAX);
    cli_table_finish(&shown.files);
    if (failed) return cli_fail_handle(cli);
    if (dry_run && !cli->json) cli_note(cli, "nothing is changed");
    return 0;
}

int cli_run_import(struct cli *cli)
{
    const char *map_path;
    size_t n = (size_t)cli->args_n;
    int code = cli_need(cli, CLI_OPTION_MAP, &map_path);
    if (code) return code;
    struct satchel_import_file *files = sat_arena_array(&cli->arena, n, sizeof *files);
    struct sat_buf *bytes = sat_arena_array(&cli->arena, n + 1, sizeof *bytes);
    for (size_t i = 0; i <= n; i++) sat_buf_init(&bytes[i]);
    code = read_file(cli, map_path, MAP_BYTES_MAX, &bytes[n]);
    sat_put_u8(&bytes[n], 0);
    for (size_t i = 0; i < n && !code; i++) {
        code = read_file(cli, cli->args[i], FILE_BYTES_MAX, &bytes[i]);
        files[i] = (struct satchel_import_file){cli->args[i], {bytes[i].at, bytes[i].len}};
    }
    if (!code && strlen((const char *)bytes[n].at) + 1 != bytes[n].len)
        code = cli_fail(cli, SAT_ERR_INVALID, "%s: a map is JSON, and this holds a zero byte", map_path);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = run_import(cli, (const char *)bytes[n].at, files, n);
    for (size_t i = 0; i <= n; i++) sat_buf_deinit(&bytes[i]);
    return code;
}
