/* Reading one copy of a record: an id may be in several territories. satchel_get() and satchel_history() are these
 * without a territory. */
#ifndef CLIENT_READ_H
#define CLIENT_READ_H

#include "client/include/satchel.h"

/* As satchel_get() and satchel_history(). `territory`: the name or id of the territory whose copy is meant, or "org";
 * NULL: the one that there is. invalid, naming the territories, where that is not one alone: what is archived does not
 * count beside what is not. not_found: also where that territory has none. */
int client_get(struct satchel *satchel, const char *type, const char *id, const char *territory, char **json);
int client_history(struct satchel *satchel, const char *type, const char *id, const char *territory, satchel_row_fn row,
                   void *context);

#endif
