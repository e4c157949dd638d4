#!/usr/bin/env python3
"""Orders, approvals, payments and reminders, with the domain's own figures, by the numbers of its items."""
import json

from harness import Device, World, equal, has, lacks, new_id, run, test

world = World(territories=["Eastern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
tablet = Device(world.folder, "Nancy's tablet")
tablet.run("join", world.invite("Nancy"))
V12, V13, EXPORT, MILK, BUTTER = (new_id() for _ in range(5))


def record(what, key=None, **fields):
    return dict({"type": what, "fields": fields}, **({"id": key} if key else {}))


def put(device, lines, territory="Eastern"):
    return [row["id"] for row in device.put_lines(lines, "--territory", territory)]


def sync(*devices):
    """In this order: what the first have reaches the last."""
    for device in devices:
        device.sync()


def price(price_list, product, minor, least=None):
    return record("price_row", price_list=price_list, product=product, unit_price=minor,
                  **({"min_qty": least} if least else {}))


put(admin, [record("product", MILK, sku="MILK", name="Milk, a case", lead_days=5),
            record("product", BUTTER, sku="BUTTER"),
            record("price_list", V12, code="WHOLESALE", version=12, currency="CNY", valid_from="2024-01-01"),
            record("price_list", EXPORT, code="EXPORT", version=1, currency="EUR", valid_from="2024-01-01",
                   valid_to="2024-05-31"),
            record("config_item", kind="policy", name="order.transport", version=1, body='{"days":3}',
                   published_at="2024-01-01T00:00:00Z"),
            price(V12, MILK, 3333), price(V12, MILK, 3000, 100), price(V12, BUTTER, 5000),
            price(EXPORT, MILK, 450)], "org")
blondel, ernst = put(admin, [record("account", name=name) for name in ("Blondel", "Ernst")])
admin.sync()
sync(nancy, tablet)
people = {row["name"]: row["id"] for row in nancy.rows("list", "user")}


def flags(told):
    return [flag["flag"] for flag in told["flags"]]


def text_of(told, name):
    texts = [flag["text"] for flag in told["flags"] if flag["flag"] == name]
    equal(len(texts), 1, told["flags"])
    return texts[0]


def order(device, *words, account="Blondel"):
    return device.row("order", "new", account, *words)


def status(device, which, *words):
    return device.row("order", "status", which["id"] if isinstance(which, dict) else which, *words)


def count(what, device=nancy):
    return device.row("query", 'select count(*) as n from "%s"' % what)["n"]


def shipped(told, *states):
    """By the admin, who has every duty."""
    for state in states or ("reviewed", "warehouse", "shipping"):
        told = status(admin, told, state)
    return told


# ---- Orders ----

@test
def m10_2_an_order_is_priced_by_the_list_of_the_day_and_has_a_number_of_its_device():
    told = order(nancy, "MILK=3:5%", "BUTTER=2", "--date", "2024-03-02", "--price-list", "WHOLESALE")
    equal([(line["sku"], line["unit_price_minor"], line["amount_minor"]) for line in told["lines"]],
          [("BUTTER", 5000, 10000), ("MILK", 3333, 9499)], "M08-3: 3 × 33.33 − 5 % = 94.99")
    equal((told["total_minor"], told["currency"], told["price_list"]), (19499, "CNY", "WHOLESALE v12"))
    equal((told["state"], told["submitted"], told["flags"]), ("received", False, []))
    equal(told["no_local"][4:], "A-240302-001")
    equal(nancy.row("query", 'select total from "order"')["total"], 19499)
    equal(order(nancy, "MILK=1", "--date", "2024-03-04")["earliest"], "2024-03-14", "M10-5: 5 + 3 working days")
    big = order(nancy, "MILK=100", "--date", "2024-03-02")
    equal((big["lines"][0]["unit_price_minor"], big["no_local"][4:]), (3000, "A-240302-003"), "the step of 100")
    has(nancy.run("order", "status", told["no_local"]).out, "total: 194.99 CNY")
    equal(nancy.row("order", "status", told["id"][:13])["id"], told["id"])


@test
def two_devices_of_one_person_have_no_number_in_common():
    mine = order(nancy, "BUTTER=4", "--date", "2024-03-04")
    other = order(tablet, "BUTTER=5", "--date", "2024-03-04", "--price-list", "WHOLESALE")
    equal((mine["no_local"][4:], other["no_local"][4:]), ("A-240304-004", "B-240304-001"))
    equal(mine["no_local"][:4], other["no_local"][:4])
    nancy.run("rm", "order", mine["id"])
    equal(order(nancy, "BUTTER=6", "--date", "2024-03-04")["no_local"][4:], "A-240304-005", "never given out again")
    sync(tablet, nancy, admin)
    numbers = [row["no_local"] for row in admin.rows("query", 'select no_local from "order" union all '
                                                     'select no_local from archived."order"')]
    equal((len(numbers), len(set(numbers))), (6, 6))
    forged = put(nancy, [record("order", account=blondel, no_local=other["no_local"], ordered_on="2023-01-01")])[0]
    has(text_of(status(nancy, forged), "number"), other["id"])
    has(json.dumps(nancy.rows("query", "select * from flagged where id = '%s'" % forged)), other["no_local"])
    nancy.run("rm", "order", forged)


@test
def what_cannot_be_ordered_is_refused_by_name_and_nothing_is_stored():
    before = (count("order"), count("order_line"))

    def refused(code, error, part, *words, account="Blondel"):
        found = nancy.error(code, "order", "new", account, *words)
        equal(found["error"], error, found)
        has(found["message"], part)

    refused(2, "not_found", '"SOAP"', "SOAP=1", "--date", "2024-03-02")
    refused(2, "invalid", "EXPORT v1 (valid from 2024-01-01 to 2024-05-31) (price_list %s)" % EXPORT,
            "MILK=1", "--price-list", "EXPORT", "--date", "2024-06-02")
    refused(2, "invalid", "WHOLESALE v12 is in CNY, not in EUR (price_list %s)" % V12, "MILK=1", "--price-list",
            "WHOLESALE", "--currency", "EUR", "--date", "2024-03-02")
    refused(2, "invalid", "no price for 2 of BUTTER", "BUTTER=2", "--price-list", "EXPORT", "--date", "2024-03-02")
    refused(2, "invalid", "several price lists are valid on 2024-03-02", "MILK=1", "--date", "2024-03-02",
            account="Ernst")
    for word in ("MILK", "MILK=0", "MILK=x", "=3", "MILK=1:101%", "MILK=1:5.123%", "MILK=-1"):
        refused(1, "usage", "a line is SKU=QTY", word)
    equal((count("order"), count("order_line")), before)


@test
def case_16_m08_1_an_older_list_keeps_its_prices_and_is_flagged_with_the_difference():
    told = order(nancy, "MILK=80", "--date", "2024-06-02")
    equal((told["price_list"], told["flags"]), ("WHOLESALE v12", []))
    put(admin, [record("price_list", V13, code="WHOLESALE", version=13, currency="CNY", valid_from="2024-06-01"),
                price(V13, MILK, 3633), price(V13, BUTTER, 5000)], "org")
    admin.sync()
    sync(nancy)
    later = status(nancy, told)
    has(text_of(later, "old_price"), "WHOLESALE v12, where WHOLESALE v13 was effective since 2024-06-01: "
        "difference +240.00 CNY")
    equal((later["flags"][0]["difference_minor"], later["total_minor"]), (24000, told["total_minor"]))
    equal([row["flags"] for row in nancy.rows("order", "status") if row["id"] == told["id"]], [["old_price"]])
    equal([row["text"] for row in nancy.rows("query", "select id, text from flagged") if row["id"] == told["id"]],
          ["by v12, where v13 was effective"])
    equal(status(nancy, order(nancy, "MILK=1", "--date", "2024-05-31"))["flags"], [], "v13 was not effective then")
    equal(order(nancy, "MILK=79", "--date", "2024-06-03")["price_list"], "WHOLESALE v13")


@test
def the_same_order_once_more_is_stored_when_somebody_says_that_it_is_another_one():
    first = order(nancy, "MILK=7", "BUTTER=1", "--date", "2024-04-02")
    found = nancy.error(2, "order", "new", "Blondel", "BUTTER=1", "MILK=7", "--date", "2024-04-03")
    equal(found["error"], "exists")
    has(found["message"], first["no_local"])
    has(found["message"], "--anyway")
    order(nancy, "BUTTER=1", "MILK=7", "--date", "2024-04-04")
    second = order(nancy, "BUTTER=1", "MILK=7", "--date", "2024-04-02", "--anyway")
    has(json.dumps(second["flags"]), first["no_local"])
    nancy.run("order", "status", first["id"], "cancelled")
    lacks(json.dumps(status(nancy, second)["flags"]), first["no_local"])


@test
def needs_6_and_7_an_order_that_two_devices_took_is_kept_twice_and_flagged_on_both():
    mine = order(nancy, "BUTTER=17", "--date", "2024-07-01")
    other = order(tablet, "BUTTER=17", "--date", "2024-07-01", "--price-list", "WHOLESALE")
    sync(nancy, tablet, nancy)
    has(text_of(status(nancy, mine), "twice"), other["no_local"])
    has(text_of(status(tablet, other), "twice"), mine["no_local"])


@test
def what_came_by_a_sync_and_breaks_a_rule_is_kept_and_flagged():
    key = put(nancy, [record("order", account=blondel, ordered_on="2024-06-02", price_list=EXPORT, currency="CNY",
                             no_local="by hand")])[0]
    put(nancy, [record("order_line", order=key, product=MILK, sku="MILK", qty=1, unit_price=100),
                record("order_line", order=key, product=new_id(), sku="GONE", qty=1, unit_price=1)])
    sync(nancy, admin)
    found = status(admin, key)
    equal(sorted(flags(found)), ["currency", "list_not_valid", "price", "price", "product"])
    has(json.dumps(found["flags"]), "line MILK is at 1.00, where price list EXPORT v1 has 4.50")
    has(admin.run("order", "status").out, "list_not_valid")
    equal({row["rule"] for row in admin.rows("query", "select rule from flagged where id = '%s'" % key)},
          {"an order has the currency of its price list", "a price list is valid on the day"})


@test
def long_chinese_names_are_cut_at_characters_and_no_flag_is_lost():
    long = "超高温灭菌全脂纯牛奶整箱装" * 5
    key = put(nancy, [record("account", name=long)])[0]
    told = put(nancy, [record("order", account=key, ordered_on="2024-06-02", currency="CNY", no_local=long)])[0]
    put(nancy, [record("order_line", order=told, product=new_id(), sku="ab" + long, qty=1, unit_price=1)])
    found = status(nancy, told)
    equal(text_of(found, "product"), "the product of line ab%s is not here" % long[:38])
    equal([row["order"] for row in nancy.rows("order", "status") if row["id"] == told], [long[:40]])
    paid = nancy.error(2, "pay", long, "5", "CNY")["message"]
    has(paid, long[:13])
    lacks(paid, "?")
    nancy.run("rm", "order", told)
    nancy.run("rm", "account", key)


# ---- Approvals ----

@test
def m08_6_within_the_grant_it_is_final_offline_and_above_it_waits():
    put(admin, [record("approval_grant", person=people["Nancy"], max_discount_bp=bp, valid_to=until)
                for bp, until in ((800, "2999-06-30"), (5000, "2024-06-30"))])
    sync(admin, nancy)
    final = order(nancy, "MILK=10", "--discount", "7.5%", "--date", "2024-08-01")
    final = nancy.row("order", "submit", final["id"])
    equal((final["submitted"], final["approval"]["needed"], final["approval"]["allowed_by"]),
          (True, False, "a grant until 2999-06-30"))
    equal(flags(final), [])
    has(nancy.error(2, "put", "order_line", final["lines"][0]["id"], "qty=9")["message"], "submitted")
    waits = order(nancy, "MILK=9", "--discount", "900", "--date", "2024-08-02")
    waits = nancy.row("order", "submit", waits["no_local"])
    equal((waits["approval"]["needed"], waits["approval"]["approval_state"]), (True, "requested"))
    has(text_of(waits, "not_approved"), "9.00 %, above 8.00 % by a grant until 2999-06-30: waits")
    found = nancy.error(4, "approve", waits["no_local"], "yes")
    has(found["message"], "a manager or finance")
    equal([row["order"] for row in nancy.rows("approve")], [waits["no_local"]])
    sync(nancy, admin)
    row = admin.row("approve")
    equal((row["discount_bp"], row["by"], row["version"]), (900, "Nancy", "as it is"))
    has(admin.error(2, "order", "status", waits["id"], "reviewed")["message"], "before its discount is approved")
    admin.run("approve", row["approval"][:18], "yes")
    equal((admin.rows("approve"), flags(status(admin, waits))), ([], []))
    equal(status(nancy, waits)["approval"]["approval_state"], "requested", "until it has come")
    sync(admin, nancy)
    equal((status(nancy, waits)["approval"]["approval_state"], flags(status(nancy, waits))), ("approved", []))
    equal(status(admin, waits, "reviewed")["state"], "reviewed")


@test
def a_rep_grants_himself_nothing():
    nancy.run("put", "approval_grant", "person=" + people["Nancy"], "max_discount_bp=9000", "--territory", "Eastern")
    told = nancy.row("order", "submit", order(nancy, "MILK=11", "--discount", "10%", "--date", "2024-08-04")["id"])
    equal((told["approval"]["allowed_bp"], told["approval"]["approval_state"]), (800, "requested"))
    asked = nancy.row("get", "approval", told["approval"]["approval"])["fields"]
    own = ["about=" + asked["about"], "kind=discount", "content_hash=" + asked["content_hash"]]
    has(nancy.error(2, "put", "approval", "ffffffff-ffff-8fff-bfff-ffffffffffff", "state=approved", *own)["message"],
        'begins as "requested"')
    nancy.run("put", "approval", "ffffffff-ffff-8fff-bfff-ffffffffffff", *own)
    sync(nancy, admin)
    admin.run("approve", told["approval"]["approval"], "no", "--reason", "too much")
    sync(admin, nancy)
    has(text_of(status(nancy, told), "not_approved"), ": rejected")
    nancy.run("rm", "approval", "ffffffff-ffff-8fff-bfff-ffffffffffff")
    has(nancy.error(2, "order", "note", told["id"], "status", b"sp\xe4t")["message"], "no UTF-8")


@test
def case_8_approved_for_one_version_is_not_for_another():
    told = nancy.row("order", "submit", order(nancy, "MILK=12", "--discount", "9%", "--date", "2024-08-06")["id"])
    sync(nancy, admin)
    admin.run("approve", told["id"], "yes")
    nancy.run("put", "amendment", "about=" + told["lines"][0]["id"], "field=discount_bp", "old_value=900",
              "new_value=1200", "at=2024-08-06T12:00:00+08:00")
    sync(admin, nancy, admin)
    changed = status(nancy, told)
    equal((changed["lines"][0]["discount_bp"], changed["amended"]), (1200, True))
    equal(changed["approval"]["for_another_version_state"], "approved")
    has(text_of(changed, "not_approved"), "approved for another version")
    has(admin.error(2, "order", "status", told["id"], "reviewed")["message"], "for another version")
    has(admin.error(2, "approve", told["id"], "yes")["message"], "another version")
    again = nancy.row("order", "submit", told["id"])
    equal(again["approval"]["approval_state"], "requested")
    equal(nancy.row("order", "submit", told["id"])["approval"]["approval"], again["approval"]["approval"])
    nancy.run("put", "amendment", "about=" + told["lines"][0]["id"], "field=discount_bp", "old_value=1200",
              "new_value=900", "at=2024-08-06T13:00:00+08:00")
    equal(flags(status(nancy, told)), [], "the first version again, which was approved")
    nancy.row("order", "submit", told["id"])
    sync(nancy, admin)
    equal(admin.rows("approve"), [], "what was asked for in between was taken back")


# ---- On its way ----

@test
def case_5_m10_1_what_is_shipping_is_not_cancelled_but_asked_to_be():
    told = nancy.row("order", "submit", order(nancy, "MILK=13", "--date", "2024-09-02")["id"])
    found = nancy.error(4, "order", "status", told["id"], "reviewed")
    has(found["message"], "a manager or an assistant may make it reviewed")
    sync(nancy, admin)
    shipped(told)
    equal(status(nancy, told, "cancelled")["state"], "cancelled", "offline, by what is known here")
    sync(nancy, admin, nancy)
    for device in (nancy, admin):
        found = status(device, told)
        equal(found["state"], "shipping")
        has(text_of(found, "cancel_requested"), "it was to be cancelled, and was shipping already")
        equal([event["standing"] for event in found["events"] if event["state"] == "cancelled"], ["overtaken"])
    late = nancy.row("order", "submit", order(nancy, "MILK=14", "--date", "2024-09-02")["id"])
    sync(nancy, admin)
    shipped(late)
    sync(admin, nancy)
    found = status(nancy, late, "cancelled", "--reason", "wrong size")
    equal((found["state"], found["events"][-1]["note"]), ("shipping", "cancel request: wrong size"))
    has(text_of(found, "cancel_requested"), "M10-1")
    has(nancy.error(2, "order", "status", late["id"], "warehouse")["message"], "delivered")


@test
def need_18_what_was_submitted_offline_is_submitted_and_not_reviewed_before():
    told = order(nancy, "MILK=15", "--date", "2024-09-04")
    sync(nancy, admin)
    has(admin.error(2, "order", "status", told["id"], "reviewed")["message"], "not submitted")
    nancy.run("order", "submit", told["id"])
    sync(nancy, admin)
    equal((status(admin, told)["submitted"], status(admin, told, "reviewed")["state"]), (True, "reviewed"))


@test
def m10_3_two_of_three_stays_received_and_three_of_three_is_reviewed():
    items = [{"key": key, "text": key, "mandatory": True} for key in ("customer", "configuration", "terms")]
    template = admin.put("template", "kind=checklist", "name=order_review", "version=1",
                         "published_at=2024-01-01T00:00:00Z", "body=" + json.dumps({"items": items}))
    told = nancy.row("order", "submit", order(nancy, "MILK=18", "--date", "2024-09-08")["id"])
    sync(nancy, admin)
    two = ["customer=yes", "configuration=yes"]
    found = admin.error(2, "order", "status", told["id"], "reviewed", *two, "terms=no")
    has(found["message"], "stays received: 2 of 3 of the checklist order_review, terms is not")
    equal((status(admin, told)["state"], count("checklist_run", admin)), ("received", 0))
    equal(status(admin, told, "reviewed", *two, "terms=yes")["state"], "reviewed")
    equal(count("checklist_run", admin), 1)
    has(admin.error(2, "order", "status", told["id"], "warehouse", "terms=yes")["message"], "takes none")
    admin.run("rm", "template", template)


@test
def m10_4_an_exception_comes_to_the_rep_with_a_task():
    told = order(nancy, "MILK=16", "--date", "2024-09-06")
    sync(nancy, admin)
    admin.run("put", "account", blondel, "owner=" + people["Nancy"])
    admin.run("order", "note", told["no_local"], "exception", "late 3 days", "--date", "2024-09-20")
    equal(admin.error(2, "order", "note", told["id"], "rumour", "x")["error"], "invalid")
    sync(admin, nancy)
    event = status(nancy, told)["events"][-1]
    equal((event["what"], event["note"], event["eta"]), ("exception", "late 3 days", "2024-09-20"))
    task = nancy.row("query", "select title, owner from task where title like 'Tell%'")
    equal((task["title"], task["owner"]),
          ("Tell the customer: order %s: late 3 days" % told["no_local"], people["Nancy"]))


# ---- Money ----

def outstanding(device, key):
    rows = device.row("report", "receivables")["parts"]["receivables"]
    return [row["outstanding_minor"] for row in rows if row["id"] == key]


def owed(amount, due, account=ernst, currency="CNY"):
    return put(nancy, [record("receivable", account=account, amount=amount, currency=currency, due=due)])[0]


def pay(device, *words):
    return device.row("pay", *words)


@test
def what_was_delivered_is_owed_once_whoever_says_so():
    told = nancy.row("order", "submit", order(nancy, "BUTTER=1", "--price-list", "WHOLESALE", account="Ernst")["id"])
    sync(nancy, admin)
    shipped(told)
    sync(admin, nancy)
    for device in (nancy, admin):
        status(device, told, "delivered")
    sync(nancy, admin)
    row, = admin.rows("query", 'select amount, currency, julianday(due) - julianday(date(\'now\')) as days'
                      ' from receivable where "order" = \'%s\'' % told["id"])
    equal((row["amount"], row["currency"], abs(row["days"] - 30) < 2), (5000, "CNY", True))
    equal([row for row in admin.rows("conflicts") if row["type"] == "receivable"], [])
    equal(pay(nancy, "Ernst", "50", "CNY", "--for", told["no_local"])["allocations"][0]["paid"], True)


@test
def m11_1_payments_go_to_the_oldest_first_and_what_is_left_is_outstanding():
    whole, younger = owed(30000000, "2024-06-30"), owed(500, "2024-07-30")
    pay(nancy, "Ernst", "100000.00", "CNY", "--on", "2024-06-01")
    told = pay(nancy, "Ernst", "150000", "CNY", "--on", "2024-06-20")
    equal(told["allocations"], [{"receivable": whole, "amount_minor": 15000000, "paid": False}])
    equal((outstanding(nancy, whole), outstanding(nancy, younger)), ([5000000], [500]))
    found = nancy.error(2, "pay", "Ernst", "50005.01", "CNY")
    has(found["message"], "50005.01 CNY is more than is open: 50005.00 CNY of account Ernst, in 2 receivables")
    found = nancy.error(2, "pay", "Ernst", "10", "EUR")
    has(found["message"], "owes nothing in EUR, but 50000.00 CNY, 5.00 CNY")
    has(nancy.error(2, "pay", "Ernst", "10", "EUR", "--for", whole)["message"], "is in CNY, and is not paid in EUR")
    has(nancy.error(2, "pay", "Blondel", "10", "CNY", "--for", whole)["message"], "none of account Blondel")
    nancy.error(1, "pay", "Ernst", "-5", "CNY")
    nancy.error(1, "pay", "Ernst", "5.001", "CNY")
    nancy.error(1, "pay", "Ernst", "5.5", "JPY")
    told = pay(nancy, "Ernst", "50002", "CNY", "--for", "%s,%s" % (younger, whole))
    equal([(part["receivable"], part["amount_minor"]) for part in told["allocations"]],
          [(younger, 500), (whole, 4999700)])
    equal((outstanding(nancy, whole), outstanding(nancy, younger)), ([300], []))
    reversal = nancy.row("pay", "reverse", told["payment"], "--reason", "the bank took it back")
    equal((outstanding(nancy, whole), outstanding(nancy, younger)), ([5000000], [500]))
    equal(nancy.error(2, "pay", "reverse", told["payment"])["error"], "exists")
    equal(nancy.error(2, "pay", "reverse", reversal["payment"])["error"], "invalid")
    pay(nancy, "Ernst", "50005", "CNY")
    equal((outstanding(nancy, whole), nancy.rows("pay")), ([], []))


@test
def m11_2_a_bank_reference_that_two_recorded_is_flagged_and_counts_once():
    key = owed(30000000, "2024-08-31")
    sync(nancy, admin)
    first = pay(nancy, "Ernst", "150000.00", "CNY", "--bank-ref", "8891", "--on", "2024-08-01")
    pay(admin, "Ernst", "150000.00", "CNY", "--bank-ref", "8891", "--on", "2024-08-02")
    sync(admin, nancy, admin)
    for device in (nancy, admin):
        row = device.row("pay")
        equal((row["flag"], row["amount_minor"], row["bank_ref"]), ("twice", 15000000, "8891"))
        equal([found["id"] for found in device.rows("query", "select id from flagged where type = 'payment'")],
              [row["id"]])
        equal(outstanding(device, key), [15000000])
    third = pay(nancy, "Ernst", "1.00", "CNY", "--bank-ref", "8891")
    equal(len(third["warnings"]), 2)
    has(json.dumps(third["warnings"]), "and another account or amount")
    nancy.run("pay", "reverse", row["id"])
    equal((nancy.rows("pay"), outstanding(nancy, key)), ([], [14999900]))
    equal(first["warnings"], [])


@test
def m11_3_each_reminder_is_made_once_whichever_device_does_it_and_a_payment_stops_the_next():
    key = owed(12345600, "2024-06-30", account=blondel)
    sync(nancy, tablet)

    def levels(device, day, *words):
        return [row["level"] for row in device.rows("dunning", "--date", day, *words) if row["receivable"] == key]

    equal(levels(nancy, "2024-06-22"), [])
    equal(levels(nancy, "2024-07-08", "--dry-run"), [1, 2, 3, 4, 5])
    equal(levels(nancy, "2024-06-30"), [1, 2, 3])
    equal(levels(nancy, "2024-07-06"), [4])
    equal(levels(tablet, "2024-07-08"), [1, 2, 3, 4, 5], "it has not heard of the others")
    sync(nancy, tablet, nancy)
    equal(levels(nancy, "2024-07-14"), [])
    rows = nancy.rows("query", "select task.due as due, dunning_level as level from task join receivable as r "
                      "on r.id = origin"
                      " where origin = '%s'" % key)
    equal(sorted(row["due"] for row in rows), ["2024-06-23", "2024-06-27", "2024-06-30", "2024-07-01", "2024-07-07"])
    equal({row["level"] for row in rows}, {5})
    equal([row for row in nancy.rows("conflicts") if row["type"] in ("task", "dunning_step", "receivable")], [])
    pay(nancy, "Blondel", "123456", "CNY")
    equal(levels(nancy, "2024-07-15"), [], "paid here: nothing fires any more")
    equal(levels(tablet, "2024-07-15", "--dry-run"), [6])
    sync(nancy, tablet)
    equal(levels(tablet, "2024-07-15"), [])
    has(nancy.error(2, "dunning", "--date", "2999-01-01")["message"], "to come")


run()
