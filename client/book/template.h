/* Templates: what the organisation asks of a visit, as published and versioned records. A record keeps the version that
 * it was made with; what a newer one asks besides is told, and makes nothing invalid.
 *
 * Its body is {"title","items":[{"key","text","mandatory"}]}; the key is what answers the item: of a checklist that of
 * an answer, of a visit a field, `sections.KEY` or `ext.KEY`. Until the organisation has published one, those of
 * client/templates/ count, which are built into the library. */
#ifndef CLIENT_BOOK_TEMPLATE_H
#define CLIENT_BOOK_TEMPLATE_H

#include <jansson.h>

#include "client/handle.h"

#define CLIENT_TEMPLATE_VISIT "visit", "six_parts"
#define CLIENT_TEMPLATE_PREPARATION "checklist", "visit_preparation"

struct client_template {
    char id[SATCHEL_ID_SIZE]; /* "": the library's own */
    int64_t version;          /* 0: the same */
    char published_at[40];
    json_t *body; /* the holder's reference */
};

/* The newest version that was published and counts on that day. */
enum sat_err client_template_newest(struct satchel *satchel, const char *kind, const char *name, const char *day,
                                    struct client_template *out) SAT_MUST_CHECK;
/* That version, by its record's id; NULL: the library's own. One that is not here (yet) asks nothing. */
enum sat_err client_template_get(struct satchel *satchel, const char *kind, const char *name, const char *id,
                                 struct client_template *out) SAT_MUST_CHECK;
void client_template_drop(struct client_template *template);

/* The items, borrowed; and one of them by its key, NULL: there is none. */
const json_t *client_template_items(const struct client_template *template);
const json_t *client_template_item(const struct client_template *template, const char *key);
/* What of the fields of a record (or the answers of a checklist) answers the key; NULL: nothing does. */
const json_t *client_template_answer(const json_t *fields, const char *key);
/* The mandatory items that nothing answers: [{"key","text"}], the caller's reference. */
json_t *client_template_missing(const struct client_template *template, const json_t *fields);
/* How many of the mandatory items are answered, in basis points. */
int64_t client_template_readiness_bp(const struct client_template *template, const json_t *answers);

/* Those of client/templates/, by "KIND.NAME"; made by the Makefile, and ended by a NULL. */
struct client_template_text {
    const char *name, *text;
};
extern const struct client_template_text client_template_texts[];

#endif
