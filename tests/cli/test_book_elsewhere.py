#!/usr/bin/env python3
"""What somebody who may write one territory, and read another, says there of the other one's money: he takes ids
beforehand, copies accounts, pays and reverses. Nothing of it counts for the other; all of it stays, and is listed.

Mallory's territory is Alpine, which is the first by name; Nancy's is Eastern. Each reads the other's. What a program of
Mallory's would write under ids of the other territory is written by Mona, to whom they are new: she reads Alpine alone.
"""
import json
import shutil

from harness import Device, World, equal, has, new_id, run, scratch, test

world = World(territories=["Alpine", "Eastern"])
admin = world.admin
nancy, mallory, mona = world.rep("Nancy", "Eastern"), world.rep("Mallory", "Alpine"), world.rep("Mona", "Alpine")
admin.run("territory", "grant", "Alpine", "Nancy", "--read")
admin.run("territory", "grant", "Eastern", "Mallory", "--read")
MILK, LIST = new_id(), new_id()


def record(what, key=None, **fields):
    return dict({"type": what, "fields": fields}, **({"id": key} if key else {}))


def put(device, *lines, territory="Eastern"):
    return [row["id"] for row in device.put_lines(lines, "--territory", territory)]


def plant(*lines):
    """In Alpine; everybody hears of it."""
    keys = put(mona, *lines, territory="Alpine")
    sync_all()
    return keys


def sync_all():
    for device in (nancy, mallory, mona, admin, nancy, mallory):
        device.sync()


put(admin, record("product", MILK, sku="MILK"), record("price_list", LIST, code="W", version=1, currency="CNY"),
    record("price_row", price_list=LIST, product=MILK, unit_price=1000), territory="org")
sync_all()


def account(name, **fields):
    key, = put(nancy, record("account", name=name, **fields))
    sync_all()
    return key


def owed(key, amount, due="2024-06-30", **more):
    one, = put(nancy, record("receivable", account=key, amount=amount, currency="CNY", due=due, **more))
    sync_all()
    return one


def outstanding(*keys):
    """The same for all who read both."""
    told = []
    for device in (nancy, admin, mallory):
        rows = device.row("report", "receivables")["parts"]["receivables"]
        told.append([(row["outstanding_minor"], row["level_done"]) for row in rows if row["id"] in keys])
    equal(told[1:], told[:2])
    return [row[0] for row in told[0]]


def listed(rule, *keys):
    """They are flagged, for everybody."""
    for device in (nancy, mallory):
        rows = device.rows("query", "select id from flagged where rule = '%s'" % rule.replace("'", "''"))
        equal(sorted(row["id"] for row in rows if row["id"] in keys), sorted(keys), rule)


def looked_at(device, *keys):
    return sorted((row["flag"], row["id"]) for row in device.rows("pay") if row["id"] in keys)


# ---- What somebody says of another territory's money ----

@test
def nobody_reverses_a_payment_or_an_allocation_of_another_territory():
    adler = account("Adler")
    key = owed(adler, 1000)
    told = nancy.row("pay", "Adler", "4", "CNY")
    sync_all()
    part = nancy.row("query", "select id from allocation where payment = '%s'" % told["payment"])["id"]
    reversal, = plant(record("payment", reverses=told["payment"], amount=-400, currency="CNY"))
    back, = plant(record("allocation", reverses=part, amount=-400))
    equal(outstanding(key), [600])
    listed("a reversal is in its payment's territory", reversal)
    listed("an allocation is in its payment's and receivable's territory", back)
    equal(looked_at(nancy, reversal, told["payment"]), [("elsewhere", reversal)])
    basis = json.dumps(nancy.row("report", "receivables")["basis"])
    has(basis, "in another territory than what was paid")
    nancy.run("pay", "reverse", told["payment"])
    sync_all()
    equal(outstanding(key), [1000], "whose it is reverses it")


# ---- Ids that follow from something are taken beforehand ----

def foreseen(device, command, sql):
    """What the command would make: ids follow from what everybody reads. It is done in a copy of the home, which nobody
    hears of."""
    folder = scratch()
    shadow = Device(folder, device.name, "correct horse %s" % device.name)
    shutil.copytree(device.home, shadow.home)
    shadow.run(*command)
    return [row["id"] for row in shadow.rows("query", sql)]


@test
def nobody_takes_the_id_of_a_reversal_beforehand():
    bauer = account("Bauer")
    key = owed(bauer, 1000)
    paid = nancy.row("pay", "Bauer", "3", "CNY")["payment"]
    sync_all()
    taken, = foreseen(nancy, ["pay", "reverse", paid], "select id from payment where reverses = '%s'" % paid)
    plant(record("payment", taken, amount=1, currency="CNY", account=bauer))
    equal(outstanding(key), [700])
    equal(nancy.row("pay", "reverse", paid)["payment"], taken)
    sync_all()
    equal(outstanding(key), [1000])


def order(name, qty, *words):
    """Of Nancy's, submitted."""
    key = nancy.row("order", "new", name, "MILK=%d" % qty, "--anyway", *words)["id"]
    nancy.run("order", "submit", key)
    sync_all()
    return key


def shipped(name, qty):
    key = order(name, qty)
    for state in ("reviewed", "warehouse", "shipping"):
        admin.run("order", "status", key, state)
    sync_all()
    return key


def flags(device, key):
    return [flag["flag"] for flag in device.row("order", "status", key)["flags"]]


@test
def nobody_puts_what_is_owed_for_an_order_of_another_territory():
    conrad = account("Conrad")
    one = shipped("Conrad", 7)
    false, = plant(record("receivable", account=conrad, order=one, amount=1, currency="CNY", due="2020-01-01"))
    equal(flags(nancy, one), [])
    nancy.run("order", "status", one, "delivered")
    made, = [row["id"] for row in nancy.rows("query", "select id from receivable where territory = 'Eastern' and"
                                             " \"order\" = '%s'" % one)]
    sync_all()
    equal((outstanding(made, false), flags(nancy, one), flags(mallory, one)), ([7000], [], []))
    listed("a receivable is in its account's territory", false)
    equal(looked_at(nancy, false, made), [("elsewhere", false)])
    has(json.dumps(nancy.row("report", "receivables")["basis"]), "in another territory than their accounts")
    own, = plant(record("account", name="Mallory's"))
    beside, = plant(record("receivable", account=own, order=one, amount=5, currency="CNY", due="2020-01-01"))
    equal((sorted(outstanding(made, beside)), flags(nancy, one)), ([5, 7000], []), "owed, and not for this order")
    listed("a receivable is in its order's territory", beside)


@test
def who_copies_an_account_has_no_share_in_what_is_owed_and_paid_for_it():
    """Mallory's copies of both are the first by name."""
    davis = account("Davis")
    key = owed(davis, 1000)
    plant(record("account", davis, name="Davis"),
          record("receivable", key, account=davis, amount=1, currency="CNY", due="2020-01-01"))
    equal(sorted(outstanding(key)), [1, 1000], "each is owed where it was said")
    told = nancy.row("pay", davis, "4", "CNY")
    equal([part["amount_minor"] for part in told["allocations"]], [400], "not to the oldest, which is not hers")
    paid = nancy.row("query", "select territory, account from payment where id = '%s'" % told["payment"])
    equal(paid, {"territory": "Eastern", "account": davis})
    plant(record("payment", told["payment"], account=davis, amount=400, currency="CNY", bank_ref="X"),
          record("payment", reverses=told["payment"], amount=-400, currency="CNY"),
          record("allocation", payment=told["payment"], receivable=key, amount=600))
    equal(sorted(outstanding(key)), [1, 600])
    nancy.run("pay", "reverse", told["payment"])
    sync_all()
    equal(sorted(outstanding(key)), [1, 1000])


@test
def a_transfer_that_another_territory_recorded_takes_no_payments_place():
    egger = account("Egger")
    key = owed(egger, 1000)
    plant(record("account", egger, name="Egger"),
          record("payment", "00000000-0000-8000-8000-0000000000b1", account=egger, amount=400, currency="CNY",
                 received_on="2024-06-01", bank_ref="E1"))
    told = nancy.row("pay", egger, "4", "CNY", "--bank-ref", "E1", "--on", "2024-06-01")
    sync_all()
    equal((told["counts"], outstanding(key)), (True, [600]))


@test
def an_archived_account_of_ones_own_is_not_taken_for_a_copy_elsewhere():
    fuchs = account("Fuchs")
    key = owed(fuchs, 1000)
    nancy.run("rm", "account", fuchs)
    plant(record("account", fuchs, name="Fuchs"))
    equal(outstanding(key), [1000])


@test
def nobody_notes_reminders_of_another_territory_so_that_none_is_made():
    gruber = account("Gruber")
    key = owed(gruber, 1000)
    dunning = ["dunning", "--date", "2024-06-23"]
    noted, = foreseen(nancy, dunning, "select id from dunning_step where receivable = '%s'" % key)
    task, = foreseen(nancy, dunning, "select id from task where origin = '%s'" % key)
    plant(record("dunning_step", receivable=key, level=7, done_at="2024-06-01T00:00:00Z"),
          record("dunning_step", noted, receivable=key, level=1, done_at="2024-06-01T00:00:00Z"),
          record("task", task, origin=key, title="nothing to do"))
    listed("a reminder is in its receivable's territory", noted)
    equal(outstanding(key), [1000])
    told = [row for row in nancy.rows(*dunning) if row["receivable"] == key]
    equal([(row["level"], row.get("task")) for row in told], [(1, task)])
    sync_all()
    state = "select state from task where id = '%s' and territory = 'Eastern'" % task
    for device in (nancy, mallory, admin):
        equal(device.row("query", state)["state"], "open")
        row, = [row for row in device.row("report", "receivables")["parts"]["receivables"] if row["id"] == key]
        equal(row["level_done"], 1)
    plant(record("account", gruber, name="Gruber"),
          record("receivable", key, account=gruber, amount=0, currency="CNY", due="2024-06-30"))
    admin.run(*dunning)
    equal(admin.row("query", state)["state"], "open", "what is owed in Alpine is nothing, and that is another one")
    told = nancy.row("pay", gruber, "10", "CNY")
    equal((told["allocations"][0]["paid"], told["warnings"], nancy.row("query", state)["state"]),
          (True, [], "cancelled"))


@test
def a_merged_accounts_debt_in_another_territory_is_paid_there():
    admin.run("territory", "grant", "Alpine", "Nancy")
    sync_all()
    huber = account("Huber")
    key = owed(huber, 1000)
    copy, = put(nancy, record("account", name="Huber of the mountains"), territory="Alpine")
    other, = put(nancy, record("receivable", account=copy, amount=500, currency="CNY", due="2024-07-01"),
                 territory="Alpine")
    sync_all()
    admin.run("merge", huber, copy)
    sync_all()
    told = nancy.error(2, "pay", "Huber", "12", "CNY")["message"]
    has(told, "what is owed in one territory: 10.00 CNY in Eastern, 5.00 CNY in Alpine of account Huber")
    paid = nancy.row("pay", "Huber", "5", "CNY", "--for", other)
    equal(paid["allocations"], [{"receivable": other, "amount_minor": 500, "paid": True}])
    equal(nancy.row("pay", "Huber", "10", "CNY", "--for", key)["allocations"][0]["paid"], True)
    sync_all()
    equal(outstanding(key, other), [])
    admin.run("territory", "revoke", "Alpine", "Nancy")
    admin.run("territory", "grant", "Alpine", "Nancy", "--read")
    sync_all()


@test
def nobody_takes_the_id_of_a_step_of_a_request_or_of_its_approval_beforehand():
    account("Irmer")
    # a request for approval, and the manager's step
    high = nancy.row("order", "new", "Irmer", "MILK=1", "--discount", "50%")["id"]
    sync_all()
    wanted = "select id from approval where about = '%s'" % high
    request, = foreseen(nancy, ["order", "submit", high], wanted)
    plant(record("approval", request, about=high, kind="discount", discount_bp=1))
    nancy.run("order", "submit", high)
    sync_all()
    equal(nancy.row("order", "status", high)["approval"]["approval_state"], "requested")
    for named in (high, request):
        yes = foreseen(admin, ["approve", named, "yes"], "select id from state_event where about = '%s'" % request)
        plant(record("state_event", yes[0], about=request, to_state="withdrawn"))
        equal(admin.row("approve", named, "yes")["order"], high)
        sync_all()
        for device in (nancy, mallory):
            equal(device.row("order", "status", high)["approval"]["approval_state"], "approved")
    # a step of the order's
    low = order("Irmer", 2)
    step, = foreseen(nancy, ["order", "status", low, "cancelled"],
                     "select id from state_event where about = '%s'" % low)
    plant(record("state_event", step, about=low, to_state="delivered"))
    equal(nancy.row("order", "status", low, "cancelled")["state"], "cancelled")
    # what is asked where it is too late
    late = shipped("Irmer", 3)
    cancel = ["order", "status", late, "cancelled", "--reason", "too many"]
    event, = foreseen(nancy, cancel, "select id from order_event where \"order\" = '%s'" % late)
    plant(record("order_event", event, order=late, kind="status", note="all is well"))
    equal(flags(nancy, late), [], "it was not asked for")
    nancy.run(*cancel)
    sync_all()
    equal((flags(nancy, late), flags(admin, late)), (["cancel_requested"], ["cancel_requested"]))


@test
def what_the_organisation_publishes_is_said_in_its_own_space_alone():
    account("Jahn")
    people = {row["name"]: row["id"] for row in admin.rows("list", "user")}
    admin.run("put", "user", people["Nancy"], "roles+=sales_rep")
    now = "2024-01-01T00:00:00Z"
    plant(record("config_item", kind="policy", name="order.discount", version=1, body='{"max_bp":9000}',
                 published_at=now),
          record("role_template", code="rep", max_grade=0),
          record("role_template", code="sales_rep", max_grade=0, grants={"order": "r"}),
          record("template", kind="checklist", name="order_review", version=1, published_at=now,
                 body='{"items":[{"key":"odd","mandatory":true}]}'))
    high = order("Jahn", 2, "--discount", "50%")
    equal(nancy.row("order", "status", high)["approval"]["approval_state"], "requested")
    equal(nancy.row("order", "status", high)["total_minor"], 1000, "she is shown what she was")
    low = order("Jahn", 1)
    equal(admin.row("order", "status", low, "reviewed")["state"], "reviewed")


@test
def who_copies_an_account_gets_none_of_the_tasks_about_its_orders():
    people = {row["name"]: row["id"] for row in admin.rows("list", "user")}
    keller = account("Keller", owner=people["Nancy"])
    one = shipped("Keller", 1)
    plant(record("account", keller, name="Keller", owner=people["Mona"]))
    put(nancy, record("order_line", order=one, product=MILK, qty=1))  # at no price
    nancy.run("order", "status", one, "delivered")
    nancy.run("order", "note", one, "exception", "it rains")
    rows = nancy.rows("query", "select distinct owner, territory from task where account = '%s'" % keller)
    equal(rows, [{"owner": people["Nancy"], "territory": "Eastern"}])


run()
