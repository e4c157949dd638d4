-- given: what every report stands on. No report itself.
--
-- The library puts two tables before these:
--   asked           one row: the period's name, its first and last day, the territory (null: all), by what it is told
--                   (null: all together), today
--   disputed_cell   type, id, field: values that stand side by side until a person settles them
-- and the functions of client/view/arithmetic.h: basis_points, exact_sum, duties_of, state_of.
--
-- A day is the first ten characters of a time: the local day of whoever noted it.

-- with
duty(person, duties) AS (
    SELECT id, duties_of(number, roles) FROM "user"
),
-- What is asked about: a territory's records, and those of all where none is named.
account_here AS (
    SELECT a.* FROM account AS a, asked WHERE asked.territory IS NULL OR a.territory = asked.territory
),
-- Of what was merged into another account that one is asked about.
survivor(id, account) AS (
    SELECT a.id, COALESCE(b.id, a.id) FROM account AS a LEFT JOIN account AS b ON b.id = a.merged_into
),
person(id, name) AS (
    SELECT id, COALESCE(name, employee_no, 'no. ' || number) FROM "user"
),
-- States follow from steps (state_event) where there are some, else from the field itself. What is disputed has a |
-- between its states; of a field it is the one that is shown.
lead_state(id, state, disputed) AS (
    SELECT l.id, COALESCE(s.state, l.state, 'new'),
           CASE WHEN s.state IS NULL THEN EXISTS (SELECT 1 FROM disputed_cell AS c WHERE c.id = l.id AND c.field = 'state')
                ELSE instr(s.state, '|') > 0 END
    FROM lead AS l LEFT JOIN
         (SELECT e.about, state_of('lead', e.id, e.to_state, e.after, COALESCE(d.duties, 1)) AS state
          FROM state_event AS e JOIN lead AS x ON x.id = e.about LEFT JOIN duty AS d ON d.person = e.person
          GROUP BY e.about) AS s ON s.about = l.id
),
opportunity_state(id, state, disputed) AS (
    SELECT o.id, COALESCE(s.state, o.stage, 'lead'),
           CASE WHEN s.state IS NULL THEN EXISTS (SELECT 1 FROM disputed_cell AS c WHERE c.id = o.id AND c.field = 'stage')
                ELSE instr(s.state, '|') > 0 END
    FROM opportunity AS o LEFT JOIN
         (SELECT e.about, state_of('opportunity', e.id, e.to_state, e.after, COALESCE(d.duties, 1)) AS state
          FROM state_event AS e JOIN opportunity AS x ON x.id = e.about LEFT JOIN duty AS d ON d.person = e.person
          GROUP BY e.about) AS s ON s.about = o.id
),
visit_state(id, state, disputed) AS (
    SELECT v.id, COALESCE(s.state, v.state, CASE WHEN v.submitted_at IS NULL THEN 'draft' ELSE 'submitted' END),
           CASE WHEN s.state IS NULL THEN EXISTS (SELECT 1 FROM disputed_cell AS c WHERE c.id = v.id AND c.field = 'state')
                ELSE instr(s.state, '|') > 0 END
    FROM visit AS v LEFT JOIN
         (SELECT e.about, state_of('visit', e.id, e.to_state, e.after, COALESCE(d.duties, 1)) AS state
          FROM state_event AS e JOIN visit AS x ON x.id = e.about LEFT JOIN duty AS d ON d.person = e.person
          GROUP BY e.about) AS s ON s.about = v.id
),
plan_state(id, state, disputed) AS (
    SELECT p.id, COALESCE(s.state, p.state, 'planned'),
           CASE WHEN s.state IS NULL THEN EXISTS (SELECT 1 FROM disputed_cell AS c WHERE c.id = p.id AND c.field = 'state')
                ELSE instr(s.state, '|') > 0 END
    FROM visit_plan AS p LEFT JOIN
         (SELECT e.about, state_of('visit_plan', e.id, e.to_state, e.after, COALESCE(d.duties, 1)) AS state
          FROM state_event AS e JOIN visit_plan AS x ON x.id = e.about LEFT JOIN duty AS d ON d.person = e.person
          GROUP BY e.about) AS s ON s.about = p.id
),
order_state(id, state, disputed) AS (
    SELECT o.id, COALESCE(s.state, o.state, 'received'),
           CASE WHEN s.state IS NULL THEN EXISTS (SELECT 1 FROM disputed_cell AS c WHERE c.id = o.id AND c.field = 'state')
                ELSE instr(s.state, '|') > 0 END
    FROM "order" AS o LEFT JOIN
         (SELECT e.about, state_of('order', e.id, e.to_state, e.after, COALESCE(d.duties, 1)) AS state
          FROM state_event AS e JOIN "order" AS x ON x.id = e.about LEFT JOIN duty AS d ON d.person = e.person
          GROUP BY e.about) AS s ON s.about = o.id
),
-- The first of those that look like one payment, by id.
payment_seen(id, account, amount, currency, day, standing) AS (
    SELECT p.id, p.account, p.amount, p.currency, p.received_on,
           CASE WHEN p.reverses IS NOT NULL OR EXISTS (SELECT 1 FROM payment AS r WHERE r.reverses = p.id) THEN 'reversed'
                WHEN p.bank_ref IS NOT NULL AND EXISTS (SELECT 1 FROM payment AS q WHERE q.bank_ref = p.bank_ref
                     AND q.account IS p.account AND q.currency IS p.currency AND q.amount IS p.amount AND q.id < p.id
                     AND q.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM payment AS r WHERE r.reverses = q.id))
                THEN 'twice' ELSE 'counts' END
    FROM payment AS p
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
           CASE WHEN s.disputed THEN 'disputed: their states stand side by side'
                WHEN s.state IN ('cancelled', 'held', 'draft') THEN s.state
                WHEN o.ordered_on IS NULL THEN 'no day of ordering'
                WHEN o.total IS NULL THEN 'no total'
                WHEN COALESCE(o.currency, l.currency) IS NULL THEN 'no currency' END
    FROM "order" AS o JOIN order_state AS s ON s.id = o.id LEFT JOIN account AS b ON b.id = o.account
    LEFT JOIN account AS c ON c.id = b.merged_into LEFT JOIN account AS a ON a.id = COALESCE(c.id, b.id)
    LEFT JOIN price_list AS l ON l.id = o.price_list
),
-- Visits, with what keeps one from counting. Whoever visits an account after it was handed over to somebody else has no
-- credit for it, unless the reassignment says otherwise.
visit_seen(id, account, person, plan, day, territory, standing) AS (
    SELECT v.id, COALESCE(c.id, b.id), v.person, v.plan, COALESCE(v.local_date, substr(v.started_at, 1, 10)), v.territory,
           CASE WHEN s.disputed THEN 'disputed: their states stand side by side'
                WHEN s.state NOT IN ('submitted', 'reviewed') THEN 'not submitted'
                WHEN COALESCE(v.local_date, v.started_at) IS NULL THEN 'no day of visiting'
                ELSE (SELECT 'account moved ' || substr(h.at, 1, 10) FROM handed_over AS h
                      WHERE h.account IN (v.account, c.id) AND h.from_user = v.person
                      AND COALESCE(h.credit_rule, 'owner_then') = 'owner_then'
                      AND CASE WHEN v.started_at IS NULL THEN v.local_date >= substr(h.at, 1, 10)
                          ELSE CAST(strftime('%s', v.started_at) AS INTEGER) >= CAST(strftime('%s', h.at) AS INTEGER) END
                      ORDER BY h.at LIMIT 1) END
    FROM visit AS v JOIN visit_state AS s ON s.id = v.id LEFT JOIN account AS b ON b.id = v.account
    LEFT JOIN account AS c ON c.id = b.merged_into
)
