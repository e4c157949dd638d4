/* A transaction in the making: the edits so far, and where the records are that they touch or refer to. */
#ifndef CLIENT_TX_H
#define CLIENT_TX_H

#include "client/json.h"
#include "client/locate.h"
#include "common/vault/author.h"

/* A record as the transaction sees it: what is here, with the edits so far on top. */
struct client_known {
    struct sat_record_id record;
    struct client_place place;
    bool used;    /* of a slot */
    bool edited;  /* by this transaction */
    bool created; /* by this transaction */
};

struct satchel_tx {
    struct satchel *satchel;
    struct sat_arena arena; /* edits, cells, texts */
    struct sat_edit *edits;
    uint32_t n, cap;
    struct client_known *known; /* an open hash table */
    uint32_t known_n, known_cap;
};

/* The record's entry, looked up in the store the first time. Valid until the next call. */
enum sat_err client_tx_known(struct satchel_tx *tx, const struct sat_record_id *record,
                             struct client_known **out) SAT_MUST_CHECK;

/* What to say when a record's place is decided (place.c). */
struct client_wish {
    const struct sat_type *type;
    const struct sat_record_id *record;
    const char *territory; /* NULL: not said */
    const struct client_fields *fields;
};
/* The space that a record goes to, rights checked: where it is; the territory that was named; the type's own home;
 * where a record that it refers to lives; the caller's only territory. SAT_ERR_INVALID lists the territories that
 * one could name. SAT_ERR_DENIED. */
enum sat_err client_place_record(struct satchel_tx *tx, const struct client_wish *wish, int64_t *sid) SAT_MUST_CHECK;
/* May this device write the record there? */
enum sat_err client_check_right(struct satchel *satchel, int64_t sid,
                                const struct sat_record_id *record) SAT_MUST_CHECK;
/* References to records that are here but of the wrong type are refused; to ones that are not here they wait. */
enum sat_err client_check_references(struct satchel_tx *tx, const struct sat_type *type,
                                     const struct client_fields *fields) SAT_MUST_CHECK;

#endif
