-- targets: what was agreed against what was reached, and whether the parts sum to the whole
-- period: this year
-- by: owner metric territory
--
-- A target is shown if its days overlap the period's; what was reached is counted over the target's own days, until the
-- period's last one or today. Each version of its value has a row: what was agreed first stays. A person's target counts
-- that person's: orders and payments of whoever had the account on the day, visits of whoever made them, leads of their
-- owner; one without an owner counts its territory's. Of a target that was divided twice, side by side, the parts of the
-- division in force are told, and of the other one whether they sum. The metric is one of revenue, collections, orders, visits, leads;
-- of money the currency can stand behind it ("revenue CNY"), and has to where there are several.

-- with
moment(day) AS (
    SELECT MIN(last, today) FROM asked
),
beside(id) AS MATERIALIZED (
    SELECT c.id FROM target AS c JOIN target AS w ON w.id = c.parent WHERE c.division IS NOT w.divided
),
goal AS (
    SELECT t.id, t.owner, t.territory, t.parent, t.metric,
           CASE WHEN instr(t.metric, ' ') > 0 THEN substr(t.metric, 1, instr(t.metric, ' ') - 1) ELSE t.metric END AS measure,
           CASE WHEN instr(t.metric, ' ') > 0 THEN substr(t.metric, instr(t.metric, ' ') + 1) END AS currency,
           t.period_from AS first, MIN(t.period_to, moment.day) AS until, t.period_to AS last, t."values" AS "values",
           COALESCE((SELECT name FROM person AS p WHERE p.id = t.owner), '-') AS owner_name,
           CASE asked.by WHEN 'territory' THEN t.territory WHEN 'metric' THEN COALESCE(t.metric, '-')
           WHEN 'owner' THEN COALESCE((SELECT name FROM person AS p WHERE p.id = t.owner), '-') ELSE '' END AS "of"
    FROM target AS t, asked, moment
    WHERE (asked.territory IS NULL OR t.territory = asked.territory)
      AND t.period_from <= asked.last AND t.period_to >= asked.first AND t.id NOT IN (SELECT id FROM beside)
),
-- One row for what counts towards a measure; of money in its currency, else one.
act(measure, owner, territory, day, amount, currency) AS (
    SELECT 'revenue', owner, territory, day, total, currency FROM order_seen WHERE standing IS NULL
    UNION ALL SELECT 'orders', owner, territory, day, 1, NULL FROM order_seen WHERE standing IS NULL
    UNION ALL SELECT 'visits', person, territory, day, 1, NULL FROM visit_seen WHERE standing IS NULL
    UNION ALL SELECT 'leads', owner, territory, captured_on, 1, NULL FROM lead WHERE state_disputed IS NULL
    UNION ALL SELECT 'collections', COALESCE((SELECT h.from_user FROM handed_over AS h WHERE h.account = p.account
                     AND substr(h.at, 1, 10) > p.day ORDER BY substr(h.at, 1, 10), h.from_user LIMIT 1), a.owner),
                     a.territory, p.day, p.amount, p.currency
              FROM payment_seen AS p LEFT JOIN survivor AS s ON s.id = p.account LEFT JOIN account AS a ON a.id = s.account
              WHERE p.standing = 'counts'
),
reached AS (
    SELECT g.id, exact_sum(a.amount) AS actual, COUNT(DISTINCT a.currency) AS currencies, MIN(a.currency) AS currency
    FROM goal AS g LEFT JOIN act AS a ON a.measure = g.measure AND a.day BETWEEN g.first AND g.until
         AND (a.owner = g.owner OR (g.owner IS NULL AND a.territory = g.territory))
         AND (g.currency IS NULL OR a.currency = g.currency)
    GROUP BY g.id
),
version(id, version, value) AS (
    SELECT g.id, j.key, j.value FROM goal AS g, json_each(COALESCE(g."values", '{}')) AS j
),
newest(id, value) AS (
    SELECT v.id, v.value FROM version AS v WHERE NOT EXISTS (SELECT 1 FROM version AS w WHERE w.id = v.id
        AND (length(w.version) > length(v.version) OR (length(w.version) = length(v.version) AND w.version > v.version)))
),
known(measure, money) AS (
    VALUES('revenue', 1), ('collections', 1), ('orders', 0), ('visits', 0), ('leads', 0)
),
figure AS (
    SELECT g.*, v.version, v.value, k.money, r.currencies, COALESCE(g.currency, r.currency) AS in_currency,
           CASE WHEN r.currencies < 2 THEN r.actual END AS actual
    FROM goal AS g JOIN version AS v ON v.id = g.id JOIN reached AS r ON r.id = g.id JOIN known AS k ON k.measure = g.measure
)

-- part targets
SELECT "of", owner_name AS owner, metric, territory, first, last, version, in_currency AS currency,
       CASE WHEN money THEN value END AS target_minor, CASE WHEN money THEN actual END AS actual_minor,
       CASE WHEN NOT money THEN value END AS target_n, CASE WHEN NOT money THEN actual END AS actual_n,
       basis_points(actual, value) AS reached_bp, id
FROM figure ORDER BY "of", owner_name, metric, first, last, id, length(version), version

-- part sums
SELECT g."of", g.owner_name AS owner, g.metric, g.first, g.last, d.parts, d.target, d.sum AS sum_of_parts,
       CASE WHEN d.target = d.sum THEN 'sums' ELSE 'does not sum' END AS check_of_parts,
       CASE WHEN d.in_force THEN 'in force' ELSE 'beside it' END AS division, g.id
FROM goal AS g JOIN main.division AS d ON d.whole = g.id
ORDER BY g."of", g.owner_name, g.metric, g.first, g.id, d.in_force DESC, d.division

-- part basis
SELECT 'targets' AS what, (SELECT COUNT(DISTINCT id) FROM figure WHERE currencies < 2) AS n, NULL AS why
UNION ALL
SELECT * FROM (SELECT 'targets', COUNT(*), 'part of a division that is not in force' FROM beside HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'targets', COUNT(*), 'no figure for their metric' FROM goal
               WHERE measure IS NULL OR measure NOT IN (SELECT measure FROM known) HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'targets', COUNT(*), 'no value' FROM goal WHERE id NOT IN (SELECT id FROM version)
               HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'targets', COUNT(DISTINCT id), 'they name no currency, and there are several' FROM figure
               WHERE currencies > 1 HAVING COUNT(DISTINCT id) > 0)
UNION ALL
SELECT * FROM (SELECT 'orders', COUNT(*), standing FROM order_seen AS o, asked
               WHERE standing IS NOT NULL AND (asked.territory IS NULL OR o.territory = asked.territory)
               AND COALESCE(o.day, asked.first) BETWEEN asked.first AND asked.last GROUP BY standing ORDER BY standing)
UNION ALL
SELECT * FROM (SELECT 'visits', COUNT(*), standing FROM visit_seen AS v, asked
               WHERE standing IS NOT NULL AND (asked.territory IS NULL OR v.territory = asked.territory)
               AND COALESCE(v.day, asked.first) BETWEEN asked.first AND asked.last GROUP BY standing ORDER BY standing)
UNION ALL
SELECT * FROM (SELECT 'leads', COUNT(*), 'disputed: their states stand side by side' FROM lead AS l, asked
               WHERE l.state_disputed IS NOT NULL AND (asked.territory IS NULL OR l.territory = asked.territory)
               AND COALESCE(l.captured_on, asked.first) BETWEEN asked.first AND asked.last HAVING COUNT(*) > 0)
