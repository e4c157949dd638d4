#include "client/search/fold.h"

/* ---- Characters ---- */

char32_t client_next_char(struct sat_span text, size_t *at)
{
    uint8_t first = text.at[(*at)++];
    if (first < 0x80) return first;
    size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    static const uint8_t mask[] = {0, 0x1f, 0x0f, 0x07};
    static const char32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (first < 0xc2 || first > 0xf4 || text.len - *at < more) return 0xfffd;
    char32_t c = first & mask[more];
    for (size_t i = 0; i < more; i++) {
        if ((text.at[*at + i] & 0xc0) != 0x80) return 0xfffd;
        c = c << 6 | (text.at[*at + i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0xfffd;
    *at += more;
    return c;
}

int client_char_bytes(char32_t c, char *out)
{
    int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | (uint8_t)(c >> 6 * more));
    for (int i = 1; i <= more; i++) out[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

/* ---- Folding ---- */

/* A Hangul syllable is its two or three parts, by Unicode's arithmetic (3.12). */
static size_t part(char32_t syllable, char32_t *to)
{
    enum { VOWELS = 21, TAILS = 28 };
    char32_t index = syllable - 0xac00, tail = index % TAILS;
    to[0] = 0x1100 + index / (VOWELS * TAILS);
    to[1] = 0x1161 + index / TAILS % VOWELS;
    to[2] = 0x11a7 + tail;
    return tail ? 3 : 2;
}

static size_t copy_longer(char32_t from, char32_t *to)
{
    size_t low = 0, high = client_fold_longer_n, n = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (client_fold_longer[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    for (const char32_t *at = client_fold_longer[low].to; *at; at++) to[n++] = *at;
    return n;
}

size_t client_fold(char32_t from, char32_t *to)
{
    to[0] = from;
    if (from < 0x80) {
        if (from >= 'A' && from <= 'Z') to[0] = from + ('a' - 'A');
        return 1;
    }
    if (from >= 0xac00 && from < 0xd7a4) return part(from, to);
    if (from >= 0xe0000 && from < 0xe1000) return 0; /* tags and variation selectors */
    size_t low = 0, high = client_fold_pairs_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (client_fold_pairs[2 * middle] < from)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == client_fold_pairs_n || client_fold_pairs[2 * low] != from) return 1;
    to[0] = client_fold_pairs[2 * low + 1];
    if (to[0] == CLIENT_FOLD_LONGER) return copy_longer(from, to);
    return to[0] != CLIENT_FOLD_DROPPED;
}

static bool is_dense(char32_t c)
{
    static const struct {
        char32_t first, last;
    } scripts[] = {
        {0x0e00, 0x0eff}, /* Thai, Lao */
        {0x1000, 0x109f}, /* Myanmar */
        {0x1100, 0x11ff}, /* Hangul's parts */
        {0x1780, 0x17ff}, /* Khmer */
        {0x2e80, 0x9fff}, /* radicals, kana, bopomofo, Han */
        {0xa960, 0xa97f}, /* Hangul's parts, the old ones */
        {0xd7b0, 0xd7ff}, {0xf900, 0xfaff}, {0x20000, 0x3ffff},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++)
        if (c >= scripts[i].first && c <= scripts[i].last) return true;
    return false;
}

enum client_letter client_letter(char32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? CLIENT_IN_WORD
                                                                                          : CLIENT_APART;
    if (c >= 0x4e00 && c < 0xa000) return CLIENT_DENSE;
    size_t low = 0, high = client_fold_apart_n; /* how many begin or end at it or before */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (client_fold_apart[middle] <= c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low % 2) return CLIENT_APART;
    return is_dense(c) ? CLIENT_DENSE : CLIENT_IN_WORD;
}

void client_fold_text(struct sat_arena *arena, struct sat_span text, struct client_folded *out)
{
    struct sat_buf chars, places;
    bool gap = false;
    sat_buf_init(&chars);
    sat_buf_init(&places);
    size_t n = 0, end = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t begin = (uint32_t)at;
        char32_t c = client_next_char(text, &at), to[CLIENT_FOLD_LENGTH_MAX];
        size_t length = client_fold(c, to);
        for (size_t i = 0; i < length; i++) {
            if (client_letter(to[i]) == CLIENT_APART) {
                gap = n > 0;
                continue;
            }
            static const char32_t space = ' ';
            if (gap) {
                sat_put_bytes(&chars, &space, sizeof space);
                sat_put_bytes(&places, &begin, sizeof begin);
                n++;
            }
            gap = false;
            sat_put_bytes(&chars, &to[i], sizeof to[i]);
            sat_put_bytes(&places, &begin, sizeof begin);
            n++;
            end = at;
        }
        if (length == 0 && !gap && n) end = at; /* an accent belongs to the letter before it */
    }
    uint32_t last = (uint32_t)end;
    sat_put_bytes(&places, &last, sizeof last);
    out->n = n;
    out->at = sat_arena_copy(arena, chars.at, n * sizeof(char32_t));
    out->from = sat_arena_copy(arena, places.at, (n + 1) * sizeof(uint32_t));
    sat_buf_wipe(&chars);
    sat_buf_wipe(&places);
}
