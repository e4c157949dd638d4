#!/usr/bin/env python3
"""Customers in the rep's book: duplicates and merging, who sees what, consent, and rules over several records."""
import json
import os
import re

from harness import ROOT, World, equal, has, lacks, new_id, run, test

world = World(territories=["Eastern", "Southern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
steven = world.rep("Steven", "Eastern", "Southern")
dana = world.rep("Dana", "Eastern")  # 数据运营
admin.sync()
people = {row["name"]: row["id"] for row in admin.rows("list", "user")}
admin.run("put", "user", people["Dana"], "roles+=data_operations")
YEAR = dict(metric="revenue CNY", period_from="2026-01-01", period_to="2026-12-31")


def record(what, key=None, **fields):
    line = {"type": what, "fields": fields}
    if key:
        line["id"] = key
    return line


def put(lines, territory="Eastern", device=nancy):
    return [row["id"] for row in device.put_lines(lines, "--territory", territory)]


def flagged(device, key):
    return [(row["rule"], row["text"]) for row in device.rows("query", "SELECT * FROM flagged WHERE id = '%s'" % key)]


@test
def a_territory_is_no_part_of_itself():
    east, south = [row["id"] for row in admin.rows("query", "SELECT id FROM territory ORDER BY name")]
    admin.run("put", "territory", east, "parent=" + south)
    message = admin.error(2, "put", "territory", south, "parent=" + east)["message"]
    for part in ("territory " + south, "rule: a territory is no part of itself", "Eastern is a part of Southern"):
        has(message, part)
    admin.error(2, "put", "territory", south, "parent=" + south)
    lines = [record("territory", key, parent=parent) for key, parent in ((east, None), (south, east))]
    admin.put_lines(lines)
    admin.put_lines([record("territory", key, parent=parent) for key, parent in ((south, None), (east, None))])
    equal(flagged(admin, east), [])


@test
def m15_2_parts_that_do_not_sum_are_refused():
    whole = put([record("target", values={"1": 100}, **YEAR)])[0]
    parts = [record("target", values={"1": value}, parent=whole, **YEAR) for value in (60, 39)]
    message = nancy.error(2, "put", "--stdin", "--territory", "Eastern",
                          stdin="".join(json.dumps(part) + "\n" for part in parts))["message"]
    for part in ("target " + whole, "its 2 parts make 99, not 100", "rule: the parts of a target sum to it"):
        has(message, part)
    parts[1]["fields"]["values"] = {"1": 40}
    ids = put(parts)
    has(nancy.error(2, "rm", "target", ids[0])["message"], "its 1 parts make 40, not 100")
    both = [record("target", ids[0], values={"2": 50}), record("target", ids[1], values={"2": 50})]
    put(both)
    nancy.run("put", "target", ids[0], "rationale=half each")


@test
def m24_1_who_has_no_need_of_it_is_shown_a_mask():
    account, contact, order = new_id(), new_id(), new_id()
    put([record("account", account, name="晨光食品", phone="+86 138-1234-5678"),
         record("contact", contact, account=account, name="张三丰", phones=["13812345678"], wechat="zhang@chenguang.cn",
                birthday="1980-05-01", numbers={"office": "021-61234567"}, title="经理"),
         record("order", order, account=account, ordered_on="2026-05-01", currency="CNY"),
         record("order_line", order=order, sku="A-1", qty=2, unit_price=500)])
    for device in (nancy, admin, dana):
        device.sync()
    got = dana.row("get", "contact", contact)
    equal(got["fields"], {"account": account, "name": "张**", "phones": ["138****5678"], "wechat": "z***@chenguang.cn",
                          "title": "经理", "numbers": {"office": "021****4567"}})
    equal(sorted(got["masked"]), ["birthday", "name", "numbers", "phones", "wechat"])
    equal(dana.fields("account", account)["phone"], "138****5678")
    row = dana.row("list", "contact")
    equal((row["name"], row["phones"], row["birthday"], row["title"]), ("张**", ["138****5678"], None, "经理"))
    equal(dana.rows("query", "SELECT a.phone, o.total, l.amount FROM account a JOIN \"order\" o ON o.account = a.id"
                             " JOIN order_line l ON l.\"order\" = o.id"), [{"phone": "138****5678", "total": None,
                                                                          "amount": None}])
    equal(dana.rows("find", "13812345678"), [], "nor is it found by what is masked")
    lacks(dana.run("history", "contact", contact, "--json").out + dana.run("history", "account", account).out, "1234")
    dana.run("export", world.folder + "/danas")
    for name in ("account", "contact", "order_line"):
        with open("%s/danas/%s.ndjson" % (world.folder, name), encoding="utf-8") as file:
            text = file.read()
        lacks(text, "1234")
        lacks(text, "三丰")
        lacks(text, "1980")
    for device in (nancy, admin):
        equal(device.fields("contact", contact)["phones"], ["13812345678"])
        equal(device.row("query", 'SELECT total FROM "order"')["total"], 1000)
    own = dana.put("contact", "name=李四", "phones+=13900001111", "--territory", "Eastern")
    equal(dana.fields("contact", own), {"name": "李四", "phones": ["13900001111"]})
    equal(len(dana.rows("find", "13900001111")), 1, "what one wrote is no secret")


@test
def m24_1_every_field_is_listed_with_its_grade_and_none_is_added_without():
    with open(os.path.join(ROOT, "common", "vault", "types.def"), encoding="utf-8") as file:
        known = re.findall(r"^FIELD\((\w+), \d+, (\w+), .*, (G[0-3])\)", file.read(), re.M)
    equal([(row["type"], row["field"], row["grade"]) for row in nancy.rows("fields")], known)
    phones, = [row for row in nancy.rows("fields", "contact") if row["field"] == "phones"]
    equal(phones, {"type": "contact", "field": "phones", "kind": "text", "rule": "ADD", "grade": "G2"})
    has(nancy.error(2, "fields", "customer")["message"], "no record type customer")
    nancy.error(1, "fields", "contact", "phones")
    season = ["config_item", "kind=field", "name=need.season", "version=1", "published_at=2026-05-01T08:00:00Z"]
    for body in ('{"kind":"text"}', '{"kind":"text","grade":"G5"}'):
        found = admin.error(2, "put", *season, "body=" + body)
        equal(found["error"], "invalid")
        has(found["message"], "field need.season is not published without a grade")
    has(admin.error(2, "put", *season, 'body={"grade":"G2"}')["message"], "G2 cannot be added")
    equal(admin.rows("list", "config_item", "--where", "name = 'need.season'"), [], "nothing is stored")
    admin.run("put", *season, 'body={"kind":"text","grade":"G0"}')
    admin.sync()
    nancy.sync()
    equal([(row["field"], row["kind"], row["grade"]) for row in nancy.rows("fields", "need")][-1:],
          [("ext.season", "text", "G0")])
    has(nancy.run("fields", "need").out, "ext.season")


@test
def m24_1_a_dry_run_of_an_import_tells_what_was_behind_its_mask():
    paths = [os.path.join(world.folder, name) for name in ("map.json", "first.csv", "second.csv")]
    fields = {"name": "name", "phones": {"column": "phone", "split": ";"}, "title": "title"}
    for path, text in zip(paths, (
            json.dumps({"map": "cards", "files": [{"file": "*", "key": "no", "records": [
                {"type": "contact", "fields": fields}]}]}),
            "no,name,phone,title\n1,赵六七,13977776666,经理\n", "no,name,phone,title\n1,x,1,y\n")):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    nancy.run("import", "--map", paths[0], paths[1])
    nancy.sync()
    dana.sync()
    for device, name, phone in ((nancy, "赵六七", "13977776666"), (dana, "赵**", "139****6666")):
        rows = device.run("import", "--map", paths[0], paths[2], "--dry-run", "--json").rows()
        equal([row["was"] for row in rows if row["kind"] == "record"],
              [{"name": name, "phones": [phone], "title": "经理"}])
    nancy.run("rm", "contact", nancy.row("query", "SELECT id FROM contact WHERE name = '赵六七'")["id"])
    nancy.sync()
    dana.sync()


@test
def m24_1_of_two_values_side_by_side_both_are_masked():
    account = put([record("account", name="two numbers", phone="13811112222")])[0]
    for device in (nancy, steven):
        device.sync()
    nancy.run("put", "account", account, "phone=13933334444")
    steven.run("put", "account", account, "phone=13755556666")
    for device in (nancy, steven, dana, nancy):
        device.sync()
    told = {device: sorted(value["value"] for row in device.rows("conflicts") if row["id"] == account
                           for value in row["values"]) for device in (nancy, dana)}
    equal(told, {nancy: ["13755556666", "13933334444"], dana: ["137****6666", "139****4444"]})


@test
def m24_5_a_reveal_shows_one_field_and_is_recorded():
    contact = dana.row("query", "SELECT id FROM contact WHERE title = '经理'")["id"]
    shown = dana.row("reveal", "contact", contact, "phones", "--reason", "he asked to be called")
    equal((shown["value"], shown["recorded"]), (["13812345678"], True))
    equal(dana.row("reveal", "contact", contact, "title")["recorded"], False)
    dana.error(2, "reveal", "contact", contact, "hobbies")
    dana.error(2, "reveal", "contact", contact, "department")
    equal(dana.row("get", "contact", contact)["fields"]["phones"], ["138****5678"], "and stays masked")
    dana.sync()
    admin.sync()
    said = [row for row in admin.rows("audit") if row.get("disclosure", {}).get("kind") == "reveal"]
    equal([(row["by"], row["disclosure"]["record"], row["disclosure"]["field"], row["disclosure"]["reason"],
            row["disclosure"]["types"]) for row in said],
          [("Dana", contact, "phones", "he asked to be called", ["contact"])])
    has(said[0]["what"], "phones of " + contact)


def revealed():
    """(record, field, reason) of what Dana has revealed, by her own device."""
    return [(said["record"], said["field"], said["reason"]) for said in
            (row["disclosure"] for row in dana.rows("audit") if row.get("disclosure", {}).get("kind") == "reveal")]


@test
def m24_5_what_is_written_anew_behind_a_mask_is_recorded_as_a_reveal():
    contact, disputed, lead = put([record("contact", name="周文", phones=["13511110000", "13522220000"], title="厂长"),
                                   record("account", name="pick", phone="13811112222"),
                                   record("lead", person_name="吴敏", company="wu", phone="13533330000")])
    for device in (nancy, steven):
        device.sync()
    nancy.run("put", "account", disputed, "phone=13933334444")
    steven.run("put", "account", disputed, "phone=13755556666")
    for device in (nancy, steven, dana):
        device.sync()
    before = len(revealed())
    dana.run("put", "contact", contact, "title=店长")
    equal(len(revealed()), before, "who writes over nothing that is masked reveals nothing")
    dana.put_lines([record("contact", contact, phones=["13522220000"])])
    equal(revealed()[before:], [(contact, "phones", "taken out of a set")])
    dana.run("rm", "contact", contact)
    dana.run("restore", "contact", contact)
    equal(revealed()[before + 1:], [(contact, "name, phones", "brought back with the record")])
    equal(dana.fields("contact", contact)["name"], "周文")
    dana.run("resolve", "account", disputed, "phone", "--pick", "1")
    equal(revealed()[before + 2:], [(disputed, "phone", "picked among several")])
    dana.run("lead", "score", lead, "budget=yes", "authority=yes", "need=yes", "timeline=yes")
    dana.run("lead", "convert", lead)
    equal(revealed()[before + 3:], [(lead, "person_name, phone", "converted")])
    visit, event = new_id(), new_id()
    put([record("visit", visit), record("visit_event", event, visit=visit, kind="check_in", lat_e7=312304000)])
    nancy.sync()
    dana.sync()
    dana.run("rm", "visit_event", event)
    has(dana.error(4, "restore", "visit_event", event)["message"], "managers and admins may reveal it")


@test
def m24_1_where_people_were_is_shown_to_them_and_to_managers():
    visit, event = new_id(), new_id()
    put([record("visit", visit, person=people["Nancy"]),
         record("visit_event", event, visit=visit, kind="check_in", lat_e7=312304000, lon_e7=1214737000)])
    nancy.sync()
    steven.sync()
    equal(nancy.fields("visit_event", event)["lat_e7"], 312304000)
    lacks(steven.fields("visit_event", event), "lat_e7")
    equal(steven.row("query", "SELECT lat_e7 FROM visit_event WHERE id = '%s'" % event), {"lat_e7": None})
    has(steven.error(4, "reveal", "visit_event", event, "lat_e7")["message"], "managers and admins may reveal it")
    admin.sync()
    lacks(admin.fields("visit_event", event), "lat_e7")
    equal(admin.row("reveal", "visit_event", event, "lat_e7", "--reason", "a complaint")["value"], 312304000)
    admin.run("user", "role", "Steven", "manager")
    steven.sync()
    equal(steven.fields("visit_event", event)["lat_e7"], 312304000)
    admin.run("user", "role", "Steven", "rep")
    steven.sync()
    equal(steven.row("query", "SELECT lat_e7 FROM visit_event WHERE id = '%s'" % event), {"lat_e7": None})


def visits_and_orders(device, account):
    """What is shown under an account."""
    return [device.row("query", "SELECT COUNT(*) AS n FROM %s AS x JOIN survivor AS s ON s.id = x.account"
                                " WHERE s.account = '%s'" % (table, account))["n"] for table in ("visit", '"order"')]


@test
def m24_1_evidence_goes_to_a_space_that_the_line_alone_reads():
    admin.run("territory", "narrow", "Nancy: evidence")
    admin.run("territory", "grant", "Nancy: evidence", "Nancy")
    admin.run("territory", "grant", "Nancy: evidence", "Steven", "--read")
    admin.run("territory", "revoke", "Nancy: evidence", "Andrew")
    nancy.sync()
    visit, event = new_id(), new_id()
    put([record("visit", visit, person=people["Nancy"])])
    nancy.run("put", "visit_event", event, "visit=" + visit, "kind=check_in", "lat_e7=312300000", "lon_e7=1214700000")
    equal(nancy.row("get", "visit_event", event)["territory"], "Nancy: evidence")
    task = nancy.put("task", "title=goes to the only territory, the space beside it being none")
    equal(nancy.row("get", "task", task)["territory"], "Eastern")
    for device in (nancy, steven, dana, admin):
        device.sync()
    admin.run("user", "role", "Steven", "manager")
    steven.sync()
    equal(steven.fields("visit_event", event)["lat_e7"], 312300000)
    for device in (dana, admin):
        equal(device.fields("visit", visit), {"person": people["Nancy"]})
        device.error(2, "get", "visit_event", event)
        equal(device.rows("list", "visit_event", "--where", "id = '%s'" % event), [])
        device.error(4, "put", "visit_event", "visit=" + visit, "kind=check_out", "--territory", "Nancy: evidence")
    admin.run("user", "role", "Steven", "rep")
    steven.sync()


@test
def m02_15_two_who_made_one_customer_offline_and_how_it_becomes_one():
    for device in (nancy, steven):
        device.sync()
    stays = nancy.put("account", "name=上海晨光食品有限公司", "city=上海", "--territory", "Eastern")
    said = steven.run("put", "account", "name=晨光食品(上海)", "phone=021 6123 4567", "--territory", "Eastern")
    gone = said.out.strip()
    lacks(said.err, stays)
    put([record("visit", account=gone, purpose="first"), record("visit", account=gone, purpose="second"),
         record("order", account=gone, ordered_on="2026-06-01")], device=steven)
    steven.sync()
    nancy.sync()
    alike = [row for row in nancy.rows("merge", "--list") if {row["account"], row.get("other")} == {stays, gone}]
    equal([(row["kind"], row["why"]) for row in alike], [("alike", ["name"])])
    admin.sync()
    has(nancy.error(4, "merge", stays, gone)["message"], "merged by a manager, an admin, or who owns both")
    equal(admin.row("merge", "上海晨光食品有限公司", "晨光食品(上海)")["merged"], True)
    admin.sync()
    steven.run("put", "account", gone, "city=Suzhou", "tags+=cold chain", "name=晨光苏州")  # who does not know yet
    steven.sync()
    for device in (nancy, admin, steven):
        device.sync()
        equal(visits_and_orders(device, stays), [2, 1])
        equal([row for row in device.rows("merge", "--list") if row["kind"] == "alike" and gone in str(row)], [])
        got = device.row("get", "account", gone)
        equal((got["id"], got["merged_from"]), (stays, gone))
        equal((got["fields"]["city"], got["fields"]["tags"], got["fields"]["name"]),
              ("Suzhou", ["cold chain"], "上海晨光食品有限公司"))
        equal(sorted(got["fields"]["aliases"]), ["晨光苏州", "晨光食品(上海)"])
        told = [row for row in device.rows("merge", "--list") if row.get("absorbed") == gone]
        equal([(row["account"], row["shown_under"], row["by"], row["undone_at"], row["late"]) for row in told],
              [(stays, stays, "Andrew", None, 0)])
    equal(nancy.put("account", gone, "note=put to the absorbed one"), stays)
    equal(nancy.fields("account", stays)["note"], "put to the absorbed one")
    equal([row["name"] for row in nancy.rows("find", "晨光苏州")][:1], ["上海晨光食品有限公司"])


@test
def m02_15_a_likely_duplicate_is_said_at_once():
    told = nancy.run("put", "account", "name=晨光食品", "--territory", "Eastern")
    has(told.err, "this may be a customer who is here already (alike: name)")
    has(nancy.run("put", "account", "name=Other", "phone=+86 138 1234 5678", "--territory", "Eastern").err,
        "alike: phone")
    here = dict(lat_e7=312304000, lon_e7=1214737000)
    put([record("account", name="Blue Lion Cafe", **here)])
    told = nancy.run("put", "account", "name=Blue Lion", "lat_e7=312313000", "lon_e7=1214737000", "--territory",
                     "Eastern")
    has(told.err, "alike: place")
    told = nancy.run("put", "account", "name=Lion", "lat_e7=312504000", "lon_e7=1214737000", "--territory", "Eastern")
    lacks(told.err, "alike")
    lacks(nancy.run("put", "account", "name=北京晨光食品", "--territory", "Eastern").err, "上海晨光食品有限公司")


@test
def m02_15_a_merge_is_taken_back_and_rings_end_in_the_lowest():
    low, high = sorted(put([record("account", name="ring %d" % i) for i in (1, 2)]))
    put([record("visit", account=low), record("visit", account=high)])
    nancy.sync()
    admin.sync()
    admin.run("user", "role", "Steven", "manager")
    steven.sync()
    admin.run("merge", low, high)
    steven.run("merge", high, low)  # side by side
    for device in (admin, steven, admin, nancy):
        device.sync()
    for device in (admin, steven, nancy):
        equal(visits_and_orders(device, low), [2, 0])
        equal(device.row("get", "account", high)["id"], low)
        equal(flagged(device, low), [("accounts are merged one way", "merged in a ring, of which this one stays")])
    admin.run("merge", "--undo", low)
    equal(visits_and_orders(admin, low), [2, 0])
    equal(flagged(admin, low), [])
    has(admin.error(2, "merge", high, low)["message"], "rule: accounts are merged one way")
    admin.run("merge", "--undo", high)
    equal((visits_and_orders(admin, low), visits_and_orders(admin, high)), ([1, 0], [1, 0]))
    equal(admin.row("get", "account", high)["id"], high)
    admin.error(2, "merge", "--undo", high)
    equal([row["undone_at"] is None for row in admin.rows("merge", "--list") if row.get("absorbed") in (low, high)],
          [False, False])
    admin.run("merge", low, high)
    equal([row["undone_at"] is None for row in admin.rows("merge", "--list") if row.get("absorbed") == high], [True])


def ids(rows):
    return {row["id"] for row in rows}


@test
def m24_4_a_withdrawal_wins_and_the_contact_leaves_the_lists():
    account, contact, other, consent = [new_id() for _ in range(4)]
    put([record("account", account, name="lists"), record("contact", contact, account=account, name="王敏"),
         record("contact", other, account=account, name="李强"),
         record("consent", consent, contact=contact, purpose="calls", given_at="2026-06-01T09:00:00+08:00")])
    nancy.sync()
    admin.sync()
    equal(ids(nancy.rows("contacts", "lists", "--purpose", "calls")), {contact, other})
    admin.run("consent", "withdraw", contact, "calls")
    nancy.run("put", "consent", consent, "given_at=2026-06-02T09:00:00+08:00")  # on the old form, offline
    note, later = put([record("interaction", account=account, contacts=[contact], kind="call", at=at)
                       for at in ("2026-06-01T10:00:00+08:00", "2099-01-01T10:30:00+08:00")])
    for device in (admin, nancy, admin):
        device.sync()
    for device in (admin, nancy):
        told = device.run("contacts", "lists", "--purpose", "calls")
        lacks(told.out, contact)
        has(told.err, "1 left out: consent withdrawn")
        equal(ids(device.rows("contacts", "lists", "--purpose", "marketing")), {contact, other}, "another purpose")
        equal(flagged(device, later), [("no contact after a withdrawal", "after withdrawal: calls")])
        equal(flagged(device, note), [])
        has(device.run("flagged").out, "after withdrawal: calls")
    nancy.run("export", "--purpose", "calls", "--format", "ndjson", world.folder + "/to-call")
    with open(world.folder + "/to-call/contact.ndjson", encoding="utf-8") as file:
        text = file.read()
    has(text, other)
    lacks(text, contact)
    nancy.run("put", "account", account, "do_not_contact=true")
    equal(nancy.rows("contacts", "lists"), [])
    nancy.run("put", "visit_plan", "account=" + account, "person=" + people["Nancy"], "on_date=2026-06-03")
    equal([row["reason"] for row in nancy.row("today", "--date", "2026-06-03")["plans"]], ["do not contact"])
    nancy.run("put", "account", account, "do_not_contact=false")
    equal(nancy.row("consent", "give", contact, "calls")["changed"], True)
    equal(ids(nancy.rows("contacts", "lists", "--purpose", "calls")), {contact, other}, "a new consent")
    equal(nancy.row("consent", "give", contact, "calls")["changed"], False)
    nancy.run("consent", "withdraw", other, "marketing")
    equal(ids(nancy.rows("contacts", "lists", "--purpose", "marketing")), {contact})
    put([record("consent", contact=other, purpose="mail", given_at="2026-05-01T09:00:00Z"),
         record("consent", contact=other, purpose="mail", withdrawn_at="2026-06-01T09:00:00-15:00")])
    mailed = put([record("interaction", account=account, contacts=[other], kind="email", at="2026-06-15T10:00:00Z")])[0]
    equal(ids(nancy.rows("contacts", "lists", "--purpose", "mail")), {contact}, "an offset that SQLite does not read")
    equal(flagged(nancy, mailed), [("no contact after a withdrawal", "after withdrawal: mail")])
    put([record("consent", contact=other, purpose="mail", given_at="2026-07-01T09:00:00Z")])
    equal(ids(nancy.rows("contacts", "lists", "--purpose", "mail")), {contact, other}, "a later one counts")


@test
def m01_1_thirteen_roles_and_what_an_assistant_may():
    equal([row["here"] for row in admin.rows("role", "list")], [False] * 13)
    equal(admin.row("role", "install")["installed"], 13)
    equal(admin.row("role", "install")["installed"], 0, "those that are there stay")
    rows = {row["name"]: row for row in admin.rows("role", "list")}
    equal((len(rows), rows["数据运营"]["people"], rows["数据运营"]["max_grade"]), (13, ["Dana"], 1))
    equal(sum(name.endswith("运营") for name in rows), 4)
    nancy.error(4, "role", "install")
    order = put([record("order", ordered_on="2026-06-05", submitted_at="2026-06-05T10:00:00+08:00")])[0]
    admin.run("put", "user", people["Steven"], "roles+=sales_assistant")
    admin.run("user", "role", "Steven", "rep")
    admin.run("territory", "add", "Negotiations")
    plan = admin.put("note", "text=the bottom line", "--territory", "Negotiations")
    for device in (nancy, admin, steven, dana):
        device.sync()
    steven.run("state", "order", order, "reviewed")
    has(dana.error(4, "state", "order", order, "reviewed")["message"], "assistant")
    steven.error(2, "get", "note", plan)
    equal(steven.rows("list", "note", "--where", "text LIKE '%bottom%'"), [])
    account = put([record("account", name="only read")])[0]
    for device in (nancy, steven):
        device.sync()
    for command in ("put", "account", account, "name=Mine"), ("put", "account", "name=New"), ("rm", "account", account):
        has(steven.error(4, *command)["message"],
            "records of type account are read, and not written, by who is sales_assistant")
    steven.run("put", "order", order, "note=asked for")  # what the role is there for; and what no role names
    steven.run("put", "interaction", "account=" + account, "note=called")
    assistant = admin.row("query", "SELECT id FROM role_template WHERE code = 'sales_assistant'")["id"]
    admin.put_lines([record("role_template", assistant, grants={"account": "w"})])
    admin.sync()
    steven.sync()
    steven.run("put", "account", account, "name=Mine")
    admin.put_lines([record("role_template", assistant, grants={"account": "r"})])
    admin.run("put", "user", people["Steven"], "roles+=sales_rep")  # of several roles each may
    admin.sync()
    steven.sync()
    steven.run("put", "account", account, "name=Again")
    template = admin.row("query", "SELECT id FROM role_template WHERE code = 'data_operations'")["id"]
    admin.run("put", "role_template", template, "max_grade=2")
    admin.sync()
    dana.sync()
    equal(dana.row("query", "SELECT phones FROM contact WHERE title = '经理'")["phones"], ["13812345678"],
          "an admin has changed what the role is shown")


@test
def case_15_m01_4_what_was_done_after_a_reassignment_is_shown_and_not_counted():
    accounts = put([record("account", name="moves %d" % i, owner=people["Nancy"]) for i in range(40)])
    for device in (nancy, admin):
        device.sync()
    equal(admin.row("reassign", "Steven", *accounts, "--reason", "Nancy is on leave")["accounts"], 40)
    admin.run("move", "account", *accounts, "--to", "Southern")
    admin.sync()
    said = [record("visit", account=accounts[i], person=people["Nancy"], local_date="2099-06-0%d" % (i + 1),
                   started_at="2099-06-0%dT11:00:00+08:00" % (i + 1), submitted_at="2099-06-07T18:00:00+08:00",
                   state="submitted") for i in range(3)]
    put(said)
    for device in (nancy, steven, nancy, steven, admin):
        device.sync()
    equal([row for row in nancy.rows("list", "account") if row["id"] in accounts], [], "they are Steven's")
    equal(nancy.row("status")["moved_on"]["by_type"], {"visit": 3})
    for device in (steven, admin):
        found = device.row("report", "visits", "--period", "2099-06", "--territory", "Southern")["basis"]
        equal([row["n"] for row in found["counted"] if row["what"] == "visits"], [0])
        equal([(row["n"], row["why"][:13]) for row in found["not_counted"]], [(3, "account moved")])
    equal({row["owner"] for row in steven.rows("list", "account") if row["id"] in accounts}, {people["Steven"]})
    equal([row["after_move"] for row in steven.rows("list", "visit") if row["account"] in accounts], [True] * 3)


@test
def case_17_two_divide_one_target_side_by_side():
    whole = put([record("target", values={"1": 100}, owner=people["Nancy"], **YEAR)])[0]
    nancy.sync()
    admin.sync()
    message = nancy.error(2, "target", "divide", whole, "Nancy=60", "Steven=39")["message"]
    has(message, "its 2 parts make 99, not 100")
    equal(nancy.rows("query", "SELECT id FROM target WHERE parent = '%s'" % whole), [], "nothing is stored")
    nancy.run("target", "divide", whole, "Nancy=60", "Steven=40")
    admin.run("target", "divide", whole, "Nancy=50", "Steven=30", "Dana=20")  # the later one
    for device in (nancy, admin, nancy):
        device.sync()
    for device in (nancy, admin):
        sums = [row for row in device.row("report", "targets", "--period", "2026")["parts"]["sums"]
                if row["id"] == whole]
        equal([(row["parts"], row["sum_of_parts"], row["check_of_parts"], row["division"]) for row in sums],
              [(3, 100, "sums", "in force"), (2, 100, "sums", "beside it")])
        has(json.dumps(device.row("report", "targets", "--period", "2026")["basis"]["not_counted"]),
            '{"what": "targets", "n": 2, "why": "part of a division that is not in force"}')
        equal(flagged(device, whole), [("a target is divided once", "divided 2 times, side by side")])
        conflict = [row for row in device.rows("conflicts") if row["id"] == whole]
        equal([(row["field"], len(row["values"])) for row in conflict], [("divided", 2)])
    admin.run("resolve", "target", whole, "divided", "--pick", "2")
    sums = [row for row in admin.row("report", "targets", "--period", "2026")["parts"]["sums"] if row["id"] == whole]
    equal([(row["parts"], row["division"]) for row in sums], [(2, "in force"), (3, "beside it")])


@test
def case_19_two_claim_one_lead_of_the_pool():
    pool, owned = put([record("lead", company="Dairy Nord"), record("account", name="in hands", owner=people["Dana"])])
    for device in (nancy, steven):
        device.sync()
    has([(row["name"], row["state"], row["by"], row["own"]) for row in steven.rows("claim")],
        ("Dairy Nord", "free", None, None))
    equal([row for row in steven.rows("claim") if row["id"] == owned], [], "what has an owner is not in the pool")
    has(steven.error(2, "claim", "account", "in hands")["message"], "it belongs to Dana")
    mine, his = nancy.row("claim", "lead", "Dairy Nord"), steven.row("claim", "lead", pool[:18])
    equal([(row["state"], row["own"]) for row in (mine, his)], [("asked", "asked")] * 2, "offline both may hope")
    for device in (steven, nancy, steven):  # Steven's comes first, though Nancy was
        device.sync()
    for device, own in ((nancy, "lost"), (steven, "confirmed")):
        row, = [row for row in device.rows("claim") if row["id"] == pool]
        equal((row["state"], row["by"], row["own"]), ("confirmed", "Steven", own))
        at = row["at"]
    found = nancy.error(2, "claim", "lead", "Dairy Nord")
    equal((found["error"], found["message"][:61 + len(at)]),
          ("exists", "lead Dairy Nord is claimed by Steven at %s" % at))
    has(nancy.error(4, "claim", "lead", pool, "--undo")["message"], "given back by whoever claimed it, or a manager")
    has(nancy.run("claim").out, "lost")
    equal([(row["name"], row["own"], row["by"]) for row in nancy.row("today")["claims"]],
          [("Dairy Nord", "lost", "Steven")])
    has(nancy.run("today").out, "claimed (satchel claim)")
    equal(steven.row("today")["claims"], [])
    equal(steven.row("claim", "lead", pool)["own"], "confirmed", "once more: nothing new")
    equal(steven.row("claim", "lead", pool, "--undo")["state"], "free")
    for device in (steven, nancy):
        device.sync()
    equal(nancy.row("claim", "lead", pool)["own"], "asked")
    long = put([record("lead", company="a" + 21 * "乳")])[0]
    nancy.row("claim", "lead", long)
    for device in (nancy, steven):
        device.sync()
    has(steven.error(2, "claim", "lead", long)["message"], "lead a" + 21 * "乳" + " is claimed by Nancy")
    nancy.error(2, "claim", "visit", pool)
    nancy.error(1, "claim", "lead")
    nancy.error(1, "claim", "--undo")


@test
def what_comes_by_sync_and_breaks_a_rule_is_kept_and_flagged():
    whole = put([record("target", values={"1": 10}, **YEAR)])[0]
    for device in (nancy, admin):
        device.sync()
    put([record("target", values={"1": value}, parent=whole, **YEAR) for value in (4, 6)])
    put([record("target", values={"1": 10}, parent=whole, **YEAR)], device=admin)
    for device in (nancy, admin, nancy):
        device.sync()
    for device in (nancy, admin):
        equal(flagged(device, whole), [("the parts of a target sum to it", "3 parts make 20, not 10")])


@test
def a_ring_of_territories_that_two_made_side_by_side_is_flagged():
    east, south = [row["id"] for row in admin.rows("query", "SELECT id FROM territory WHERE name IN ('Eastern',"
                                                           " 'Southern') ORDER BY name")]
    admin.run("user", "role", "Steven", "admin")
    steven.sync()
    steven.run("put", "territory", south, "parent=" + east)
    admin.run("put", "territory", east, "parent=" + south)
    for device in (steven, admin, steven):
        device.sync()
    for device in (steven, admin):
        for key in (east, south):
            equal(flagged(device, key), [("a territory is no part of itself", "its parents lead back to it")])
    admin.run("put", "territory", east, "parent=")
    equal(flagged(admin, south), [])


if __name__ == "__main__":
    run()
