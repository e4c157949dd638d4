/* Accounts that may be one and the same, as two people entered a customer without knowing of each other. Nothing is
 * decided here: it is a question to a person.
 *
 *   name    what is left of it without its spelling, the kind of company and the place (alike.def), unless two
 *           different places are named: 上海晨光食品有限公司 and 晨光食品(上海)
 *   phone   the digits
 *   place   less than 150 m from each other, and one name is in the other */
#ifndef CLIENT_BOOK_ALIKE_H
#define CLIENT_BOOK_ALIKE_H

#include <jansson.h>

#include "client/search/fold.h"

enum { CLIENT_ALIKE_NAME = 1, CLIENT_ALIKE_PHONE = 2, CLIENT_ALIKE_PLACE = 4, CLIENT_ALIKE_METRES = 150 };

/* The words of alike.def, folded. */
struct client_alike_words {
    struct client_folded *forms, *places;
};
void client_alike_words_init(struct client_alike_words *words, struct sat_arena *arena);
/* What tells a company's name from others', as UTF-8; "" where too little is left. *place: the one that it names, "".
 */
const char *client_alike_name(const struct client_alike_words *words, struct sat_arena *arena, const char *name,
                              const char **place);
/* The digits that tell a phone from others; "" where they are too few, or masked. */
const char *client_alike_phone(struct sat_arena *arena, const char *phone);

/* Of rows with id, name, phone, lat_e7, lon_e7 the pairs that are alike. The arena owns them. */
struct client_alike {
    size_t a, b; /* rows, a before b */
    int why;     /* CLIENT_ALIKE_, together */
};
size_t client_alike_pairs(struct sat_arena *arena, const json_t *rows, struct client_alike **out);

#endif
