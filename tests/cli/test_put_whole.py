#!/usr/bin/env python3
"""What is put in one commit, whatever the order of its lines; large sets; what is too large or not strictly what it
should be; what is archived already."""
import itertools
import json

from harness import World, equal, has, lacks, new_id, run, test

NIL = "00000000-0000-0000-0000-000000000000"

world = World(territories=["Eastern", "Western"])
admin = world.admin
rep = world.rep("Nancy", "Eastern")
both = world.rep("Robert", "Eastern", "Western")


def count(device, kind):
    return device.rows("query", 'select count(*) as n from "%s"' % kind)[0]["n"]


def refused(device, lines):
    """The error of lines that are put in one commit; not one of them is stored."""
    before = {line["type"]: count(device, line["type"]) for line in lines}
    text = "".join(json.dumps(line) + "\n" for line in lines)
    error = device.error(2, "put", "--stdin", stdin=text)
    equal({kind: count(device, kind) for kind in before}, before, "something was stored")
    return error


@test
def a_contact_follows_its_account_in_any_order_of_the_lines():
    for order in itertools.permutations(range(3)):
        account, contact, visit = new_id(), new_id(), new_id()
        lines = [{"type": "account", "id": account, "territory": "Western", "fields": {"name": "A"}},
                 {"type": "contact", "id": contact, "fields": {"account": account}},
                 {"type": "visit", "id": visit, "fields": {"account": account}}]
        printed = both.put_lines([lines[i] for i in order])
        equal([line["id"] for line in printed], [lines[i]["id"] for i in order])
        equal(both.row("get", "contact", contact)["territory"], "Western")
        equal(both.row("get", "visit", visit)["territory"], "Western")


@test
def an_order_line_follows_an_order_that_follows_an_account_that_comes_last():
    account, order, line = new_id(), new_id(), new_id()
    both.put_lines([{"type": "order_line", "id": line, "fields": {"order": order, "qty": 2, "unit_price": 50}},
                    {"type": "order", "id": order, "fields": {"account": account}},
                    {"type": "account", "id": account, "territory": "Western", "fields": {}}])
    equal(both.row("get", "order_line", line)["territory"], "Western")
    equal(both.row("list", "order", "--where", "id = '%s'" % order)["total"], 100)


@test
def a_line_without_a_territory_anywhere_is_named_by_its_number():
    account = {"type": "account", "territory": "Western", "fields": {}}
    error = refused(both, [account, {"type": "contact", "fields": {"account": new_id()}}, account])
    equal(error["message"], "line 2: a new contact needs a territory: Eastern, Western")
    text = json.dumps(account) + "\n\n \n" + json.dumps({"type": "contact", "fields": {"account": new_id()}})
    equal(both.error(2, "put", "--stdin", stdin=text)["message"],
          "line 4: a new contact needs a territory: Eastern, Western")
    equal(both.error(2, "put", "contact", "account=" + new_id())["message"],
          "a new contact needs a territory: Eastern, Western")
    equal(rep.row("get", "contact", rep.put("contact", "account=" + new_id()))["territory"], "Eastern")


@test
def a_line_that_knows_its_product_alone_goes_where_its_writer_may_write():
    product = admin.put("product", "sku=CHAI")
    for device in (admin, rep):
        device.sync()
    line = rep.put("order_line", "product=" + product, "qty=1")
    equal(rep.row("get", "order_line", line)["territory"], "Eastern")


@test
def a_reference_to_the_wrong_type_is_refused_in_any_order_of_the_lines():
    for swapped in (False, True):
        product, order = new_id(), new_id()
        lines = [{"type": "product", "id": product, "fields": {"sku": "P"}},
                 {"type": "order", "id": order, "territory": "Eastern", "fields": {"account": product}}]
        if swapped:
            lines.reverse()
        error = refused(admin, lines)
        has(error["message"], "line %d: order.account refers to a record of type account" % (1 if swapped else 2))
        has(error["message"], "%s is of type product" % product)


@test
def a_reference_whose_target_arrives_as_something_else_stays_listed():
    target = new_id()
    order = rep.put("order", "account=" + target)
    equal(rep.row("get", "order", order)["waiting"], ["account"])
    admin.put("product", target, "sku=P")
    for device in (admin, rep, admin):
        device.sync()
    for device in (admin, rep):
        equal(device.row("get", "order", order)["waiting"], ["account"])
        equal(device.rows("query", "select field, target, found from waiting where id = '%s'" % order),
              [{"field": "account", "target": target, "found": "product"}])


@test
def a_set_that_has_grown_to_thousands_is_replaced_and_emptied():
    account = new_id()
    for start in range(0, 3000, 1000):
        tags = ["tag %d" % n for n in range(start, start + 1000)]
        rep.put_lines([{"type": "account", "id": account, "fields": {"tags": {"add": tags}}}])
    equal(len(rep.fields("account", account)["tags"]), 3000)
    rep.put_lines([{"type": "account", "id": account, "fields": {"tags": ["tag %d" % n for n in range(2990, 4990)]}}])
    equal(len(rep.fields("account", account)["tags"]), 2000)
    rep.sync()
    both.sync()
    equal(len(both.fields("account", account)["tags"]), 2000)
    both.put("account", account, "tags=", "name=without tags")
    equal(both.fields("account", account), {"name": "without tags"})
    both.sync()
    rep.sync()
    equal(rep.fields("account", account), {"name": "without tags"})


@test
def a_large_record_that_was_archived_is_brought_back_whole():
    account = new_id()
    tags = ["tag %d" % n for n in range(2000)]
    rep.put_lines([{"type": "account", "id": account, "fields": {"tags": tags}},
                   {"type": "account", "id": account, "fields": {"note": "n" * 60000}},
                   {"type": "account", "id": account, "fields": {"address": "a" * 60000}}])
    rep.run("rm", "account", account)
    equal(rep.error(2, "get", "account", account)["error"], "not_found")
    rep.run("restore", "account", account)
    fields = rep.fields("account", account)
    equal((len(fields["tags"]), len(fields["note"]), len(fields["address"])), (2000, 60000, 60000))


@test
def what_is_too_large_is_named_with_its_field_its_limit_its_record_and_its_line():
    account = new_id()
    fine = {"type": "account", "id": new_id(), "fields": {"name": "fine"}}
    for fields, parts in (
            ({"note": "n" * 65537}, ("account.note", "65537", "65536")),
            ({"tags": ["t" * 1025]}, ("account.tags", "1025", "1024")),
            ({"tags": [str(n) for n in range(4097)]}, ("account.tags", "4097", "4096")),
            ({"note": "n" * 60000, "address": "a" * 50000}, ("note", "60000", "110000", "97280"))):
        error = refused(rep, [fine, {"type": "account", "id": account, "fields": fields}, fine])
        equal(error["error"], "too_large")
        for part in ("line 2: ", "account " + account) + parts:
            has(error["message"], part)
    text = json.dumps(fine) + "\n" + json.dumps({"type": "account", "fields": {"note": "n" * 800000}})
    message = rep.error(2, "put", "--stdin", stdin=text)["message"]
    has(message, "line 2: ")
    has(message, "786432")


@test
def a_discount_is_from_nothing_to_everything():
    for good in ("0", "10000"):
        equal(rep.fields("order_line", rep.put("order_line", "discount_bp=" + good)), {"discount_bp": int(good)})
    for bad in ("-1", "10001", "9223372036854775807"):
        equal(rep.error(2, "put", "order_line", "discount_bp=" + bad)["message"],
              "order_line.discount_bp takes an integer from 0 to 10000, not " + bad)
        error = refused(rep, [{"type": "order_line", "fields": {"discount_bp": int(bad)}}])
        has(error["message"], "line 1: order_line.discount_bp takes an integer from 0 to 10000")
    equal(rep.fields("order_line", rep.put("order_line", "qty=-5")), {"qty": -5})


@test
def an_integer_is_written_as_integers_are():
    for good, value in (("0", 0), ("5", 5), ("-5", -5), ("10", 10), ("9223372036854775807", 2**63 - 1),
                        ("-9223372036854775808", -2**63)):
        equal(rep.fields("order_line", rep.put("order_line", "qty=" + good)), {"qty": value})
    before = count(rep, "order_line")
    for bad in ("01", "+5", " 5", "5 ", "-0", "00", "-05", "--5", "5-", "-", "0x10", "1e3", "1_000", "1,000", "٥",
                "9223372036854775808", "5\n"):
        error = rep.error(2, "put", "order_line", "qty=" + bad)
        equal(error["error"], "invalid", bad)
        has(error["message"], "order_line.qty takes an integer, not ")
        has(rep.error(2, "put", "order_line", "unit_price=" + bad)["message"], "order_line.unit_price takes money")
    equal(count(rep, "order_line"), before)


@test
def a_byte_order_mark_may_stand_before_the_first_line():
    line = '{"type":"task","fields":{"title":"marked"}}\n'
    mark = "\ufeff"
    equal(len(rep.rows("put", "--stdin", stdin=mark + line + line)), 2)
    equal(rep.rows("put", "--stdin", stdin=mark), [])
    equal(len(rep.rows("put", "--stdin", stdin=mark + "\n" + line)), 1)
    for text, number in ((line + mark + line, 2), (mark + mark + line, 1), ("\n" + mark + line, 2),
                         (" " + mark + line, 1)):
        has(rep.error(2, "put", "--stdin", stdin=text)["message"], "line %d: " % number)
    equal(rep.rows("query", "select distinct title from task"), [{"title": "marked"}])


@test
def an_id_is_any_uuid_in_either_case():
    for given in (NIL, "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "C232AB00-9414-11EC-B3C8-9F6BDECED846",
                  "12345678-1234-0234-0234-123456789ABC"):
        written = given.lower()
        equal(rep.put("account", given, "name=" + written), written)
        equal(rep.row("get", "account", given)["id"], written)
        visit = rep.put("visit", "account=" + given)
        equal(rep.row("get", "visit", visit)["fields"], {"account": written})
        lacks(rep.row("get", "visit", visit), "waiting")
        rep.sync()
        both.sync()
        equal(both.fields("account", written), {"name": written})
        both.put("account", given, "city=Köln")
        equal(both.row("rm", "account", given), {"type": "account", "id": written, "changed": True})
        equal(both.row("restore", "account", given), {"type": "account", "id": written, "changed": True})
        both.sync()
        rep.sync()
        equal(rep.fields("account", written), {"name": written, "city": "Köln"})
    equal(rep.rows("query", "select count(*) as n from account where id = '%s'" % NIL), [{"n": 1}])
    equal([row for row in rep.rows("doctor") if row["state"] == "damage"], [])


@test
def what_is_archived_or_live_already_is_said_to_be_and_not_written():
    account = rep.put("account", "name=A")

    def needless(verb, words):
        before = rep.row("status")["pending"]
        done = rep.run(verb, "account", account)
        equal((done.out, done.err), ("", "satchel: account %s is %s\n" % (account, words)))
        done = rep.run(verb, "account", account, "--json")
        equal(done.rows(), [{"type": "account", "id": account, "changed": False}])
        equal(json.loads(done.err)["message"], "account %s is %s" % (account, words))
        equal(rep.row("status")["pending"], before, "something was written")

    needless("restore", "not archived")
    has(rep.run("rm", "account", account).err, "archived: account " + account)
    needless("rm", "archived already")
    rep.sync()
    needless("rm", "archived already")
    has(rep.run("restore", "account", account).err, "restored: account " + account)
    needless("restore", "not archived")
    equal(rep.error(2, "rm", "account", new_id())["error"], "not_found")


@test
def removing_again_what_was_edited_meanwhile_settles_it_and_is_no_needless_change():
    account = rep.put("account", "name=A")
    for device in (rep, both):
        device.sync()
    rep.run("rm", "account", account)
    both.put("account", account, "city=Köln")
    for device in (rep, both, rep):
        device.sync()
    equal([c["field"] for c in rep.rows("conflicts") if c["id"] == account], ["deleted"])
    equal(rep.row("rm", "account", account)["changed"], True)
    equal([c for c in rep.rows("conflicts") if c["id"] == account], [])


if __name__ == "__main__":
    run()
