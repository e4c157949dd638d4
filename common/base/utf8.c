#include "common/base/utf8.h"

#include <stdio.h>
#include <string.h>

/* Decodes one code point; returns its length in bytes, 0 when it is not valid. */
static size_t decode(const uint8_t *at, size_t left, uint32_t *out)
{
    uint8_t first = at[0];
    size_t len = first < 0x80                    ? 1
                 : first >= 0xc2 && first < 0xe0 ? 2
                 : first >= 0xe0 && first < 0xf0 ? 3
                 : first >= 0xf0 && first < 0xf5 ? 4
                                                 : 0;
    if (len == 0 || len > left) return 0;
    uint32_t point = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
        point = point << 6 | (at[i] & 0x3f);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < smallest[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return 0;
    *out = point;
    return len;
}

bool sat_utf8_valid(struct sat_span text)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t point;
        size_t len = decode(text.at + i, text.len - i, &point);
        if (len == 0 || point == 0) return false;
        i += len;
    }
    return true;
}

void sat_utf8_mend(char *text)
{
    uint8_t *at = (uint8_t *)text;
    for (size_t left = strlen(text); left;) {
        uint32_t point;
        size_t len = decode(at, left, &point);
        if (len == 0) *at = '?';
        if (len == 0) len = 1;
        at += len;
        left -= len;
    }
}

static bool commands_a_terminal(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0x200e || point == 0x200f;
}

const char *sat_utf8_beginning(struct sat_arena *arena, const char *text, size_t characters_max)
{
    const char *shown = sat_utf8_shown(arena, text);
    size_t len = 0, characters = 0;
    for (; shown[len]; len++) {
        bool begins = ((uint8_t)shown[len] & 0xc0) != 0x80;
        if (begins && characters++ == characters_max) break;
    }
    return sat_arena_text(arena, shown, len);
}

const char *sat_utf8_shown(struct sat_arena *arena, const char *text)
{
    size_t left = strlen(text);
    struct sat_buf buf;
    sat_buf_init(&buf);
    for (const uint8_t *at = (const uint8_t *)text; left;) {
        uint32_t point = *at;
        size_t len = decode(at, left, &point);
        if (len == 0 || commands_a_terminal(point)) {
            char shown[16];
            int n = snprintf(shown, sizeof shown, "<U+%04X>", (unsigned)point);
            sat_put_bytes(&buf, shown, (size_t)n);
            if (len == 0) len = 1;
        } else {
            sat_put_bytes(&buf, at, len);
        }
        at += len;
        left -= len;
    }
    char *copy = sat_arena_text(arena, (const char *)buf.at, buf.len);
    sat_buf_deinit(&buf);
    return copy;
}
