/* What only the whole transaction can tell, whatever the order of its edits: where a new record goes that refers to one
 * that comes later, and whether that is of the right type. */
#include "client/tx.h"

static enum sat_err check_references(struct satchel_tx *tx, uint32_t *culprit)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < tx->n && !err; i++) {
        const struct sat_edit *edit = &tx->edits[i];
        bool unsure = false;
        if (!tx->steps[i].unsure) continue;
        err = client_check_references(tx, sat_type_by_number(edit->type), edit->cells, edit->cells_n, &unsure);
        if (err) *culprit = i + 1;
    }
    return err;
}

/* All that the transaction says of the record, in its order. */
static enum sat_err look_beside(struct satchel_tx *tx, const struct client_known *known, struct client_beside *beside)
{
    enum sat_err err = SAT_OK;
    for (uint32_t at = known->first; at && !err && !beside->decided && !beside->open; at = tx->steps[at - 1].next)
        err = client_place_beside(tx, tx->edits[at - 1].cells, tx->edits[at - 1].cells_n, beside);
    return err;
}

/* Decides the record's place, and before it those of the new records that it refers to, one after the other along the
 * way. A way that leads back to itself says nothing. The table of what is known stays as it is meanwhile: all that is
 * referred to is in it. */
static enum sat_err settle(struct satchel_tx *tx, struct client_known *known, uint32_t *culprit)
{
    known->on_way = true;
    while (known) {
        struct client_beside beside = {.at_commit = true};
        enum sat_err err = look_beside(tx, known, &beside);
        if (!err && beside.open) {
            beside.open->back = known;
            beside.open->on_way = true;
            known = beside.open;
            continue;
        }
        if (!err && !beside.sid) err = client_place_by_right(tx, sat_type_by_number(known->place.type), &beside.sid);
        if (!err) err = client_check_right(tx->satchel, beside.sid, &known->record);
        if (err) *culprit = known->first;
        if (err) return err;
        known->place.sid = beside.sid;
        known->on_way = false;
        known = known->back;
    }
    return SAT_OK;
}

enum sat_err client_tx_settle(struct satchel_tx *tx, uint32_t *culprit)
{
    enum sat_err err = check_references(tx, culprit);
    for (uint32_t i = 0; i < tx->n && !err; i++) {
        struct client_known *known;
        if (tx->edits[i].sid) continue;
        err = client_tx_known(tx, &tx->edits[i].record, &known);
        if (!err && known->place.sid == 0) err = settle(tx, known, culprit);
        if (!err) tx->edits[i].sid = known->place.sid;
    }
    return err;
}
