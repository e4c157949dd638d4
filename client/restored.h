/* A server that was put back from an older copy: what it waits for, and the admin's word that all is back. */
#ifndef CLIENT_RESTORED_H
#define CLIENT_RESTORED_H

#include "client/handle.h"

/* What a session has learnt: with how many links the server came back; 0: it does not wait. */
void client_restored_note(struct satchel *satchel, uint64_t from);
/* … as of the last sync. */
enum sat_err client_restored_waits(struct satchel *satchel, uint64_t *from) SAT_MUST_CHECK;
/* Confirms it with a link, if the server waits for that. SAT_ERR_DENIED: this is no admin's device. */
enum sat_err client_restored_confirm(struct satchel *satchel) SAT_MUST_CHECK;

#endif
