/* What follows from rows of several records, as SQL views that everybody may ask: which account stays of those that
 * were merged, who is not to be contacted for what, whether targets sum, and what came by sync and breaks a rule.
 * Nothing of it is kept, so nothing of it can be out of date. */
#include "client/view/database.h"
#include "client/view/money.h"

#define ELSEWHERE "': it counts for nothing'"
#define WITHDRAWN "COALESCE(julianday(withdrawn_at), julianday(substr(withdrawn_at, 1, 19)) + 1)"

/* What goes from payments to receivables, found once for all rules that ask for it. */
#define GIVEN "given AS MATERIALIZED (SELECT * FROM allocated)"
/* SQLite's own sum fails where no integer holds it: then it is about so much. */
#define SUM_OF_AMOUNTS                                                                                                 \
    "CASE WHEN ABS(TOTAL(amount)) < 9e18 THEN SUM(amount / 1000000) * 1000000 + SUM(amount % 1000000) ELSE "           \
    "TOTAL(amount) END"

static const char *const views[] = {
    /* survivor(id, account): of each account the one under which all that belongs to it is shown. Merging is a way that
     * leads from one to the next as far as the next is here (client/survivor.h has the same rule for single records);
     * ways that lead in a ring, as two were merged into each other side by side, end in the lowest id of the ring. As
     * there, a way that has not ended after HOPS_MAX accounts ends in the last of them; of a ring twice as many are
     * walked, so that the second half has nothing but the ring. */
    "CREATE VIEW survivor (id, account) AS WITH RECURSIVE edge(id, next) AS (SELECT a.id, a.merged_into "
    "FROM account AS a WHERE a.merged_into IS NOT NULL AND EXISTS (SELECT 1 FROM account AS b WHERE b.id "
    "= a.merged_into)), way(id, at, hops) AS (SELECT id, id, 0 FROM edge UNION SELECT w.id, e.next, w.hops + 1 "
    "FROM way AS w JOIN edge AS e ON e.id = w.at WHERE w.hops < 127) SELECT id, COALESCE(MIN(CASE WHEN hops < 63 AND "
    "at NOT IN (SELECT id FROM edge) THEN at END), CASE WHEN COUNT(DISTINCT at) < 64 THEN MIN(CASE WHEN hops > 63 "
    "THEN at END) END, MIN(CASE WHEN hops = 62 THEN at END)) FROM way GROUP BY id UNION ALL SELECT DISTINCT a.id, a.id "
    "FROM account "
    "AS a WHERE a.merged_into IS NULL OR NOT EXISTS (SELECT 1 FROM account AS b WHERE b.id = "
    "a.merged_into)",
    /* placed(account, axis, name, territory, own): what an account belongs to, of every axis (region, product,
     * customer, mixed): the territory in which it lives, those that it names beside that, and what these are parts of
     * (own: 0). A territory of which nobody said its axis is a region. */
    "CREATE VIEW placed (account, axis, name, territory, own) AS WITH RECURSIVE up(account, at, own) AS (SELECT a.id, "
    "t.id, 1 FROM account AS a JOIN territory AS t ON t.name = a.territory UNION SELECT a.id, j.value, 1 FROM account "
    "AS a, json_each(a.territories) AS j UNION SELECT u.account, t.parent, 0 FROM up AS u JOIN territory AS t ON t.id "
    "= u.at WHERE t.parent IS NOT NULL) SELECT u.account, COALESCE(t.axis, 'region'), t.name, t.id, MAX(u.own) FROM up "
    "AS u JOIN territory AS t ON t.id = u.at GROUP BY u.account, t.id",
    /* consented(contact, purpose, given_at, withdrawn_at, state): the consents for one purpose, taken together. What
     * was withdrawn stays so; only a new one, given after the last withdrawal, counts. SQLite reads no offset beyond
     * 14 hours: such a withdrawal counts a day after the time that stands there, thus never too early, and none is
     * after one without a time that can be read. */
    "CREATE VIEW consented (contact, purpose, given_at, withdrawn_at, state) AS SELECT contact, purpose, "
    "MAX(given_at), MAX(withdrawn_at), CASE WHEN COUNT(withdrawn_at) = COUNT(" WITHDRAWN ") AND "
    "MAX(CASE WHEN withdrawn_at IS NULL THEN "
    "CAST(ROUND(julianday(given_at) * 86400000) AS INTEGER) END) > "
    "COALESCE(MAX(CAST(ROUND(" WITHDRAWN " * 86400000) AS INTEGER)), -1) THEN 'given' WHEN "
    "MAX(withdrawn_at) IS NOT NULL THEN 'withdrawn' ELSE 'asked' END FROM consent WHERE contact IS NOT "
    "NULL GROUP BY contact, purpose",
    /* withheld(contact, purpose, why): who is not to be contacted, and for what; null: for anything. */
    "CREATE VIEW withheld (contact, purpose, why) AS SELECT contact, purpose, 'consent withdrawn' FROM "
    "consented WHERE state = 'withdrawn' UNION ALL SELECT c.id, NULL, 'do not contact' FROM account AS a "
    "JOIN survivor AS s ON s.account = a.id OR s.id = a.id JOIN contact AS c ON c.account IN (s.id, "
    "s.account) WHERE a.do_not_contact = 1 GROUP BY c.id UNION ALL SELECT id, NULL, 'left the company' "
    "FROM contact WHERE left_company = 1",
    /* division(whole, division, in_force, parts, target, sum): targets that were divided. Two people can divide one
     * side by side: the target says which division is in force, and the others stay beside it. Of a value the newest
     * version counts: the longest, then the greatest name. A sum that no integer holds is null. */
    "CREATE VIEW division (whole, division, in_force, parts, target, sum) AS SELECT whole, division, "
    "in_force, COUNT(*), target, CASE WHEN COUNT(value) = COUNT(*) AND ABS(TOTAL(value)) < 9e18 THEN "
    "SUM(value / 1000000) * 1000000 + SUM(value % 1000000) END FROM (SELECT c.parent AS whole, "
    "c.division, c.division IS p.divided AS in_force, (SELECT j.value FROM target AS v, "
    "json_each(v.\"values\") AS j WHERE v.id = p.id ORDER BY length(j.key) DESC, j.key DESC LIMIT 1) AS "
    "target, (SELECT j.value FROM target AS v, json_each(v.\"values\") AS j WHERE v.id = c.id ORDER BY "
    "length(j.key) DESC, j.key DESC LIMIT 1) AS value FROM target AS c JOIN target AS p ON p.id = "
    "c.parent) GROUP BY whole, division",
    /* … and how money stands (money.h). */
    "CREATE VIEW " CLIENT_PAID_ONCE_COLUMNS " AS " CLIENT_PAID_ONCE,
    "CREATE VIEW " CLIENT_OWED_ONCE_COLUMNS " AS " CLIENT_OWED_ONCE,
    "CREATE VIEW " CLIENT_ALLOCATED_COLUMNS " AS " CLIENT_ALLOCATED,
    /* flagged(type, id, rule, text): what is here, as it came, and breaks a rule: for a person to look at. */
    "CREATE VIEW flagged (type, id, rule, text) AS WITH RECURSIVE up(id, at) AS (SELECT id, parent FROM "
    "territory WHERE parent IS NOT NULL UNION SELECT u.id, t.parent FROM up AS u JOIN territory AS t ON "
    "t.id = u.at WHERE t.parent IS NOT NULL), gone(contact, purpose, at) AS (SELECT contact, purpose, "
    "MIN(CAST(ROUND(" WITHDRAWN " * 86400000) AS "
    "INTEGER)) FROM consent WHERE withdrawn_at IS "
    "NOT NULL GROUP BY contact, purpose), " GIVEN " SELECT 'territory', u.id, 'a territory is no part of itself', "
    "'its parents lead back to it' FROM up AS u WHERE u.id = u.at UNION ALL SELECT 'target', d.whole, "
    "'the parts of a target sum to it', d.parts || ' parts make ' || COALESCE(d.sum, 'no sum') || ', not "
    "' || COALESCE(d.target, 'what it has no value for') || CASE WHEN d.in_force THEN '' ELSE ' (a "
    "division that is not in force)' END FROM division AS d WHERE d.sum IS NOT d.target UNION ALL SELECT "
    "'target', d.whole, 'a target is divided once', 'divided ' || COUNT(*) || ' times, side by side' "
    "FROM division AS d GROUP BY d.whole HAVING COUNT(*) > 1 UNION ALL SELECT 'account', a.id, 'accounts "
    "are merged one way', 'merged in a ring, of which this one stays' FROM account AS a JOIN survivor AS "
    "s ON s.id = a.id AND s.account = a.id WHERE a.merged_into IN (SELECT id FROM account) UNION ALL "
    "SELECT 'interaction', i.id, 'no contact after a withdrawal', 'after withdrawal: ' || "
    "COALESCE(g.purpose, 'of any purpose') FROM gone AS g JOIN interaction AS i, json_each(i.contacts) "
    "AS j WHERE j.value = g.contact AND CAST(ROUND(julianday(i.\"at\") * 86400000) AS INTEGER) > g.at "
    "AND NOT EXISTS (SELECT 1 FROM consent AS n WHERE n.contact = g.contact AND n.purpose IS g.purpose "
    "AND n.withdrawn_at IS NULL AND CAST(ROUND(julianday(n.given_at) * 86400000) AS INTEGER) > g.at AND "
    "CAST(ROUND(julianday(n.given_at) * 86400000) AS INTEGER) <= CAST(ROUND(julianday(i.\"at\") * "
    "86400000) AS INTEGER))"
    " UNION ALL SELECT 'amendment', m.id, CASE m.standing WHEN 'denied' THEN 'a field is amended by who may amend it'"
    " WHEN 'unfit' THEN 'an amendment is a value of its field' WHEN 'early' THEN 'what is submitted is amended' ELSE"
    " 'an amendment is in its record''s territory' END, m.field || ' of ' || m.about || ': it counts for nothing' FROM"
    " amendment AS m WHERE m.standing IN ('denied', 'unfit', 'early', 'elsewhere')"
    /* steps that have waited for five days for others, by this device's clock; so long nothing is on its way */
    " UNION ALL SELECT 'state_event', e.id, 'a step follows one that is here', 'since ' || substr(e.\"at\", 1, 10) || "
    "': ' || e.to_state || ' of ' || e.about || ' waits for ' || COUNT(*) || CASE COUNT(*) WHEN 1 THEN ' step' ELSE "
    "' steps' END FROM state_event AS e, json_each(e.after) AS j WHERE julianday(e.\"at\") < julianday('now') - 5 AND "
    "j.value NOT IN (SELECT id FROM state_event) GROUP BY e.id"
    " UNION ALL SELECT 'state_event', e.id, 'a step is a move that there is', e.to_state || ' of ' || e.about || ': it "
    "counts for nothing (satchel state)' FROM state_event AS e WHERE e.standing = 'illegal'"
    " UNION ALL SELECT 'state_event', e.id, 'a step is in its record''s territory', e.to_state || ' of ' || e.about ||"
    " ': it counts for nothing' FROM state_event AS e JOIN (SELECT NULL AS id, NULL AS territory"
#define MACHINE(type, field, settlers) " UNION ALL SELECT id, territory FROM \"" #type "\""
#include "common/vault/machines.def"
    ") AS r ON r.id = e.about GROUP BY e.rowid HAVING SUM(r.territory = e.territory) = 0"
    " UNION ALL SELECT type, id, 'a state is come to by its way', 'it was made as ' || state || ', to which whoever "
    "made it"
    " has no way: somebody who has moves it on' FROM unreached"
    " UNION ALL SELECT c.type, c.id, 'who wants a record claims it himself', COALESCE(w.name, 'somebody') || ' claimed "
    "it"
    " for ' || COALESCE(p.name, 'somebody') || ': that counts for nothing' FROM claimed AS c LEFT JOIN \"user\" AS w ON"
    " w.id = c.author LEFT JOIN \"user\" AS p ON p.id = c.person WHERE c.standing = 'denied'"
    " UNION ALL SELECT 'order_line', l.id, 'a line is in its order''s territory', 'of order ' || l.\"order\" || ': it"
    " counts for nothing' FROM order_line AS l JOIN \"order\" AS o ON o.id = l.\"order\" GROUP BY l.rowid HAVING"
    " SUM(o.territory = l.territory) = 0"
    /* of orders and payments what SQL can tell; the rest `order status` and `pay` do (client/book/order_flags.c) */
    " UNION ALL SELECT 'order', o.id, 'a final number is of one order', 'another order is ' || o.no_final || ', too' "
    "FROM"
    " \"order\" AS o WHERE o.no_final IN (SELECT no_final FROM \"order\" GROUP BY no_final HAVING COUNT(DISTINCT id) > "
    "1)"
    " UNION ALL SELECT 'order', o.id, 'a number is of one order', 'another order is ' || o.no_local || ', too' FROM "
    "\"order\" AS"
    " o WHERE o.no_local IN (SELECT no_local FROM \"order\" GROUP BY no_local HAVING COUNT(DISTINCT id) > 1) UNION ALL"
    " SELECT 'order', o.id, 'an order has the currency of its price list', 'it is in ' || o.currency || ', the list in "
    "'"
    " || l.currency FROM \"order\" AS o JOIN price_list AS l ON l.id = o.price_list WHERE o.currency <> l.currency "
    "UNION"
    " ALL SELECT 'order', o.id, 'a price list is valid on the day', 'ordered on ' || o.ordered_on || ' by a list that'"
    " || ' was valid from ' || COALESCE(l.valid_from, 'any day') || ' to ' || COALESCE(l.valid_to, 'any day') FROM"
    " \"order\" AS o JOIN price_list AS l ON l.id = o.price_list WHERE o.ordered_on < l.valid_from OR o.ordered_on >"
    " l.valid_to"
    /* … asked once for each list and day, as orders are many more */
    " UNION ALL SELECT 'order', o.id, 'an order is priced by the newest list', 'by v' || n.own || ', where v' ||"
    " n.newest || ' was effective' FROM (SELECT q.price_list, q.ordered_on, own.version AS own, MAX(l.version) AS"
    " newest FROM (SELECT DISTINCT price_list, ordered_on FROM \"order\" WHERE price_list IS NOT NULL AND ordered_on IS"
    " NOT NULL) AS q JOIN price_list AS own ON own.id = q.price_list JOIN price_list AS l ON l.code = own.code AND"
    " l.currency IS own.currency AND l.version > own.version AND COALESCE(l.valid_from, '') <= q.ordered_on AND"
    " COALESCE(l.valid_to, '9999') >= q.ordered_on GROUP BY q.price_list, q.ordered_on) AS n JOIN \"order\" AS o ON"
    " o.price_list = n.price_list AND o.ordered_on = n.ordered_on GROUP BY o.id"
    " UNION ALL SELECT 'payment', payment, 'a transfer is one payment', 'bank reference ' || bank_ref || ', account "
    "and'"
    " || ' amount are those of an earlier one: it counts once' FROM paid_once WHERE standing = 'twice'"
    " UNION ALL SELECT 'payment', payment, 'an amount is positive', 'a payment of ' || amount || ', which is no "
    "reversal'"
    " FROM paid_once WHERE standing <> 'reversed' AND amount <= 0 UNION ALL SELECT 'allocation', id, 'an amount is"
    " positive', 'an allocation of ' || amount FROM given WHERE standing <> 'reversed' AND amount <= 0"
    " UNION ALL SELECT 'payment', p.id, 'no more is allocated than was paid', 'its allocations sum to ' || s.total ||"
    " ', and ' || p.amount || ' was paid (minor units): archive one (satchel rm allocation ID), or take it back"
    " (satchel pay reverse ' || p.id || ')' FROM (SELECT payment, territory, " SUM_OF_AMOUNTS " AS total FROM given"
    " WHERE standing = 'counts' GROUP BY payment, territory) AS s JOIN payment AS p ON p.id = s.payment AND p.territory"
    " = s.territory WHERE p.amount > 0 AND s.total > p.amount"
    " UNION ALL SELECT 'receivable', r.id, 'no more is paid than is owed', s.n || CASE s.n WHEN 1 THEN ' payment"
    " gives' ELSE ' payments give' END || ' it ' || s.total || ', and ' || r.amount || ' is owed (minor units): satchel"
    " pay reverse PAYMENT takes one back, the newest is ' || s.newest FROM (SELECT receivable, territory,"
    " COUNT(DISTINCT COALESCE(payment, '')) AS n, COALESCE(MAX(payment), '?') AS newest, " SUM_OF_AMOUNTS " AS total"
    " FROM given WHERE standing = 'counts' GROUP BY receivable, territory) AS s JOIN receivable AS r ON r.id = "
    "s.receivable AND r.territory ="
    " s.territory WHERE r.elsewhere IS NOT 1 AND s.total > r.amount"
    " UNION ALL SELECT 'allocation', g.id, 'an allocation is in the currency of both', 'payment ' || g.payment || ' is"
    " in ' || p.currency || ', receivable ' || g.receivable || ' in ' || r.currency || ': it counts for nothing;"
    " satchel pay reverse takes the payment back' FROM given AS g JOIN payment AS p ON p.id = g.payment AND "
    "p.territory ="
    " g.territory JOIN receivable AS r ON r.id = g.receivable AND r.territory = g.territory WHERE g.standing ="
    " 'currency'"
    " UNION ALL SELECT 'receivable', receivable, 'an order is owed once', 'receivable ' || counts || ', which somebody"
    " put for the same order, counts instead' FROM owed_once WHERE counts <> receivable"
    /* what is not beside what it follows from (beside.h) */
    " UNION ALL SELECT 'receivable', id, 'a receivable is in its account''s territory', 'of account ' || account ||"
    " " ELSEWHERE " FROM receivable WHERE elsewhere UNION ALL SELECT 'payment', id, CASE WHEN reverses IS NULL THEN"
    " 'a payment is in its account''s territory' ELSE 'a reversal is in its payment''s territory' END, CASE WHEN"
    " reverses IS NULL THEN 'of account ' || account ELSE 'of payment ' || reverses END || " ELSEWHERE " FROM payment"
    " AS p WHERE elsewhere AND (reverses IS NOT NULL OR (id, territory) IN (SELECT payment, territory FROM paid_once"
    " WHERE standing = 'elsewhere')) UNION ALL SELECT 'allocation', id, 'an allocation is in its payment''s and"
    " receivable''s territory', 'of payment ' || COALESCE(payment, '?') || " ELSEWHERE " FROM allocation WHERE"
    " elsewhere AND (reverses IS NOT NULL OR (id, territory) IN (SELECT id, territory FROM given WHERE standing ="
    " 'elsewhere')) UNION ALL SELECT 'dunning_step', id, 'a reminder is in its receivable''s territory',"
    " 'of receivable ' || receivable || " ELSEWHERE " FROM dunning_step WHERE elsewhere"
    " UNION ALL SELECT 'receivable', r.id, 'a receivable is in its order''s territory', 'of order ' || r.\"order\" || '"
    ": it says nothing of that' FROM receivable AS r JOIN \"order\" AS o ON o.id = r.\"order\" WHERE r.elsewhere IS NOT"
    " 1 GROUP BY r.rowid HAVING SUM(o.territory = r.territory) = 0",
};

enum sat_err client_view_make_follows(sqlite3 *db, struct sat_fault *fault)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (sqlite3_exec(db, views[i], NULL, NULL, NULL) != SQLITE_OK) return client_view_fail(db, fault, SAT_ERR_IO);
    return SAT_OK;
}
