/* What the book writes: ordinary puts, of fields as JSON. */
#ifndef CLIENT_BOOK_WRITING_H
#define CLIENT_BOOK_WRITING_H

#include <jansson.h>

#include "client/handle.h"

/* satchel_put(), of fields whose reference is taken. `out` may be NULL. */
enum sat_err client_book_put(struct satchel_tx *tx, const char *type, const char *id, json_t *fields,
                             char out[SATCHEL_ID_SIZE]) SAT_MUST_CHECK;
/* The same in that territory, whatever others have under its id elsewhere (client_tx_enter()). */
enum sat_err client_book_put_in(struct satchel_tx *tx, const char *territory, const char *type, const char *id,
                                json_t *fields) SAT_MUST_CHECK;
/* Commits, or rolls back what failed. */
enum sat_err client_book_end(struct satchel_tx *tx, enum sat_err err) SAT_MUST_CHECK;
/* What a person typed, or NULL: SAT_ERR_INVALID where it is no UTF-8, as of a terminal that is set otherwise. */
enum sat_err client_book_check_typed(struct satchel *satchel, const char *text) SAT_MUST_CHECK;
/* A member, where there is a text for it. */
void client_book_set(json_t *object, const char *name, const char *text);
/* Is anything said: neither nothing nor null, nor an empty text or list? */
bool client_book_says(const json_t *value);
/* The array or object in a text; an empty array where there is none. The caller's reference. */
json_t *client_book_list(const char *text);

#endif
