/* A question to the server: what admins and managers are shown of devices and of the escrow; with the news besides. */
#ifndef CLIENT_QUESTION_H
#define CLIENT_QUESTION_H

#include "client/session.h"

struct client_question {
    void *context;
    /* As the replica's hooks: given pages of what they asked for. NULL: not asked. */
    enum sat_err (*devices)(void *context, const struct sat_device_item *items, uint32_t n, bool more);
    enum sat_err (*escrow)(void *context, const struct sat_escrow_item *items, uint32_t n, bool more);
    uint64_t escrow_after; /* only what has a higher number */
    uint32_t timeout_ms;
    bool connected; /* out: the server was met, failed or not */
};
/* Asks within a sync. Its failures come back. */
enum sat_err client_question_run(struct satchel *satchel, struct client_question *question) SAT_MUST_CHECK;

#endif
