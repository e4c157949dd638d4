#!/usr/bin/env python3
"""Examples of the domain from beginning to end, by commands: several devices, one of them without a network, and the
office; where other tests play their parts alone."""
from harness import Device, World, equal, has, run, test

world = World(territories=["Eastern", "Southern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
tablet = Device(world.folder, "Nancy's tablet")
tablet.run("join", world.invite("Nancy"))
steven = world.rep("Steven", "Southern")
for each in (admin, nancy, tablet, steven):
    each.sync()
people = {row["name"]: row["id"] for row in admin.rows("list", "user")}


def record(what, **fields):
    return {"type": what, "fields": fields}


def put(device, lines):
    return [row["id"] for row in device.put_lines(lines)]


def sync(*devices):
    """In this order: what the first have reaches the last."""
    for device in devices:
        device.sync()


@test
def m01_4_forty_accounts_move_while_their_former_owner_is_offline():
    accounts = put(nancy, [record("account", name="moves %d" % i, owner=people["Nancy"]) for i in range(40)])
    sync(nancy, admin)
    admin.run("reassign", "Steven", *accounts, "--reason", "another route")
    admin.run("move", "account", *accounts, "--to", "Southern")
    admin.sync()  # at 10:00; Nancy does not hear of it before 18:00
    made = put(nancy, [record("visit", account=accounts[i], person=people["Nancy"], local_date="2999-05-04",
                              started_at="2999-05-04T%02d:00:00+08:00" % hour, state="submitted",
                              submitted_at="2999-05-04T%02d:30:00+08:00" % hour)
                       for i, hour in enumerate((11, 14, 16))])
    sync(nancy, admin, nancy, steven, admin)
    equal([row["id"] for row in nancy.rows("list", "account")], [], "none of the forty is on her phone any more")
    has(nancy.run("status").out, "3 records of yours (visit 3) and 0 edits moved on with their account, credit pending")
    equal(sorted(row["id"] for row in steven.rows("list", "visit")), sorted(made))
    equal({row["after_move"] for row in steven.rows("list", "visit")}, {True}, "flagged")
    counted = {}
    for device in (nancy, steven, admin):
        basis = device.row("report", "visits", "--period", "2999-05")["basis"]
        counted[device.name] = [row["n"] for row in basis["counted"] if row["what"] == "visits"]
    equal(counted, {"Nancy": [0], "Steven": [0], "Andrew": [0]}, "her phone and the centre count the same")
    for device in (steven, admin):
        row, = device.row("report", "visits", "--period", "2999-05")["basis"]["not_counted"]
        equal((row["n"], row["why"][:14]), (3, "account moved "))


@test
def m02_2_a_return_that_arrives_a_day_late_takes_the_tier_back():
    account, = put(nancy, [record("account", name="buys milk")])

    def sale(amount, day):
        order, = put(nancy, [record("order", account=account, ordered_on=day, currency="CNY", state="received")])
        put(nancy, [record("order_line", order=order, sku="milk", qty=1 if amount > 0 else -1, unit_price=abs(amount))])

    def tier(device, day):
        rows = device.row("report", "tiers", "--period", day)["parts"]["accounts"]
        return [(row["amount_minor"], row["tier"]) for row in rows if row["id"] == account]

    sale(499999999, "2026-03-02")
    def published(device):
        history = device.row("report", "tiers", "--period", "2026-04-03")["parts"]["history"]
        return device.fields("account", account).get("tier"), [(row["on_date"], row["tier"]) for row in history]

    sync(nancy, admin)
    equal(tier(admin, "2026-04-01"), [(499999999, "mid")])
    sale(1, "2026-04-02")
    sync(nancy, admin)
    equal(tier(admin, "2026-04-02"), [(500000000, "high")])
    told = admin.row("tier", "publish", "--date", "2026-04-02")
    equal((told["account"], told["was"], told["tier"], told["amount_minor"]), ("buys milk", None, "high", 500000000))
    equal(admin.rows("tier", "publish", "--date", "2026-04-02"), [], "it says so already")
    sale(-1, "2026-04-03")  # without a network
    equal((tier(nancy, "2026-04-03"), tier(admin, "2026-04-03")), ([(499999999, "mid")], [(500000000, "high")]))
    sync(nancy, admin)
    equal(tier(admin, "2026-04-03"), [(499999999, "mid")])
    equal(tier(admin, "2026-04-02"), [(500000000, "high")], "as it was that day")
    has(nancy.error(4, "tier", "publish")["message"], "managers and admins")
    has(admin.error(2, "tier", "publish", "--date", "2999-01-01")["message"], "2999-01-01 is to come")
    admin.error(2, "tier", "publish", "--date", "yesterday")
    has(admin.run("tier", "publish", "--date", "2026-04-03").out, "buys milk")
    sync(admin, nancy)
    for device in (admin, nancy):
        equal(published(device), ("mid", [("2026-04-02", "high"), ("2026-04-03", "mid")]))


@test
def m11_3_a_payment_of_the_sixth_stops_the_reminder_of_the_seventh_here_and_elsewhere_after_a_sync():
    key, other = [put(nancy, [record("account", name=name), record("receivable", amount=amount, currency="CNY",
                                                                   due="2026-06-30")])
                  for name, amount in (("Blondel", 12345600), ("Ernst", 500))]
    for account, receivable in (key, other):
        nancy.run("put", "receivable", receivable, "account=" + account)
    sync(nancy, tablet, admin)

    def levels(device, day, receivable, *words):
        return [row["level"] for row in device.rows("dunning", "--date", day, *words)
                if row["receivable"] == receivable]

    equal(levels(nancy, "2026-07-06", key[1]), [1, 2, 3, 4])
    sync(nancy, tablet)
    nancy.run("pay", "Blondel", "123456.00", "CNY", "--on", "2026-07-06")  # without a network
    equal(levels(nancy, "2026-07-08", key[1]), [], "her own device knows at once")
    equal(levels(tablet, "2026-07-08", key[1], "--dry-run"), [5], "this one cannot know yet")
    sync(nancy, tablet, admin)
    for device in (tablet, admin):
        equal(levels(device, "2026-07-08", key[1], "--dry-run"), [])
    equal(levels(tablet, "2026-07-08", other[1]), [], "Nancy's phone has made it, once for all")
    sync(tablet, nancy)
    made = "select max(level) as last, count(*) as n from dunning_step where receivable = '%s'" % other[1]
    for device in (nancy, tablet):
        equal(device.row("query", made), {"last": 5, "n": 5})
    equal(levels(nancy, "2026-07-14", other[1]), [])
    equal(levels(nancy, "2026-07-15", other[1]), [6])


@test
def what_is_refused_names_its_rule_and_its_record_and_stores_nothing():
    """An illegal move, a payment over the amount, two currencies, a ring of territories, an expired price list, a
    target whose parts do not sum."""
    milk = admin.put("product", "sku=MILK", "--territory", "org")
    old = admin.put("price_list", "code=OLD", "version=1", "currency=EUR", "valid_to=2026-05-31", "--territory", "org")
    admin.put("price_row", "price_list=" + old, "product=" + milk, "unit_price=450", "--territory", "org")
    sync(admin, nancy)
    account, deal, whole = put(nancy, [
        record("account", name="Refused"), record("opportunity", name="Plant", stage="qualified"),
        record("target", metric="revenue EUR", period_from="2026-01-01", period_to="2026-12-31", values={"1": 100})])
    owed = nancy.put("receivable", "account=" + account, "amount=1000", "currency=EUR", "due=2026-05-01")
    east, south = [row["id"] for row in admin.rows("query", "SELECT id FROM territory WHERE name IN ('Eastern',"
                                                            " 'Southern') ORDER BY name")]
    admin.run("put", "territory", east, "parent=" + south)

    def stored(device):
        tables = ("account", "state_event", "payment", "allocation", "target", '"order"', "order_line")
        rows = [device.row("query", "SELECT COUNT(*) AS n FROM " + table)["n"] for table in tables]
        rings = device.rows("query", "SELECT id, parent FROM territory ORDER BY id")
        return rows, rings, device.row("status")["pending"]

    before = stored(nancy), stored(admin)
    for device, words, rule, named in (
            (nancy, ["opportunity", "move", "Plant", "contract"],
             "does not become contract from there, but: lead (back, with a reason), needs", "opportunity " + deal),
            (nancy, ["pay", "Refused", "10.01", "EUR"], "10.01 EUR is more than is open: 10.00 EUR",
             "account " + account),
            (nancy, ["pay", "Refused", "10", "CNY"], "amounts of different currencies are never added",
             "account " + account),
            (nancy, ["pay", "Refused", "10", "CNY", "--for", owed], "is in EUR, and is not paid in CNY", owed),
            (nancy, ["order", "new", "Refused", "MILK=1", "--currency", "CNY", "--date", "2026-05-04"],
             "an order has the currency of its price list", "price_list " + old),
            (nancy, ["order", "new", "Refused", "MILK=1", "--date", "2026-06-01"],
             "rule: a price list is valid on the day", "price_list " + old),
            (nancy, ["target", "divide", whole, "Nancy=60", "Steven=39"], "the parts of a target sum to it", whole),
            (admin, ["put", "territory", south, "parent=" + east], "rule: a territory is no part of itself",
             "territory " + south)):
        found = device.error(2, *words)
        equal((found["error"], found["class"]), ("invalid", "user"), words)
        has(found["message"], rule)
        has(found["message"], named)
        has(device.run(*words, expect=2).err, named)
    equal((stored(nancy), stored(admin)), before)


if __name__ == "__main__":
    run()
