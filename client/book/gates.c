#include "client/book/gates.h"

#include <string.h>

#include "client/book/approval.h"
#include "client/book/money.h"

/* The order as it is here: what this transaction says of it nobody could have looked at. */
static enum sat_err load_order(struct satchel_tx *tx, const char *id, struct sat_arena *arena, struct client_order *out)
{
    enum sat_err err = client_order_load(tx->satchel, id, arena, out);
    if (err != SAT_ERR_NOT_FOUND) return err;
    return sat_fail(&tx->satchel->fault, SAT_ERR_INVALID,
                    "order %s is made by this transaction: commit it before it goes on", id);
}

enum sat_err client_gate_open(struct satchel_tx *tx, const struct client_standing *standing, uint8_t to, bool again,
                              const char *answers, struct sat_arena *arena, struct client_gate *out)
{
    const char *type = standing->type->name, *state = standing->machine->states[to];
    char id[SAT_UUID_TEXT_SIZE];
    enum sat_err err = SAT_OK;
    *out = (struct client_gate){0};
    sat_uuid_format(standing->record.b, id);
    if (strcmp(type, "order") == 0) {
        out->reviews = strcmp(state, "reviewed") == 0 && (!again || answers);
        out->delivers = strcmp(state, "delivered") == 0;
    }
    if (strcmp(type, "approval") == 0 && !again) {
        if (strcmp(state, "approved") == 0) out->decision = "yes";
        if (strcmp(state, "rejected") == 0) out->decision = "no";
    }
    if (out->reviews || out->delivers) err = load_order(tx, id, arena, &out->order);
    if (!err && out->reviews) err = client_review_check(tx->satchel, &out->order, answers, arena, &out->review);
    if (!err && out->decision && *out->decision == 'y') err = client_approval_check(tx->satchel, id, arena);
    return err;
}

enum sat_err client_gate_pass(struct satchel_tx *tx, const struct client_standing *standing,
                              const struct client_gate *gate, struct sat_arena *arena)
{
    char id[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(standing->record.b, id);
    if (gate->reviews) return client_review_put(tx, &gate->order, &gate->review);
    if (gate->delivers) return client_receivable_of(tx, &gate->order, arena);
    return gate->decision ? client_approval_note(tx, id, standing->duties, gate->decision) : SAT_OK;
}

void client_gate_drop(struct client_gate *gate)
{
    client_order_free(&gate->order);
    client_review_drop(&gate->review);
}
