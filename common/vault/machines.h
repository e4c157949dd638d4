/* State machines as data (machines.def), and what state follows from steps that came in any order.
 *
 * A step is a record of its own (`state_event`): which state it leads to, and after which steps, as its author saw
 * them. Its id is made of just that, so that the same step taken twice is one. So the steps of a record are a graph,
 * and what its state is depends on the set of them alone: the steps that nobody stands on decide, each of which leads
 * to a state. One state overtakes another one, or they are disputed. */
#ifndef SAT_VAULT_MACHINES_H
#define SAT_VAULT_MACHINES_H

#include "common/vault/types.h"

/* What somebody is charged with: bits. Who writes as what comes from roles (proof/link.h) and from the business roles
 * that the organisation gives (`user.roles`). */
enum sat_duty {
    SAT_DUTY_SELLER = 1,
    SAT_DUTY_MANAGER = 2,
    SAT_DUTY_ASSISTANT = 4,
    SAT_DUTY_SUPPLY = 8,
    SAT_DUTY_FINANCE = 16,
    SAT_DUTY_ANYONE = 31,
    SAT_DUTY_ASKER = 32, /* no role's: of one record, who asked for it */
};

enum sat_move_kind { SAT_MOVE_ON, SAT_MOVE_BACK, SAT_MOVE_END, SAT_MOVE_AGAIN };

struct sat_state_move {
    uint8_t from, to; /* states */
    enum sat_move_kind kind;
    uint32_t duties; /* one of which is needed */
};

enum { SAT_STATES_MAX = 16, SAT_NO_STATE = 0xff };

struct sat_machine {
    const char *type, *field;
    const char *const *states; /* states[0] is where it starts */
    uint8_t states_n;
    uint32_t settlers; /* duties, one of which is needed to settle a dispute or to set any state */
};

/* The machine of a field; NULL: it has none. */
const struct sat_machine *sat_machine_of(const struct sat_type *type, const struct sat_field *field);
/* The machine of a type; NULL: it has none. */
const struct sat_machine *sat_machine_by_type(const char *type);
uint32_t sat_machines_count(void);
const struct sat_machine *sat_machine_at(uint32_t index);
/* Do steps alone say where a record stands, and what its own field says counts for nothing? */
bool sat_machine_decided(const struct sat_machine *machine);
/* The field whose author is who asked for the record (SAT_DUTY_ASKER); NULL: nobody is. */
const char *sat_machine_asked(const struct sat_machine *machine);
/* SAT_NO_STATE: a later version's, or none. */
uint8_t sat_machine_state(const struct sat_machine *machine, struct sat_span name);
/* The legal move between two states; NULL: there is none. */
const struct sat_state_move *sat_machine_move(const struct sat_machine *machine, uint8_t from, uint8_t to);
/* A field that a record has a value in before a person takes a step to that state; NULL: no more than `index` of them.
 */
const char *sat_machine_need(const struct sat_machine *machine, uint8_t to, uint32_t index);
/* Of two states that came about side by side: does a stand, and b not? */
bool sat_machine_overtakes(const struct sat_machine *machine, uint8_t a, uint8_t b);
/* Could who has these duties bring a record there by moves of his own, or by settling? Where it starts anybody could.
 */
bool sat_machine_has_way(const struct sat_machine *machine, uint8_t to, uint32_t duties);
/* Of the states (bits) that came about side by side those that no other one overtakes. */
uint32_t sat_machine_standing(const struct sat_machine *machine, uint32_t states);
/* The duties whose amendment of a field counts, one of which is needed. */
uint32_t sat_field_amenders(const struct sat_field *field);
/* The duties that come with a role alone. */
uint32_t sat_duties_of_role(uint8_t role);

/* ---- What follows from steps ---- */

struct sat_step_taken {
    struct sat_record_id id;
    const struct sat_record_id *after; /* the last steps that its author saw; none: where the record began */
    uint32_t after_n;
    uint8_t to;      /* SAT_NO_STATE: this version does not know it */
    uint32_t duties; /* of who took it */
};

enum sat_step_standing {
    SAT_STEP_COUNTS,
    SAT_STEP_LAST,    /* it counts, and no step that counts stands on it */
    SAT_STEP_WAITS,   /* for a step that it stands on and that is not here */
    SAT_STEP_ILLEGAL, /* there is no such move, or it stands on one that is illegal */
    SAT_STEP_ASKS,    /* somebody else's move: a proposal */
};

struct sat_state {
    uint8_t state;      /* the one shown */
    bool disputed;      /* … among several: it counts nowhere */
    uint32_t among;     /* bits: those that stand, one unless it is disputed */
    uint32_t overtaken; /* bits: those that came about beside them and do not stand */
    uint32_t waiting;   /* steps that do not count, for whatever reason */
};

/* What the record itself says, as bits: no steps are needed for it. */
struct sat_began {
    uint32_t start;  /* where its steps begin, several where that is disputed; none, or where steps alone decide: the
                        machine's first state */
    uint32_t beside; /* what stands beside them in any case */
};

/* The order of the steps says nothing. `standing` (may be NULL) has room for n. A step that is there twice counts once.
 */
void sat_machine_derive(const struct sat_machine *machine, const struct sat_began *began,
                        const struct sat_step_taken *steps, uint32_t n, enum sat_step_standing *standing,
                        struct sat_state *out);

#endif
