"""The second act of the demo: what Northwind's orders of 1998 mean for a rep's morning and a manager's Monday. Pure
functions, as in demo_plan.py: the plan in, records and the figures that reports must show out.

Orders, accounts and days are Northwind's; what its tables do not have is worked out by plain rules: an order of the
last 90 days is owed 30 days later, four of five pay what is due; each account is planned to be visited once in the week
of 4 May; each rep has ten leads of April, some of which came further. Today is Wednesday, 6 May 1998, the last day of
Northwind's orders.
"""
import collections
import datetime

from demo_plan import Item, line_amount, record_id

TODAY = datetime.date(1998, 5, 6)
MONDAY = datetime.date(1998, 5, 4)
QUARTER, QUARTER_BEGINS, QUARTER_ENDS = "1998-Q2", "1998-04-01", "1998-06-30"
HIGH_MINOR, MID_MINOR = 2500000, 800000  # of twelve months
OWED_DAYS, CREDIT_DAYS = 90, 30
STAGES = ("lead", "qualified", "needs", "proposal", "negotiation", "contract", "delivery")
# How far each rep's ten leads of the quarter came.
CAME_TO = (0, 0, 0, 1, 1, 2, 2, 3, 4, 5)
CHANNELS = ("exhibition", "referral", "search", "cold_visit", "content")
WANTS = ("Cheese for a chain of cafés", "Seafood for two hotels", "Sweets before Christmas",
         "Beverages for a ferry line", "Grain for a bakery", "Condiments, own label")
AGREED = (60, 20, 20, 30, 5, 4, 3, 12, 2)  # thousands of dollars by the rep's number
AGES = ("not overdue", "1 to 30 days", "31 to 60 days", "61 to 90 days", "over 90 days")


def totals(plan):
    """Minor units of each order."""
    found = collections.Counter()
    for line in plan.lines:
        fields = line.fields
        found[fields["order"]] += line_amount(fields["qty"], fields["unit_price"], fields.get("discount_bp", 0))
    return found


def day_of(item):
    return datetime.date.fromisoformat(item.fields["ordered_on"])


def bought(plan, last):
    """Minor units of each account in the twelve months that end with a day."""
    total, found = totals(plan), collections.Counter()
    for order in plan.orders:
        if last.replace(year=last.year - 1) < day_of(order) <= last:
            found[order.fields["account"]] += total[order.id]
    return found


def tier(amount):
    return "high" if amount >= HIGH_MINOR else "mid" if amount >= MID_MINOR else "low"


def owners(plan):
    return {account.id: account.by for account in plan.accounts}


# ---- What the office says ----

def quarter_of(plan, number):
    """What the orders of a rep's accounts came to, from the quarter's first day on."""
    total, owner = totals(plan), owners(plan)
    return sum(total[order.id] for order in plan.orders
               if owner[order.fields["account"]] == number and order.fields["ordered_on"] >= QUARTER_BEGINS)


def target_of(number):
    return AGREED[number - 1] * 100000


def office(plan, people):
    """Who has which account, from what on one is high, and what was agreed for the quarter; people: ids by number."""
    year_1997 = bought(plan, datetime.date(1997, 12, 31))
    items = [Item("account", account.id, account.territory, None, {
        "owner": people[account.by], "tier": tier(year_1997[account.id])}) for account in plan.accounts]
    items.append(Item("config_item", record_id("policy", "tier"), "org", None, {
        "kind": "policy", "name": "tier", "version": 1, "published_at": "1998-01-02T09:00:00Z",
        "body": '{"high_minor":%d,"mid_minor":%d}' % (HIGH_MINOR, MID_MINOR)}))
    items += [Item("target", record_id("target", str(rep.number)), rep.territory, None, {
        "owner": people[rep.number], "metric": "revenue USD", "period_from": QUARTER_BEGINS, "period_to": QUARTER_ENDS,
        "values": {"1": target_of(rep.number)}}) for rep in plan.reps]
    return items


# ---- What the reps record ----

def pipeline(plan, people):
    names = iter("%s %s" % (place, kind) for kind in ("Provisions", "Delicatessen", "Catering", "Markets", "Inns")
                 for place in ("Cambridge", "Boston", "Redmond", "Bellevue", "Philadelphia", "Atlanta", "Savannah",
                               "Troy", "Beachwood", "Findlay", "Roseville", "Racine", "Denver", "Phoenix", "Tampa",
                               "Orlando", "Bedford", "Dallas"))
    items = []
    for rep in plan.reps:
        for i, came in enumerate(CAME_TO):
            key, company = "%d/%d" % (rep.number, i), next(names)
            captured = (datetime.date(1998, 4, 1) + datetime.timedelta((7 * rep.number + 3 * i) % 30)).isoformat()
            lead = Item("lead", record_id("lead", key), rep.territory, rep.number, {
                "company": company, "channel": CHANNELS[(rep.number + i) % len(CHANNELS)], "captured_on": captured,
                "owner": people[rep.number], "state": "converted" if came > 1 else "qualified" if came else "new"})
            items.append(lead)
            if came > 1:
                items.append(Item("opportunity", record_id("opportunity", key), rep.territory, rep.number, {
                    "lead": lead.id, "name": "%s (%s)" % (WANTS[(rep.number + i) % len(WANTS)], company),
                    "amount": (rep.number * 37 + i * 53) % 90 * 10000 + 250000, "currency": "USD",
                    "owner": people[rep.number], "opened_on": captured, "stage": STAGES[came]}))
    return items


def visits(plan, people):
    """Each account planned once in the week; of Monday's and Tuesday's most were made, some skipped."""
    items = []
    for number, account in enumerate(plan.accounts):
        day = MONDAY + datetime.timedelta(number % 5)
        made, skipped = day < TODAY and number % 6 != 5, day < TODAY and number % 12 == 5
        plan_id = record_id("visit_plan", account.id)
        fields = {"account": account.id, "person": people[account.by], "on_date": day.isoformat(),
                  "purpose": "the summer's prices"}
        if skipped:
            fields.update(state="skipped", skip_reason="closed")
        items.append(Item("visit_plan", plan_id, account.territory, account.by, fields))
        if made:
            items.append(Item("visit", record_id("visit", "may", account.id), account.territory, account.by, {
                "account": account.id, "person": people[account.by], "plan": plan_id, "local_date": day.isoformat(),
                "purpose": "the summer's prices", "submitted_at": day.isoformat() + "T17:30:00Z"}))
    return items


def money(plan):
    """Receivables, and what was paid of them: (receivable, paid) each."""
    total, found = totals(plan), []
    for order in plan.orders:
        if TODAY - day_of(order) > datetime.timedelta(OWED_DAYS):
            continue
        due, number = day_of(order) + datetime.timedelta(CREDIT_DAYS), int(order.fields["no_local"])
        fields = {"account": order.fields["account"], "order": order.id, "amount": total[order.id], "currency": "USD",
                  "due": due.isoformat()}
        owed = Item("receivable", record_id("receivable", order.id), order.territory, order.by, fields)
        paid = 0
        if due <= TODAY and number % 5:
            paid = total[order.id] if number % 5 < 4 else total[order.id] // 2
        found.append((owed, paid))
    return found


def payments(plan):
    items = []
    for owed, paid in money(plan):
        items.append(owed)
        if paid:
            payment = Item("payment", record_id("payment", owed.id), owed.territory, owed.by, {
                "account": owed.fields["account"], "amount": paid, "currency": "USD", "channel": "transfer",
                "received_on": owed.fields["due"], "bank_ref": "NW" + owed.id[:8]})
            items += [payment, Item("allocation", record_id("allocation", owed.id), owed.territory, owed.by, {
                "payment": payment.id, "receivable": owed.id, "amount": paid})]
    return items


def items_of(plan, people, by):
    return [item for item in pipeline(plan, people) + visits(plan, people) + payments(plan) if item.by == by]


# ---- What the reports must show ----

def funnel_figures(plan):
    return [sum(came >= stage for came in CAME_TO) * len(plan.reps) for stage in range(len(STAGES))]


def target_figures(plan):
    """(agreed, reached) by the rep's name."""
    return {rep.name: (target_of(rep.number), quarter_of(plan, rep.number)) for rep in plan.reps}


def tier_figures(plan):
    """How many accounts are what now, and how many of them are published as something else."""
    now, before = bought(plan, TODAY), bought(plan, datetime.date(1997, 12, 31))
    found = {}
    for account in plan.accounts:
        key = tier(now[account.id])
        n, other = found.get(key, (0, 0))
        found[key] = n + 1, other + (tier(before[account.id]) != key)
    return found


def ageing_figures(plan):
    found = dict.fromkeys(AGES, 0)
    for owed, paid in money(plan):
        late = (TODAY - datetime.date.fromisoformat(owed.fields["due"])).days
        found[AGES[0 if late <= 0 else min(4, 1 + (late - 1) // 30)]] += owed.fields["amount"] - paid
    return found


def visit_figures(plan):
    """Plans, those that are done and skipped; and the accounts visited in May, in the first act, too."""
    items = visits(plan, collections.defaultdict(str))
    seen = {item.fields["account"] for item in items if item.type == "visit"}
    seen |= {visit.fields["account"] for visit in plan.visits if visit.fields["started_at"] >= "1998-05"}
    return (sum(item.type == "visit_plan" for item in items), sum(item.type == "visit" for item in items),
            sum(item.fields.get("state") == "skipped" for item in items), len(seen))
