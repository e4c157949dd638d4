/* Folding: what a text is in the search index, so that every spelling of it finds every other. Simplified, traditional
 * and mixed Chinese, full and half width, upper and lower case, Latin with and without accents, compatibility forms.
 * It is an equivalence (two texts either fold to the same or they do not), knows no locale, and is never shown: the
 * table joins characters that are not the same in display (后 and 後). */
#ifndef CLIENT_SEARCH_FOLD_H
#define CLIENT_SEARCH_FOLD_H

#include <uchar.h>

#include "common/base/bytes.h"

/* ---- The tables, of fold_table.c ---- */
#define CLIENT_FOLD_DROPPED 0xfffe /* in the place of what a character becomes: nothing; several, see below */
#define CLIENT_FOLD_LONGER 0xffff
extern const char32_t client_fold_pairs[]; /* a character and what it becomes, ordered */
extern const size_t client_fold_pairs_n;
struct client_fold_longer {
    char32_t from;
    const char32_t *to;
};
extern const struct client_fold_longer client_fold_longer[];
extern const size_t client_fold_longer_n;
extern const char32_t client_fold_apart[]; /* where what is no letter begins and ends, in turn */
extern const size_t client_fold_apart_n;
extern const uint32_t client_fold_sum; /* another table has another one, and makes another index */

/* The most that one character becomes. */
#define CLIENT_FOLD_LENGTH_MAX 18

enum client_letter {
    CLIENT_APART, /* white space, punctuation, symbols: what is between words */
    CLIENT_IN_WORD,
    CLIENT_DENSE, /* of a script that is written without spaces: Han, kana, Hangul, Thai … */
};

/* What a character becomes; returns how many, at most CLIENT_FOLD_LENGTH_MAX; 0 for what is dropped. */
size_t client_fold(char32_t from, char32_t *to);
/* Of a character that is folded. */
enum client_letter client_letter(char32_t folded);

/* Folded text, character by character, with where it comes from. */
struct client_folded {
    size_t n;
    char32_t *at;
    uint32_t *from; /* the byte of the text at which what became this one begins; n + 1 of them, the last is its end */
};
/* Letters alone: what is apart becomes one space between them, and nothing at the ends. The arena owns what comes out.
 * Bytes that are no UTF-8 are apart. */
void client_fold_text(struct sat_arena *arena, struct sat_span text, struct client_folded *out);

/* The next character of a text; moves `at` behind it. 0xfffd for a byte that belongs to none. */
char32_t client_next_char(struct sat_span text, size_t *at);
/* A character as UTF-8: at most four bytes; returns how many. */
int client_char_bytes(char32_t c, char *out);

#endif
