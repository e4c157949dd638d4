/* vCard: lines "[group.]NAME[;PARAMETER…]:VALUE", folded. Properties that no column is for are left out. */
#define _GNU_SOURCE
#include <string.h>
#include <strings.h>

#include "client/import/table.h"
#include "common/base/utf8.h"

enum column {
#define X(name) C_##name,
#include "client/import/vcard.def"
#undef X
    COLUMNS
};

struct reading {
    struct sat_span text;
    size_t at;
    uint32_t line; /* of what stands at `at` */
    struct sat_arena *arena;
    struct import_bad *bad;
};

struct card {
    uint32_t line;
    const char *cells[COLUMNS];
    struct sat_buf lists[COLUMNS]; /* of the columns that hold several values, a line each */
    bool preferred[COLUMNS];       /* the one that is there was said to be */
};

struct property {
    uint32_t line;
    char *name, *parameters, *value; /* parameters: ";…" or "" */
    bool quoted_printable, preferred;
};

/* ---- Lines ---- */

/* The rest of the physical line; at the next one afterwards. */
static struct sat_span take_line(struct reading *reading)
{
    const uint8_t *start = reading->text.at + reading->at;
    size_t left = reading->text.len - reading->at;
    const uint8_t *end = memchr(start, '\n', left);
    size_t len = end ? (size_t)(end - start) : left;
    reading->at += end ? len + 1 : len;
    reading->line++;
    if (len && start[len - 1] == '\r') len--;
    return sat_span(start, len);
}

static bool at_end(const struct reading *reading)
{
    return reading->at >= reading->text.len;
}

static bool is_folded(const struct reading *reading)
{
    return !at_end(reading) && (reading->text.at[reading->at] == ' ' || reading->text.at[reading->at] == '\t');
}

/* The rule of version 2.1: such a line goes on where it ends by "=". */
static bool is_quoted_printable(const struct sat_buf *line)
{
    const uint8_t *colon = line->len ? memchr(line->at, ':', line->len) : NULL;
    static const char word[] = "QUOTED-PRINTABLE";
    size_t len = colon ? (size_t)(colon - line->at) : 0;
    for (size_t i = 0; i + sizeof word - 1 <= len; i++)
        if (strncasecmp((const char *)line->at + i, word, sizeof word - 1) == 0) return true;
    return false;
}

/* A line with those that continue it. */
static void unfold(struct reading *reading, struct sat_buf *line, bool *quoted_printable)
{
    sat_buf_clear(line);
    sat_put_span(line, take_line(reading));
    *quoted_printable = is_quoted_printable(line);
    while (!at_end(reading)) {
        bool goes_on = *quoted_printable && line->len && line->at[line->len - 1] == '=';
        if (!goes_on && !is_folded(reading)) break;
        struct sat_span more = take_line(reading);
        if (goes_on) line->len--;
        size_t skip = !goes_on && more.len > 0;
        sat_put_bytes(line, more.at + skip, more.len - skip);
    }
}

static int hex_of(char digit)
{
    static const char digits[] = "0123456789ABCDEF0123456789abcdef";
    const char *found = digit ? strchr(digits, digit) : NULL;
    return found ? (int)((found - digits) & 15) : -1;
}

static void decode_quoted_printable(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int high = *from == '=' ? hex_of(from[1]) : -1, low = high >= 0 ? hex_of(from[2]) : -1;
        if (low >= 0 && (high || low)) {
            *to++ = (char)(high << 4 | low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
}

/* Where the value begins: behind the first colon that is not in quotes. */
static char *find_colon(char *line)
{
    bool quoted = false;
    for (; *line; line++) {
        if (*line == '"') quoted = !quoted;
        if (*line == ':' && !quoted) return line;
    }
    return NULL;
}

static enum sat_err take_apart(struct reading *reading, const struct sat_buf *line, struct property *out)
{
    char *text = sat_arena_text(reading->arena, line->len ? (const char *)line->at : "", line->len);
    char *colon = find_colon(text);
    if (!colon) return import_spoil(reading->arena, reading->bad, out->line, "vcard", "a line without a colon");
    *colon = 0;
    out->value = colon + 1;
    char *semicolon = strchr(text, ';');
    out->parameters = sat_arena_text(reading->arena, semicolon ? semicolon : "", semicolon ? strlen(semicolon) : 0);
    if (semicolon) *semicolon = 0;
    char *dot = strrchr(text, '.');
    out->name = dot ? dot + 1 : text;
    out->preferred = strcasestr(out->parameters, "pref") != NULL;
    if (out->quoted_printable) decode_quoted_printable(out->value);
    if (sat_utf8_valid(sat_span_text(out->value))) return SAT_OK;
    return import_spoil(reading->arena, reading->bad, out->line, "encoding", "the value of %s is not valid UTF-8",
                        import_shown(reading->arena, out->name));
}

/* ---- Values ---- */

/* The piece up to the next unescaped `separator` (0: all), without its escapes; *text moves behind it, NULL at the
 * end. */
static const char *take_piece(struct sat_arena *arena, const char **text, char separator)
{
    const char *end = *text;
    while (*end && (!separator || *end != separator)) end += *end == '\\' && end[1] ? 2 : 1;
    char *piece = sat_arena_text(arena, *text, (size_t)(end - *text)), *to = piece;
    for (const char *from = piece; *from; from++) {
        bool escaped = *from == '\\' && from[1];
        if (escaped) from++;
        *to++ = escaped && (*from == 'n' || *from == 'N') ? '\n' : *from;
    }
    *to = 0;
    *text = *end ? end + 1 : NULL;
    return import_trim(arena, piece);
}

static void set(struct card *card, enum column column, const char *value)
{
    if (value[0] && !card->cells[column][0]) card->cells[column] = value;
}

static void join(struct card *card, enum column column, const char *value)
{
    struct sat_buf *list = &card->lists[column];
    if (!value[0]) return;
    if (list->len) sat_put_u8(list, '\n');
    sat_put_bytes(list, value, strlen(value));
}

/* Semicolons between the parts; a part that is a list keeps its commas. */
static void set_parts(struct reading *reading, struct card *card, const struct property *property, enum column first,
                      unsigned n)
{
    const char *rest = property->value;
    bool better = property->preferred && !card->preferred[first];
    bool empty = true;
    for (unsigned i = 0; i < n; i++) empty = empty && !card->cells[first + i][0];
    if (!empty && !better) return;
    card->preferred[first] = property->preferred;
    for (unsigned i = 0; i < n; i++) card->cells[first + i] = rest ? take_piece(reading->arena, &rest, ';') : "";
}

/* One of several: the preferred one, or the first, and all. */
static void add_one(struct reading *reading, struct card *card, const struct property *property, enum column one,
                    enum column all, const char *scheme)
{
    const char *rest = property->value, *value = take_piece(reading->arena, &rest, 0);
    if (strncasecmp(value, scheme, strlen(scheme)) == 0) value += strlen(scheme);
    if (!value[0]) return;
    join(card, all, value);
    if (card->cells[one][0] && !(property->preferred && !card->preferred[one])) return;
    card->cells[one] = value;
    card->preferred[one] = property->preferred;
}

static void add_list(struct reading *reading, struct card *card, const struct property *property, enum column column)
{
    for (const char *rest = property->value; rest;) join(card, column, take_piece(reading->arena, &rest, ','));
}

static void take_text(struct reading *reading, struct card *card, const struct property *property, enum column column)
{
    const char *rest = property->value;
    set(card, column, take_piece(reading->arena, &rest, 0));
}

static void take_property(struct reading *reading, struct card *card, const struct property *property)
{
    static const struct {
        const char *name;
        enum column column;
    } plain[] = {{"UID", C_UID}, {"FN", C_FN}, {"TITLE", C_TITLE}, {"ROLE", C_ROLE}, {"BDAY", C_BDAY}};
    const char *name = property->name, *rest = property->value;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcasecmp(name, plain[i].name) == 0) take_text(reading, card, property, plain[i].column);
    if (strcasecmp(name, "N") == 0) set_parts(reading, card, property, C_FAMILY, 5);
    if (strcasecmp(name, "ORG") == 0) set_parts(reading, card, property, C_ORG, 2);
    if (strcasecmp(name, "ADR") == 0) set_parts(reading, card, property, C_POBOX, 7);
    if (strcasecmp(name, "TEL") == 0) add_one(reading, card, property, C_TEL, C_TELS, "tel:");
    if (strcasecmp(name, "EMAIL") == 0) add_one(reading, card, property, C_EMAIL, C_EMAILS, "mailto:");
    if (strcasecmp(name, "NOTE") == 0) join(card, C_NOTE, take_piece(reading->arena, &rest, 0));
    if (strcasecmp(name, "URL") == 0) join(card, C_URLS, take_piece(reading->arena, &rest, 0));
    if (strcasecmp(name, "NICKNAME") == 0) add_list(reading, card, property, C_NICKNAMES);
    if (strcasecmp(name, "CATEGORIES") == 0) add_list(reading, card, property, C_CATEGORIES);
}

/* ---- Cards ---- */

static void finish(struct reading *reading, struct card *card)
{
    const char **cell = card->cells;
    if (!cell[C_FN][0] && (cell[C_GIVEN][0] || cell[C_FAMILY][0]))
        cell[C_FN] =
            import_trim(reading->arena, sat_arena_format(reading->arena, "%s %s", cell[C_GIVEN], cell[C_FAMILY]));
    if (!cell[C_FN][0]) cell[C_FN] = cell[C_ORG];
    for (unsigned i = 0; i < COLUMNS; i++)
        if (card->lists[i].len)
            cell[i] = sat_arena_text(reading->arena, (const char *)card->lists[i].at, card->lists[i].len);
    const char *reach = cell[C_EMAIL][0] ? cell[C_EMAIL] : cell[C_TEL];
    cell[C_KEY] = cell[C_UID];
    if (!cell[C_KEY][0] && cell[C_FN][0]) cell[C_KEY] = sat_arena_format(reading->arena, "%s\n%s", cell[C_FN], reach);
}

static bool is_line(struct reading *reading, const struct property *property, const char *name)
{
    return strcasecmp(property->name, name) == 0 &&
           strcasecmp(import_trim(reading->arena, property->value), "VCARD") == 0;
}

static void begin_card(struct card *card, uint32_t line)
{
    card->line = line;
    memset(card->preferred, 0, sizeof card->preferred);
    for (unsigned i = 0; i < COLUMNS; i++) {
        card->cells[i] = "";
        sat_buf_clear(&card->lists[i]);
    }
}

/* `inside` a card before and after; *done: one has ended. */
static enum sat_err take_next(struct reading *reading, struct property *property, struct card *card, bool *inside,
                              bool *done)
{
    bool begin = is_line(reading, property, "BEGIN"), end = is_line(reading, property, "END");
    *done = false;
    if (begin == *inside)
        return import_spoil(reading->arena, reading->bad, property->line, "vcard",
                            begin ? "a card begins before the last one has ended" : "this stands outside of any card");
    if (begin)
        begin_card(card, property->line);
    else if (end)
        finish(reading, card);
    else
        take_property(reading, card, property);
    *done = end;
    *inside = !end;
    return SAT_OK;
}

static bool is_blank(const struct sat_buf *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (line->at[i] != ' ' && line->at[i] != '\t') return false;
    return true;
}

static enum sat_err read_cards(struct reading *reading, struct sat_buf *line, struct card *card,
                               struct import_table *out)
{
    bool inside = false, done = false;
    uint32_t cap = 0;
    while (!at_end(reading)) {
        struct property property = {.line = reading->line};
        unfold(reading, line, &property.quoted_printable);
        if (is_blank(line)) continue;
        enum sat_err err = take_apart(reading, line, &property);
        if (!err) err = take_next(reading, &property, card, &inside, &done);
        if (err) return err;
        if (!done) continue;
        struct import_row row = {.line = card->line, .cells_n = COLUMNS};
        row.cells = sat_arena_copy(reading->arena, card->cells, sizeof card->cells);
        if (out->rows_n == IMPORT_ROWS_MAX)
            return import_spoil(reading->arena, reading->bad, row.line, "size", "more than %d cards", IMPORT_ROWS_MAX);
        import_add_row(out, &cap, &row, reading->arena);
    }
    if (!inside) return SAT_OK;
    return import_spoil(reading->arena, reading->bad, card->line, "vcard", "this card never ends");
}

enum sat_err import_vcard_read(struct sat_span text, struct sat_arena *arena, struct import_table *out,
                               struct import_bad *bad)
{
    static const char *const names[] = {
#define X(name) #name,
#include "client/import/vcard.def"
#undef X
    };
    struct reading reading = {.text = text, .line = 1, .arena = arena, .bad = bad};
    *out = (struct import_table){.names = names, .names_n = COLUMNS, .lists = true};
    struct sat_buf line;
    struct card card = {0};
    sat_buf_init(&line);
    for (unsigned i = 0; i < COLUMNS; i++) sat_buf_init(&card.lists[i]);
    enum sat_err err = read_cards(&reading, &line, &card, out);
    for (unsigned i = 0; i < COLUMNS; i++) sat_buf_deinit(&card.lists[i]);
    sat_buf_deinit(&line);
    return err;
}
