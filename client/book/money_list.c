/* Payments and receivables that somebody is to look at. */
#include <string.h>

#include "client/book/money.h"
#include "client/grades.h"
#include "client/rows.h"

/* Rows of one statement, given out; *more: they are wanted. */
static enum sat_err give_all(struct satchel *satchel, const char *sql, satchel_row_fn row, void *context, bool *more)
{
    json_t *rows = NULL, *one;
    size_t index;
    enum sat_err err = client_book_ask(satchel, sql, NULL, 0, &rows);
    json_array_foreach(rows, index, one)
    {
        if (*more) *more = client_give_row(row, context, json_incref(one));
    }
    json_decref(rows);
    return err;
}

/* What is open does not fit, or is less than nothing. An amount that this person is not shown is not missing. */
static const char *flag_of(const struct client_receivable *it, bool shown)
{
    if (it->known) return it->outstanding < 0 ? "more paid than owed" : NULL;
    if (json_is_integer(json_object_get(it->row, "amount"))) return "does not fit";
    return shown ? "no amount" : NULL;
}

static enum sat_err give_receivables(struct satchel *satchel, satchel_row_fn row, void *context, bool more)
{
    struct sat_arena arena;
    struct client_receivables owed;
    struct client_sight sight;
    client_sight_get(satchel, &sight);
    bool shown = sight.most >= sat_field_by_name(sat_type_by_name("receivable"), "amount")->grade;
    sat_arena_init(&arena);
    enum sat_err err = client_receivables_get(satchel, NULL, &arena, &owed);
    for (size_t i = 0; !err && more && i < owed.n; i++) {
        const struct client_receivable *it = &owed.at[i];
        const char *flag = flag_of(it, shown);
        if (!flag) continue;
        more = client_give_row(row, context,
                               json_pack("{s:s, s:o, s:o, s:o, s:n, s:n, s:s}", "flag", flag, "account",
                                         client_json_of_text(client_book_text(it->row, "account_name")), "amount_minor",
                                         it->known ? json_integer(it->outstanding) : json_null(), "currency",
                                         client_json_of_text(it->currency), "received_on", "bank_ref", "id", it->id));
    }
    client_receivables_free(&owed);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err list(struct satchel *satchel, satchel_row_fn row, void *context)
{
#define NAME_OF "(SELECT b.name FROM account AS b WHERE b.id = "
    static const char payments[] =
        "WITH parts AS (SELECT payment, territory, MAX(standing = 'currency') AS other, TOTAL(amount) AS total FROM "
        "allocated "
        "WHERE"
        " standing NOT IN ('reversed', 'elsewhere') GROUP BY payment, territory), flagged AS (SELECT p.*, CASE WHEN "
        "p.standing <> 'counts' THEN"
        " p.standing WHEN p.amount <= 0 THEN 'not positive' WHEN parts.other THEN 'currency' WHEN parts.payment IS NULL"
        " THEN 'not allocated' WHEN parts.total > p.amount THEN 'more allocated than paid' END AS flag FROM paid_once "
        "AS p"
        " LEFT JOIN parts ON parts.payment = p.payment AND parts.territory = p.territory WHERE p.standing <> "
        "'reversed') SELECT flag, " NAME_OF
        "f.account ORDER BY b.territory LIMIT 1) AS account, amount AS amount_minor, currency, received_on, bank_ref,"
        " payment AS id FROM flagged AS f WHERE flag IS NOT NULL ORDER BY received_on, payment";
    static const char others[] =
        "SELECT 'not positive' AS flag, " NAME_OF "r.account ORDER BY b.territory LIMIT 1) AS account, a.amount AS"
        " amount_minor, r.currency AS currency, a.received_on AS received_on, NULL AS bank_ref, a.id AS id FROM"
        " allocated AS a LEFT JOIN receivable AS r ON r.id = a.receivable AND r.territory = a.territory WHERE "
        "a.standing"
        " NOT IN ('reversed', 'elsewhere') AND a.amount <= 0 UNION ALL SELECT 'elsewhere', " NAME_OF
        "r.account ORDER BY b.territory LIMIT 1), a.amount, r.currency, a.received_on, NULL, a.id FROM allocated AS a"
        " LEFT JOIN receivable AS r ON r.id = a.receivable WHERE a.standing = 'elsewhere' GROUP BY a.id, a.territory"
        " UNION ALL SELECT 'elsewhere', " NAME_OF "r.account ORDER BY b.territory LIMIT 1), r.amount, r.currency, NULL,"
        " NULL, r.id FROM receivable AS r WHERE r.elsewhere UNION ALL SELECT 'owed twice', " NAME_OF
        "r.account ORDER BY b.territory LIMIT 1), r.amount, r.currency, NULL, NULL, r.id FROM owed_once AS o JOIN"
        " receivable AS r ON r.id = o.receivable AND r.territory = o.territory WHERE o.counts <> r.id ORDER BY 1, 7";
#undef NAME_OF
    bool more = true;
    enum sat_err err = give_all(satchel, payments, row, context, &more);
    if (!err) err = give_all(satchel, others, row, context, &more);
    return err ? err : give_receivables(satchel, row, context, more);
}

int satchel_payments(struct satchel *satchel, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    return client_end(satchel, list(satchel, row, context));
}
