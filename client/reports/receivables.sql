-- receivables: what is owed, how long overdue, and which step of dunning is due
-- period: today
-- by: territory owner account
-- plot: ageing currency age outstanding_minor
--
-- As things stand at the end of the period's last day, or today where that is still to come. Outstanding is the amount
-- without what was allocated to it by then; it is overdue from the day after it was due. What was reversed does not
-- count, nor its reversal. Of payments with the same bank reference, account, currency and amount one counts, until a
-- person says that they are two; of what a delivery made and what was put by hand for the same order the latter counts.
-- What is in another territory than its account, payment or receivable counts nowhere.
-- The ladder: 7 and 3 days before, the day itself, 1, 7, 15 and 30 days after.

-- with
ladder(level, days, step) AS (
    VALUES(1, -7, 'rep: reminder'), (2, -3, 'rep: draft to the customer'), (3, 0, 'rep: due today'),
          (4, 1, 'manager'), (5, 7, 'region head, call script'), (6, 15, 'finance, hold deliveries'), (7, 30, 'legal')
),
moment(day) AS (
    SELECT MIN(last, today) FROM asked
),
receivable AS (
    SELECT r.* FROM main.receivable AS r WHERE r.elsewhere IS NOT 1
),
allocation_seen(id, territory, receivable, amount, standing) AS (
    SELECT a.id, a.territory, a.receivable, a.amount,
           CASE WHEN a.standing = 'counts' AND a.received_on > moment.day THEN 'later' ELSE a.standing END
    FROM main.allocated AS a, moment
),
-- What a delivery made counts where nobody has put what is owed for the order by hand.
owed_here(id, territory, amount) AS (
    SELECT r.id, r.territory, r.amount FROM receivable AS r
    JOIN main.owed_once AS o ON o.receivable = r.id AND o.territory = r.territory AND o.counts = r.id
),
open_of(id, territory, outstanding) AS (
    SELECT id, territory, CASE WHEN COUNT(amount) THEN exact_sum(part) END
    FROM (SELECT id, territory, amount AS part, amount FROM owed_here UNION ALL
          SELECT receivable, territory, -amount, NULL FROM allocation_seen WHERE standing = 'counts')
    GROUP BY id, territory
),
-- What several territories have under one id is one where they say the same of it: as the one that is asked about has
-- it, else the first by name.
owed(id, account, currency, due, amount, outstanding, overdue, fired, territory, "of") AS (
    SELECT r.id, COALESCE(c.account, b.id), r.currency, r.due, r.amount, s.outstanding,
           (CAST(strftime('%s', moment.day) AS INTEGER) - CAST(strftime('%s', r.due) AS INTEGER)) / 86400,
           (SELECT MAX(d.level) FROM dunning_step AS d WHERE d.receivable = r.id AND d.territory = r.territory
            AND d.done_at IS NOT NULL),
           MIN(r.territory),
           CASE asked.by WHEN 'territory' THEN r.territory
                WHEN 'account' THEN COALESCE((SELECT name FROM account WHERE id = COALESCE(c.account, b.id)), '-')
                WHEN 'owner' THEN COALESCE((SELECT p.name FROM account AS a JOIN person AS p ON p.id = a.owner
                                            WHERE a.id = COALESCE(c.account, b.id)), '-') ELSE '' END
    FROM receivable AS r JOIN owed_here AS h ON h.id = r.id AND h.territory = r.territory
    JOIN open_of AS s ON s.id = r.id AND s.territory = r.territory
    LEFT JOIN account AS b ON b.id = r.account LEFT JOIN merged AS c ON c.id = b.id, asked, moment
    WHERE asked.territory IS NULL OR r.territory = asked.territory
    GROUP BY r.id, r.account, r.currency, r.due, r.amount, s.outstanding
),
open_now AS MATERIALIZED (
    SELECT *, CASE WHEN overdue <= 0 THEN 1 WHEN overdue <= 30 THEN 2 WHEN overdue <= 60 THEN 3 WHEN overdue <= 90 THEN 4
              ELSE 5 END AS age FROM owed WHERE outstanding > 0 AND due IS NOT NULL
),
age(n, name) AS (
    VALUES(1, 'not overdue'), (2, '1 to 30 days'), (3, '31 to 60 days'), (4, '61 to 90 days'), (5, 'over 90 days')
),
kind_of("of", currency) AS (
    SELECT DISTINCT "of", currency FROM open_now
)

-- part ageing
SELECT k."of", k.currency, g.name AS age, COALESCE(s.n, 0) AS n,
       CASE WHEN s.n IS NULL THEN 0 ELSE s.outstanding END AS outstanding_minor
FROM kind_of AS k, age AS g
LEFT JOIN (SELECT "of", currency, age, COUNT(*) AS n, exact_sum(outstanding) AS outstanding FROM open_now GROUP BY 1, 2, 3) AS s
ON s."of" = k."of" AND s.currency IS k.currency AND s.age = g.n ORDER BY k."of", k.currency, g.n

-- part receivables
SELECT o."of", COALESCE((SELECT name FROM account WHERE id = o.account), '-') AS account, o.due, o.overdue AS days_overdue,
       o.currency, o.outstanding AS outstanding_minor,
       (SELECT step FROM ladder WHERE days <= o.overdue ORDER BY level DESC LIMIT 1) AS step,
       (SELECT MAX(level) FROM ladder WHERE days <= o.overdue) AS level_due, o.fired AS level_done,
       (SELECT date(o.due, days || ' days') FROM ladder WHERE days > o.overdue ORDER BY level LIMIT 1) AS next_on,
       o.amount AS amount_minor, o.id
FROM open_now AS o ORDER BY o."of", o.due, account, o.id

-- part basis
SELECT 'receivables' AS what, (SELECT COUNT(*) FROM open_now) AS n, NULL AS why
UNION ALL
SELECT * FROM (SELECT 'receivables', COUNT(*), 'paid' FROM owed WHERE outstanding = 0 HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'receivables', COUNT(*), 'more was paid than was owed' FROM owed WHERE outstanding < 0
               HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'receivables', COUNT(*), 'no amount or no day on which it is due' FROM owed
               WHERE amount IS NULL OR (outstanding > 0 AND due IS NULL) HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'receivables', COUNT(*), 'what is outstanding does not fit' FROM owed
               WHERE amount IS NOT NULL AND outstanding IS NULL HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'receivables', COUNT(*), 'made by a delivery, and put by hand for the same order: the latter counts'
               FROM main.owed_once AS o, asked WHERE o.counts <> o.receivable
               AND (asked.territory IS NULL OR o.territory = asked.territory) HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'payments', COUNT(*), 'recorded twice: same bank reference, account and amount'
               FROM payment_seen AS p, asked
               WHERE p.standing = 'twice' AND (asked.territory IS NULL OR p.territory = asked.territory)
               HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'payments', COUNT(*), 'not allocated to what is owed' FROM payment_seen AS p, asked, moment
               WHERE p.standing = 'counts' AND p.day <= moment.day
               AND (p.id, p.territory) NOT IN (SELECT payment, territory FROM allocation WHERE payment IS NOT NULL)
               AND (asked.territory IS NULL OR p.territory = asked.territory) HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'receivables', COUNT(*), 'in another territory than their accounts'
               FROM main.receivable AS r, asked WHERE r.elsewhere
               AND (asked.territory IS NULL OR r.territory = asked.territory) HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'payments', COUNT(*), 'in another territory than their accounts'
               FROM payment_seen AS p, asked WHERE p.standing = 'elsewhere'
               AND (asked.territory IS NULL OR p.territory = asked.territory) HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'allocations', COUNT(*), 'in another territory than what was paid, or with what'
               FROM allocation_seen AS a, asked WHERE a.standing = 'elsewhere'
               AND (asked.territory IS NULL OR a.territory = asked.territory) HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'allocations', COUNT(*), 'paid in another currency' FROM allocation_seen AS a
               JOIN owed AS o ON o.id = a.receivable AND o.territory = a.territory
               WHERE a.standing = 'currency' HAVING COUNT(*) > 0)
