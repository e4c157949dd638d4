/* A record's state, as it follows from the steps that are here and those of a transaction. */
#ifndef CLIENT_BOOK_STEP_H
#define CLIENT_BOOK_STEP_H

#include "client/duties.h"
#include "client/tx.h"

struct client_standing {
    const struct sat_type *type;
    const struct sat_machine *machine;
    struct sat_record_id record;
    struct sat_step_taken *steps; /* … and what each of them came to; the arena's */
    enum sat_step_standing *came_to;
    struct client_step_taken {
        uint32_t user;      /* who took it */
        uint64_t effective; /* when, as far as that can be believed (cells.h); 0: in this transaction */
    } * by;
    uint32_t steps_n;
    struct sat_state state;
    uint32_t duties;             /* of whoever calls */
    uint32_t asker;              /* who asked for the record (machines.def); 0: nobody */
    struct sat_record_view view; /* the record as it is here */
    int64_t sid;                 /* its space; 0: the transaction has not decided yet */
};

/* `tx` may be NULL: then what is here alone. The record is one that is here or that the transaction makes.
 * SAT_ERR_NOT_FOUND, SAT_ERR_INVALID (there are no states for the type). */
enum sat_err client_standing_get(struct satchel *satchel, struct satchel_tx *tx, const char *type, const char *id,
                                 struct sat_arena *arena, struct client_standing *out) SAT_MUST_CHECK;
/* satchel_step(), with the answers to what is asked before (gates.h; NULL: none). */
enum sat_err client_book_step(struct satchel_tx *tx, const char *type, const char *id, const char *to,
                              const char *reason, const char *answers, char id_out[SATCHEL_ID_SIZE]) SAT_MUST_CHECK;
/* Has the record a value in that field, here or by the transaction (NULL: none)? */
bool client_standing_says(const struct client_standing *standing, const struct satchel_tx *tx, const char *field);
/* The names of those states, `between` between them. The arena's. */
const char *client_states_told(const struct sat_machine *machine, uint32_t states, const char *between,
                               struct sat_arena *arena);

#endif
