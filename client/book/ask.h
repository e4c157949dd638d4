/* What every part of the book begins with: rows of the view, who is asking, what day it is, which record is meant, and
 * money beside its currency. */
#ifndef CLIENT_BOOK_ASK_H
#define CLIENT_BOOK_ASK_H

#include <jansson.h>

#include "client/calendar.h"
#include "client/duties.h"

/* ---- Rows ---- */

/* The rows of one statement over the view (client_view_rows()): `values` are its parameters ?1, ?2 …, text or NULL. An
 * array of objects, the caller's reference; NULL on failure. A column that is compared with a number is compared so
 * where it is a column of integers; else write CAST(?1 AS INTEGER). It does not see what an open transaction holds. */
enum sat_err client_book_ask(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                             json_t **rows) SAT_MUST_CHECK;
/* Its first row; NULL where there is none. */
enum sat_err client_book_ask_one(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                                 json_t **row) SAT_MUST_CHECK;
/* A row's text and integer; NULL, or `absent`, where it is null or another kind. Borrowed from the row. */
const char *client_book_text(const json_t *row, const char *column);
int64_t client_book_integer(const json_t *row, const char *column, int64_t absent);
/* {text of that column: its first row}, a new reference: what is looked up is not gone over for each. */
json_t *client_book_index(const json_t *rows, const char *column);

/* ---- Who, and when ---- */

struct client_book_self {
    uint32_t user;            /* by number */
    char id[SATCHEL_ID_SIZE]; /* of the person's record */
    uint8_t role;             /* proof/link.h */
    uint32_t duties;          /* by role and business roles */
};
enum sat_err client_book_self(struct satchel *satchel, struct client_book_self *out) SAT_MUST_CHECK;

enum { CLIENT_BOOK_DAY_SIZE = 11 };
/* The day here, where the person is, and the instant with this place's offset: of client_now_ms(). */
void client_book_today(char out[CLIENT_BOOK_DAY_SIZE]);
void client_book_now(char out[CLIENT_TIME_TEXT_SIZE]);
/* The day on which a cell was written, as far as its author's clock can be believed (vault/cells.h): where he was, if
 * the cell is a time with its offset, else here. */
void client_day_believed(const struct sat_merged *cell, char out[CLIENT_BOOK_DAY_SIZE]);
/* The same for another instant. */
void client_book_day_of(uint64_t ms, char out[CLIENT_BOOK_DAY_SIZE]);
void client_book_time_of(uint64_t ms, char out[CLIENT_TIME_TEXT_SIZE]);

/* ---- Which record ---- */

/* A record of `type` as a person names it: its id; six or more hexadecimal digits that only its id begins with; or what
 * it is called (a field that is found as a NAME, or `sku`, `code`, `number`…), exactly, else whatever the case; of
 * a customer, a person there, a lead, an opportunity or a task also a part of that, of two characters or more. An id is
 * taken as it is, as the record may be one of the open transaction. SAT_ERR_NOT_FOUND; SAT_ERR_INVALID, and the
 * message lists those that it may mean. */
enum sat_err client_book_find(struct satchel *satchel, const char *type, const char *named,
                              char out[SATCHEL_ID_SIZE]) SAT_MUST_CHECK;

/* ---- Money ---- */

/* An amount in minor units with its currency. Amounts of different currencies are never added. */
struct client_money {
    bool there;
    int64_t minor;
    char currency[16]; /* "": not known */
};
/* Of a row, from two columns. */
struct client_money client_book_money(const json_t *row, const char *amount, const char *currency);
/* *sum begins as zeroes, and what is not there adds nothing. SAT_ERR_INVALID: two currencies, or it does not fit. */
enum sat_err client_book_money_add(struct satchel *satchel, struct client_money *sum,
                                   const struct client_money *more) SAT_MUST_CHECK;

#endif
