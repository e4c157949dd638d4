#include "client/book/ledger.h"

#include "client/book/ask.h"

/* One statement after the other: nested in one, SQLite would take them apart again for each mention. */
static enum sat_err list(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                         struct sat_arena *arena, const char **out)
{
    json_t *row = NULL;
    enum sat_err err = client_book_ask_one(satchel, sql, values, n, &row);
    const char *ids = err ? NULL : client_book_text(row, "ids");
    *out = sat_arena_format(arena, "%s", ids ? ids : "[]");
    json_decref(row);
    return err;
}

static const char receivables[] =
    "WITH family(id) AS MATERIALIZED (SELECT ?1 UNION SELECT id FROM survivor WHERE account = ?1) SELECT"
    " json_group_array(id) AS ids FROM (SELECT id FROM receivable WHERE account IN (SELECT id FROM family) UNION SELECT"
    " s.id FROM receivable AS r JOIN receivable AS s ON s.\"order\" = r.\"order\" WHERE r.account IN (SELECT id FROM"
    " family))";
static const char allocations[] =
    "WITH own(id) AS MATERIALIZED (SELECT id FROM allocation WHERE receivable IN (SELECT value FROM json_each(?1)))"
    " SELECT json_group_array(id) AS ids FROM (SELECT id FROM own UNION SELECT id FROM allocation WHERE reverses IN"
    " (SELECT id FROM own))";
static const char payments[] =
    "WITH paying(id) AS MATERIALIZED (SELECT payment FROM allocation WHERE id IN (SELECT value FROM json_each(?1))),"
    " payer(id) AS MATERIALIZED (SELECT ?2 UNION SELECT ?3 UNION SELECT account FROM payment WHERE id IN (SELECT id "
    "FROM"
    " paying) UNION SELECT account FROM payment WHERE bank_ref = ?4), own(id) AS MATERIALIZED (SELECT id FROM paying"
    " UNION SELECT id FROM payment WHERE account IN (SELECT id FROM payer)) SELECT json_group_array(id) AS ids FROM"
    " (SELECT id FROM own WHERE id IS NOT NULL UNION SELECT id FROM payment WHERE reverses IN (SELECT id FROM own))";

enum sat_err client_ledger_get(struct satchel *satchel, const char *account, const char *payer, const char *bank_ref,
                               struct sat_arena *arena, struct client_ledger *out)
{
    *out = (struct client_ledger){{NULL}};
    enum sat_err err = list(satchel, receivables, &account, 1, arena, &out->lists[0]);
    if (!err) err = list(satchel, allocations, &out->lists[0], 1, arena, &out->lists[1]);
    const char *const values[] = {out->lists[1], account, payer, bank_ref};
    return err ? err : list(satchel, payments, values, 4, arena, &out->lists[2]);
}
