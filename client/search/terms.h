/* Terms: what of a folded text is in the index, and what of a question is asked of it.
 *
 *   a word             the word; a question's word finds those that begin with it
 *   a run of 关系好    关系 系好 好: each character with the next one. A question of one character finds the terms that
 *                      begin with it, one of several the terms that they make
 *   in a name          the same once more, marked; and the name from its beginning, marked otherwise
 *   a record's type    marked, too
 *
 * Terms say where it is worth looking; whether a text has what is asked for, client_contains() says. */
#ifndef CLIENT_SEARCH_TERMS_H
#define CLIENT_SEARCH_TERMS_H

#include "client/search/fold.h"

/* Raised when a text gives other terms than before, or the index is made otherwise, so that an index that lies on a
 * disk is made anew. */
#define CLIENT_TERMS_VERSION 2

/* The first byte of a term that is marked. */
#define CLIENT_TERM_BEGINS 0x01 /* a name, as far as CLIENT_TERM_NAME_MAX */
#define CLIENT_TERM_IN_NAME 0x02
#define CLIENT_TERM_TYPE 0x03

#define CLIENT_TERM_NAME_MAX 24 /* characters */
#define CLIENT_TERM_WORD_MAX 48

/* A part of a folded text: a word, or a run of a script without spaces. */
struct client_part {
    size_t begin, end;
    bool dense;
};
/* The next part that begins at `at` or behind it; moves `at` behind it. False: there is none. */
bool client_next_part(const struct client_folded *text, size_t *at, struct client_part *out);

/* Gives each term, as bytes that are borrowed for the call; what it returns, if not 0, ends it and is returned. */
typedef int client_term_fn(void *context, const char *term, int len);
/* Characters from `begin` to `end`, CLIENT_TERM_WORD_MAX of them at most, behind the mark; 0: none. */
int client_give_term(const struct client_folded *text, size_t begin, size_t end, int mark, client_term_fn *give,
                     void *context);
int client_each_term(const struct client_folded *text, int mark, client_term_fn *give, void *context);
/* The term of a name's beginning; of a question's, too. */
int client_begin_term(const struct client_folded *name, client_term_fn *give, void *context);
int client_type_term(const char *type, client_term_fn *give, void *context);

/* Whether, and where first, a text has a part of a question. */
bool client_contains(const struct client_folded *text, const struct client_folded *question,
                     const struct client_part *part, size_t *where);

#endif
