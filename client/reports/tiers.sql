-- tiers: accounts by what they bought in twelve months, and how their tiers changed
-- period: today
-- by: territory owner region product customer
--
-- The twelve months end with the period's last day, or today where that is still to come. High is from 5,000,000.00 on,
-- mid from 1,000,000.00 on, unless the newest published config_item of kind policy and name tier says otherwise
-- ({"high_minor":…,"mid_minor":…}). An account that buys in two currencies has a row in each: they are not added. What is
-- published stands beside what follows from the orders here. Returns are orders of negative quantities.

-- with
moment(day) AS (
    SELECT MIN(last, today) FROM asked
),
policy(high, mid) AS (
    SELECT COALESCE((SELECT json_extract(body, '$.high_minor') FROM config_item WHERE kind = 'policy' AND name = 'tier'
                     AND published_at IS NOT NULL AND json_valid(body) ORDER BY version DESC LIMIT 1), 500000000),
           COALESCE((SELECT json_extract(body, '$.mid_minor') FROM config_item WHERE kind = 'policy' AND name = 'tier'
                     AND published_at IS NOT NULL AND json_valid(body) ORDER BY version DESC LIMIT 1), 100000000)
),
kept AS MATERIALIZED (
    SELECT a.id, a.name, a.tier,
           CASE asked.by WHEN 'territory' THEN a.territory
           WHEN 'owner' THEN COALESCE((SELECT name FROM person AS p WHERE p.id = a.owner), '-')
           ELSE iif(asked.by IS NULL, '', COALESCE((SELECT name FROM axis_of AS x WHERE x.account = a.id), '-')) END AS "of"
    FROM account_here AS a, asked WHERE a.id NOT IN (SELECT id FROM merged)
),
seen AS MATERIALIZED (
    SELECT o.* FROM order_seen AS o, asked, moment
    WHERE (asked.territory IS NULL OR o.territory = asked.territory)
      AND (o.day BETWEEN date(moment.day, '-12 months', '+1 day') AND moment.day OR o.day IS NULL)
),
bought(account, currency, amount) AS MATERIALIZED (
    SELECT account, currency, exact_sum(total) FROM seen WHERE standing IS NULL GROUP BY account, currency
),
-- From the account's own index, as there are many.
buyer AS (
    SELECT a.id, b.currency, b.amount FROM bought AS b JOIN account AS a ON a.id = b.account
    UNION ALL
    SELECT k.id, NULL, 0 FROM kept AS k WHERE k.id NOT IN (SELECT account FROM bought WHERE account IS NOT NULL)
),
tiered AS MATERIALIZED (
    SELECT CASE asked.by WHEN 'territory' THEN a.territory
           WHEN 'owner' THEN COALESCE((SELECT name FROM person AS p WHERE p.id = a.owner), '-')
           ELSE iif(asked.by IS NULL, '', COALESCE((SELECT name FROM axis_of AS x WHERE x.account = a.id), '-')) END AS "of",
           a.id, a.name, a.tier AS published, b.currency, b.amount,
           CASE WHEN b.amount >= policy.high THEN 'high' WHEN b.amount >= policy.mid THEN 'mid' ELSE 'low' END AS tier
    FROM buyer AS b JOIN account_here AS a ON a.id = b.id, policy, asked WHERE a.id NOT IN (SELECT id FROM merged)
)

-- part tiers
SELECT "of", currency, tier, COUNT(*) AS accounts, exact_sum(amount) AS amount_minor,
       COUNT(CASE WHEN published <> tier THEN 1 END) AS published_otherwise
FROM tiered AS t GROUP BY "of", currency, tier
ORDER BY "of", currency, CASE tier WHEN 'high' THEN 1 WHEN 'mid' THEN 2 ELSE 3 END

-- part accounts
SELECT "of", name AS account, currency, amount AS amount_minor, tier, published,
       (SELECT COUNT(*) FROM tier_event AS e WHERE e.account = t.id) AS changes, id
FROM tiered AS t WHERE currency IS NOT NULL OR published IS NOT NULL ORDER BY "of", currency, amount DESC, account, id

-- part history
SELECT k."of", k.name AS account, e.on_date, e.tier, e.basis
FROM tier_event AS e JOIN survivor AS s ON s.id = e.account JOIN kept AS k ON k.id = s.account, moment
WHERE e.on_date <= moment.day ORDER BY k."of", account, k.id, e.on_date, e.id

-- part basis
SELECT 'orders' AS what, (SELECT COUNT(*) FROM seen AS s WHERE standing IS NULL
       AND s.account IN (SELECT id FROM kept)) AS n, NULL AS why
UNION ALL
SELECT * FROM (SELECT 'orders', COUNT(*), standing FROM seen WHERE standing IS NOT NULL GROUP BY standing ORDER BY standing)
UNION ALL
SELECT * FROM (SELECT 'orders', COUNT(*), 'their account is not here' FROM seen AS s WHERE standing IS NULL
               AND (s.account IS NULL OR s.account NOT IN (SELECT id FROM kept)) HAVING COUNT(*) > 0)
