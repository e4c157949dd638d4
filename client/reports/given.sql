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
)
