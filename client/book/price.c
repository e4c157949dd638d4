#include "client/book/price.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/utf8.h"

enum { TOLD_BYTES = 300 }; /* of the lists that there are, in a sentence */

#define LIST_COLUMNS                                                                                                   \
    "l.id AS id, l.code AS code, l.name AS name, l.currency AS currency, l.version AS version,"                        \
    " l.valid_from AS valid_from, l.valid_to AS valid_to"
#define VALID_ON(DAY)                                                                                                  \
    "(l.valid_from IS NULL OR l.valid_from <= " DAY ") AND (l.valid_to IS NULL OR l.valid_to >= " DAY ")"
#define NEWEST_FIRST "COALESCE(l.version, 0) DESC, COALESCE(l.valid_from, '') DESC, l.id DESC"

const char *client_list_told(const json_t *list, struct sat_arena *arena)
{
    const char *code = client_book_text(list, "code"), *name = client_book_text(list, "name");
    const char *shown = sat_utf8_beginning(arena, code ? code : name ? name : client_book_text(list, "id"), 60);
    int64_t version = client_book_integer(list, "version", 0);
    return version ? sat_arena_format(arena, "%s v%" PRId64, shown, version) : shown;
}

/* "WHOLESALE v12 (valid from 2026-01-01 to 2026-05-31)" */
static const char *told_with_days(const json_t *list, struct sat_arena *arena)
{
    const char *from = client_book_text(list, "valid_from"), *to = client_book_text(list, "valid_to");
    return sat_arena_format(arena, "%s (valid %s%s%s%s)", client_list_told(list, arena), from ? "from " : "",
                            from ? from : "at any time", to ? " to " : "", to ? to : "");
}

/* What the rows have in a column, each once, with commas. */
static const char *list_column(const json_t *rows, const char *column, struct sat_arena *arena)
{
    const char *told = "";
    size_t index;
    json_t *row, *seen = json_object();
    json_array_foreach((json_t *)rows, index, row)
    {
        const char *text = client_book_text(row, column);
        if (!text || json_object_get(seen, text)) continue;
        (void)json_object_set_new(seen, text, json_true());
        told = sat_arena_format(arena, "%s%s%s", told, *told ? ", " : "", sat_utf8_beginning(arena, text, 40));
        if (strlen(told) > TOLD_BYTES) break; /* more is not told */
    }
    json_decref(seen);
    return told;
}

/* ---- Choosing ---- */

/* What kept every list from being the one. */
static enum sat_err refuse(struct satchel *satchel, const struct client_list_wish *wish, struct sat_arena *arena)
{
    static const char all[] = "SELECT " LIST_COLUMNS " FROM price_list AS l WHERE ?1 IS NULL OR l.code = ?1 OR l.name ="
                              " ?1 OR l.id = ?1 ORDER BY " NEWEST_FIRST;
    json_t *rows;
    const char *named = wish->named ? sat_utf8_shown(arena, wish->named) : NULL;
    enum sat_err err = client_book_ask(satchel, all, &wish->named, 1, &rows);
    if (err) return err;
    size_t index;
    json_t *row, *newest = NULL;
    json_array_foreach(rows, index, row)
    {
        const char *currency = client_book_text(row, "currency");
        if (!newest && (!wish->currency || (currency && strcmp(currency, wish->currency) == 0))) newest = row;
    }
    if (!json_array_size(rows))
        err = named ? sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no price list \"%.60s\" here", named)
                    : sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no price list here: sync first");
    else if (!newest)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID,
                       "an order has the currency of its price list: %s is in %s, not in %.16s (price_list %s)",
                       named ? client_list_told(json_array_get(rows, 0), arena) : "each list that is here",
                       list_column(rows, "currency", arena), sat_utf8_shown(arena, wish->currency),
                       client_book_text(json_array_get(rows, 0), "id"));
    else
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID,
                       "no price list%s%s is valid on %s: the newest that is here is %s (price_list %s) (rule: a price "
                       "list is valid on the day)",
                       named ? " " : "", named ? named : "", wish->day, told_with_days(newest, arena),
                       client_book_text(newest, "id"));
    json_decref(rows);
    return err;
}

/* Of the lists of several codes that of the account's last order. */
static enum sat_err choose_by_account(struct satchel *satchel, const struct client_list_wish *wish, const json_t *rows,
                                      struct sat_arena *arena, json_t **list)
{
    static const char last[] =
        "SELECT COALESCE(l.code, l.id) AS code FROM \"order\" AS o JOIN price_list AS l ON l.id ="
        " o.price_list WHERE o.account = ?1 ORDER BY o.ordered_on DESC, o.id DESC LIMIT 1";
    json_t *row;
    enum sat_err err = client_book_ask_one(satchel, last, &wish->account, 1, &row);
    const char *code = client_book_text(row, "code");
    size_t index;
    json_t *one;
    json_array_foreach((json_t *)rows, index, one)
    {
        const char *own = client_book_text(one, "code");
        if (!own) own = client_book_text(one, "id");
        if (!*list && code && strcmp(own, code) == 0) *list = json_incref(one);
    }
    json_decref(row);
    if (err || *list) return err;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                    "several price lists are valid on %s: say which by --price-list (%.200s)", wish->day,
                    list_column(rows, "code", arena));
}

enum sat_err client_list_choose(struct satchel *satchel, const struct client_list_wish *wish, struct sat_arena *arena,
                                json_t **list)
{
    /* Of each code the newest that is valid. */
    static const char valid[] =
        "SELECT * FROM (SELECT " LIST_COLUMNS
        ", row_number() OVER (PARTITION BY COALESCE(l.code, l.id) ORDER BY " NEWEST_FIRST
        ") AS place FROM price_list AS l WHERE (?1 IS NULL OR l.code = ?1 OR l.name = ?1 OR l.id = ?1)"
        " AND (?2 IS NULL OR l.currency = ?2) AND " VALID_ON("?3") ") WHERE place = 1 ORDER BY code, id";
    const char *const values[] = {wish->named, wish->currency, wish->day};
    json_t *rows;
    *list = NULL;
    enum sat_err err = client_book_ask(satchel, valid, values, 3, &rows);
    if (err) return err;
    if (json_array_size(rows) == 0)
        err = refuse(satchel, wish, arena);
    else if (json_array_size(rows) > 1)
        err = choose_by_account(satchel, wish, rows, arena, list);
    else
        *list = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    if (!err && !client_book_text(*list, "currency")) {
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "price list %s says no currency (price_list %s)",
                       client_list_told(*list, arena), client_book_text(*list, "id"));
        json_decref(*list);
        *list = NULL;
    }
    return err;
}

enum sat_err client_list_newer(struct satchel *satchel, const char *list, const char *day, json_t **newer)
{
    static const char sql[] =
        "SELECT " LIST_COLUMNS " FROM price_list AS l, price_list AS own WHERE own.id = ?1 AND own.code IS NOT NULL"
        " AND l.code = own.code AND l.currency IS own.currency AND COALESCE(l.version, 0) > COALESCE(own.version, 0)"
        " AND " VALID_ON("?2") " ORDER BY " NEWEST_FIRST " LIMIT 1";
    const char *const values[] = {list, day};
    return client_book_ask_one(satchel, sql, values, 2, newer);
}

enum sat_err client_list_price(struct satchel *satchel, const char *list, const char *product, int64_t qty, bool *there,
                               int64_t *price)
{
    /* The highest step that the quantity reaches; of two rows of one step the newer. */
    static const char sql[] =
        "SELECT unit_price FROM price_row WHERE price_list = ?1 AND product = ?2 AND unit_price IS"
        " NOT NULL AND COALESCE(min_qty, 0) <= CAST(?3 AS INTEGER) ORDER BY COALESCE(min_qty, 0)"
        " DESC, id DESC LIMIT 1";
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, qty);
    const char *const values[] = {list, product, number};
    json_t *row;
    enum sat_err err = client_book_ask_one(satchel, sql, values, 3, &row);
    *there = row != NULL;
    *price = client_book_integer(row, "unit_price", 0);
    json_decref(row);
    return err;
}
