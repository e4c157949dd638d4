/* How what is paid and owed stands, as SQL over the tables payment, allocation and receivable: the views of that name
 * say it of all rows (follows.c), a ledger of what belongs to one account (book/ledger.h). Each row counts
 * in its own territory: what reverses it, looks like it, is made or put for the same order lies there, too. */
#ifndef CLIENT_VIEW_MONEY_H
#define CLIENT_VIEW_MONEY_H

/* What was reversed beside it is settled, wherever it should have been. */
#define CLIENT_MONEY_STANDING(TABLE)                                                                                   \
    "CASE WHEN (id, territory) IN (SELECT x.reverses, x.territory FROM " TABLE " AS x WHERE x.reverses IS NOT NULL)"   \
    " THEN 'reversed' WHEN elsewhere THEN 'elsewhere' WHEN reverses IS NOT NULL THEN 'reversed' ELSE 'counts' END"

/* How each payment stands: 'counts', 'reversed' (it, or what it reverses), 'elsewhere' (in another territory than what
 * it is about), or 'twice': of those of one bank reference, account, currency and amount the first by id counts, but
 * for those of which a person has said that they are apart. */
#define CLIENT_PAID_ONCE_COLUMNS                                                                                       \
    "paid_once (payment, territory, account, amount, currency, received_on, bank_ref, standing, counts)"
#define CLIENT_PAID_ONCE                                                                                               \
    "WITH seen AS (SELECT q.*, CASE WHEN standing = 'counts' AND bank_ref IS NOT NULL AND amount IS NOT NULL AND"      \
    " apart IS NOT 1 THEN hex(bank_ref) || ',' || hex(account) || ',' || hex(currency) || ',' || hex(territory) ||"    \
    " ',' || amount END AS alike FROM (SELECT id, territory, account, amount, currency, received_on, bank_ref, apart," \
    " " CLIENT_MONEY_STANDING("payment") " AS standing FROM payment) AS q) SELECT s.id, s.territory, s.account,"       \
                                         " s.amount, s.currency, s.received_on, s.bank_ref, CASE WHEN f.id < s.id "    \
                                         "THEN 'twice' ELSE s.standing END,"                                           \
                                         " COALESCE(f.id, s.id) FROM seen AS s LEFT JOIN (SELECT alike, MIN(id) AS "   \
                                         "id FROM seen WHERE alike IS NOT NULL"                                        \
                                         " GROUP BY alike) AS f ON f.alike = s.alike"

/* The receivable that counts in its place, mostly itself. What a delivery made (its id follows from the order: a
 * UUIDv8) gives way to what somebody put for the same order by hand. Of those each counts: they may be instalments.
 * One in another territory than its account is not among them. */
#define CLIENT_OWED_ONCE_COLUMNS "owed_once (receivable, territory, currency, counts)"
#define CLIENT_OWED_ONCE                                                                                               \
    "SELECT r.id, r.territory, r.currency, CASE WHEN substr(r.id, 15, 1) = '8' AND r.amount IS NOT NULL THEN"          \
    " COALESCE(h.id, r.id) ELSE r.id END FROM receivable AS r LEFT JOIN (SELECT \"order\", territory,"                 \
    " COALESCE(currency, '') AS currency, MIN(id) AS id FROM receivable WHERE \"order\" IS NOT NULL AND amount IS NOT" \
    " NULL AND substr(id, 15, 1) <> '8' AND elsewhere IS NOT 1 GROUP BY 1, 2, 3) AS h ON h.\"order\" = r.\"order\""    \
    " AND h.territory = r.territory AND h.currency = COALESCE(r.currency, '') WHERE r.elsewhere IS NOT 1"

/* What of a payment goes to the receivable that counts. Standing is the payment's, or its own: 'reversed', 'elsewhere',
 * or 'currency': that is another one. */
#define CLIENT_ALLOCATED_COLUMNS "allocated (id, territory, payment, receivable, amount, received_on, standing)"
#define CLIENT_ALLOCATED                                                                                               \
    "SELECT a.id, a.territory, a.payment, COALESCE(o.counts, a.receivable), a.amount, p.received_on, CASE WHEN"        \
    " a.standing <> 'counts' THEN a.standing WHEN p.standing <> 'counts' THEN p.standing WHEN p.currency <>"           \
    " o.currency THEN 'currency' ELSE 'counts' END FROM (SELECT id, territory, payment, receivable, "                  \
    "amount, " CLIENT_MONEY_STANDING(                                                                                  \
        "allocation") " AS standing FROM allocation) AS a LEFT JOIN owed_once AS o ON o.receivable"                    \
                      " = a.receivable AND o.territory = a.territory LEFT JOIN paid_once AS p ON p.payment = "         \
                      "a.payment AND p.territory"                                                                      \
                      " = a.territory"

#endif
