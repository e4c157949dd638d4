#!/usr/bin/env python3
"""What is put: kinds of values, sets, lines of JSON, ids, places, and all that is refused without leaving a trace."""
import json

from harness import World, equal, has, lacks, new_id, run, test

world = World(territories=["Eastern", "Western"])
admin = world.admin
rep = world.rep("Nancy", "Eastern")
both = world.rep("Robert", "Eastern", "Western")
world.server.stop()  # nothing here needs it


def count(kind):
    return rep.rows("query", 'select count(*) as n from "%s"' % kind)[0]["n"]


@test
def every_kind_of_value_is_read_from_text_and_given_back():
    line = rep.put("order_line", "sku=P-1", "qty=3", "unit_price=1999", "discount_bp=500")
    equal(rep.fields("order_line", line), {"sku": "P-1", "qty": 3, "unit_price": 1999, "discount_bp": 500})
    product = admin.put("product", "sku=P-1", "discontinued=true", "--territory", "org")
    equal(admin.fields("product", product), {"sku": "P-1", "discontinued": True})
    order = rep.put("order", "ordered_on=1998-05-06", "no_local=007")
    equal(rep.fields("order", order)["ordered_on"], "1998-05-06")
    equal(rep.fields("order", order)["no_local"], "007")
    visit = rep.put("visit", "started_at=2024-05-17T09:30:00+02:00", "finished_at=2024-05-17T08:00:00Z")
    equal(rep.fields("visit", visit)["started_at"], "2024-05-17T09:30:00+02:00")
    equal(rep.fields("visit", visit)["finished_at"], "2024-05-17T08:00:00Z")
    equal(rep.fields("account", rep.put("account", "name=007", "note=true"))["name"], "007")


@test
def keys_of_maps_and_counters_are_put_by_their_names():
    lead = rep.put("lead", "company=Dairy", "bant.budget=yes", "bant.need=no")
    rep.put("lead", lead, "bant.need=", "bant.authority=partial")
    equal(rep.fields("lead", lead)["bant"], {"budget": "yes", "authority": "partial"})
    complaint = rep.put("complaint", "text=sour", "reopens+=2")
    rep.put("complaint", complaint, "reopens-=1")
    equal(rep.fields("complaint", complaint)["reopens"], 1)
    for kind, assignment in (("lead", "bant=yes"), ("lead", "bant.=yes"), ("complaint", "reopens=1")):
        has(rep.error(1, "put", kind, assignment)["message"], assignment.split("=")[0].rstrip("."))
    has(rep.error(2, "put", "lead", "bant.need=perhaps")["message"], "unknown no partial yes")
    has(rep.error(2, "put", "complaint", "answers-=x")["message"], "only grows")


@test
def a_wrong_kind_is_refused_and_named():
    before = count("order_line"), count("order"), count("visit"), count("account")
    for kind, assignment in (("order_line", "qty=three"), ("order_line", "qty=1.5"), ("order_line", "qty= 1"),
                             ("order_line", "qty=99999999999999999999"), ("order_line", "unit_price=19.99"),
                             ("order_line", "order=not-an-id"), ("order", "ordered_on=1998-02-30"),
                             ("order", "ordered_on=6 May"), ("visit", "started_at=yesterday"), ("order", "total=5"),
                             ("account", "name+=x")):
        error = rep.error(2, "put", kind, assignment)
        equal(error["error"], "invalid", assignment)
        has(error["message"], assignment.split("=")[0].rstrip("+"))
    error = admin.error(2, "put", "product", "discontinued=yes", "--territory", "org")
    has(error["message"], "discontinued")
    equal((count("order_line"), count("order"), count("visit"), count("account")), before)


@test
def unknown_types_and_fields_are_named():
    has(rep.error(2, "put", "acount", "name=x")["message"], "acount")
    has(rep.error(2, "put", "account", "nmae=x")["message"], "nmae")
    has(rep.error(2, "list", "acount")["message"], "acount")
    has(rep.error(2, "get", "acount", new_id())["message"], "acount")
    equal(rep.error(2, "get", "account", new_id())["error"], "not_found")
    equal(rep.error(2, "get", "account", "not-an-id")["error"], "invalid")
    equal(rep.error(2, "put", "account", "not-an-id", "name=x")["error"], "invalid")
    equal(rep.error(2, "rm", "account", new_id())["error"], "not_found")
    equal(rep.error(2, "history", "account", new_id())["error"], "not_found")


@test
def a_set_is_replaced_added_to_and_removed_from():
    account = rep.put("account", "tags=a", "tags=b")
    equal(rep.fields("account", account)["tags"], ["a", "b"])
    rep.put("account", account, "tags+=c", "tags-=a", "tags+=d")
    equal(rep.fields("account", account)["tags"], ["b", "c", "d"])
    rep.put("account", account, "tags=z")
    equal(rep.fields("account", account)["tags"], ["z"])
    rep.put("account", account, "tags=", "name=x")
    equal(rep.fields("account", account), {"name": "x"})
    rep.put_lines([{"type": "account", "id": account, "fields": {"tags": {"add": ["q", "r"], "remove": []}}},
                   {"type": "account", "id": account, "fields": {"tags": {"remove": ["q"]}}}])
    equal(rep.fields("account", account)["tags"], ["r"])
    rep.put_lines([{"type": "account", "id": account, "fields": {"tags": ["s"]}}])
    equal(rep.fields("account", account)["tags"], ["s"])
    equal(rep.rows("query", "select tags from account where id = '%s'" % account), [{"tags": ["s"]}])


@test
def ids_are_printed_in_the_order_of_the_lines():
    ids = [new_id() for _ in range(50)]
    printed = rep.put_lines([{"type": "task", "id": i, "fields": {"title": "t %d" % n}} for n, i in enumerate(ids)])
    equal(printed, [{"type": "task", "id": i} for i in ids])
    text = rep.run("put", "--stdin", stdin='{"type":"task","fields":{"title":"a"}}\n\n{"type":"task","fields":{}}').out
    equal(len(text.split()), 2, text)
    plain = rep.run("put", "task", "title=plain").out
    equal(len(plain), 37, plain)


@test
def an_import_that_is_repeated_makes_no_duplicates():
    lines = [{"type": "account", "id": new_id(), "fields": {"name": "import %d" % i, "tags": ["a", "b"]}}
             for i in range(100)]
    rep.put_lines(lines)
    before, pending = count("account"), rep.row("status")["pending"]
    equal([r["id"] for r in rep.put_lines(lines)], [line["id"] for line in lines])
    equal(count("account"), before)
    equal(rep.row("status")["pending"], pending, "a put that changes nothing wrote something")
    rep.run("rm", "account", lines[0]["id"])
    equal(rep.error(2, "put", "--stdin", stdin=json.dumps(lines[0]))["error"], "exists")
    equal(count("account"), before - 1, "a repeated import brought a deleted record back")


@test
def a_broken_line_is_named_by_its_number_and_nothing_is_stored():
    good = '{"type":"task","fields":{"title":"good"}}\n'
    before = count("task")
    for broken, part in (
            ('{"type":"task"', "ends too early"),
            ('[1]', "no JSON object"),
            ('"text"', "no JSON object"),
            ('{"type":"task","fields":{}} more', "something follows"),
            ('{"type":"task","fields":{},"type":"account"}', "given twice"),
            ('{"type":"task","fields":{"title":"a","title":"b"}}', "given twice"),
            ('{"type":"task","fields":{},"colour":1}', "colour"),
            ('{"fields":{}}', "type"),
            ('{"type":"task"}', "fields"),
            ('{"type":7,"fields":{}}', "type"),
            ('{"type":"task","id":7,"fields":{}}', "id"),
            ('{"type":"task","id":null,"fields":{}}', "id"),
            ('{"type":"task","fields":[]}', "fields"),
            ('{"type":"task","fields":{"title":"a\\u0000b"}}', "zero"),
            ('{"type":"task","fields":{"title":7}}', "title"),
            ('{"type":"task","fields":{"nothing":7}}', "nothing"),
            ('{"type":"order_line","fields":{"qty":99999999999999999999}}', "number"),
            ('{"type":"order_line","fields":{"qty":1.0}}', "qty"),
            ('{"type":"account","fields":{"tags":{"add":["a"],"take":[]}}}', "tags"),
            ('{"type":"account","fields":{"tags":"a"}}', "tags"),
            ('{"type":"nothing","fields":{}}', "nothing"),
            ('{"type":"task","id":"x","fields":{}}', "x"),
            ('{"type":"task","territory":"Nowhere","fields":{}}', "Nowhere")):
        error = rep.error(2, "put", "--stdin", stdin=good + good + broken + "\n" + good)
        has(error["message"], "line 3: ")
        has(error["message"], part)
        equal(count("task"), before, broken)


@test
def what_is_no_utf8_is_refused_everywhere():
    before = count("task")
    lines = b'{"type":"task","fields":{}}\n{"type":"task","fields":{"title":"a\xffb"}}\n'
    error = rep.error(2, "put", "--stdin", stdin=lines)
    has(error["message"], "line 2: ")
    has(error["message"], "UTF-8")
    for words in ((b"title=a\xc3(",), (b"ti\xfftle=a",), (b"tags+=\xff",)):
        with rep.start("put", "account", *words, "--json") as process:
            out, err = process.communicate()
        equal((process.returncode, out), (2, b""))
        has(json.loads(err)["message"], "UTF-8")
    equal(count("task"), before)


@test
def control_characters_are_stored_and_shown_safely():
    text = "red\x1b[31m bell\x07 line\nbreak \u202eesrever\u202c end"
    account = rep.put_lines([{"type": "account", "fields": {"name": text}}])[0]["id"]
    equal(rep.fields("account", account)["name"], text)
    for args in (("get", "account", account), ("list", "account"), ("history", "account", account),
                 ("query", "select name from account")):
        shown = rep.run(*args).out
        lacks(shown, "\x1b")
        lacks(shown, "\x07")
        lacks(shown, "\u202e")
        has(shown, "<U+001B>[31m bell<U+0007> line<U+000A>break <U+202E>esrever")


@test
def the_keys_of_a_map_are_shown_safely_too():
    visit = rep.put_lines([{"type": "visit", "fields": {"sections": {"\x1b[2J\u202e": "wiped"}}}])[0]["id"]
    for args in (("get", "visit", visit), ("list", "visit"), ("history", "visit", visit)):
        shown = rep.run(*args).out
        lacks(shown, "\x1b")
        lacks(shown, "\u202e")
        has(shown, "<U+001B>[2J<U+202E>")


@test
def json_output_leaves_text_as_it_is():
    account = rep.put("account", "name=行囊 Zürich 🧳")
    has(rep.run("get", "account", account, "--json").out, '"行囊 Zürich 🧳"')


@test
def tables_count_wide_characters_right():
    rep.put("account", "name=行囊", "note=wide-row")
    rep.put("account", "name=abcd", "note=wide-row")
    out = rep.run("query", "select name, note from account where note = 'wide-row' order by name").out.splitlines()
    equal(out, ["name  note", "abcd  wide-row", "行囊  wide-row"])


@test
def a_record_goes_where_the_rules_say():
    account = both.put("account", "name=W", "--territory", "Western")
    equal(both.row("get", "account", both.put("account", "name=E", "--territory=Eastern"))["territory"], "Eastern")
    visit = both.put("visit", "account=" + account)
    equal(both.row("get", "visit", visit)["territory"], "Western", "a record goes where what it refers to lives")
    message = both.error(2, "put", "account", "name=?")["message"]
    has(message, "Eastern")
    has(message, "Western")
    equal(rep.row("get", "account", rep.put("account", "name=only"))["territory"], "Eastern")
    has(both.error(2, "put", "account", account, "name=x", "--territory", "Eastern")["message"], "Western")
    lines = [{"type": "account", "territory": "Western", "fields": {}}, {"type": "account", "fields": {}}]
    lines = both.put_lines(lines, "--territory", "Eastern")
    equal([both.row("get", "account", line["id"])["territory"] for line in lines], ["Western", "Eastern"])
    equal(admin.row("get", "product", admin.put("product", "name=Chai"))["territory"], "org")


@test
def records_of_one_commit_may_refer_to_each_other():
    account, order = new_id(), new_id()
    both.put_lines([{"type": "account", "id": account, "territory": "Western", "fields": {"name": "A"}},
                    {"type": "order", "id": order, "fields": {"account": account}},
                    {"type": "order_line", "fields": {"order": order, "qty": 1, "unit_price": 100}}])
    equal(both.row("get", "order", order)["territory"], "Western")
    equal(both.row("list", "order", "--where", "id = '%s'" % order)["total"], 100)


@test
def a_reference_to_the_wrong_type_is_refused():
    account = rep.put("account", "name=A")
    has(rep.error(2, "put", "order_line", "order=" + account)["message"], "order")
    waiting = new_id()
    order = rep.put("order", "account=" + waiting)
    equal(rep.row("get", "order", order)["waiting"], ["account"])
    equal(rep.fields("order", order)["account"], waiting)


@test
def a_state_is_put_when_the_record_is_made_and_goes_by_steps_then():
    has(rep.error(2, "put", "order", "state=draft")["message"], "order.state is one of \"received reviewed")
    order = rep.put("order", "state=shipping")
    rep.put("order", order, "state=shipping", "note=as it was")  # an import says it again
    for word in "state=delivered", "state=":
        has(rep.error(2, "put", "order", order, word)["message"], "satchel state order ID TO")
    rep.run("state", "order", order, "delivered")
    equal(rep.fields("order", order)["state"], "delivered")
    rep.put_lines([{"type": "task", "id": task, "fields": {"state": state}}
                   for task in [new_id()] for state in ("open", "done")])  # made by this very commit


@test
def amounts_are_rounded_half_up_to_the_minor_unit():
    order = rep.put("order", "state=received")
    cases = ((1, 1, 5000, 1), (1, 1, 5001, 0), (3, 333, 50, 994), (1, 50, 100, 50), (7, 1999, None, 13993),
             (1, 30, 500, 29), (1, 10, 500, 10), (5, 1440, 1500, 6120), (1, 101, 5000, 51))
    total = 0
    for qty, price, discount, amount in cases:
        words = ["order=" + order, "qty=%d" % qty, "unit_price=%d" % price]
        if discount is not None:
            words.append("discount_bp=%d" % discount)
        line = rep.put("order_line", *words)
        equal((qty * price * (10000 - (discount or 0)) + 5000) // 10000, amount, "the case itself")
        equal(rep.row("list", "order_line", "--where", "id = '%s'" % line)["amount"], amount, words)
        total += amount
    equal(rep.rows("query", 'select total from "order" where id = \'%s\'' % order), [{"total": total}])


@test
def a_query_only_reads():
    before = rep.rows("query", "select * from account order by id")
    for sql in ("insert into account(id) values ('x')", "delete from account", "update account set name = 'x'",
                "drop table account", "create table t(a)", "attach 'file' as f", "attach ':memory:' as f",
                "pragma user_version", "pragma writable_schema = 1", "select 1; select 2",
                "select 1; drop table account", "vacuum", "begin", "with x as (select 1) delete from account",
                "select load_extension('x')", "select * from nothing", "selct", "", "explain",
                "replace into account(id) values ('x')"):
        error = rep.error(2, "query", sql)
        equal(error["error"], "invalid", sql)
    equal(rep.rows("query", "select * from account order by id"), before)
    equal(rep.rows("query", "select 1 as a;"), [{"a": 1}])
    equal(rep.rows("query", "with t(a) as (values (1), (2)) select sum(a) as s from t"), [{"s": 3}])
    for where in ("name = ", "1) ; drop table account --", "1; delete from account"):
        equal(rep.error(2, "list", "account", "--where", where)["error"], "invalid", where)
    equal(rep.rows("query", "select * from account order by id"), before)


@test
def every_type_is_a_table_with_its_columns():
    for kind in ("account", "contact", "visit", "order", "order_line", "product", "price_list", "price_row", "task",
                 "note"):
        rep.run("list", kind, "--json")
        rep.rows("query", 'select id, territory from "%s" limit 1' % kind)
    rows = rep.rows("list", "order")
    equal(list(rows[0])[:8], ["id", "territory", "account", "no_local", "ordered_on", "state", "note", "total"])
    equal(list(rows[0])[-2:], ["after_move", "moved_from"], rows[0])


@test
def many_rows_stop_when_nobody_reads_them():
    rep.put_lines([{"type": "note", "fields": {"text": "n" * 200}} for _ in range(2000)])
    for form in ((), ("--json",)):
        with rep.start("list", "note", *form) as process:
            process.stdout.read(100)
            process.stdout.close()
            equal(process.stderr.read(), b"")
            equal(process.wait(timeout=60), 0)


if __name__ == "__main__":
    run()
