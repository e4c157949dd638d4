/* Finding: a question in a person's words, and the records that have all of them, the likeliest first: those that are
 * called so, whose name begins so, in whose name it is, in which it is; among these the newest first.
 *
 * A question is words, and runs of Chinese, between spaces or anything else that is no letter or digit; a record is
 * found that has each of them in some searched field: a word at the beginning of a word, a run anywhere. Nothing in a
 * question is an operator. */
#ifndef CLIENT_SEARCH_FIND_H
#define CLIENT_SEARCH_FIND_H

#include "client/search/row.h"

enum {
    CLIENT_QUESTION_BYTES_MAX = 1000,
    CLIENT_QUESTION_WORDS_MAX = 32,
    CLIENT_HITS_MAX = 1000,
    /* Rows that are looked at for one question in each of its passes, or twice as many as are wanted where that is
     * more: of a word that nearly every record has, the likeliest are sought among the newest so many. */
    CLIENT_LOOKED_AT_MAX = 512,
};

enum client_rank { CLIENT_CALLED_SO, CLIENT_BEGINS_SO, CLIENT_IN_NAME, CLIENT_IN_TEXT };

struct client_hit {
    const struct sat_type *type;
    int64_t row;
    uint64_t at_ms;
    enum client_rank rank;
    const char *id, *territory, *name; /* name: "" where it has none */
    const struct sat_field *field;     /* where it was found */
    const char *excerpt;               /* what stands there, as it was written; a line at most */
    const char *match;                 /* the part of it that was asked for */
};

struct client_hits {
    struct client_hit *at;
    size_t n;
    bool more; /* there are more */
};

/* The arena owns what comes out. `type` NULL: of all types. SAT_ERR_INVALID: nothing is asked, or too much. */
enum sat_err client_find(sqlite3 *db, struct sat_span question, const struct sat_type *type, size_t hits_max,
                         struct sat_arena *arena, struct client_hits *out, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
