/* UTF-8: what is stored is valid; what is shown on a terminal cannot command it. */
#ifndef SAT_BASE_UTF8_H
#define SAT_BASE_UTF8_H

#include "common/base/bytes.h"

/* Shortest form, no surrogates, at most U+10FFFF (RFC 3629), and no NUL. */
bool sat_utf8_valid(struct sat_span text);
/* Replaces every byte that belongs to no valid code point by '?', in place: a sentence that was cut somewhere. */
void sat_utf8_mend(char *text);
/* A copy in which control characters (C0, DEL, C1) and bidirectional overrides are written as U+XXXX in angle
 * brackets, so that a name cannot move the cursor. The arena owns it. */
const char *sat_utf8_shown(struct sat_arena *arena, const char *text);
/* The same, and no more than so many characters of it: "%.40s" cuts one of several bytes in two, and what is left is no
 * text any more, which JSON does not take. */
const char *sat_utf8_beginning(struct sat_arena *arena, const char *text, size_t characters_max);

#endif
