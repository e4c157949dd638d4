#include "server/line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/utf8.h"

enum { TAIL = 3 }; /* "}\n" and the NUL always fit */

/* Appends text; false, with nothing written, if it does not fit. */
static bool add(struct satd_line *line, const char *text, size_t len)
{
    if (len > sizeof line->at - TAIL - line->len) return false;
    memcpy(line->at + line->len, text, len);
    line->len += len;
    return true;
}

__attribute__((format(printf, 2, 3))) static bool add_format(struct satd_line *line, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return len >= 0 && (size_t)len < sizeof text && add(line, text, (size_t)len);
}

/* Text that is not UTF-8 is shown byte by byte, so that the line stays valid. */
static bool add_escaped(struct satd_line *line, const char *text)
{
    bool utf8 = sat_utf8_valid(sat_span_text(text));
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = c >= 0x20 && c != 0x7f && c != '"' && c != '\\' && (c < 0x80 || utf8);
        bool ok = plain ? add(line, p, 1) : add_format(line, "\\u%04x", c);
        if (!ok) return false;
    }
    return true;
}

static bool add_name(struct satd_line *line, const char *name)
{
    return (!line->any || add(line, ",", 1)) && add_format(line, "\"%s\":", name);
}

/* Keeps the member if all of it fitted, else takes back what did. */
static void settle(struct satd_line *line, size_t start, bool fitted)
{
    if (fitted)
        line->any = true;
    else
        line->len = start;
}

void satd_line_begin(struct satd_line *line)
{
    line->len = 0;
    line->any = false;
    (void)add(line, "{", 1);
}

void satd_line_text(struct satd_line *line, const char *name, const char *value)
{
    size_t start = line->len;
    settle(line, start, add_name(line, name) && add(line, "\"", 1) && add_escaped(line, value) && add(line, "\"", 1));
}

void satd_line_number(struct satd_line *line, const char *name, uint64_t value)
{
    size_t start = line->len;
    settle(line, start, add_name(line, name) && add_format(line, "%" PRIu64, value));
}

void satd_line_hex(struct satd_line *line, const char *name, struct sat_span bytes)
{
    size_t start = line->len;
    bool fits = add_name(line, name) && add(line, "\"", 1);
    for (size_t i = 0; fits && i < bytes.len; i++) fits = add_format(line, "%02x", bytes.at[i]);
    settle(line, start, fits && add(line, "\"", 1));
}

void satd_line_end(struct satd_line *line)
{
    memcpy(line->at + line->len, "}\n", TAIL);
    line->len += 2;
}
