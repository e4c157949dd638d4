/* Publishing tiers: what follows from the orders of twelve months becomes what the account says, and a row of its
 * history. It is the word of one who sees all of them; what reps say of a tier is a proposal (rule AUT). */
#include <string.h>

#include "client/book/ask.h"
#include "client/book/writing.h"
#include "client/rows.h"
#include "client/tx.h"
#include "common/proof/link.h"

static enum sat_err check_right(struct satchel *satchel)
{
    struct client_book_self self;
    enum sat_err err = client_book_self(satchel, &self);
    if (err || self.role == SAT_ROLE_ADMIN || self.role == SAT_ROLE_MANAGER) return err;
    return sat_fail(&satchel->fault, SAT_ERR_DENIED, "tiers are published by managers and admins (rule AUT)");
}

static enum sat_err check_day(struct satchel *satchel, const char *day, char today[CLIENT_BOOK_DAY_SIZE])
{
    client_book_today(today);
    if (!day) return SAT_OK;
    if (!client_date_valid(sat_span_text(day)))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a day is YYYY-MM-DD, not \"%.40s\"", day);
    return strcmp(day, today) <= 0
               ? SAT_OK
               : sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s is to come: a tier follows from what was ordered", day);
}

static int rank_of(const char *tier)
{
    return !tier ? -1 : strcmp(tier, "high") == 0 ? 2 : strcmp(tier, "mid") == 0;
}

/* Of an account that buys in several currencies the highest of its tiers; none of what does not fit, or is not shown.
 * {account: row}, borrowed from the rows. */
static json_t *highest(const json_t *rows)
{
    json_t *best = json_object(), *row;
    size_t index;
    json_array_foreach((json_t *)rows, index, row)
    {
        const char *id = client_book_text(row, "id");
        const json_t *other = id ? json_object_get(best, id) : NULL;
        if (!id || !json_is_integer(json_object_get(row, "amount_minor"))) continue;
        if (!other || rank_of(client_book_text(row, "tier")) > rank_of(client_book_text(other, "tier")))
            (void)json_object_set(best, id, row);
    }
    return best;
}

static enum sat_err put_one(struct satchel_tx *tx, const char *account, const json_t *row, const char *day,
                            const char *basis)
{
    const char *tier = client_book_text(row, "tier");
    enum sat_err err = client_book_put(tx, "account", account, json_pack("{s:s}", "tier", tier), NULL);
    if (err) return err;
    return client_book_put(tx, "tier_event", NULL,
                           json_pack("{s:s, s:s, s:s, s:O, s:s}", "account", account, "tier", tier, "on_date", day,
                                     "amount", json_object_get(row, "amount_minor"), "basis", basis),
                           NULL);
}

static enum sat_err publish(struct satchel_tx *tx, const json_t *best, const char *day, const char *basis, json_t *told)
{
    const char *account;
    json_t *row;
    enum sat_err err = SAT_OK;
    json_object_foreach((json_t *)best, account, row)
    {
        const char *was = client_book_text(row, "published"), *tier = client_book_text(row, "tier");
        if (err || (was && strcmp(was, tier) == 0)) continue;
        err = put_one(tx, account, row, day, basis);
        if (err == SAT_ERR_DENIED) { /* he reads that territory, and does not write there */
            tx->satchel->fault = (struct sat_fault){0};
            err = SAT_OK;
            continue;
        }
        if (!err)
            (void)json_array_append_new(told, json_pack("{s:O, s:s?, s:s, s:O, s:O, s:s}", "account",
                                                        json_object_get(row, "account"), "was", was, "tier", tier,
                                                        "amount_minor", json_object_get(row, "amount_minor"),
                                                        "currency", json_object_get(row, "currency"), "id", account));
    }
    return err;
}

int satchel_tier_publish(struct satchel *satchel, const char *day, satchel_row_fn row, void *context)
{
    char today[CLIENT_BOOK_DAY_SIZE], basis[80], *text = NULL;
    struct satchel_tx *tx = NULL;
    json_t *told = json_array(), *one;
    size_t index;
    client_begin(satchel);
    enum sat_err err = check_right(satchel);
    if (!err) err = check_day(satchel, day, today);
    if (!day) day = today;
    const struct satchel_report_options options = {.period = day};
    if (!err) err = (enum sat_err)satchel_report(satchel, "tiers", &options, &text);
    json_t *report = text ? json_loads(text, 0, NULL) : NULL;
    json_t *best = highest(json_object_get(json_object_get(report, "parts"), "accounts"));
    const char *as_of = client_book_text(report, "as_of");
    (void)snprintf(basis, sizeof basis, "orders of twelve months, as of %.30s", as_of ? as_of : "no sync");
    if (!err) err = (enum sat_err)satchel_begin(satchel, &tx);
    if (!err) err = client_book_end(tx, publish(tx, best, day, basis, told));
    bool more = !err;
    json_array_foreach(told, index, one) if (more) more = client_give_row(row, context, json_incref(one));
    json_decref(best);
    json_decref(report);
    json_decref(told);
    satchel_free(text);
    return client_end(satchel, err);
}
