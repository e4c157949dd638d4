#!/usr/bin/env python3
"""What is owed, paid and reminded of, where people, devices and members do what nobody expects."""
import json
import os
import re

from harness import ROOT, World, equal, has, lacks, new_id, run, test

world = World(territories=["Eastern", "Southern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
MILK, LIST = new_id(), new_id()


def record(what, key=None, **fields):
    return dict({"type": what, "fields": fields}, **({"id": key} if key else {}))


def put(device, lines, territory="Eastern"):
    return [row["id"] for row in device.put_lines(lines, "--territory", territory)]


def sync(*devices):
    """In this order: what the first have reaches the last."""
    for device in devices:
        device.sync()


put(admin, [record("product", MILK, sku="MILK"),
            record("price_list", LIST, code="W", version=1, currency="CNY"),
            record("price_row", price_list=LIST, product=MILK, unit_price=1000)], "org")
sync(admin, nancy)


def account(name, device=admin, **fields):
    return put(device, [record("account", name=name, **fields)])[0]


def owed(key, amount, due="2024-06-30", device=nancy, **more):
    return put(device, [record("receivable", **dict({"account": key, "amount": amount, "currency": "CNY", "due": due},
                                                    **more))])[0]


def pay(device, *words):
    return device.row("pay", *words)


def looked_at(device, name):
    """What is to be looked at of an account."""
    return [row["id"] for row in device.rows("pay") if row["account"] == name]


def outstanding(device, *keys):
    rows = device.row("report", "receivables")["parts"]["receivables"]
    return [row["outstanding_minor"] for row in rows if row["id"] in keys]


def shipped(name, qty):
    """An order of the account that is on its way."""
    told = nancy.row("order", "submit", nancy.row("order", "new", name, "MILK=%d" % qty)["id"])
    sync(nancy, admin)
    for state in ("reviewed", "warehouse", "shipping"):
        admin.run("order", "status", told["id"], state)
    sync(admin, nancy)
    return told["id"]


def receivables_of(device, order):
    return device.rows("query", 'select id, amount from receivable where "order" = \'%s\' order by id' % order)


# ---- Owed once ----

@test
def what_somebody_put_for_an_order_by_hand_is_what_its_delivery_makes_owed():
    adler = account("Adler")
    sync(admin, nancy)
    order = shipped("Adler", 7)
    by_hand = owed(adler, 7000, order=order)
    nancy.run("order", "status", order, "delivered")
    equal([row["id"] for row in receivables_of(nancy, order)], [by_hand])


@test
def an_order_that_is_owed_by_hand_and_by_its_delivery_counts_once_and_is_flagged():
    bauer = account("Bauer")
    sync(admin, nancy)
    order = shipped("Bauer", 8)
    by_hand = owed(bauer, 8000, device=admin, order=order)
    nancy.run("order", "status", order, "delivered")
    made = receivables_of(nancy, order)[0]["id"]
    pay(nancy, "Bauer", "30", "CNY", "--for", made)
    sync(nancy, admin, nancy)
    for device in (nancy, admin):
        equal(outstanding(device, made, by_hand), [5000], "what was paid of either is paid")
        equal([(row["flag"], row["amount_minor"], row["id"]) for row in device.rows("pay")],
              [("owed twice", 8000, made)])
        equal([row["rule"] for row in device.rows("query", "select * from flagged where id = '%s'" % made)],
              ["an order is owed once"])
    has(json.dumps(nancy.row("report", "receivables")["basis"]), "put by hand for the same order")
    told = pay(nancy, "Bauer", "50", "CNY", "--for", made)
    equal(told["allocations"], [{"receivable": by_hand, "amount_minor": 5000, "paid": True}])
    equal(outstanding(nancy, made, by_hand), [])
    has(nancy.error(2, "pay", "Bauer", "1", "CNY")["message"], "more than is open")


@test
def instalments_of_one_order_are_each_owed():
    conrad = account("Conrad")
    sync(admin, nancy)
    order = shipped("Conrad", 9)
    number = nancy.row("order", "status", order)["no_local"]
    first, second = (owed(conrad, amount, due, order=order)
                     for amount, due in ((4000, "2024-06-30"), (5000, "2024-07-30")))
    nancy.run("order", "status", order, "delivered")
    equal(len(receivables_of(nancy, order)), 2)
    told = pay(nancy, "Conrad", "60", "CNY", "--for", number)
    equal([(part["receivable"], part["amount_minor"]) for part in told["allocations"]], [(first, 4000), (second, 2000)])


@test
def what_is_not_positive_and_no_reversal_is_listed():
    davis = account("Davis")
    key = owed(davis, 1000, device=admin)
    payment, good = put(admin, [record("payment", account=davis, amount=amount, currency="CNY") for amount in (-5, 5)])
    odd = put(admin, [record("allocation", payment=good, receivable=key, amount=0)])[0]
    rows = {row["id"]: row["flag"] for row in admin.rows("pay")}
    equal([rows.get(one) for one in (payment, odd)], ["not positive", "not positive"])
    equal({row["id"] for row in admin.rows("query", "select id from flagged where rule = 'an amount is positive'")},
          {payment, odd})
    missing = put(admin, [record("receivable", account=davis, currency="CNY", due="2024-06-30")])[0]
    equal([row["flag"] for row in admin.rows("pay") if row["id"] == missing], ["no amount"])
    for kind, one in (("payment", payment), ("payment", good), ("allocation", odd), ("receivable", missing)):
        admin.run("rm", kind, one)


@test
def who_is_not_shown_the_prices_leaves_a_task_and_a_flag_where_he_delivers():
    """Peter is a consultant by his role, and shown nothing above the grade of contacts."""
    peter = world.rep("Peter", "Eastern")
    people = {row["name"]: row["id"] for row in admin.rows("list", "user")}
    for name, roles in (("Peter", ["presales_consultant"]), ("Nancy", ["finance", "sales_rep"])):
        admin.run("put", "user", people[name], *["roles+=" + role for role in roles])
    account("Gruber")
    sync(admin, nancy)
    order = shipped("Gruber", 6)
    sync(nancy, peter)
    told = peter.row("order", "status", order, "delivered")
    equal((told["state"], told["total_minor"]), ("delivered", None))
    text, = [flag["text"] for flag in told["flags"] if flag["flag"] == "not_owed"]
    has(text, "as a price is missing or not shown here: satchel order status %s delivered" % order)
    equal(receivables_of(peter, order), [])
    sync(peter, nancy)
    task = "select title, owner, state from task where origin = '%s'" % order
    row = nancy.row("query", task)
    equal((row["owner"], row["state"]), (people["Nancy"], "open"))
    has(row["title"], "Note what is owed for order %s: satchel order status %s delivered" % (told["no_local"], order))
    has(json.dumps(nancy.row("order", "status", order)["flags"]), "delivered, said again, notes it")
    equal([row["flags"] for row in nancy.rows("order", "status") if row["id"] == order], [["not_owed"]])
    told = nancy.row("order", "status", order, "delivered")
    equal((told["flags"], [row["amount"] for row in receivables_of(nancy, order)]), ([], [6000]))
    equal(nancy.row("query", task)["state"], "done")
    sync(nancy, peter)
    equal([flag for flag in peter.row("order", "status", order)["flags"] if "owed" in flag["flag"]], [])


@test
def what_is_owed_for_a_delivery_and_is_not_what_it_comes_to_is_flagged():
    irmer = account("Irmer")
    sync(admin, nancy)
    order = shipped("Irmer", 5)
    owed(irmer, 2000, order=order)
    told = nancy.row("order", "status", order, "delivered")
    equal([flag["text"] for flag in told["flags"] if flag["flag"] == "owed"],
          ["20.00 CNY is owed for it in 1 receivable, and it comes to 50.00 CNY"])
    owed(irmer, 3000, order=order)
    equal([flag for flag in nancy.row("order", "status", order)["flags"] if flag["flag"] == "owed"], [])
    third = shipped("Irmer", 3)
    owed(irmer, None, order=third)
    owed(irmer, 1, currency="EUR", order=third)
    told = nancy.row("order", "status", third, "delivered")
    made = [row["amount"] for row in receivables_of(nancy, third) if row["amount"] == 3000]
    equal((made, told["flags"]), ([3000], []), "no amount, or one in another currency, says nothing of it")
    other = shipped("Irmer", 4)
    nancy.run("state", "order", other, "delivered")
    equal(([row["amount"] for row in receivables_of(nancy, other)], nancy.row("order", "status", other)["flags"]),
          ([4000], []), "on whichever road")


@test
def what_was_archived_in_another_territory_hinders_no_delivery_from_making_what_is_owed():
    account("Jahn")
    admin.run("territory", "grant", "Southern", "Nancy", "--read")
    steven = world.rep("Steven", "Southern")
    sync(admin, nancy, steven)
    order = shipped("Jahn", 6)
    admin.run("order", "status", order, "delivered")  # and has not synced: from it the id is known, as it follows
    made = receivables_of(admin, order)[0]["id"]
    put(steven, [record("receivable", made, order=order, amount=1, currency="CNY")], "Southern")
    steven.run("rm", "receivable", made)
    sync(steven, nancy)
    for device in (nancy, nancy, admin):
        equal((device.row("order", "status", order, "delivered")["flags"], receivables_of(device, order)),
              ([], [{"id": made, "amount": 6000}]))
        sync(nancy, admin, nancy)


# ---- Payments that look alike ----

@test
def a_payment_that_does_not_count_pays_nothing_and_says_so():
    jansen = account("Jansen")
    sync(admin, nancy)
    key = owed(jansen, 3000)
    first = pay(nancy, "Jansen", "15", "CNY", "--bank-ref", "T1", "--on", "2024-06-01")
    equal((first["counts"], first["warnings"]), (True, []))
    told = pay(nancy, "Jansen", "15", "CNY", "--bank-ref", "T1", "--on", "2024-06-01")
    equal((told["counts"], told["counts_instead"]), (False, first["payment"]))
    equal(told["allocations"], [{"receivable": key, "amount_minor": 1500, "paid": False}])
    has(told["warnings"][0], "the pair counts once until one of them is reversed, and %s counts" % first["payment"])
    equal((outstanding(nancy, key), looked_at(nancy, "Jansen")), ([1500], [told["payment"]]))
    text = nancy.run("pay", "confirm", told["payment"], "--reason", "two transfers, the bank says").out
    has(text, told["payment"])
    equal((outstanding(nancy, key), looked_at(nancy, "Jansen")), ([], []))
    equal(nancy.error(2, "pay", "confirm", told["payment"])["error"], "exists")
    equal(nancy.error(2, "pay", "confirm", new_id())["error"], "not_found")
    sync(nancy, admin)
    equal((outstanding(admin, key), looked_at(admin, "Jansen")), ([], []))


@test
def an_import_of_the_same_transfer_takes_the_place_of_what_is_told_to_be_paid():
    """Its id may be less than any that is made here: what pay says is what the records come to."""
    keller = account("Keller")
    sync(admin, nancy)
    key = owed(keller, 1000)
    nancy.run("dunning", "--date", "2024-06-23")
    imported = put(nancy, [record("payment", "00000000-0000-8000-8000-0000000000a1", account=keller, amount=1000,
                                  currency="CNY", received_on="2024-06-02", bank_ref="T2")])[0]
    told = pay(nancy, "Keller", "10", "CNY", "--bank-ref", "T2", "--on", "2024-06-01")
    equal((told["counts"], told["counts_instead"], told["allocations"][0]["paid"]), (False, imported, False))
    equal(outstanding(nancy, key), [1000])
    state = "select state from task where origin = '%s'" % key
    equal(nancy.row("query", state)["state"], "open", "nothing is paid, and somebody is still to be reminded")
    nancy.run("pay", "reverse", imported)
    nancy.run("dunning", "--date", "2024-06-23")
    equal((outstanding(nancy, key), nancy.row("query", state)["state"]), ([], "cancelled"))


@test
def m11_2_two_payments_that_look_alike_are_two_when_a_person_says_so():
    lindt = account("Lindt")
    sync(admin, nancy)
    key = owed(lindt, 4000)
    words = ("Lindt", "10", "CNY", "--bank-ref", "T3", "--on", "2024-06-01")
    pay(nancy, *words)
    second = pay(nancy, *words, "--anyway")
    equal((second["counts"], second["warnings"], outstanding(nancy, key)), (True, [], [2000]))
    third = pay(nancy, *words)
    equal((third["counts"], outstanding(nancy, key)), (False, [2000]), "the warning is as good as before")
    equal(looked_at(nancy, "Lindt"), [third["payment"]])
    nancy.run("pay", "reverse", third["payment"])
    alone = pay(nancy, "Lindt", "5", "CNY", "--bank-ref", "T4", "--anyway")
    equal(nancy.fields("payment", alone["payment"]).get("apart"), None, "there is nothing that it could be apart from")
    cash = pay(nancy, "Lindt", "2", "CNY", "--on", "2024-06-05")
    again = pay(nancy, "Lindt", "2", "CNY", "--on", "2024-06-05")
    equal((cash["warnings"], again["counts"]), ([], True))
    has(again["warnings"][0], "payment %s of 2024-06-05 has the same amount: if it is the same one, satchel pay reverse"
        " %s" % (cash["payment"], again["payment"]))
    equal(pay(nancy, "Lindt", "2", "CNY", "--on", "2024-06-05", "--anyway")["warnings"], [])
    equal(looked_at(nancy, "Lindt"), [])


# ---- More than there is, and another currency ----

def flagged(device, *keys):
    """What breaks a rule: of these records the type, the rule, and what is said of it."""
    return [(row["type"], row["rule"], row["text"]) for row in device.rows("flagged") if row["id"] in keys]


@test
def m11_1_what_two_paid_beside_each_other_is_kept_and_flagged_until_one_is_taken_back():
    olga = world.rep("Olga", "Eastern")
    roth = account("Roth")
    sync(admin, nancy)
    key, other = owed(roth, 3000), owed(roth, 3000, "2024-07-30")
    sync(nancy, olga)
    payments = [pay(device, "Roth", "25", "CNY", "--on", day, "--for", key)["payment"]
                for device, day in ((nancy, "2024-06-01"), (olga, "2024-06-02"))]
    pay(nancy, "Roth", "30", "CNY", "--on", "2024-06-03", "--for", other)
    equal(flagged(nancy, key), [], "what is paid in parts is not more than is owed")
    sync(nancy, olga, nancy, admin)
    text = ("2 payments give it 5000, and 3000 is owed (minor units): satchel pay reverse PAYMENT takes one back, the"
            " newest is %s" % max(payments))
    for device in (nancy, olga, admin):
        equal(flagged(device, key, other, *payments), [("receivable", "no more is paid than is owed", text)])
        equal(device.row("query", "select count(*) as n from payment where account = '%s'" % roth)["n"], 3)
    nancy.run("pay", "reverse", max(payments))
    sync(nancy, olga)
    equal([flagged(device, key, *payments) for device in (nancy, olga)], [[], []])


@test
def what_is_allocated_of_a_payment_beyond_its_amount_is_flagged():
    seidel = account("Seidel")
    sync(admin, nancy)
    keys = [owed(seidel, 4000) for _ in range(3)]
    payment, whole = put(nancy, [record("payment", account=seidel, amount=5000, currency="CNY", received_on=day)
                                 for day in ("2024-06-01", "2024-06-02")])
    parts = put(nancy, [record("allocation", payment=one, receivable=key, amount=amount)
                        for one, key, amount in ((payment, keys[0], 3000), (payment, keys[1], 2500),
                                                 (whole, keys[2], 4000), (whole, keys[0], 1000))])
    sync(nancy, admin)
    text = ("its allocations sum to 5500, and 5000 was paid (minor units): archive one (satchel rm allocation ID), or"
            " take it back (satchel pay reverse %s)" % payment)
    for device in (nancy, admin):
        equal(flagged(device, payment, whole, *keys, *parts),
              [("payment", "no more is allocated than was paid", text)])
    nancy.run("rm", "allocation", parts[1])
    equal(flagged(nancy, payment, whole, *keys, *parts), [])
    again = put(nancy, [record("allocation", payment=payment, receivable=keys[1], amount=2500)])[0]
    put(nancy, [record("allocation", payment=payment, receivable=keys[1], amount=-2500, reverses=again)])
    equal(flagged(nancy, payment, whole, *keys, *parts, again), [], "what was reversed is settled")
    huge = put(nancy, [record("allocation", payment=whole, receivable=keys[2], amount=9 * 10 ** 18) for _ in range(2)])
    equal([row[:2] for row in flagged(nancy, whole, keys[2], *huge)],
          [("payment", "no more is allocated than was paid"), ("receivable", "no more is paid than is owed")],
          "a sum that no integer holds is more, and hides nothing else")
    for one in huge:
        nancy.run("rm", "allocation", one)


@test
def what_is_paid_in_another_currency_than_is_owed_is_flagged_and_pays_nothing():
    thiel = account("Thiel")
    sync(admin, nancy)
    key = owed(thiel, 4000)
    euros, yuan = put(nancy, [record("payment", account=thiel, amount=4000, currency=currency, received_on="2024-06-01")
                              for currency in ("EUR", "CNY")])
    wrong, good = put(nancy, [record("allocation", payment=one, receivable=key, amount=4000) for one in (euros, yuan)])
    sync(nancy, admin)
    text = ("payment %s is in EUR, receivable %s in CNY: it counts for nothing; satchel pay reverse takes the payment"
            " back" % (euros, key))
    for device in (nancy, admin):
        equal(flagged(device, euros, yuan, wrong, good, key),
              [("allocation", "an allocation is in the currency of both", text)], "and it is no second payment")
        equal(outstanding(device, key), [])
    nancy.run("pay", "reverse", euros)
    equal(flagged(nancy, euros, wrong, key), [])


# ---- Reminders ----

def reminded(device, keys, day, *words):
    """Of these receivables: what is left out with the reason, and the levels of the others."""
    why, levels = {}, {}
    for row in device.rows("dunning", "--date", day, *words):
        if row["receivable"] not in keys:
            continue
        if "skipped" in row:
            equal(row["level"], None)
            why[row["receivable"]] = row["skipped"]
        else:
            levels.setdefault(row["receivable"], []).append(row["level"])
    return why, levels


@test
def one_odd_receivable_stops_no_reminder_of_another():
    stranger = new_id()
    egger, fuchs = account("Egger"), account("Fuchs", owner=stranger)
    put(admin, [record("contact", stranger, name="No person of ours")])
    sync(admin, nancy)
    good, again = owed(egger, 1000), owed(egger, 1000, "2024-07-01")
    whose = owed(fuchs, 1000)
    none = owed(egger, None)
    day, currency = owed(egger, 1000, None), owed(egger, 1000, currency=None)
    keys = [good, again, whose, none, day, currency]
    why, levels = reminded(nancy, keys, "2024-06-23", "--dry-run")
    equal((sorted(why), levels), (sorted([none, day, currency]), {good: [1], whose: [1]}))
    why, levels = reminded(nancy, keys, "2024-06-23")
    equal(levels, {good: [1]})
    has(why[whose], "task.owner refers to a record of type user")
    has(why[none], "its amount is missing")
    equal((why[day], why[currency]), ("it has no day on which it is due", "it has no currency"))
    equal(nancy.rows("query", "select id from dunning_step where receivable = '%s'" % whose), [],
          "no step without its task")
    step = nancy.row("query", "select id from dunning_step where receivable = '%s'" % good)["id"]
    nancy.run("rm", "dunning_step", step)
    why, levels = reminded(nancy, keys, "2024-06-24")
    equal(levels, {again: [1]})
    has(why[good], "archived: restore it")
    told = nancy.run("dunning", "--date", "2024-06-24")
    has(told.err, "nobody is reminded of receivable %s (Egger): it has no currency" % currency)
    lacks(told.out, currency)
    for one in keys:
        nancy.run("rm", "receivable", one)


@test
def a_payment_is_never_refused_for_a_reminder_that_is_elsewhere():
    huber = account("Huber")
    admin.run("territory", "grant", "Southern", "Nancy", "--read")
    sync(admin, nancy)
    key = owed(huber, 1000)
    equal(reminded(nancy, [key], "2024-06-27")[1], {key: [1, 2]})
    sync(nancy, admin)
    tasks = [row["id"] for row in admin.rows("query", "select id from task where origin = '%s' order by due" % key)]
    admin.run("move", "task", tasks[0], "--to", "Southern")
    sync(admin, nancy)
    told = pay(nancy, "Huber", "10", "CNY")
    equal((told["allocations"][0]["paid"], told["warnings"]), (True, []))
    rows = nancy.rows("query", "select state from task where origin = '%s' order by due" % key)
    equal([row["state"] for row in rows], ["open", "cancelled"])
    sync(nancy, admin)
    equal(reminded(admin, [key], "2024-06-27"), ({}, {}))
    equal(admin.row("get", "task", tasks[0])["fields"].get("state"), "cancelled", "who may write there takes it back")



# ---- Credit ----

def above(device, order):
    return [flag["text"] for flag in device.row("order", "status", order)["flags"] if flag["flag"] == "credit_limit"]


@test
def m11_4_an_order_with_which_more_would_be_owed_than_the_limit_is_flagged():
    krause = account("Krause", credit_limit=50000000)
    sync(admin, nancy)
    owed(krause, 43000000)
    owed(krause, 43000000, currency="EUR")
    pay(nancy, "Krause", "10000", "CNY")
    within = nancy.row("order", "new", "Krause", "MILK=8000")
    equal(within["flags"], [], "500000.00 is not above 500000.00")
    told = nancy.row("order", "new", "Krause", "MILK=10000")
    text = "520000.00 CNY is owed or ordered with this one, above the account's limit of 500000.00 CNY"
    equal([flag["text"] for flag in told["flags"]], [text])
    equal([flag["text"] for flag in nancy.row("order", "submit", told["id"])["flags"]], [text], "counted once")
    equal(above(nancy, within["id"]), [text.replace("520000.00", "600000.00")])
    rows = {row["id"]: row["flags"] for row in nancy.rows("order", "status")}
    equal((rows[told["id"]], rows[within["id"]]), (["credit_limit"], ["credit_limit"]))
    sync(nancy, admin)
    admin.run("order", "status", told["id"], "held", "--reason", "over the limit")
    equal((above(admin, told["id"]), above(admin, within["id"])), ([text], []), "what is held uses no credit of others")
    admin.run("put", "account", krause, "credit_limit=60000000")
    equal(above(admin, told["id"]), [])


@test
def a_return_makes_no_room_for_another_order():
    """What is to come back is credited when it has come: until then what is owed is owed."""
    platz = account("Platz", credit_limit=10000)
    sync(admin, nancy)
    owed(platz, 9000)
    back = put(nancy, [record("order", account=platz, currency="CNY", ordered_on="2024-06-01")])[0]
    put(nancy, [record("order_line", order=back, product=MILK, sku="MILK", qty=-50, unit_price=1000)])
    nancy.run("put", "order", back, "submitted_at=2024-06-01T10:00:00+08:00")
    told = nancy.row("order", "new", "Platz", "MILK=2")
    text = "110.00 CNY is owed or ordered with this one, above the account's limit of 100.00 CNY"
    equal([flag["text"] for flag in told["flags"]], [text])
    equal(above(nancy, back), [], "it orders nothing")


@test
def an_account_of_the_same_id_elsewhere_lifts_neither_limit_nor_hold():
    admin.run("territory", "grant", "Southern", "Nancy", "--read")
    theodor = world.rep("Theodor", "Southern")
    sync(admin, nancy, theodor)
    limited, held = account("Nagel", credit_limit=1000), account("Ohm", credit_hold=True)
    put(theodor, [record("account", held, name="Ohm")], "Southern")
    sync(theodor, nancy)
    equal(len(nancy.rows("query", "select id from account where id = '%s'" % held)), 1)
    sync(admin, nancy)
    put(theodor, [record("account", limited, name="Nagel", credit_limit=90000000)], "Southern")
    sync(theodor, nancy)
    orders = [nancy.row("order", "new", limited, "MILK=2"), nancy.row("order", "new", held, "MILK=1")]
    equal([flag["flag"] for order in orders for flag in order["flags"]], ["credit_limit", "credit_hold"])


@test
def m11_4_a_hold_stays_where_somebody_else_lifted_it_beside():
    lorenz = account("Lorenz")
    sync(admin, nancy)
    admin.run("put", "account", lorenz, "credit_hold=true")
    nancy.run("put", "account", lorenz, "credit_hold=false")
    sync(nancy, admin, nancy)
    equal([device.fields("account", lorenz)["credit_hold"] for device in (admin, nancy)], [True, True])
    has(json.dumps(nancy.row("order", "new", "Lorenz", "MILK=1")["flags"]), "on credit hold")


@test
def what_of_a_merged_account_is_owed_and_ordered_uses_the_credit_of_the_one_that_stays():
    martens, copy = account("Martens", credit_limit=10000), account("Martens Ltd")
    sync(admin, nancy)
    owed(copy, 6000)
    order = nancy.row("order", "submit", nancy.row("order", "new", "Martens Ltd", "MILK=5")["id"])["id"]
    equal(above(nancy, order), [])
    sync(nancy, admin)
    admin.run("merge", martens, copy)
    sync(admin, nancy)
    equal(above(nancy, order), ["110.00 CNY is owed or ordered with this one, above the account's limit of 100.00 CNY"])


# ---- What a program reads ----

@test
def the_help_and_the_manual_name_what_json_has():
    with open(os.path.join(ROOT, "docs", "man", "satchel.1"), encoding="utf-8") as file:
        manual = file.read()
    quandt = account("Quandt")
    sync(admin, nancy)
    owed(quandt, 2000)
    owed(quandt, 100, None)
    words = ("pay", "Quandt", "1", "CNY", "--bank-ref", "Q1", "--on", "2024-06-01")
    pay(nancy, *words[1:])
    told = nancy.row(*words)
    answers = {"pay": [told, told["allocations"][0], nancy.rows("pay")[0]],
               "pay confirm": [nancy.row("pay", "confirm", told["payment"])],
               "pay reverse": [nancy.row("pay", "reverse", told["payment"])],
               "dunning": [row for row in nancy.rows("dunning", "--date", "2024-07-01")]}
    for command, rows in answers.items():
        part = re.search(r"\n\.It Ic %s .*?\n\.(It|El)" % command, manual, re.S).group(0)
        for text in (nancy.run("help", *command.split()).out, part):
            missing = {name for row in rows for name in row if '"%s"' % name not in text}
            equal(missing, set(), command)


run()
