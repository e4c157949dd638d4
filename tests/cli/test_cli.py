#!/usr/bin/env python3
"""A field day in small, through the command line alone: create, invite, work offline, sync, disagree, settle."""
import os
import stat

from harness import World, Device, equal, has, lacks, new_id, run, satchel, test

world = World(territories=["Eastern", "Western"])
server, admin = world.server, world.admin
here = {}  # what one test leaves for the next


def conflicts_of(device):
    return [(c["field"], sorted(v["value"] for v in c["values"])) for c in device.rows("conflicts")]


@test
def org_create_tells_who_one_is_and_writes_the_kit_for_its_owner_alone():
    created = world.created
    equal((created["org"], created["user"], created["device"]), ("Northwind", "Andrew", 1), created)
    equal(stat.S_IMODE(os.stat(world.kit).st_mode), 0o600)
    with open(world.kit, encoding="utf-8") as file:
        equal(len(file.read()) > 40, True, "the kit is empty")


@test
def people_and_territories_are_listed():
    admin.run("user", "add", "Nancy", "--role", "rep")
    admin.run("user", "add", "Janet", "--role=rep")
    admin.run("territory", "grant", "Eastern", "Nancy")
    admin.run("territory", "grant", "Eastern", "Janet", "--read", "--manage")
    users = admin.rows("user", "list")
    equal([(u["name"], u["role"], u["state"]) for u in users],
          [("Andrew", "admin", "active"), ("Nancy", "rep", "active"), ("Janet", "rep", "active")], users)
    equal(users[1]["territories"], ["Eastern"], users)
    territories = admin.rows("territory", "list")
    has([t["name"] for t in territories], "Eastern")
    eastern = [t for t in territories if t["name"] == "Eastern"][0]
    equal(sorted(m["user"] for m in eastern["members"] if m["user"] != "Andrew"), ["Janet", "Nancy"], eastern)


@test
def what_exists_already_is_not_added_again():
    equal(admin.error(2, "user", "add", "Nancy", "--role", "rep")["error"], "exists")
    equal(admin.error(2, "territory", "add", "Eastern")["error"], "exists")
    has(admin.error(2, "user", "add", "Laura", "--role", "king")["message"], "king")
    for name in ("org", "people"):
        equal(admin.error(2, "territory", "add", name)["error"] in ("exists", "invalid"), True, name)
    equal(admin.error(2, "territory", "grant", "Nowhere", "Nancy")["error"], "not_found")
    equal(admin.error(2, "territory", "grant", "Eastern", "Nobody")["error"], "not_found")
    equal(admin.error(2, "invite", "Nobody")["error"], "not_found")


@test
def an_invite_is_one_line_and_lets_one_device_in():
    admin.run("territory", "grant", "Eastern", "Janet")
    code = admin.run("invite", "Nancy").out
    equal(code.count("\n"), 1, code)
    equal(code.startswith("-"), False, code)
    nancy = here["nancy"] = Device(world.folder, "Nancy")
    joined = nancy.row("join", "-", "--device-name", "Nancy's phone", stdin=code)
    equal((joined["org"], joined["user"], joined["device"], joined["in_sync"]), ("Northwind", "Nancy", 2, True), joined)
    again = Device(world.folder, "thief")
    equal(again.error(4, "join", code.strip())["error"], "invite_used")
    equal(os.path.exists(again.home), False, "a failed join left a home")
    janet = here["janet"] = Device(world.folder, "Janet")
    janet.run("join", world.invite("Janet"))


@test
def devices_are_listed_with_their_names():
    devices = admin.rows("device", "list")
    equal([(d["device"], d["user"], d["state"]) for d in devices],
          [(1, "Andrew", "active"), (2, "Nancy", "active"), (3, "Janet", "active")], devices)
    equal(set(devices[1]) >= {"device", "user", "name", "state", "last_seen", "pending"}, True, devices[1])
    has(admin.run("device", "list").out, "Nancy's phone")


@test
def a_rep_is_no_admin():
    nancy = here["nancy"]
    for args in (("user", "add", "X", "--role", "rep"), ("territory", "add", "X"), ("invite", "Janet"),
                 ("territory", "grant", "Western", "Nancy")):
        equal(nancy.error(4, *args)["error"], "denied", args)


@test
def everything_but_the_network_works_without_a_server():
    server.stop()
    nancy = here["nancy"]
    words = "name=Blondel père et fils", "city=Strasbourg", "tags+=wine", "tags+=vip"
    account = here["account"] = nancy.put("account", *words)
    equal(nancy.row("get", "account", account),
          {"type": "account", "id": account, "territory": "Eastern",
           "fields": {"name": "Blondel père et fils", "city": "Strasbourg", "tags": ["vip", "wine"]}})
    equal(nancy.put("account", account, "phone=1234", "tags-=vip", "city="), account)
    equal(nancy.fields("account", account), {"name": "Blondel père et fils", "phone": "1234", "tags": ["wine"]})
    has(nancy.run("get", "account", account).out, "name: Blondel père et fils\n")
    row = nancy.row("list", "account", "--where", "phone = '1234'")
    equal((row["id"], row["territory"], row["city"]), (account, "Eastern", None), row)
    equal(nancy.rows("query", "select count(*) as n, max(phone) as p from account"), [{"n": 1, "p": "1234"}])
    nancy.run("rm", "account", account)
    equal(nancy.rows("list", "account"), [])
    equal(nancy.error(2, "get", "account", account)["error"], "not_found")
    nancy.run("restore", "account", account)
    equal(len(nancy.rows("list", "account")), 1)
    nancy.put("account", account, "city=Strasbourg")
    status = nancy.row("status")
    equal(status["pending"] > 0, True, status)
    equal(status["in_sync"], False, status)


@test
def a_server_that_is_down_is_unreachable():
    nancy = here["nancy"]
    result = nancy.run("sync", "--json", "--timeout", "5", expect=3)
    equal(result.error()["error"], "unreachable")
    equal(result.rows()[0]["in_sync"], False, result)
    equal(set(result.rows()[0]), {"sent", "received", "refused", "conflicts", "in_sync", "recovering"}, result)
    listed = nancy.run("device", "list", "--json")
    equal([d["device"] for d in listed.rows()], [1, 2], "Nancy has not heard of Janet's device yet")
    has(listed.err, "could not be asked")
    equal(admin.error(3, "user", "add", "Laura", "--role", "rep")["error"], "unreachable")


@test
def the_others_see_what_was_done_offline_after_a_sync():
    server.start()
    nancy, janet, account = here["nancy"], here["janet"], here["account"]
    sent = nancy.sync()
    equal((sent["sent"] > 0, sent["refused"], sent["conflicts"], sent["recovering"]), (True, 0, 0, False), sent)
    equal(janet.sync()["received"] > 0, True)
    equal(janet.row("get", "account", account), nancy.row("get", "account", account))
    admin.sync()
    equal(admin.fields("account", account)["city"], "Strasbourg")
    status = nancy.row("status")
    equal((status["pending"], status["in_sync"], status["conflicts"]), (0, True, 0), status)


@test
def different_fields_merge_and_one_field_becomes_a_conflict():
    nancy, janet, account = here["nancy"], here["janet"], here["account"]
    nancy.put("account", account, "phone=5555", "city=Straßburg")
    janet.put("account", account, "country=France", "city=Strassburg", "tags+=new")
    for device in (nancy, janet, nancy, admin):
        device.sync()
    for device in (nancy, janet, admin):
        fields = device.fields("account", account)
        equal((fields["phone"], fields["country"], fields["tags"]), ("5555", "France", ["new", "wine"]), fields)
        equal(conflicts_of(device), [("city", ["Strassburg", "Straßburg"])])
        conflict = device.row("conflicts")
        equal((conflict["type"], conflict["id"]), ("account", account))
        shown = [v for v in conflict["values"] if v["shown"]]
        equal([v["value"] for v in shown], [fields["city"]], conflict)
        for value in conflict["values"]:
            equal(set(value) >= {"value", "by", "device", "at", "shown"}, True, value)
        equal(sorted((v["by"], v["device"]) for v in conflict["values"]), [("Janet", 3), ("Nancy", 2)], conflict)
    text = admin.run("conflicts").out
    has(text, "account %s city\n" % account)
    has(text, "by Nancy (device 2)")


@test
def a_conflict_is_settled_for_all_by_picking():
    nancy, janet, account = here["nancy"], here["janet"], here["account"]
    values = janet.row("conflicts")["values"]
    number = [v["value"] for v in values].index("Straßburg") + 1
    for field, pick, part in (("city", "3", "3"), ("phone", "1", "phone"), ("nothing", "1", "nothing")):
        has(janet.error(2, "resolve", "account", account, field, "--pick", pick)["message"], part)
    janet.run("resolve", "account", account, "city", "--pick", str(number))
    equal(janet.rows("conflicts"), [])
    for device in (janet, nancy, admin):
        device.sync()
        equal(device.rows("conflicts"), [])
        equal(device.fields("account", account)["city"], "Straßburg")


@test
def a_conflict_is_settled_by_another_value():
    nancy, janet, account = here["nancy"], here["janet"], here["account"]
    nancy.put("account", account, "note=one")
    janet.put("account", account, "note=two")
    for device in (nancy, janet, nancy):
        device.sync()
    nancy.run("resolve", "account", account, "note", "--value", "one and two")
    for device in (nancy, janet, admin):
        device.sync()
        equal(device.rows("conflicts"), [])
        equal(device.fields("account", account)["note"], "one and two")


@test
def the_history_tells_who_wrote_what():
    steps = here["nancy"].rows("history", "account", here["account"])
    equal(set(steps[0]) >= {"at", "by", "device", "state", "fields"}, True, steps[0])
    equal(steps[0]["fields"]["name"], "Blondel père et fils")
    equal((steps[0]["by"], steps[0]["device"]), ("Nancy", 2))
    equal(steps[-1]["state"], "current", steps[-1])
    has(here["nancy"].run("history", "account", here["account"]).out, "Straßburg")
    wrote = [(s["by"], s["fields"]["city"]) for s in steps if "city" in s.get("fields", {})]
    has(wrote, ("Janet", "Strassburg"))
    has(wrote, ("Nancy", "Straßburg"))
    equal(set(s["state"] for s in steps) <= {"current", "superseded"}, True, steps)


@test
def an_edit_against_a_deletion_is_a_conflict_that_people_see():
    nancy, janet = here["nancy"], here["janet"]
    tasks = here["tasks"] = [nancy.put("task", "title=call %d" % i, "account=" + here["account"]) for i in (1, 2)]
    nancy.sync()
    janet.sync()
    for task in tasks:
        nancy.run("rm", "task", task)
        janet.put("task", task, "progress=50")
    for device in (nancy, janet, nancy, admin):
        device.sync()
    for device in (nancy, janet, admin):
        found = sorted((c["id"], c["field"], sorted(v["value"] for v in c["values"])) for c in device.rows("conflicts"))
        equal(found, sorted((task, "deleted", [False, True]) for task in tasks))


@test
def an_edit_against_a_deletion_is_settled_either_way():
    nancy, janet = here["nancy"], here["janet"]
    kept, gone = here["tasks"]
    janet.run("resolve", "task", kept, "deleted", "--value", "false")
    janet.run("resolve", "task", gone, "deleted", "--value", "true")
    for device in (janet, nancy, admin):
        device.sync()
        equal(device.rows("conflicts"), [])
        equal([t["id"] for t in device.rows("list", "task")], [kept])
        equal(device.fields("task", kept), {"title": "call 1", "account": here["account"], "progress": 50})


@test
def a_reference_to_what_is_not_here_waits_for_it():
    nancy, janet = here["nancy"], here["janet"]
    account = new_id()
    order = janet.put("order", "account=" + account, "ordered_on=1998-05-06")
    equal(janet.row("get", "order", order)["waiting"], ["account"])
    janet.sync()
    nancy.sync()
    nancy.put("account", account, "name=Late")
    nancy.sync()
    janet.sync()
    lacks(janet.row("get", "order", order), "waiting")


@test
def what_one_has_no_right_to_is_not_seen_and_not_written():
    nancy = here["nancy"]
    secret = admin.put("account", "name=Secret", "--territory", "Western")
    admin.sync()
    nancy.sync()
    equal(nancy.error(2, "get", "account", secret)["error"], "not_found")
    equal(nancy.error(4, "put", "product", "name=Chai")["error"], "denied")
    equal(nancy.error(4, "put", "account", "name=x", "--territory", "Western")["error"], "denied")


@test
def the_status_names_device_spaces_and_fingerprint():
    status = here["nancy"].row("status")
    equal((status["org"], status["user"], status["device"], status["refused"]), ("Northwind", "Nancy", 2, 0), status)
    has([s["name"] for s in status["spaces"]], "Eastern")
    text = here["nancy"].run("status").out
    has(text, "device: 2\n")
    fingerprint = here["nancy"].run("status", "--fingerprint").out.strip()
    equal(fingerprint, status["fingerprint"])


@test
def options_stand_before_or_after_the_arguments():
    nancy = here["nancy"]
    options = ["--home", nancy.home, "--passphrase-file=" + nancy.passphrase_file, "--json"]
    after = satchel("list", "account", "--where", "name = 'Late'", *options).rows()
    equal(satchel(*options, "--where", "name = 'Late'", "list", "account").rows(), after)
    equal(satchel("list", *options, "--where=name = 'Late'", "--", "account").rows(), after)
    equal(len(after), 1)


@test
def the_admins_replica_and_the_reps_end_alike():
    for device in (admin, here["nancy"], here["janet"], admin):
        device.sync()
    sql = "select * from account where territory = 'Eastern' order by id"
    rows = admin.rows("query", sql)
    equal(len(rows) >= 2, True, rows)
    for name in ("nancy", "janet"):
        equal(here[name].rows("query", sql), rows)
    server.stop()


if __name__ == "__main__":
    run()
