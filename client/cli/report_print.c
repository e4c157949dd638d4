#define _GNU_SOURCE

#include "client/cli/report_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/cli/output.h"
#include "client/currency.h"
#include "common/base/utf8.h"

enum { COLUMNS_MAX = 32, TEXT_LEAST = 10, FIGURE_LEAST = 6, GAP = 2, BAR_CELLS = 30 };

/* ---- The terminal ---- */

/* 0: as wide as it takes. */
static int terminal_columns(void)
{
    struct winsize size = {0};
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* What the person's terminal says that it shows. */
static bool shows_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* ---- Figures for a person ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), len = strlen(end);
    return n >= len && strcmp(name + n - len, end) == 0;
}

/* A figure with that many digits behind the point. */
static const char *pointed(struct sat_arena *arena, json_int_t figure, int digits, const char *behind)
{
    unsigned long long whole = figure < 0 ? 0 - (unsigned long long)figure : (unsigned long long)figure, unit = 1;
    for (int i = 0; i < digits; i++) unit *= 10;
    const char *sign = figure < 0 ? "-" : "";
    if (!digits) return sat_arena_format(arena, "%s%llu%s", sign, whole, behind);
    return sat_arena_format(arena, "%s%llu.%0*llu%s", sign, whole / unit, digits, whole % unit, behind);
}

static const char *shown(struct cli *cli, const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);
    if (json_is_integer(value) && ends_with(name, "_bp"))
        return pointed(&cli->arena, json_integer_value(value), 2, " %");
    if (json_is_integer(value) && ends_with(name, "_minor"))
        return pointed(&cli->arena, json_integer_value(value),
                       client_currency_digits(json_string_value(json_object_get(row, "currency"))), "");
    return cli_shown(&cli->arena, value);
}

static const char *heading(struct cli *cli, const char *name)
{
    size_t len = strlen(name);
    if (ends_with(name, "_minor")) len -= 6;
    if (ends_with(name, "_bp")) len -= 3;
    char *text = sat_arena_text(&cli->arena, name, len);
    for (char *at = text; *at; at++)
        if (*at == '_') *at = ' ';
    return text;
}

/* ---- Tables ---- */

struct column {
    const char *name;
    int width, least; /* what its values need at least, as texts can be cut */
    bool number;
};

static int measure(struct cli *cli, const json_t *rows, struct column *columns)
{
    size_t index;
    json_t *row, *value;
    const char *name;
    int n = 0;
    json_object_foreach(json_array_get(rows, 0), name, value)
    {
        if (n == COLUMNS_MAX) break;
        columns[n++] = (struct column){.name = name, .width = cli_width(heading(cli, name)), .number = true};
    }
    json_array_foreach((json_t *)rows, index, row) for (int i = 0; i < n; i++)
    {
        int width = cli_width(shown(cli, row, columns[i].name));
        value = json_object_get(row, columns[i].name);
        if (width > columns[i].width) columns[i].width = width;
        if (width > columns[i].least) columns[i].least = width;
        if (!json_is_number(value) && !json_is_null(value)) columns[i].number = false;
    }
    for (int i = 0; i < n; i++) {
        if (!columns[i].number && columns[i].least > TEXT_LEAST) columns[i].least = TEXT_LEAST;
        if (columns[i].number && columns[i].least < FIGURE_LEAST) columns[i].least = FIGURE_LEAST;
    }
    return n;
}

static int total_of(const struct column *columns, int n)
{
    int total = (n - 1) * GAP;
    for (int i = 0; i < n; i++) total += columns[i].width;
    return total;
}

/* Makes columns of that kind narrower, the widest first, none below its least, until all fit. */
static void narrow(struct column *columns, int n, bool numbers, int limit)
{
    for (int over = total_of(columns, n) - limit; over > 0; over--) {
        struct column *widest = NULL;
        for (int i = 0; i < n; i++)
            if (columns[i].number == numbers && columns[i].width > columns[i].least &&
                (!widest || columns[i].width > widest->width))
                widest = &columns[i];
        if (!widest) return;
        widest->width--;
    }
}

/* How many of the columns fit: text is cut first, then the headings of figures; figures and dates stay whole. What does
 * not fit then is left out from the end on, ids before all. */
static int fit(struct column *columns, int n, int limit)
{
    if (!limit || total_of(columns, n) <= limit) return n;
    if (strcmp(columns[n - 1].name, "id") == 0) n--;
    narrow(columns, n, false, limit);
    narrow(columns, n, true, limit);
    while (n > 1 && total_of(columns, n) > limit) n--;
    return n;
}

static void spaces(struct sat_buf *line, int n)
{
    for (; n > 0; n--) sat_put_u8(line, ' ');
}

/* The text, or as much of it as `width` columns hold, and a sign that there is more. */
static int put_fitting(struct sat_buf *line, const char *text, int width)
{
    int all = cli_width(text), used = 0;
    if (all <= width) {
        sat_put_bytes(line, text, strlen(text));
        return all;
    }
    const char *more = shows_utf8() ? "…" : "~";
    while (*text) {
        char one[8] = {0};
        size_t len = 1;
        while (((unsigned char)text[len] & 0xc0) == 0x80 && len < 4) len++;
        memcpy(one, text, len);
        int columns = cli_width(one);
        if (used + columns > width - 1) break;
        sat_put_bytes(line, one, len);
        used += columns;
        text += len;
    }
    sat_put_bytes(line, more, strlen(more));
    return used + 1;
}

/* A row, or with NULL the headings. */
static void print_row(struct cli *cli, const struct column *columns, int n, const json_t *row)
{
    struct sat_buf line;
    sat_buf_init(&line);
    for (int i = 0; i < n; i++) {
        const char *text = row ? shown(cli, row, columns[i].name) : heading(cli, columns[i].name);
        if (i) spaces(&line, GAP);
        if (columns[i].number) spaces(&line, columns[i].width - cli_width(text)); /* of a cut heading: none */
        int used = put_fitting(&line, text, columns[i].width);
        if (!columns[i].number) spaces(&line, columns[i].width - used);
    }
    while (line.len && line.at[line.len - 1] == ' ') line.len--;
    sat_put_u8(&line, '\n');
    cli_out_span(cli, sat_buf_span(&line));
    sat_buf_deinit(&line);
}

void cli_report_table(struct cli *cli, const json_t *rows)
{
    struct column columns[COLUMNS_MAX];
    size_t index;
    json_t *row;
    int n = measure(cli, rows, columns);
    int fitting = fit(columns, n, terminal_columns());
    print_row(cli, columns, fitting, NULL);
    json_array_foreach((json_t *)rows, index, row) print_row(cli, columns, fitting, row);
    const char *missing = "";
    for (int i = fitting; i < n; i++)
        missing = sat_arena_format(&cli->arena, "%s%s%s", missing, *missing ? ", " : "", heading(cli, columns[i].name));
    if (*missing) cli_out(cli, "(no room for: %s)\n", missing);
}

/* ---- Bars ---- */

/* `figure` of `most` as a bar: eighths of a cell where the terminal shows them, else whole ones. */
static const char *bar(struct cli *cli, json_int_t figure, json_int_t most)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    struct sat_buf line;
    if (figure <= 0 || most <= 0) return "";
    int parts = (int)((__int128)figure * BAR_CELLS * 8 / most);
    sat_buf_init(&line);
    if (shows_utf8()) {
        for (int i = 0; i < parts / 8; i++) sat_put_bytes(&line, "█", strlen("█"));
        const char *rest = parts ? eighths[parts % 8] : eighths[1]; /* something is there */
        sat_put_bytes(&line, rest, strlen(rest));
    } else {
        for (int i = 0; i < (parts + 7) / 8 || i == 0; i++) sat_put_u8(&line, '#');
    }
    const char *text = sat_arena_text(&cli->arena, (const char *)line.at, line.len);
    sat_buf_deinit(&line);
    return text;
}

static bool is_together(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "currency"), json_object_get(b, "currency")) ||
           (!json_object_get(a, "currency") && !json_object_get(b, "currency"));
}

/* plot: the part, the columns that label a bar, and the last one its figure. Bars of one currency have one scale. */
static void print_plot(struct cli *cli, const json_t *report)
{
    const json_t *plot = json_object_get(report, "plot");
    size_t n = json_array_size(plot), index, at;
    if (n < 3) return;
    const json_t *rows = json_object_get(json_object_get(report, "parts"), json_string_value(json_array_get(plot, 0)));
    const char *figure = json_string_value(json_array_get(plot, n - 1));
    json_t *row, *other;
    int width = 0;
    struct sat_arena *arena = &cli->arena;
    const char **labels = sat_arena_array(arena, json_array_size(rows), sizeof *labels);
    json_array_foreach((json_t *)rows, index, row)
    {
        labels[index] = "";
        for (size_t i = 0; i < n - 1; i++) {
            const char *name = i ? json_string_value(json_array_get(plot, i)) : "of";
            const char *text = cli_shown(arena, json_object_get(row, name));
            if (*text)
                labels[index] = sat_arena_format(arena, "%s%s%s", labels[index], *labels[index] ? " " : "", text);
        }
        if (cli_width(labels[index]) > width) width = cli_width(labels[index]);
    }
    if (json_array_size(rows)) cli_out(cli, "\n");
    json_array_foreach((json_t *)rows, index, row)
    {
        json_int_t most = 0;
        json_array_foreach((json_t *)rows, at, other)
        {
            json_int_t value = json_integer_value(json_object_get(other, figure));
            if (is_together(row, other) && value > most) most = value;
        }
        const char *bar_text = bar(cli, json_integer_value(json_object_get(row, figure)), most);
        cli_out(cli, "%s%*s  %s%s%s\n", labels[index], width - cli_width(labels[index]), "", bar_text,
                *bar_text ? " " : "", shown(cli, row, figure));
    }
}

/* ---- What it stands on ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void print_head(struct cli *cli, const json_t *report)
{
    const json_t *period = json_object_get(report, "period");
    struct sat_arena *arena = &cli->arena;
    cli_out(cli, "%s: %s\n", text_of(report, "report"), text_of(report, "title"));
    cli_out(cli, "%s", text_of(period, "name"));
    if (strcmp(text_of(period, "first"), text_of(period, "last")) != 0)
        cli_out(cli, " (%s to %s)", text_of(period, "first"), text_of(period, "last"));
    if (*text_of(report, "territory")) cli_out(cli, ", %s", sat_utf8_shown(arena, text_of(report, "territory")));
    if (*text_of(report, "by")) cli_out(cli, ", by %s", text_of(report, "by"));
    const char *as_of = text_of(report, "as_of");
    cli_out(cli, "; as of %s\n", *as_of ? as_of : "no sync yet");
}

static void print_counts(struct cli *cli, const char *title, const json_t *rows)
{
    size_t index;
    json_t *row;
    json_array_foreach((json_t *)rows, index, row)
    {
        const char *why = text_of(row, "why");
        cli_out(cli, "%s: %lld %s%s%s\n", title, (long long)json_integer_value(json_object_get(row, "n")),
                sat_utf8_shown(&cli->arena, text_of(row, "what")), *why ? ": " : "", sat_utf8_shown(&cli->arena, why));
    }
}

static void print_basis(struct cli *cli, const json_t *basis)
{
    size_t index;
    json_t *row;
    cli_out(cli, "\n");
    print_counts(cli, "counted", json_object_get(basis, "counted"));
    print_counts(cli, "not counted", json_object_get(basis, "not_counted"));
    json_array_foreach(json_object_get(basis, "territories"), index, row)
    {
        const char *as_of = text_of(row, "as_of");
        cli_out(cli, "included: %s, %lld entries, the newest of %s\n",
                sat_utf8_shown(&cli->arena, text_of(row, "territory")),
                (long long)json_integer_value(json_object_get(row, "entries")), *as_of ? as_of : "no time");
    }
    if (json_array_size(json_object_get(basis, "not_here")))
        cli_out(cli, "not here: %s\n", cli_shown(&cli->arena, json_object_get(basis, "not_here")));
    json_int_t waiting = json_integer_value(json_object_get(basis, "not_synced"));
    if (waiting) cli_out(cli, "not synced yet: %lld own changes, which others do not count\n", (long long)waiting);
}

void cli_report_print(struct cli *cli, const json_t *report)
{
    const char *name;
    json_t *rows;
    bool titled = false;
    print_head(cli, report);
    json_object_foreach(json_object_get(report, "parts"), name, rows)
    {
        cli_out(cli, "\n");
        if (titled) cli_out(cli, "%s\n", heading(cli, name));
        if (json_array_size(rows))
            cli_report_table(cli, rows);
        else
            cli_out(cli, "nothing\n");
        if (!titled) print_plot(cli, report);
        titled = true;
    }
    print_basis(cli, json_object_get(report, "basis"));
}

/* ---- CSV ---- */

/* A terminal is shown what is written, and not commanded by it; a file has it as it is. */
static void put_csv(struct cli *cli, struct sat_buf *line, bool first, const char *text)
{
    if (isatty(STDOUT_FILENO)) text = sat_utf8_shown(&cli->arena, text);
    if (!first) sat_put_u8(line, ',');
    bool plain = !strpbrk(text, ",\"\r\n");
    if (!plain) sat_put_u8(line, '"');
    for (; *text; text++) {
        if (*text == '"') sat_put_u8(line, '"');
        sat_put_u8(line, (uint8_t)*text);
    }
    if (!plain) sat_put_u8(line, '"');
}

static void print_line(struct cli *cli, struct sat_buf *line)
{
    sat_put_bytes(line, "\r\n", 2);
    cli_out_span(cli, sat_buf_span(line));
    line->len = 0;
}

void cli_report_csv(struct cli *cli, const json_t *report)
{
    json_t *parts = json_object_get(report, "parts");
    const json_t *rows = json_object_iter_value(json_object_iter(parts));
    const char *name;
    json_t *row, *value;
    size_t index;
    struct sat_buf line;
    sat_buf_init(&line);
    bool first = true;
    json_object_foreach(json_array_get(rows, 0), name, value)
    {
        put_csv(cli, &line, first, name);
        first = false;
    }
    if (line.len) print_line(cli, &line);
    json_array_foreach((json_t *)rows, index, row)
    {
        first = true;
        json_object_foreach(row, name, value)
        {
            char *text = json_is_string(value) || json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
            put_csv(cli, &line, first, text ? text : json_is_string(value) ? json_string_value(value) : "");
            first = false;
            free(text);
        }
        print_line(cli, &line);
    }
    sat_buf_deinit(&line);
}
