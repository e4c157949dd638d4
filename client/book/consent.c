/* Who may be contacted, and for what. A consent is a record for one person and one purpose; it is withdrawn once, for
 * good: who consents again does so in another one. What follows from all of them says the view (consented, withheld).
 */
#include <string.h>

#include "client/book/ask.h"
#include "client/book/writing.h"
#include "client/rows.h"
#include "client/tx.h"

#define CONTACT_OF "(SELECT account FROM survivor WHERE id = ?1)"
#define WITHHELD "(SELECT contact FROM withheld WHERE purpose IS NULL OR purpose = ?2)"

/* ---- Whom ---- */

static json_t *json_of_left_out(struct satchel *satchel, const char *const *values, enum sat_err *err)
{
    json_t *rows = NULL, *row, *out = json_object();
    size_t i;
    *err = client_book_ask(satchel,
                           "SELECT w.why, COUNT(DISTINCT w.contact) AS n FROM withheld AS w JOIN contact AS c ON c.id ="
                           " w.contact LEFT JOIN survivor AS s ON s.id = c.account WHERE (w.purpose IS NULL OR"
                           " w.purpose = ?2) AND (?1 IS NULL OR s.account = " CONTACT_OF ") GROUP BY w.why ORDER BY 1",
                           values, 2, &rows);
    json_array_foreach(rows, i, row)(void)
        json_object_set(out, client_book_text(row, "why"), json_object_get(row, "n"));
    json_decref(rows);
    return out;
}

int satchel_contacts(struct satchel *satchel, const char *account, const char *purpose, satchel_row_fn row,
                     void *context, char **left_out)
{
    char id[SATCHEL_ID_SIZE];
    const char *values[] = {account ? id : NULL, purpose ? purpose : ""};
    json_t *rows = NULL, *one, *left = NULL;
    size_t i;
    *left_out = NULL;
    client_begin(satchel);
    enum sat_err err = account ? client_book_find(satchel, "account", account, id) : SAT_OK;
    if (!err)
        err = client_book_ask(satchel,
                              "SELECT c.id, c.name, c.title, a.name AS account_name, s.account, c.phones, c.numbers,"
                              " c.emails, c.wechat, c.territory FROM contact AS c LEFT JOIN survivor AS s ON s.id ="
                              " c.account LEFT JOIN account AS a ON a.id = s.account WHERE (?1 IS NULL OR s.account ="
                              " " CONTACT_OF ") AND c.id NOT IN " WITHHELD " ORDER BY a.name, c.name, c.id",
                              values, 2, &rows);
    if (!err) left = json_of_left_out(satchel, values, &err);
    json_array_foreach(rows, i, one)
    {
        if (err || !client_give_row(row, context, json_incref(one))) break;
    }
    if (!err) *left_out = client_json_text(json_incref(left));
    json_decref(left);
    json_decref(rows);
    return client_end(satchel, err);
}

/* ---- Consents ---- */

static enum sat_err check(struct satchel *satchel, const char *purpose)
{
    if (purpose && *purpose) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a consent is for a purpose: calls, marketing, …");
}

static enum sat_err give(struct satchel_tx *tx, const char *contact, const char *purpose, const char *evidence)
{
    struct satchel *satchel = tx->satchel;
    char id[SATCHEL_ID_SIZE], now[CLIENT_TIME_TEXT_SIZE];
    const char *values[] = {id, purpose};
    json_t *row = NULL;
    enum sat_err err = check(satchel, purpose);
    if (!err) err = client_book_find(satchel, "contact", contact, id);
    if (!err)
        err = client_book_ask_one(satchel,
                                  "SELECT 1 AS given FROM consented WHERE contact = ?1 AND purpose = ?2 AND state ="
                                  " 'given'",
                                  values, 2, &row);
    bool given = row != NULL;
    json_decref(row);
    if (err || given) return err;
    client_book_now(now);
    json_t *fields = json_pack("{s:s, s:s, s:s}", "contact", id, "purpose", purpose, "given_at", now);
    client_book_set(fields, "evidence", evidence);
    return client_book_put(tx, "consent", NULL, fields, NULL);
}

/* All that stand; and where none does, that there is to be none. */
static enum sat_err withdraw(struct satchel_tx *tx, const char *contact, const char *purpose)
{
    struct satchel *satchel = tx->satchel;
    char id[SATCHEL_ID_SIZE], now[CLIENT_TIME_TEXT_SIZE];
    const char *values[] = {id, purpose};
    json_t *rows = NULL, *row;
    size_t i;
    bool any = false;
    enum sat_err err = check(satchel, purpose);
    if (!err) err = client_book_find(satchel, "contact", contact, id);
    if (!err)
        err = client_book_ask(satchel, "SELECT id, withdrawn_at FROM consent WHERE contact = ?1 AND purpose = ?2",
                              values, 2, &rows);
    client_book_now(now);
    json_array_foreach(rows, i, row)
    {
        any = true;
        if (!err && !client_book_text(row, "withdrawn_at"))
            err = client_book_put(tx, "consent", client_book_text(row, "id"), json_pack("{s:s}", "withdrawn_at", now),
                                  NULL);
    }
    json_decref(rows);
    if (err || any) return err;
    return client_book_put(tx, "consent", NULL,
                           json_pack("{s:s, s:s, s:s}", "contact", id, "purpose", purpose, "withdrawn_at", now), NULL);
}

int satchel_consent_give(struct satchel_tx *tx, const char *contact, const char *purpose, const char *evidence)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, give(tx, contact, purpose, evidence));
}

int satchel_consent_withdraw(struct satchel_tx *tx, const char *contact, const char *purpose)
{
    client_begin(tx->satchel);
    return client_end(tx->satchel, withdraw(tx, contact, purpose));
}
