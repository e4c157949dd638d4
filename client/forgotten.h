/* A record that was deleted and, once everybody had seen that, forgotten (sync/collect.h): it is nowhere, but whoever
 * was there keeps its changes for a while, and can bring it back. */
#ifndef CLIENT_FORGOTTEN_H
#define CLIENT_FORGOTTEN_H

#include "client/handle.h"
#include "common/vault/record.h"

/* The space in which it was forgotten, of these two where there are any (`only` NULL: of all); *sid 0: in none. */
enum sat_err client_forgotten_find(struct satchel *satchel, const struct sat_record_id *record, const int64_t only[2],
                                   struct sat_arena *arena, int64_t *sid) SAT_MUST_CHECK;
/* What it showed when it was deleted, as far as this device still has that; out->merged.exists is false when nothing
 * is left of it. */
enum sat_err client_forgotten_load(struct satchel *satchel, int64_t sid, const struct sat_record_id *record,
                                   struct sat_arena *arena, struct sat_record_view *out) SAT_MUST_CHECK;

#endif
