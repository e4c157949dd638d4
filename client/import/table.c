#define _GNU_SOURCE
#include "client/import/table.h"

#include <errno.h>
#include <iconv.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/utf8.h"

enum { SHOWN_BYTES_MAX = 60, SENTENCE_BYTES = 600, PIECE_BYTES = 16384 };

enum sat_err import_spoil(struct sat_arena *arena, struct import_bad *bad, uint32_t line, const char *rule,
                          const char *format, ...)
{
    char text[SENTENCE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sat_utf8_mend(text);
    *bad = (struct import_bad){.line = line, .rule = rule, .text = sat_arena_text(arena, text, strlen(text))};
    return SAT_ERR_INVALID;
}

const char *import_shown(struct sat_arena *arena, const char *text)
{
    size_t len = strlen(text), cut = len > SHOWN_BYTES_MAX ? SHOWN_BYTES_MAX : len;
    while (cut < len && cut > 0 && ((uint8_t)text[cut] & 0xc0) == 0x80) cut--;
    return sat_arena_format(arena, "%s%s", sat_utf8_shown(arena, sat_arena_text(arena, text, cut)),
                            cut < len ? "…" : "");
}

const char *import_shown_file(struct sat_arena *arena, const char *name)
{
    size_t len = strlen(name), from = len > SHOWN_BYTES_MAX ? len - SHOWN_BYTES_MAX : 0;
    while (((uint8_t)name[from] & 0xc0) == 0x80) from++;
    return sat_arena_format(arena, "%s%s", from ? "…" : "", sat_utf8_shown(arena, name + from));
}

/* How many bytes the blank takes that the text begins with; 0: it begins with none. */
static size_t blank_at(const char *text, size_t len)
{
    static const char *const wide[] = {"\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xaf"};
    if (len && strchr(" \t\r\n", text[0])) return 1;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (len >= strlen(wide[i]) && memcmp(text, wide[i], strlen(wide[i])) == 0) return strlen(wide[i]);
    return 0;
}

const char *import_trim(struct sat_arena *arena, const char *text)
{
    size_t len = strlen(text), blank;
    while (len && (blank = blank_at(text, len)) > 0) {
        text += blank;
        len -= blank;
    }
    for (bool again = true; again && len;) {
        again = false;
        for (size_t n = 1; n <= 3 && n <= len && !again; n++) again = blank_at(text + len - n, n) == n;
        for (size_t n = 1; again && n <= 3 && n <= len; n++) {
            if (blank_at(text + len - n, n) != n) continue;
            len -= n;
            break;
        }
    }
    return text[len] ? sat_arena_text(arena, text, len) : text;
}

void import_add_row(struct import_table *table, uint32_t *cap, const struct import_row *row, struct sat_arena *arena)
{
    if (table->rows_n == *cap) {
        uint32_t more = *cap ? *cap * 2 : 64;
        struct import_row *rows = sat_arena_array(arena, more, sizeof *rows);
        if (table->rows_n) memcpy(rows, table->rows, table->rows_n * sizeof *rows);
        table->rows = rows;
        *cap = more;
    }
    table->rows[table->rows_n++] = *row;
}

/* ---- Encodings ---- */

static uint32_t count_lines(const uint8_t *at, size_t len)
{
    uint32_t n = 1;
    for (size_t i = 0; i < len; i++) n += at[i] == '\n';
    return n;
}

/* Which line holds what is no UTF-8. */
static uint32_t find_invalid_line(struct sat_span text)
{
    size_t begin = 0;
    while (begin < text.len) {
        const uint8_t *end = memchr(text.at + begin, '\n', text.len - begin);
        size_t len = end ? (size_t)(end - text.at) - begin : text.len - begin;
        if (!sat_utf8_valid(sat_span(text.at + begin, len))) break;
        begin += len + 1;
    }
    return count_lines(text.at, begin < text.len ? begin : text.len);
}

static bool begins(struct sat_span bytes, const char *mark, size_t len)
{
    return bytes.len >= len && memcmp(bytes.at, mark, len) == 0;
}

static struct sat_span behind(struct sat_span bytes, size_t len)
{
    return sat_span(bytes.at + len, bytes.len - len);
}

static enum sat_err check_utf8(struct sat_span text, struct sat_arena *arena, struct sat_span *out,
                               struct import_bad *bad)
{
    if (begins(text, "\xef\xbb\xbf", 3)) text = behind(text, 3);
    *out = text;
    if (sat_utf8_valid(text)) return SAT_OK;
    if (memchr(text.at, 0, text.len))
        return import_spoil(arena, bad, find_invalid_line(text), "encoding", "there is a zero byte: this is no text");
    return import_spoil(arena, bad, find_invalid_line(text), "encoding",
                        "not valid UTF-8; a map says \"encoding\": \"GB18030\" (or WINDOWS-1252, …) where a file has "
                        "another one");
}

static enum sat_err convert(iconv_t converter, const char *encoding, struct sat_span bytes, struct sat_buf *out,
                            struct sat_arena *arena, struct import_bad *bad)
{
    char *in = (char *)bytes.at; /* iconv() does not write there */
    size_t left = bytes.len;
    while (left) {
        char buffer[PIECE_BYTES], *to = buffer;
        size_t room = sizeof buffer;
        size_t failed = iconv(converter, &in, &left, &to, &room);
        sat_put_bytes(out, buffer, sizeof buffer - room);
        if (failed != (size_t)-1 || errno == E2BIG) continue;
        return import_spoil(arena, bad, count_lines(out->at, out->len), "encoding", "not valid %s", encoding);
    }
    return SAT_OK;
}

enum sat_err import_decode(struct sat_span bytes, const char *encoding, struct sat_arena *arena, struct sat_span *out,
                           struct import_bad *bad)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";
    if (bytes.len > IMPORT_FILE_BYTES_MAX) {
        (void)import_spoil(arena, bad, 0, "size", "larger than %d MiB", IMPORT_FILE_BYTES_MAX >> 20);
        return SAT_ERR_TOO_LARGE;
    }
    if (begins(bytes, "\xef\xbb\xbf", 3)) encoding = NULL;
    if (begins(bytes, "\xff\xfe", 2)) encoding = "UTF-16LE";
    if (begins(bytes, "\xfe\xff", 2)) encoding = "UTF-16BE";
    if (!encoding || strcasecmp(encoding, "UTF-8") == 0) return check_utf8(bytes, arena, out, bad);
    iconv_t converter = encoding[strspn(encoding, letters)] ? (iconv_t)-1 : iconv_open("UTF-8", encoding);
    if (converter == (iconv_t)-1) // NOLINT: that is how iconv says it
        return import_spoil(arena, bad, 0, "encoding", "the encoding %s is not known here",
                            import_shown(arena, encoding));
    struct sat_buf text;
    sat_buf_init(&text);
    enum sat_err err = convert(converter, encoding, bytes, &text, arena, bad);
    struct sat_span copy = sat_span_copy(arena, sat_buf_span(&text));
    sat_buf_deinit(&text);
    (void)iconv_close(converter);
    return err ? err : check_utf8(copy, arena, out, bad);
}
