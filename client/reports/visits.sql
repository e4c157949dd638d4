-- visits: how many of the accounts were visited, and what became of the plans
-- period: this month
-- by: territory owner region product customer
--
-- A visit counts when it was submitted, on the day it took place, for whoever made it; one made after the account had
-- been handed over to somebody else is shown, and not counted. An account is visited if a visit counts in the period,
-- and contacted if that, or any call, message or meeting is noted then. A plan is done if it says so, or a visit that
-- counts was made on it; its completion is done of all planned. Visits without a plan are counted apart.

-- with
seen AS MATERIALIZED (
    SELECT v.*, CASE asked.by WHEN 'territory' THEN v.territory
                WHEN 'owner' THEN COALESCE((SELECT name FROM person AS p WHERE p.id = v.person), '-')
           ELSE iif(asked.by IS NULL, '', COALESCE((SELECT name FROM axis_of AS x WHERE x.account = v.account), '-')) END AS "of"
    FROM visit_seen AS v, asked
    WHERE (asked.territory IS NULL OR v.territory = asked.territory)
      AND (v.day BETWEEN asked.first AND asked.last OR v.day IS NULL)
),
made AS (
    SELECT * FROM seen WHERE standing IS NULL
),
visited(account) AS MATERIALIZED (
    SELECT DISTINCT account FROM made
),
contacted(account) AS MATERIALIZED (
    SELECT account FROM made
    UNION SELECT s.account FROM interaction AS i JOIN survivor AS s ON s.id = i.account, asked
    WHERE substr(i.at, 1, 10) BETWEEN asked.first AND asked.last
),
kept AS MATERIALIZED (
    SELECT a.id, COALESCE(a.tier, '-') AS tier,
           CASE asked.by WHEN 'territory' THEN a.territory
           WHEN 'owner' THEN COALESCE((SELECT name FROM person AS p WHERE p.id = a.owner), '-')
           ELSE iif(asked.by IS NULL, '', COALESCE((SELECT name FROM axis_of AS x WHERE x.account = a.id), '-')) END AS "of"
    FROM account_here AS a, asked WHERE a.id NOT IN (SELECT id FROM merged)
),
plan AS MATERIALIZED (
    SELECT p.id, p.state_disputed IS NOT NULL AS disputed,
           CASE WHEN p.id IN (SELECT plan FROM visit_seen WHERE standing IS NULL AND plan IS NOT NULL) THEN 'done'
           ELSE p.state END AS state,
           CASE asked.by WHEN 'territory' THEN p.territory
           WHEN 'owner' THEN COALESCE((SELECT name FROM person AS q WHERE q.id = p.person), '-')
           ELSE iif(asked.by IS NULL, '', COALESCE((SELECT name FROM survivor AS s JOIN axis_of AS x ON x.account = s.account
                                                    WHERE s.id = p.account), '-')) END AS "of"
    FROM visit_plan AS p, asked
    WHERE p.on_date BETWEEN asked.first AND asked.last AND (asked.territory IS NULL OR p.territory = asked.territory)
),
whose("of") AS (
    SELECT "of" FROM plan UNION SELECT "of" FROM seen
)

-- part coverage
SELECT k."of", k.tier, COUNT(*) AS accounts, COUNT(CASE WHEN k.id IN (SELECT account FROM visited) THEN 1 END) AS visited,
       basis_points(COUNT(CASE WHEN k.id IN (SELECT account FROM visited) THEN 1 END), COUNT(*)) AS visited_bp,
       COUNT(CASE WHEN k.id IN (SELECT account FROM contacted) THEN 1 END) AS contacted,
       basis_points(COUNT(CASE WHEN k.id IN (SELECT account FROM contacted) THEN 1 END), COUNT(*)) AS contacted_bp
FROM kept AS k
GROUP BY k."of", k.tier
ORDER BY k."of", CASE k.tier WHEN 'high' THEN 1 WHEN 'mid' THEN 2 WHEN 'low' THEN 3 ELSE 4 END, k.tier

-- part plans
SELECT w."of", (SELECT COUNT(*) FROM plan AS p WHERE p."of" = w."of" AND NOT p.disputed) AS planned,
       (SELECT COUNT(*) FROM plan AS p WHERE p."of" = w."of" AND NOT p.disputed AND p.state = 'done') AS done,
       (SELECT COUNT(*) FROM plan AS p WHERE p."of" = w."of" AND NOT p.disputed AND p.state = 'skipped') AS skipped,
       (SELECT COUNT(*) FROM plan AS p WHERE p."of" = w."of" AND NOT p.disputed AND p.state = 'moved') AS moved,
       basis_points((SELECT COUNT(*) FROM plan AS p WHERE p."of" = w."of" AND NOT p.disputed AND p.state = 'done'),
                    (SELECT COUNT(*) FROM plan AS p WHERE p."of" = w."of" AND NOT p.disputed)) AS completion_bp,
       (SELECT COUNT(*) FROM made AS v WHERE v."of" = w."of" AND v.plan IS NULL) AS unplanned,
       (SELECT COUNT(*) FROM made AS v WHERE v."of" = w."of") AS visits
FROM whose AS w ORDER BY w."of"

-- part basis
SELECT 'visits' AS what, (SELECT COUNT(*) FROM made) AS n, NULL AS why
UNION ALL
SELECT * FROM (SELECT 'visits', COUNT(*), standing FROM seen WHERE standing IS NOT NULL GROUP BY standing ORDER BY standing)
UNION ALL
SELECT 'plans', COUNT(*), NULL FROM plan WHERE NOT disputed
UNION ALL
SELECT * FROM (SELECT 'plans', COUNT(*), 'disputed: their states stand side by side' FROM plan WHERE disputed
               HAVING COUNT(*) > 0)
