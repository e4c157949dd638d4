#!/usr/bin/env python3
"""What is owed, paid and reminded of, where people, devices and members do what nobody expects."""
import json

from harness import Device, World, equal, has, lacks, new_id, run, test

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
    first, second = (owed(conrad, amount, due, order=order) for amount, due in ((4000, "2024-06-30"), (5000, "2024-07-30")))
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


run()
