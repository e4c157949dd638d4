"""The records of a year's business, as reports are about them: believable in their numbers, all in one territory."""
import datetime
import json
import random

from ground import LATIN, PLACES, SYLLABLES, TRADES

TODAY = datetime.date(2026, 5, 9)
STAGES = ("qualified", "needs", "proposal", "negotiation", "contract", "delivery")
CHANNELS = ("content", "social", "search", "exhibition", "referral", "other")
# What so many records of a thousand are.
SHARES = {"account": 100, "order": 120, "order_line": 240, "visit": 180, "visit_plan": 90, "lead": 50,
          "opportunity": 40, "state_event": 80, "receivable": 50, "payment": 25, "allocation": 25}


def business(n, owners, seed):
    """NDJSON of n records; owners: ids of people."""
    dice, lines = random.Random(seed), []
    ids = {kind: ["01900000-0000-7000-9%03x-%012x" % (number, i) for i in range(n * share // 1000)]
           for number, (kind, share) in enumerate(SHARES.items())}

    def day(back=365):
        return (TODAY - datetime.timedelta(dice.randrange(back))).isoformat()

    def some(kind):
        return dice.choice(ids[kind])

    def put(kind, i, **fields):
        lines.append(json.dumps({"type": kind, "id": ids[kind][i], "fields": fields}, ensure_ascii=False))

    def visit(i):
        on_day = day()
        plan = {"plan": ids["visit_plan"][i // 2]} if i % 2 and i // 2 < len(ids["visit_plan"]) else {}
        put("visit", i, account=some("account"), person=dice.choice(owners), local_date=on_day,
            submitted_at=on_day + "T18:00:00+08:00", **plan)

    def name():
        if dice.random() < 0.2:
            return "%s %s %d" % (dice.choice(LATIN), dice.choice(LATIN), dice.randrange(1000))
        return dice.choice(PLACES) + "".join(dice.choices(SYLLABLES, k=2)) + dice.choice(TRADES) + "有限公司"

    make = {
        "account": lambda i: put("account", i, name=name(), owner=dice.choice(owners), tier=dice.choice(
            ("high", "mid", "low", "low"))),
        "order": lambda i: put("order", i, account=some("account"), currency="CNY", ordered_on=day(600)),
        "order_line": lambda i: put("order_line", i, order=ids["order"][i // 2], qty=dice.randint(1, 40),
                                    unit_price=dice.randrange(100, 90000), discount_bp=dice.choice((0, 0, 500))),
        "visit_plan": lambda i: put("visit_plan", i, account=some("account"), person=dice.choice(owners),
                                    on_date=day()),
        "visit": visit,
        "lead": lambda i: put("lead", i, company=name(), channel=dice.choice(CHANNELS), captured_on=day(),
                              owner=dice.choice(owners)),
        "opportunity": lambda i: put("opportunity", i, account=some("account"), lead=ids["lead"][i], name="a deal",
                                     amount=dice.randrange(10 ** 7), currency="CNY", owner=dice.choice(owners),
                                     opened_on=day()),
        "receivable": lambda i: put("receivable", i, account=some("account"), amount=dice.randrange(1000, 10 ** 6),
                                    currency="CNY", due=day(200)),
        "payment": lambda i: put("payment", i, account=some("account"), amount=900, currency="CNY",
                                 received_on=day(200), bank_ref="B%d" % i),
        "allocation": lambda i: put("allocation", i, payment=ids["payment"][i], receivable=some("receivable"),
                                    amount=900),
    }
    for kind, maker in make.items():
        for i in range(len(ids[kind])):
            maker(i)
    steps = [[] for _ in ids["opportunity"]]
    for i, key in enumerate(ids["state_event"]):
        deal = dice.randrange(len(steps))
        if len(steps[deal]) < len(STAGES):
            put("state_event", i, about=ids["opportunity"][deal], to_state=STAGES[len(steps[deal])],
                at=day() + "T10:00:00+08:00", person=dice.choice(owners), after=steps[deal][-1:])
            steps[deal].append(key)
    for owner in owners:
        for metric, value in (("revenue CNY", 10 ** 9), ("visits", 2000)):
            lines.append(json.dumps({"type": "target", "fields": {
                "owner": owner, "metric": metric, "period_from": "2026-01-01", "period_to": "2026-12-31",
                "values": {"1": value}}}))
    return ("\n".join(lines) + "\n").encode("utf-8")
