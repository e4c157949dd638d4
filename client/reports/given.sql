-- given: what every report stands on. No report itself.
--
-- The library puts a table before these:
--   asked           one row: the period's name, its first and last day, the territory (null: all), by what it is told
--                   (null: all together), today
-- and the functions of client/view/arithmetic.h: basis_points, exact_sum. The state of what has one is in its row, and
-- with _disputed behind the field's name what stands side by side (null: nothing).
--
-- A day is the first ten characters of a time: the local day of whoever noted it.

-- with
-- An account that lies in several territories is one, as the territory that is asked about says it, else the first by
-- name: what is joined with it is counted once.
account AS (
    SELECT a.* FROM main.account AS a
    WHERE NOT EXISTS (SELECT c.id FROM main.account AS c GROUP BY c.id HAVING COUNT(*) > 1)
       OR NOT EXISTS (SELECT 1 FROM main.account AS b, asked WHERE b.id = a.id AND
                      (b.territory IS NOT asked.territory, b.territory)
                      < (a.territory IS NOT asked.territory, a.territory))
),
-- What is asked about: a territory's records, and those of all where none is named.
account_here AS (
    SELECT a.* FROM account AS a, asked WHERE asked.territory IS NULL OR a.territory = asked.territory
),
-- Of what was merged into another account that one is asked about: the view says which stays.
merged(id, account) AS MATERIALIZED (
    SELECT id, account FROM main.survivor WHERE id <> account
),
survivor(id, account) AS (
    SELECT a.id, COALESCE(m.account, a.id) FROM account AS a LEFT JOIN merged AS m ON m.id = a.id
),
-- What it belongs to of the axis by which it is told, if it is told by one (territory is where it lives).
axis_of(account, name) AS MATERIALIZED (
    SELECT q.account, group_concat(q.name, ' + ') FROM (SELECT p.account, p.name FROM main.placed AS p, asked
        WHERE p.axis = asked.by AND p.own ORDER BY p.account, p.name) AS q GROUP BY q.account
),
person(id, name) AS (
    SELECT id, COALESCE(name, employee_no, 'no. ' || number) FROM "user"
),
-- Of payments that look like one the first counts.
payment_seen(id, account, amount, currency, day, standing, territory) AS (
    SELECT payment, account, amount, currency, received_on, standing, territory FROM main.paid_once
),
-- Who has an account now, or had it on a day: what was handed over later was still the former owner's.
handed_over(account, from_user, to_user, at, credit_rule) AS (
    SELECT j.value, r.from_user, r.to_user, r.effective_at, r.credit_rule FROM reassignment AS r, json_each(r.accounts) AS j
),
-- Orders, with what keeps one from counting.
order_seen(id, account, owner, currency, day, total, territory, standing) AS (
    SELECT o.id, a.id,
           COALESCE((SELECT h.from_user FROM handed_over AS h WHERE h.account IN (o.account, a.id)
                     AND substr(h.at, 1, 10) > o.ordered_on ORDER BY substr(h.at, 1, 10), h.from_user LIMIT 1), a.owner),
           COALESCE(o.currency, l.currency), o.ordered_on, o.total, o.territory,
           CASE WHEN o.state_disputed IS NOT NULL THEN 'disputed: their states stand side by side'
                WHEN o.state IN ('cancelled', 'held', 'draft') THEN o.state
                WHEN o.ordered_on IS NULL THEN 'no day of ordering'
                WHEN o.total IS NULL THEN 'no total'
                WHEN COALESCE(o.currency, l.currency) IS NULL THEN 'no currency' END
    FROM "order" AS o LEFT JOIN account AS b ON b.id = o.account
    LEFT JOIN merged AS c ON c.id = b.id LEFT JOIN account AS a ON a.id = COALESCE(c.account, b.id)
    LEFT JOIN price_list AS l ON l.id = o.price_list
),
-- Visits, with what keeps one from counting. Whoever visits an account after it was handed over to somebody else has no
-- credit for it, unless the reassignment says otherwise.
visit_seen(id, account, person, plan, day, territory, standing) AS (
    SELECT v.id, COALESCE(c.account, b.id), v.person, v.plan, COALESCE(v.local_date, substr(v.started_at, 1, 10)), v.territory,
           CASE WHEN v.state_disputed IS NOT NULL THEN 'disputed: their states stand side by side'
                WHEN v.state NOT IN ('submitted', 'reviewed') THEN 'not submitted'
                WHEN COALESCE(v.local_date, v.started_at) IS NULL THEN 'no day of visiting'
                ELSE (SELECT 'account moved ' || substr(h.at, 1, 10) FROM handed_over AS h
                      WHERE h.account IN (v.account, c.account) AND h.from_user = v.person
                      AND COALESCE(h.credit_rule, 'owner_then') = 'owner_then'
                      AND CASE WHEN v.started_at IS NULL THEN v.local_date >= substr(h.at, 1, 10)
                          ELSE CAST(strftime('%s', v.started_at) AS INTEGER) >= CAST(strftime('%s', h.at) AS INTEGER) END
                      ORDER BY h.at LIMIT 1) END
    FROM visit AS v LEFT JOIN account AS b ON b.id = v.account LEFT JOIN merged AS c ON c.id = b.id
)
