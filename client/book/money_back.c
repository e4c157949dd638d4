/* Payments that are taken back, and two that look alike and are two: said by further records, as nothing is edited. */
#include <string.h>

#include "client/book/money.h"
#include "client/book/trade.h"

/* ---- Reversing ---- */

/* The reversal says the same of another sign; which one it reverses makes its id, so that there is one, whoever does
 * it. */
static enum sat_err put_reversal(struct satchel_tx *tx, const json_t *row, const char *id)
{
    struct client_book_self self;
    char today[CLIENT_BOOK_DAY_SIZE];
    enum sat_err err = client_book_self(tx->satchel, &self);
    if (err) return err;
    json_t *fields = json_object();
    client_book_today(today);
    client_book_set(fields, "account", client_book_text(row, "account"));
    int64_t amount = client_book_integer(row, "amount", INT64_MIN); /* missing, or not shown to who reverses it */
    if (amount != INT64_MIN) (void)json_object_set_new(fields, "amount", json_integer(-amount));
    client_book_set(fields, "currency", client_book_text(row, "currency"));
    client_book_set(fields, "received_on", today);
    client_book_set(fields, "recorded_by", self.id);
    client_book_set(fields, "reverses", client_book_text(row, "id"));
    return client_book_put_in(tx, client_book_text(row, "territory"), "payment", id, fields);
}

static enum sat_err check_reversible(struct satchel *satchel, const json_t *row, const char *id)
{
    if (!row) return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no payment %s here", id);
    if (client_book_text(row, "reverses"))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "payment %s is a reversal: record the payment anew", id);
    if (client_book_text(row, "reversal"))
        return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "payment %s was reversed, by payment %s", id,
                        client_book_text(row, "reversal"));
    return SAT_OK;
}

/* Of a payment that lies in several territories the one that this device can write, else the first. */
static enum sat_err ask_payment(struct satchel *satchel, const char *sql, const char *id, json_t **out)
{
    json_t *rows = NULL;
    *out = NULL;
    enum sat_err err = client_book_ask(satchel, sql, &id, 1, &rows);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        if (*out && !client_trade_may_write(satchel, client_book_text(row, "territory"))) continue;
        if (*out && client_trade_may_write(satchel, client_book_text(*out, "territory"))) break;
        *out = row;
    }
    json_incref(*out);
    json_decref(rows);
    return err;
}

static enum sat_err reverse(struct satchel *satchel, const char *named, const char *reason, char **json)
{
    static const char sql[] = "SELECT p.id AS id, p.territory AS territory, p.account AS account, p.amount AS amount,"
                              " p.currency AS currency, p.reverses AS reverses, (SELECT MIN(x.id) FROM payment AS x"
                              " WHERE x.reverses = p.id AND x.territory = p.territory) AS reversal FROM payment AS p"
                              " WHERE p.id = ?1 ORDER BY p.territory";
    char id[SATCHEL_ID_SIZE], reversal[SATCHEL_ID_SIZE];
    json_t *row = NULL;
    struct satchel_tx *tx;
    enum sat_err err = client_book_check_typed(satchel, reason);
    if (!err) err = client_book_find(satchel, "payment", named, id);
    if (!err) err = ask_payment(satchel, sql, id, &row);
    if (!err) err = check_reversible(satchel, row, id);
    if (!err) err = client_trade_following(satchel, id, "reversal", 0, reversal);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (!err) {
        err = put_reversal(tx, row, reversal);
        if (!err && reason)
            err = client_book_put(tx, "note", NULL, json_pack("{s:s, s:s}", "about", reversal, "text", reason), NULL);
        err = client_book_end(tx, err);
    }
    if (!err) *json = client_json_text(json_pack("{s:s, s:s}", "payment", reversal, "reverses", id));
    json_decref(row);
    return err;
}

int satchel_pay_reverse(struct satchel *satchel, const char *payment, const char *reason, char **json)
{
    *json = NULL;
    client_begin(satchel);
    return client_end(satchel, reverse(satchel, payment, reason, json));
}

/* ---- Two that look alike are two ---- */

static enum sat_err check_alike(struct satchel *satchel, const json_t *row, const char *id)
{
    if (!row) return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no payment %s here", id);
    if (strcmp(client_book_text(row, "standing"), "reversed") == 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "payment %s was reversed, or is a reversal", id);
    if (strcmp(client_book_text(row, "standing"), "elsewhere") == 0)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID,
                        "payment %s is in another territory than what it is about, and counts nowhere", id);
    if (client_book_integer(row, "alike", 0) < 2)
        return sat_fail(&satchel->fault, SAT_ERR_EXISTS, "payment %s counts: it is taken for no other one", id);
    return SAT_OK;
}

static enum sat_err confirm(struct satchel *satchel, const char *named, const char *reason, char **json)
{
    static const char sql[] =
        "SELECT p.territory AS territory, p.standing AS standing, (SELECT COUNT(*) FROM paid_once AS q WHERE q.counts"
        " = p.counts AND q.territory = p.territory AND q.standing <> 'reversed') AS alike FROM paid_once AS p WHERE"
        " p.payment = ?1 ORDER BY p.territory";
    char id[SATCHEL_ID_SIZE];
    json_t *row = NULL;
    struct satchel_tx *tx;
    enum sat_err err = client_book_check_typed(satchel, reason);
    if (!err) err = client_book_find(satchel, "payment", named, id);
    if (!err) err = ask_payment(satchel, sql, id, &row);
    if (!err) err = check_alike(satchel, row, id);
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (!err) {
        err = client_book_put_in(tx, client_book_text(row, "territory"), "payment", id, json_pack("{s:b}", "apart", 1));
        if (!err && reason)
            err = client_book_put(tx, "note", NULL, json_pack("{s:s, s:s}", "about", id, "text", reason), NULL);
        err = client_book_end(tx, err);
    }
    if (!err) *json = client_json_text(json_pack("{s:s, s:b}", "payment", id, "counts", 1));
    json_decref(row);
    return err;
}

int satchel_pay_confirm(struct satchel *satchel, const char *payment, const char *reason, char **json)
{
    *json = NULL;
    client_begin(satchel);
    return client_end(satchel, confirm(satchel, payment, reason, json));
}
