#include "client/book/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/book/ledger.h"
#include "client/book/trade.h"
#include "client/currency.h"
#include "common/base/utf8.h"

/* ---- Paying ---- */

struct paying {
    struct satchel *satchel;
    struct sat_arena *arena;
    const json_t *wish;
    char account[SATCHEL_ID_SIZE], day[CLIENT_BOOK_DAY_SIZE];
    const char *currency, *called; /* the account's name */
    const char *territory;         /* where it goes: that of what it pays, ... */
    const char *payer;             /* ... and the account there: it was merged into that one */
    int64_t amount;
    struct client_receivables owed;
    struct client_receivable **chosen; /* in this order */
    size_t chosen_n;
    json_t *allocations, *warnings;
    bool apart;          /* it looks like one that is here, and a person says that it is another */
    bool counts;         /* as it stands when it is stored ... */
    const char *instead; /* ... and what counts in its place; NULL: nothing does */
};

static enum sat_err take_amount(struct paying *it)
{
    it->currency = client_book_text(it->wish, "currency");
    it->amount = client_book_integer(it->wish, "amount", 0);
    if (it->amount < 1)
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                        "a payment is of a positive amount, in minor units; what was wrong is reversed");
    if (!it->currency || !*it->currency)
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "a payment has a currency");
    return SAT_OK;
}

static bool is_open(const struct paying *it, const struct client_receivable *one)
{
    return one->known && one->outstanding > 0 && one->currency && strcmp(one->currency, it->currency) == 0;
}

static enum sat_err choose_one(struct paying *it, struct client_receivable *found)
{
    if (found->currency && strcmp(found->currency, it->currency) != 0)
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                        "receivable %s is in %s, and is not paid in %s (amounts of different currencies are"
                        " never added)",
                        found->id, sat_utf8_beginning(it->arena, found->currency, 16),
                        sat_utf8_beginning(it->arena, it->currency, 16));
    for (size_t i = 0; i < it->chosen_n; i++)
        if (it->chosen[i] == found)
            return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "receivable %s is named twice", found->id);
    it->chosen[it->chosen_n++] = found;
    return SAT_OK;
}

/* All that is owed for the order of that number, in the payment's currency where any of it is. *found: something is. */
static enum sat_err choose_of_order(struct paying *it, const char *named, bool *found)
{
    struct client_receivable *other = NULL;
    const char *order = NULL;
    size_t before = it->chosen_n;
    enum sat_err err = SAT_OK;
    for (size_t i = 0; i < it->owed.n && !err; i++) {
        struct client_receivable *one = &it->owed.at[i];
        const char *number = client_book_text(one->row, "no_local"), *of = client_book_text(one->row, "order");
        if (!number || strcmp(number, named) != 0) continue;
        if (!order) order = of;
        if (strcmp(order, of) != 0) continue; /* another order of that number */
        if (one->currency && strcmp(one->currency, it->currency) != 0)
            other = one;
        else
            err = choose_one(it, one);
    }
    if (!err && other && it->chosen_n == before) err = choose_one(it, other);
    *found = order != NULL;
    return err;
}

/* The one that is named, among those of the account, or what counts in its place. */
static enum sat_err choose_named(struct paying *it, const char *named)
{
    static const char sql[] = "SELECT counts FROM owed_once WHERE receivable = ?1";
    char id[SATCHEL_ID_SIZE];
    const char *value = id;
    json_t *row = NULL;
    bool found = false;
    enum sat_err err = choose_of_order(it, named, &found);
    if (err || found) return err;
    err = client_book_find(it->satchel, "receivable", named, id);
    if (!err) err = client_book_ask_one(it->satchel, sql, &value, 1, &row);
    const char *counts = row ? client_book_text(row, "counts") : id;
    struct client_receivable *chosen = NULL; /* of several territories where it can be paid */
    for (size_t i = 0; !err && i < it->owed.n; i++)
        if (strcmp(it->owed.at[i].id, counts) == 0 &&
            (!chosen || !client_trade_may_write(it->satchel, chosen->territory)))
            chosen = &it->owed.at[i];
    found = chosen != NULL;
    if (found) err = choose_one(it, chosen);
    json_decref(row);
    if (err || found) return err;
    return sat_fail(&it->satchel->fault, SAT_ERR_INVALID, "receivable %s is none of account %s", id, it->called);
}

/* "30.00 CNY in Eastern, 20.00 CNY in Southern" */
static const char *where_told(const struct paying *it)
{
    const char *told = "";
    for (size_t i = 0; i < it->chosen_n && strlen(told) < 200; i++) {
        const struct client_receivable *one = it->chosen[i];
        told = sat_arena_format(it->arena, "%s%s%s in %s", told, *told ? ", " : "",
                                client_money_shown(it->arena, one->outstanding, one->currency),
                                sat_utf8_beginning(it->arena, one->territory, 40));
    }
    return told;
}

/* A payment lies beside what it pays, and counts there alone: of one territory. */
static enum sat_err find_territory(struct paying *it)
{
    for (size_t i = 0; i < it->chosen_n; i++) {
        if (!it->territory) it->territory = it->chosen[i]->territory;
        if (strcmp(it->territory, it->chosen[i]->territory) == 0) continue;
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                        "a payment is of what is owed in one territory: %s of account %s; name which with --for",
                        where_told(it), it->called);
    }
    return SAT_OK;
}

/* The account itself where it lives there, else the one that was merged into it, and owes that. */
static enum sat_err find_payer(struct paying *it)
{
    static const char sql[] = "SELECT 1 AS lives FROM account WHERE id = ?1 AND territory = ?2 LIMIT 1";
    const char *const values[] = {it->account, it->territory};
    json_t *row = NULL;
    enum sat_err err = client_book_ask_one(it->satchel, sql, values, 2, &row);
    it->payer = row || !it->chosen[0]->account ? it->account : it->chosen[0]->account;
    json_decref(row);
    return err;
}

/* What is open, the oldest first; `own`: only where this device may pay it. */
static void choose_open(struct paying *it, bool own)
{
    const char *last = NULL;
    bool may = true;
    for (size_t i = 0; i < it->owed.n; i++) {
        struct client_receivable *one = &it->owed.at[i];
        if (!is_open(it, one)) continue;
        if (own && (!last || strcmp(last, one->territory) != 0))
            may = client_trade_may_write(it->satchel, last = one->territory);
        if (may) it->chosen[it->chosen_n++] = one;
    }
}

/* Those that are named, else all that are open, the oldest first. */
static enum sat_err choose(struct paying *it)
{
    const json_t *named = json_object_get(it->wish, "for");
    size_t index;
    json_t *one;
    enum sat_err err = SAT_OK;
    it->chosen = sat_arena_array(it->arena, it->owed.n + 1, sizeof *it->chosen);
    json_array_foreach((json_t *)named, index, one)
    {
        const char *text = json_string_value(one);
        if (!err) err = choose_named(it, text ? text : "");
    }
    if (err || it->chosen_n) return err ? err : find_territory(it);
    choose_open(it, true);
    if (!it->chosen_n) choose_open(it, false); /* whoever may not write there is told so */
    return find_territory(it);
}

/* "300.00 CNY, 20.00 EUR": what is open at all, for who named a currency in which nothing is. */
static const char *open_told(const struct paying *it, bool *of_this)
{
    const char *told = "";
    *of_this = false;
    for (size_t i = 0; i < it->owed.n; i++) {
        const struct client_receivable *one = &it->owed.at[i];
        if (!one->known || one->outstanding <= 0) continue;
        if (is_open(it, one)) *of_this = true;
        if (strlen(told) > 200) continue;
        told = sat_arena_format(it->arena, "%s%s%s", told, *told ? ", " : "",
                                client_money_shown(it->arena, one->outstanding, one->currency ? one->currency : "?"));
    }
    return told;
}

static enum sat_err refuse_amount(struct paying *it, int64_t open)
{
    bool of_this;
    const char *told = open_told(it, &of_this), *paid = client_money_shown(it->arena, it->amount, it->currency);
    if (!of_this && *told)
        return sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                        "account %s owes nothing in %s, but %s: amounts of different currencies are never added"
                        " (account %s)",
                        it->called, sat_utf8_beginning(it->arena, it->currency, 16), told, it->account);
    return sat_fail(&it->satchel->fault, SAT_ERR_INVALID,
                    "%s is more than is open: %s of account %s, in %zu receivables (account %s)", paid,
                    client_money_shown(it->arena, open, it->currency), it->called, it->chosen_n, it->account);
}

/* What goes to which; refused where it is more than is open. */
static enum sat_err allocate(struct paying *it)
{
    int64_t left = it->amount, open = 0;
    for (size_t i = 0; i < it->chosen_n; i++) {
        const struct client_receivable *one = it->chosen[i];
        if (!is_open(it, one)) continue;
        int64_t part = one->outstanding < left ? one->outstanding : left;
        if (__builtin_add_overflow(open, one->outstanding, &open)) open = INT64_MAX;
        left -= part;
        if (part)
            (void)json_array_append_new(it->allocations,
                                        json_pack("{s:s, s:I}", "receivable", one->id, "amount", (json_int_t)part));
    }
    return left ? refuse_amount(it, open) : SAT_OK;
}

/* ---- What looks like the same ---- */

enum { TWINS_TOLD_MAX = 20, LEDGER_VALUES_MAX = 8 };

/* The rows of a statement over the payer's ledger, whose own values are ?4 on. */
static enum sat_err ask_ledger(struct paying *it, const char *bank_ref, const char *sql, const char *const *more,
                               size_t more_n, json_t **rows)
{
    struct client_ledger ledger;
    const char *values[CLIENT_LEDGER_LISTS + LEDGER_VALUES_MAX];
    enum sat_err err = client_ledger_get(it->satchel, it->account, it->payer, bank_ref, it->arena, &ledger);
    memcpy(values, ledger.lists, sizeof ledger.lists);
    for (size_t i = 0; i < more_n; i++) values[CLIENT_LEDGER_LISTS + i] = more[i];
    *rows = NULL;
    if (!err) err = client_book_ask(it->satchel, sql, values, CLIENT_LEDGER_LISTS + more_n, rows);
    return err;
}

/* Who says that it is another one says it of one that is here: what comes later is compared with it as ever. */
static enum sat_err look_for_twin(struct paying *it)
{
    static const char sql[] =
        CLIENT_LEDGER "SELECT payment FROM paid_once WHERE standing IN ('counts', 'twice') AND territory = ?5 AND"
                      " account IS ?4 AND bank_ref = ?6 AND currency IS ?7 AND amount = CAST(?8 AS INTEGER) LIMIT 1";
    const char *const values[] = {it->payer, it->territory, client_book_text(it->wish, "bank_ref"), it->currency,
                                  sat_arena_format(it->arena, "%" PRId64, it->amount)};
    json_t *rows = NULL;
    if (!json_is_true(json_object_get(it->wish, "anyway")) || !values[2]) return SAT_OK;
    enum sat_err err = ask_ledger(it, NULL, sql, values, sizeof values / sizeof values[0], &rows);
    it->apart = json_array_size(rows) > 0;
    json_decref(rows);
    return err;
}

static void warn(struct paying *it, const char *text)
{
    (void)json_array_append_new(it->warnings, json_string(text));
}

static void warn_of(struct paying *it, const json_t *twin, const char *payment)
{
    const char *id = client_book_text(twin, "id"), *on = client_book_text(twin, "received_on");
    const char *counts = client_book_text(twin, "counts"), *own = it->instead ? it->instead : payment;
    bool same_reference = client_book_integer(twin, "same_reference", 0) == 1;
    on = on ? sat_utf8_beginning(it->arena, on, 10) : "?";
    if (same_reference && counts && strcmp(counts, own) == 0)
        warn(it, sat_arena_format(it->arena,
                                  "payment %s of %s has the same bank reference: the pair counts once until one of them"
                                  " is reversed, and %s counts; if they are two: satchel pay confirm %s",
                                  id, on, own, it->instead ? payment : id));
    else if (same_reference && client_book_integer(twin, "same", 0) != 1)
        warn(it, sat_arena_format(
                     it->arena, "payment %s of %s has the same bank reference, and another account or amount", id, on));
    else if (!same_reference && !json_is_true(json_object_get(it->wish, "anyway")))
        warn(it, sat_arena_format(it->arena,
                                  "payment %s of %s has the same amount: if it is the same one, satchel pay reverse %s",
                                  id, on, payment));
}

/* Somebody recorded one with that reference, or of that day and amount: told, and not refused, as two may record the
 * same, and two transfers may have one. */
static enum sat_err tell_twins(struct paying *it, const char *payment)
{
    static const char sql[] = CLIENT_LEDGER
        "SELECT p.payment AS id, p.received_on AS received_on, p.counts AS counts, p.bank_ref IS NOT NULL AND "
        "p.bank_ref"
        " IS ?6 AS same_reference, p.territory = ?5 AND p.account IS ?4 AND p.currency IS ?7 AND p.amount IS CAST(?8 AS"
        " INTEGER) AS same FROM paid_once AS p WHERE p.payment <> ?10 AND p.standing IN ('counts', 'twice') AND"
        " (p.bank_ref = ?6 OR ((p.bank_ref IS NULL OR ?6 IS NULL) AND p.territory = ?5 AND p.account IS ?4 AND"
        " p.currency IS ?7 AND p.amount = CAST(?8 AS INTEGER) AND p.received_on = ?9)) ORDER BY p.payment LIMIT"
        " CAST(?11 AS INTEGER)";
    const char *bank_ref = client_book_text(it->wish, "bank_ref");
    const char *const values[LEDGER_VALUES_MAX] = {it->payer,
                                                   it->territory,
                                                   bank_ref,
                                                   it->currency,
                                                   sat_arena_format(it->arena, "%" PRId64, it->amount),
                                                   it->day,
                                                   payment,
                                                   sat_arena_format(it->arena, "%d", (int)TWINS_TOLD_MAX)};
    json_t *rows, *row;
    size_t index;
    enum sat_err err = ask_ledger(it, bank_ref, sql, values, LEDGER_VALUES_MAX, &rows);
    json_array_foreach(rows, index, row) warn_of(it, row, payment);
    json_decref(rows);
    return err;
}

/* ---- Storing ---- */

static enum sat_err put_payment(struct satchel_tx *tx, const struct paying *it, char payment[SATCHEL_ID_SIZE])
{
    struct client_book_self self;
    enum sat_err err = client_book_self(it->satchel, &self);
    if (err) return err;
    json_t *fields = json_object();
    client_book_set(fields, "account", it->payer);
    (void)json_object_set_new(fields, "amount", json_integer(it->amount));
    client_book_set(fields, "currency", it->currency);
    client_book_set(fields, "received_on", it->day);
    client_book_set(fields, "bank_ref", client_book_text(it->wish, "bank_ref"));
    client_book_set(fields, "channel", client_book_text(it->wish, "channel"));
    client_book_set(fields, "recorded_by", self.id);
    if (it->apart) (void)json_object_set_new(fields, "apart", json_true());
    char *text = client_json_text(fields);
    err = (enum sat_err)satchel_put(tx, "payment", NULL, it->territory, text, payment);
    satchel_free(text);
    return err;
}

static enum sat_err put_allocation(struct satchel_tx *tx, const struct paying *it, const char *payment,
                                   const json_t *part)
{
    json_t *fields = json_object();
    client_book_set(fields, "payment", payment);
    client_book_set(fields, "receivable", client_book_text(part, "receivable"));
    (void)json_object_set(fields, "amount", json_object_get(part, "amount"));
    return client_book_put_in(tx, it->territory, "allocation", NULL, fields);
}

/* The reminders of what is paid are taken back behind the payment, which is never refused for one of them. */
static enum sat_err stop_reminders(struct paying *it)
{
    struct satchel_tx *tx;
    size_t index;
    json_t *part;
    enum sat_err err = (enum sat_err)satchel_begin(it->satchel, &tx);
    if (err) return err;
    json_array_foreach(it->allocations, index, part)
    {
        const char *left = NULL, *receivable = client_book_text(part, "receivable");
        if (!err && json_is_true(json_object_get(part, "paid")))
            err = client_dunning_stop(tx, receivable, it->territory, it->arena, &left);
        if (left)
            (void)json_array_append_new(
                it->warnings,
                json_string(sat_arena_format(it->arena, "receivable %s is paid, and %s", receivable, left)));
    }
    return client_book_end(tx, err);
}

static enum sat_err store(struct paying *it, char payment[SATCHEL_ID_SIZE])
{
    struct satchel_tx *tx;
    size_t index;
    json_t *part;
    enum sat_err err = (enum sat_err)satchel_begin(it->satchel, &tx);
    if (err) return err;
    err = put_payment(tx, it, payment);
    json_array_foreach(it->allocations, index, part)
    {
        if (!err) err = put_allocation(tx, it, payment, part);
    }
    return client_book_end(tx, err);
}

/* ---- What it came to ---- */

/* Does it count, and what of it is paid with it: as the records say now, and not as it was meant. */
static enum sat_err find_standing(struct paying *it, const char *payment)
{
    static const char sql[] =
        CLIENT_LEDGER "SELECT standing, counts FROM paid_once WHERE payment = ?4 AND territory = ?5";
    const char *const values[] = {payment, it->territory};
    json_t *rows = NULL, *part, *paid = json_object();
    size_t index;
    struct client_receivables owed = {0};
    enum sat_err err = ask_ledger(it, NULL, sql, values, 2, &rows);
    const json_t *row = json_array_get(rows, 0);
    const char *standing = client_book_text(row, "standing"), *counts = client_book_text(row, "counts");
    it->counts = standing && strcmp(standing, "counts") == 0;
    if (!it->counts && counts) it->instead = sat_arena_format(it->arena, "%s", counts);
    if (!err) err = client_receivables_get(it->satchel, it->account, it->arena, &owed);
    for (size_t i = 0; !err && i < owed.n; i++)
        if (owed.at[i].known && owed.at[i].outstanding <= 0 && strcmp(owed.at[i].territory, it->territory) == 0)
            (void)json_object_set_new(paid, owed.at[i].id, json_true());
    json_array_foreach(it->allocations, index, part)
    {
        bool is = json_object_get(paid, client_book_text(part, "receivable")) != NULL;
        (void)json_object_set_new(part, "paid", json_boolean(is));
    }
    client_receivables_free(&owed);
    json_decref(paid);
    json_decref(rows);
    return err;
}

/* The payment is stored: what fails from here on is said, and refuses nothing. */
static void look_back(struct paying *it, const char *payment)
{
    enum sat_err err = find_standing(it, payment);
    if (!err) err = tell_twins(it, payment);
    if (!err) err = stop_reminders(it);
    if (!err) return;
    client_explain(it->satchel, err, &it->satchel->fault);
    warn(it, sat_arena_format(it->arena, "the payment is stored; what it came to is not told here: %s",
                              it->satchel->fault.text));
}

static json_t *told_of(const struct paying *it, const char *payment)
{
    json_t *told = json_object(), *parts = json_array(), *part;
    size_t index;
    client_book_set(told, "payment", payment);
    client_book_set(told, "account", it->called);
    (void)json_object_set_new(told, "amount_minor", json_integer(it->amount));
    client_book_set(told, "currency", it->currency);
    client_book_set(told, "received_on", it->day);
    (void)json_object_set_new(told, "counts", json_boolean(it->counts));
    if (it->instead) client_book_set(told, "counts_instead", it->instead);
    json_array_foreach(it->allocations, index, part)
    {
        json_t *one = json_object();
        (void)json_object_set(one, "receivable", json_object_get(part, "receivable"));
        (void)json_object_set(one, "amount_minor", json_object_get(part, "amount"));
        (void)json_object_set(one, "paid", json_object_get(part, "paid"));
        (void)json_array_append_new(parts, one);
    }
    (void)json_object_set_new(told, "allocations", parts);
    (void)json_object_set(told, "warnings", it->warnings);
    return told;
}

static enum sat_err pay(struct paying *it, char **json)
{
    char payment[SATCHEL_ID_SIZE];
    enum sat_err err = take_amount(it);
    if (!err) err = client_trade_day(it->satchel, client_book_text(it->wish, "on"), false, it->day);
    if (!err)
        err = client_trade_account(it->satchel, client_book_text(it->wish, "account"), it->arena, it->account,
                                   &it->called);
    if (!err) err = client_receivables_get(it->satchel, it->account, it->arena, &it->owed);
    if (!err) err = choose(it);
    if (!err) err = allocate(it);
    if (!err) err = find_payer(it);
    if (!err) err = look_for_twin(it);
    if (!err) err = store(it, payment);
    if (err) return err;
    look_back(it, payment);
    *json = client_json_text(told_of(it, payment));
    return SAT_OK;
}

int satchel_pay(struct satchel *satchel, const char *wish, char **json)
{
    struct sat_arena arena;
    json_t *read;
    *json = NULL;
    client_begin(satchel);
    enum sat_err err = client_trade_read(
        satchel, wish, "account:t amount:i currency:t for:l bank_ref:t on:t channel:t anyway:b", &read);
    sat_arena_init(&arena);
    struct paying it = {
        .satchel = satchel, .arena = &arena, .wish = read, .allocations = json_array(), .warnings = json_array()};
    if (!err) err = pay(&it, json);
    client_receivables_free(&it.owed);
    json_decref(it.allocations);
    json_decref(it.warnings);
    json_decref(read);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}
