#include "client/search/terms.h"

#include <string.h>

bool client_next_part(const struct client_folded *text, size_t *at, struct client_part *out)
{
    size_t i = *at;
    while (i < text->n && text->at[i] == ' ') i++;
    if (i == text->n) return false;
    enum client_letter letter = client_letter(text->at[i]);
    *out = (struct client_part){.begin = i, .dense = letter == CLIENT_DENSE};
    while (i < text->n && text->at[i] != ' ' && client_letter(text->at[i]) == letter) i++;
    *at = out->end = i;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

int client_give_term(const struct client_folded *text, size_t begin, size_t end, int mark, client_term_fn *give,
                     void *context)
{
    char term[1 + 4 * CLIENT_TERM_WORD_MAX];
    int len = 0;
    if (mark) term[len++] = (char)mark;
    end = least(end, begin + CLIENT_TERM_WORD_MAX);
    for (size_t i = begin; i < end; i++) len += client_char_bytes(text->at[i], term + len);
    return give(context, term, len);
}

int client_each_term(const struct client_folded *text, int mark, client_term_fn *give, void *context)
{
    struct client_part part;
    int code = 0;
    for (size_t at = 0; !code && client_next_part(text, &at, &part);) {
        if (!part.dense) code = client_give_term(text, part.begin, part.end, mark, give, context);
        for (size_t i = part.begin; part.dense && i < part.end && !code; i++)
            code = client_give_term(text, i, least(part.end, i + 2), mark, give, context);
    }
    return code;
}

int client_begin_term(const struct client_folded *name, client_term_fn *give, void *context)
{
    if (name->n == 0) return 0;
    return client_give_term(name, 0, least(name->n, CLIENT_TERM_NAME_MAX), CLIENT_TERM_BEGINS, give, context);
}

int client_type_term(const char *type, client_term_fn *give, void *context)
{
    char term[64] = {CLIENT_TERM_TYPE};
    size_t len = least(strlen(type), sizeof term - 1);
    memcpy(term + 1, type, len);
    return give(context, term, (int)len + 1);
}

bool client_contains(const struct client_folded *text, const struct client_folded *question,
                     const struct client_part *part, size_t *where)
{
    size_t n = part->end - part->begin;
    for (size_t i = 0; i + n <= text->n; i++) {
        if (text->at[i] != question->at[part->begin]) continue;
        if (memcmp(text->at + i, question->at + part->begin, n * sizeof text->at[0]) != 0) continue;
        if (!part->dense && i > 0 && client_letter(text->at[i - 1]) == CLIENT_IN_WORD) continue;
        *where = i;
        return true;
    }
    return false;
}
