/* Which records are in conflict. The list is kept with the mark of the logs that it was made from, so that
 * counting conflicts costs nothing after a sync that brought nothing, and a full look is taken only when nobody
 * knows (a crash between the engine's commit and the list's). */
#ifndef CLIENT_CONFLICTS_H
#define CLIENT_CONFLICTS_H

#include "client/handle.h"

/* Looks at one record after it changed, and takes it in or out of the list. `tell`: *type (0: nothing readable)
 * and *conflict are wanted whatever it costs; else a record that cannot be in conflict is not even opened, and nothing
 * at all is read where `alone` says that it has one change and no own work beside it. */
enum sat_err client_conflicts_look(struct satchel *satchel, int64_t sid, const struct sat_record_id *record, bool tell,
                                   bool alone, uint16_t *type, bool *conflict) SAT_MUST_CHECK;
/* Writes the list; in the caller's transaction if one is open. */
enum sat_err client_conflicts_save(struct satchel *satchel) SAT_MUST_CHECK;
/* How many records are in conflict. */
enum sat_err client_conflicts_count(struct satchel *satchel, uint32_t *n) SAT_MUST_CHECK;
/* The list, loaded or made. */
enum sat_err client_conflicts_known(struct satchel *satchel) SAT_MUST_CHECK;
void client_conflicts_free(struct client_conflicts *conflicts);

#endif
