/* A transaction in the making: the edits so far, and where the records are that they touch or refer to. */
#ifndef CLIENT_TX_H
#define CLIENT_TX_H

#include "client/json.h"
#include "client/locate.h"
#include "common/vault/author.h"

/* A record as the transaction sees it: what is here, with the edits so far on top. */
struct client_known {
    struct sat_record_id record;
    int64_t only[2];                  /* looked for in these spaces alone (client_tx_enter()); 0 and 0: everywhere */
    struct client_place place;        /* sid 0: of a new record whose place is decided at the commit (settle.c) */
    uint32_t first, last;             /* the transaction's edits of it: steps, counted from 1; 0: none */
    uint32_t state_first, state_last; /* ... and those that are a state_event about it */
    bool used;                        /* of a slot */
    bool created;                     /* by this transaction */
    bool on_way;                      /* being settled ... */
    struct client_known *back;        /* ... for the sake of this one, which refers to it */
};

/* What is kept of each edit besides. */
struct client_step {
    uint32_t next;       /* the record's next edit, counted from 1; 0: none */
    uint32_t next_state; /* the next state_event about the same record, likewise */
    bool unsure;         /* refers to a record that was neither here nor in the transaction when it was made */
};

struct satchel_tx {
    struct satchel *satchel;
    struct sat_arena arena;    /* edits, cells, texts */
    struct sat_edit *edits;    /* one for each call that succeeded; sid 0 as above */
    struct client_step *steps; /* beside the edits */
    uint32_t n, cap;
    struct client_known *known; /* an open hash table */
    uint32_t known_n, known_cap;
    struct client_grants *grants; /* what one's roles are there for, once somebody asked; the arena's */
    struct client_copied *copied; /* what is to be recorded before it is written (copied.h) */
    const char *named;            /* the territory that was named last, ... */
    int64_t named_sid;            /* ... which is this one: names are looked up once */
};

/* The record's entry, looked up in the store the first time. Valid until a call for a record that is not in it. */
enum sat_err client_tx_known(struct satchel_tx *tx, const struct sat_record_id *record,
                             struct client_known **out) SAT_MUST_CHECK;
/* The same of one that was looked up before; NULL: it was not. */
const struct client_known *client_tx_find(const struct satchel_tx *tx, const struct sat_record_id *record);

/* From here on the transaction means the record as that territory has it, or none, whatever others have under its id:
 * an id that follows from something can be taken by anybody who knows what it follows from. What the transaction has
 * written of the record already stays where it is. */
enum sat_err client_tx_enter(struct satchel_tx *tx, const char *territory, const char *id) SAT_MUST_CHECK;
/* The same as it is beside another record, from which the id follows. *here: it is there. */
enum sat_err client_tx_enter_beside(struct satchel_tx *tx, const char *id, const char *other,
                                    bool *here) SAT_MUST_CHECK;
/* The record as it is stored where the transaction means it; an empty view: nothing of it is. */
enum sat_err client_tx_view(struct satchel_tx *tx, const struct client_known *known, struct sat_arena *arena,
                            struct sat_record_view *view) SAT_MUST_CHECK;

/* What to say when a record's place is decided (place.c). */
struct client_wish {
    const struct sat_type *type;
    const struct sat_record_id *record;
    const char *territory; /* NULL: not said */
    const struct client_fields *fields;
};
/* The space that a record goes to, rights checked: where it is; the territory that was named; the type's own home;
 * where a record that it refers to lives; the caller's only territory. *sid 0: that waits for the commit, as it refers
 * to a record that may be in the transaction later on. SAT_ERR_INVALID lists the territories that one could name.
 * SAT_ERR_DENIED. */
enum sat_err client_place_record(struct satchel_tx *tx, const struct client_wish *wish, int64_t *sid) SAT_MUST_CHECK;
/* The same before, where the record's id is made of its fields and something is here under it: what lies neither in the
 * territory that was named nor where such a record goes is another one's, and is not meant. */
enum sat_err client_place_keyed(struct satchel_tx *tx, const struct client_wish *wish) SAT_MUST_CHECK;
/* The caller's only territory. SAT_ERR_INVALID, SAT_ERR_DENIED. */
enum sat_err client_place_by_right(struct satchel_tx *tx, const struct sat_type *type, int64_t *sid) SAT_MUST_CHECK;

/* Goes over the references among cells for the place of the record that has them: the first in a territory, else the
 * first that is here. At the commit what is not here counts no more, nor does what is being settled already. */
struct client_beside {
    bool at_commit;
    int64_t sid;               /* 0: beside none */
    bool decided;              /* by a reference into a territory */
    struct client_known *open; /* comes first, and its place is to be decided before */
    bool missing;              /* the same of a record that is not here yet */
};
enum sat_err client_place_beside(struct satchel_tx *tx, const struct sat_cell *cells, uint32_t n,
                                 struct client_beside *beside) SAT_MUST_CHECK;

/* May this device write the record there? */
enum sat_err client_check_right(struct satchel *satchel, int64_t sid,
                                const struct sat_record_id *record) SAT_MUST_CHECK;
/* References to records that are here but of the wrong type are refused; to ones that are not here they wait: then
 * *unsure is set. All that are referred to are known afterwards. */
enum sat_err client_check_references(struct satchel_tx *tx, const struct sat_type *type, const struct sat_cell *cells,
                                     uint32_t n, bool *unsure) SAT_MUST_CHECK;

/* Before the commit: decides what waited for the whole transaction. On failure *culprit is the edit that it is about,
 * counted from 1. */
enum sat_err client_tx_settle(struct satchel_tx *tx, uint32_t *culprit) SAT_MUST_CHECK;

#endif
