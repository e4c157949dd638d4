/* Orders: what one holds, as it counts, and what is to be said of it. An order is a record `order` with its lines; once
 * submitted it is amended, and the view's columns have what was said last. */
#ifndef CLIENT_BOOK_ORDER_H
#define CLIENT_BOOK_ORDER_H

#include "client/book/price.h"
#include "client/book/step.h"

struct client_order_line {
    const json_t *row;
    const char *sku, *product;
    int64_t qty, unit_price, discount_bp;
    bool whole; /* both quantity and price are known */
    bool amended;
    bool fits; /* then its amount is one */
    int64_t amount;
};

struct client_order {
    char id[SATCHEL_ID_SIZE];
    const char *territory;   /* where it is, as it is named here: what counts for it lies there, too. The arena's */
    json_t *row, *line_rows; /* the order's references: client_order_free() */
    const char *account, *currency, *list, *day, *submitted_at;
    struct client_order_line *lines; /* the arena's, by sku */
    size_t lines_n;
    bool amended, has_total;
    int64_t total;       /* of the lines as they count */
    int64_t discount_bp; /* the highest of its lines */
    char hash[65];       /* of what the customer would get, and for what: content_hash of an approval */
    struct client_standing standing;
    uint32_t user;                           /* who submitted it, else began it: by author, whatever a field says */
    uint8_t role;                            /* … and in which role then */
    char submitted_on[CLIENT_BOOK_DAY_SIZE]; /* the day there, as far as that can be believed; "": not submitted */
};

/* SAT_ERR_NOT_FOUND. The arena outlives *out; client_order_free() whatever is returned. */
enum sat_err client_order_load(struct satchel *satchel, const char *id, struct sat_arena *arena,
                               struct client_order *out) SAT_MUST_CHECK;
void client_order_free(struct client_order *order);
/* The state by name. */
const char *client_order_state(const struct client_order *order);
/* What it is called: its number, else the beginning of its id. The arena's. */
const char *client_order_called(const json_t *row, struct sat_arena *arena);

/* All about it as one object, a new reference (satchel_order_show()). */
enum sat_err client_order_tell(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                               json_t **out) SAT_MUST_CHECK;

/* ---- Beside others ---- */

/* What orders have in common, read once for all that will be asked about: where one member's orders are many and alike,
 * each with each would be too much. */
struct client_order_beside {
    json_t *numbers; /* {number: [ids]}, of those that several have */
    json_t *days;    /* {account: {day: …}}: what will be asked */
    json_t *baskets; /* {account: {what it buys and when: [rows]}}, as far as it was */
    bool many;
    struct client_credit *credit; /* of the accounts (credit.h), as soon as it is asked for */
};
/* Of all these orders, an array of ids; of one, whose day it is (NULL: none), and its number (NULL: that is not asked).
 * client_order_beside_free() whatever is returned. */
enum sat_err client_order_beside_many(struct satchel *satchel, const json_t *ids,
                                      struct client_order_beside *out) SAT_MUST_CHECK;
enum sat_err client_order_beside_one(struct satchel *satchel, const char *account, const char *day, const char *number,
                                     struct client_order_beside *out) SAT_MUST_CHECK;
void client_order_beside_free(struct client_order_beside *beside);

enum { CLIENT_ORDER_TOLD = 5 }; /* of those that have the same; that there are more is said */
/* Other orders of the account, not cancelled, of the day, the day before or the one after, that have just these
 * products and quantities: rows of id, no_local, ordered_on; a new reference. */
struct client_order_twin_of {
    const char *account, *day;
    const char *but;     /* is left out; NULL: none */
    const json_t *lines; /* rows of product and qty */
};
enum sat_err client_order_twins(struct satchel *satchel, struct client_order_beside *beside,
                                const struct client_order_twin_of *of, struct sat_arena *arena, json_t **out,
                                bool *more) SAT_MUST_CHECK;
/* What is to be looked at: {"flag","text"} each, appended to `flags`. */
enum sat_err client_order_flags(struct satchel *satchel, const struct client_order *order,
                                struct client_order_beside *beside, struct sat_arena *arena,
                                json_t *flags) SAT_MUST_CHECK;

/* ---- Numbers ---- */

/* The next local number of this device, "R017B-260302-004", whose day it is, and its count; client_order_counted()
 * keeps the count, once the order is stored. */
enum sat_err client_order_number(struct satchel *satchel, const char *day, struct sat_arena *arena, const char **number,
                                 uint64_t *count) SAT_MUST_CHECK;
enum sat_err client_order_counted(struct satchel *satchel, uint64_t count) SAT_MUST_CHECK;

#endif
