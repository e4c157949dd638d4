/* A home's lease: kept in its store, renewed whenever the server is met, asked before anything is shown. */
#ifndef CLIENT_LEASEHOLD_H
#define CLIENT_LEASEHOLD_H

#include "client/lease.h"

struct satchel;

struct client_leasehold { /* part of the handle */
    bool loaded;
    bool due; /* what the store has is another one, as another boot or another meeting is to be counted from */
    struct client_lease lease;
    uint64_t written_ms; /* the elapsed time in the store */
};

/* Whoever shows what is stored asks first. SAT_ERR_LOCKED, with the sentence in the handle's fault: the lease has run
 * out. What is written then needs no look at what there is, and syncing renews the lease. */
enum sat_err client_lease_check(struct satchel *satchel) SAT_MUST_CHECK;
/* The same as a question. */
bool client_lease_has_lapsed(struct satchel *satchel);
/* The server was met, and signed its time. */
void client_lease_met(struct satchel *satchel, uint64_t server_ms);
/* The connection by which it was met still holds, and it has just said something. */
void client_lease_still_met(struct satchel *satchel);

/* How long this device may go without its server, by its person's role; 0: as long as it likes. */
uint32_t client_lease_days(const struct satchel *satchel);
/* What is left of it; 0: nothing. Meaningless without days. */
uint64_t client_lease_left_ms(struct satchel *satchel);
/* When the server was met last, by its own clock; 0: not known. */
uint64_t client_lease_renewed_ms(struct satchel *satchel);

#endif
