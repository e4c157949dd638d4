-- funnel: how much of what began came how far, and where most is lost
-- period: this year
-- by: territory owner channel
-- plot: steps stage cohort
--
-- One item is a lead with the opportunity that came of it, or an opportunity that had no lead. It begins on the day it
-- was captured or opened, as noted there, not on the day it was synced. `cohort` counts what began in the period and came
-- at least that far by now; `flow` counts what came that far for the first time in the period, whenever it began. A
-- conversion is a cohort's part of the stage before. Signed is what reached the contract.
-- What is disputed counts nowhere, and what has no day cannot; of steps those count that the state follows from, or that
-- another one overtook.
--
-- The pipeline is what is open now, whenever it began: `weighted` is each amount times the probability of its stage, or
-- its own (probability_bp: a manager's word before a rep's), rounded to the minor unit. The stages' are those below, unless the
-- newest published config_item of kind policy and name stage_probability says otherwise ({"proposal":3500,…}, in basis
-- points). The forecast sums them; what is disputed is in it by number alone.

-- with
stage(n, name, state, bp) AS (
    VALUES(1, 'lead', 'lead', 500), (2, 'qualified', 'qualified', 1000), (3, 'needs', 'needs', 2000),
          (4, 'proposal', 'proposal', 4000), (5, 'negotiation', 'negotiation', 6000), (6, 'contract', 'contract', 8000),
          (7, 'delivery', 'delivery', 9500)
),
-- How far a state is by itself; paused and lost say nothing about that, the steps before them do.
reach(type, state, n) AS (
    SELECT 'opportunity', state, n FROM stage
    UNION ALL VALUES('opportunity', 'won', 7), ('lead', 'qualified', 2), ('lead', 'converted', 2)
),
opportunity_reach(id, n) AS (
    SELECT o.id, MAX(COALESCE((SELECT n FROM reach WHERE type = 'opportunity' AND state = o.stage), 1),
                     COALESCE((SELECT MAX(r.n) FROM state_event AS e JOIN reach AS r ON r.type = 'opportunity'
                               AND r.state = e.to_state WHERE e.about = o.id AND e.territory = o.territory
                               AND e.standing IN ('counts', 'overtaken')), 1))
    FROM opportunity AS o
),
lead_reach(id, n) AS (
    SELECT l.id, MAX(COALESCE((SELECT n FROM reach WHERE type = 'lead' AND state = l.state), 1),
                     COALESCE((SELECT MAX(r.n) FROM state_event AS e JOIN reach AS r ON r.type = 'lead'
                               AND r.state = e.to_state WHERE e.about = l.id AND e.territory = l.territory
                               AND e.standing IN ('counts', 'overtaken')), 1),
                     COALESCE((SELECT MAX(r.n) FROM opportunity AS o JOIN opportunity_reach AS r ON r.id = o.id
                               WHERE o.lead = l.id), 1))
    FROM lead AS l
),
item(id, began, n, territory, owner, channel, disputed) AS (
    SELECT l.id, l.captured_on, r.n, l.territory, l.owner, l.channel,
           l.state_disputed IS NOT NULL OR EXISTS (SELECT 1 FROM opportunity AS o
                                                   WHERE o.lead = l.id AND o.stage_disputed IS NOT NULL)
    FROM lead AS l JOIN lead_reach AS r ON r.id = l.id
    UNION ALL
    SELECT o.id, o.opened_on, r.n, o.territory, o.owner, NULL, o.stage_disputed IS NOT NULL
    FROM opportunity AS o JOIN opportunity_reach AS r ON r.id = o.id
    WHERE NOT EXISTS (SELECT 1 FROM lead AS l WHERE l.id = o.lead)
),
item_here AS (
    SELECT i.*, CASE asked.by WHEN 'territory' THEN i.territory WHEN 'channel' THEN COALESCE(i.channel, '-')
                WHEN 'owner' THEN COALESCE((SELECT name FROM person AS p WHERE p.id = i.owner), '-') ELSE '' END AS "of"
    FROM item AS i, asked WHERE asked.territory IS NULL OR i.territory = asked.territory
),
-- The steps of an item, each with the stage it led to.
step(id, n, on_day) AS (
    SELECT COALESCE(l.id, o.id), r.n, substr(e.at, 1, 10)
    FROM state_event AS e JOIN opportunity AS o ON o.id = e.about AND o.territory = e.territory
    JOIN reach AS r ON r.type = 'opportunity' AND r.state = e.to_state LEFT JOIN lead AS l ON l.id = o.lead
    WHERE e.standing IN ('counts', 'overtaken')
    UNION ALL
    SELECT l.id, r.n, substr(e.at, 1, 10) FROM state_event AS e JOIN lead AS l ON l.id = e.about
    AND l.territory = e.territory
    JOIN reach AS r ON r.type = 'lead' AND r.state = e.to_state WHERE e.standing IN ('counts', 'overtaken')
),
first_day(id, stage, on_day) AS (
    SELECT id, 1, began FROM item
    UNION ALL
    SELECT t.id, g.n, MIN(t.on_day) FROM step AS t JOIN stage AS g ON g.n > 1 AND t.n >= g.n GROUP BY t.id, g.n
),
counting AS (
    SELECT i.* FROM item_here AS i, asked WHERE NOT i.disputed AND i.began BETWEEN asked.first AND asked.last
),
parts_of("of") AS (
    SELECT "of" FROM item_here WHERE NOT disputed GROUP BY "of"
),
figure("of", stage, name, cohort, flow) AS (
    SELECT p."of", g.n, g.name,
           (SELECT COUNT(*) FROM counting AS c WHERE c."of" = p."of" AND c.n >= g.n),
           (SELECT COUNT(*) FROM first_day AS f JOIN item_here AS i ON i.id = f.id, asked WHERE NOT i.disputed
            AND i."of" = p."of" AND f.stage = g.n AND f.on_day BETWEEN asked.first AND asked.last)
    FROM parts_of AS p, stage AS g
),
conversion("of", stage, name, cohort, flow, conversion_bp) AS (
    SELECT f."of", f.stage, f.name, f.cohort, f.flow, basis_points(f.cohort, b.cohort)
    FROM figure AS f LEFT JOIN figure AS b ON b."of" = f."of" AND b.stage = f.stage - 1
),
said(body) AS (
    SELECT body FROM config_item WHERE kind = 'policy' AND name = 'stage_probability' AND published_at IS NOT NULL
    AND json_valid(body) ORDER BY version DESC LIMIT 1
),
odds(state, n, bp) AS MATERIALIZED (
    SELECT g.state, g.n, COALESCE((SELECT j.value FROM said, json_each(said.body) AS j WHERE j.key = g.state
                                   AND j.type = 'integer' AND j.value BETWEEN 0 AND 10000), g.bp)
    FROM stage AS g
),
deal("of", n, stage, currency, amount, disputed, bp) AS MATERIALIZED (
    SELECT CASE asked.by WHEN 'territory' THEN o.territory
           WHEN 'channel' THEN COALESCE((SELECT channel FROM lead AS l WHERE l.id = o.lead), '-')
           WHEN 'owner' THEN COALESCE((SELECT name FROM person AS p WHERE p.id = o.owner), '-') ELSE '' END,
           g.n, o.stage, o.currency, o.amount, o.stage_disputed IS NOT NULL,
           CASE WHEN o.probability_bp BETWEEN 0 AND 10000 THEN o.probability_bp ELSE g.bp END
    FROM opportunity AS o LEFT JOIN odds AS g ON g.state = o.stage, asked
    WHERE (g.n IS NOT NULL OR o.stage_disputed IS NOT NULL) AND (asked.territory IS NULL OR o.territory = asked.territory)
),
-- Of the ten-thousands first, so that no product is beyond 64 bits; halves are rounded up.
weighed AS MATERIALIZED (
    SELECT d.*, amount / 10000 * bp + (amount % 10000 * bp + 5000 - iif(amount % 10000 * bp < -5000, 9999, 0)) / 10000
           AS weighted
    FROM deal AS d WHERE NOT disputed
)

-- part steps
SELECT "of", name AS stage, cohort, conversion_bp, flow FROM conversion ORDER BY "of", conversion.stage

-- part summary
SELECT c."of", c.cohort AS leads,
       (SELECT cohort FROM conversion AS s WHERE s."of" = c."of" AND s.stage = 6) AS signed,
       basis_points((SELECT cohort FROM conversion AS s WHERE s."of" = c."of" AND s.stage = 6), c.cohort) AS signed_bp,
       (SELECT name FROM conversion AS b WHERE b."of" = c."of" AND b.conversion_bp IS NOT NULL
        ORDER BY b.conversion_bp, b.stage LIMIT 1) AS bottleneck,
       (SELECT MIN(conversion_bp) FROM conversion AS b WHERE b."of" = c."of") AS bottleneck_bp,
       basis_points((SELECT cohort FROM conversion AS s WHERE s."of" = c."of" AND s.stage = 6),
                    (SELECT cohort FROM conversion AS s WHERE s."of" = c."of" AND s.stage = 2)) AS signed_of_qualified_bp
FROM conversion AS c WHERE c.stage = 1 ORDER BY c."of"

-- part pipeline
SELECT w."of", w.stage, w.currency, COUNT(*) AS n, exact_sum(w.amount) AS amount_minor,
       (SELECT bp FROM odds WHERE odds.n = w.n) AS probability_bp, exact_sum(w.weighted) AS weighted_minor
FROM weighed AS w GROUP BY w."of", w.n, w.currency ORDER BY w."of", w.n, w.currency

-- part forecast
SELECT d."of", d.currency, COUNT(CASE WHEN NOT disputed THEN 1 END) AS n,
       (SELECT exact_sum(w.amount) FROM weighed AS w WHERE w."of" = d."of" AND w.currency IS d.currency) AS amount_minor,
       (SELECT exact_sum(w.weighted) FROM weighed AS w WHERE w."of" = d."of" AND w.currency IS d.currency) AS weighted_minor,
       COUNT(CASE WHEN disputed THEN 1 END) AS disputed
FROM deal AS d GROUP BY d."of", d.currency ORDER BY d."of", d.currency

-- part basis
SELECT 'leads and opportunities' AS what, (SELECT COUNT(*) FROM counting) AS n, NULL AS why
UNION ALL
SELECT * FROM (SELECT 'leads and opportunities', COUNT(*), 'disputed: their states stand side by side' FROM item_here
               WHERE disputed HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'leads and opportunities', COUNT(*), 'no day on which they began' FROM item_here
               WHERE NOT disputed AND began IS NULL HAVING COUNT(*) > 0)
UNION ALL
SELECT * FROM (SELECT 'leads and opportunities', COUNT(*), 'begun in another period (in the flow they count)' FROM item_here, asked
               WHERE NOT disputed AND began NOT BETWEEN asked.first AND asked.last HAVING COUNT(*) > 0)
