#!/usr/bin/env python3
"""export: every type in files of its own, read back by Python's own readers; what is archived, odd, or in the way."""
import csv
import json
import os
import stat
import subprocess

from harness import SATCHEL, World, clean_environment, equal, has, run, test

world = World(territories=["Eastern", "Western"])
rep = world.rep("Nancy", "Eastern")
ODD = 'a "quoted", text\nover two lines\r\nand three \u5ba2\u6237 \U0001f642 =1+1'
account = rep.put("account", "name=" + ODD, "city=", "--territory", "Eastern")
plain = rep.put("account", "name=plain", "tags+=wine", "tags+=a,b")
order = rep.put("order", "account=" + plain)
line = rep.put("order_line", "order=" + order, "qty=3", "unit_price=1000", "discount_bp=500")
gone = rep.put("task", "title=gone", "account=" + plain)
kept = rep.put("task", "title=kept", "account=" + plain)
rep.run("rm", "task", gone)
old_order = rep.put("order", "account=" + plain)
rep.run("rm", "order", old_order)
world.admin.put_lines([{"type": "config_item", "fields": {
    "kind": "field", "name": "account.season", "version": 1, "body": '{"kind":"text","grade":"G1"}',
    "published_at": "2026-01-05T09:00:00Z"}}])
world.admin.sync()
rep.sync()
rep.put_lines([{"type": "account", "id": plain, "fields": {"ext": {"season": "spring"}}}])
TYPES = ["account", "contact", "visit", "order", "order_line", "product", "price_list", "price_row", "task",
         "note", "user", "device", "territory", "disclosure", "config_item", "template", "role_template",
         "reassignment", "account_profile", "account_team", "merge", "contact_role", "interaction",
         "visit_plan", "visit_event", "checklist_run", "amendment", "state_event", "lead", "opportunity",
         "approval", "approval_grant", "order_event", "receivable", "payment", "allocation", "dunning_step",
         "complaint", "consent", "target", "article", "kpi_snapshot", "attachment", "quote", "need",
         "tier_event", "milestone"]


def path(name):
    return os.path.join(world.folder, name)


def ndjson(folder, kind):
    with open(os.path.join(folder, kind + ".ndjson"), encoding="utf-8", newline="") as file:
        text = file.read()
    equal(text == "" or text.endswith("\n"), True)
    return [json.loads(line) for line in text.split("\n")[:-1]]


def table(folder, kind):
    with open(os.path.join(folder, kind + ".csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@test
def every_type_is_a_file_and_the_rows_are_the_tables():
    told = rep.rows("export", path("all"))
    equal(sorted(os.listdir(path("all"))), sorted("%s.%s" % (kind, end) for kind in TYPES for end in ("csv", "ndjson")))
    equal([row["file"] for row in told],
          [os.path.join(path("all"), "%s.%s" % (kind, end)) for kind in TYPES for end in ("ndjson", "csv")])
    for kind in TYPES:
        rows, cells = ndjson(path("all"), kind), table(path("all"), kind)
        here = [{name: value for name, value in row.items() if name != "archived"} for row in rows
                if not row["archived"]]
        if kind != "disclosure":  # the record of this export is none of what it exports
            equal(here, rep.rows("list", kind), kind)
        equal([row["id"] for row in cells], [row["id"] for row in rows], kind)
        for row in told:
            if row["type"] == kind:
                equal((row["records"], row["archived"]), (len(rows), sum(r["archived"] for r in rows)), row)


@test
def what_is_archived_is_there_and_marked():
    rows = {row["id"]: row for row in ndjson(path("all"), "task")}
    equal((rows[gone]["archived"], rows[gone]["title"], rows[gone]["account"]), (True, "gone", plain))
    equal(rows[kept]["archived"], False)
    cells = {row["id"]: row for row in table(path("all"), "task")}
    equal((cells[gone]["archived"], cells[kept]["archived"]), ("true", "false"))
    equal([row["id"] for row in ndjson(path("all"), "order")], [order, old_order])
    equal(rep.rows("query", "select id from archived.task"), [{"id": gone}])


@test
def derived_figures_sets_references_and_odd_texts_come_through():
    rows = {row["id"]: row for row in ndjson(path("all"), "account")}
    cells = {row["id"]: row for row in table(path("all"), "account")}
    equal((rows[account]["name"], cells[account]["name"]), (ODD, ODD))
    equal((rows[plain]["tags"], json.loads(cells[plain]["tags"])), (["a,b", "wine"], ["a,b", "wine"]))
    equal((rows[account]["city"], cells[account]["city"]), (None, ""))
    equal(ndjson(path("all"), "order_line")[0]["amount"], 2850)
    equal(table(path("all"), "order_line")[0]["amount"], "2850")
    equal(table(path("all"), "order_line")[0]["order"], order)
    equal(rows[account]["territory"], "Eastern")


@test
def a_csv_has_a_name_for_each_column_of_the_view():
    for kind in TYPES:
        with open(os.path.join(path("all"), kind + ".csv"), encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        equal({len(row) for row in rows} - {len(header)}, set(), kind)
        for row in rep.rows("query", "select * from \"%s\" limit 1" % kind):
            equal([name for name in header if name != "archived"], list(row), kind)


@test
def the_csv_is_as_the_rfc_says():
    with open(os.path.join(path("all"), "account.csv"), "rb") as file:
        data = file.read()
    lines = data.split(b"\r\n")
    equal(lines[0].split(b",")[:3], [b"id", b"territory", b"archived"])
    equal(lines[-1], b"", "the last line has its end")
    has(data.decode("utf-8"), '"a ""quoted"", text\nover two lines\r\nand three')
    has(data.decode("utf-8"), '"[""a,b"",""wine""]"')
    equal(lines[0].split(b",")[-1], b"ext.season", "a field that the organisation published")
    equal([row["ext.season"] for row in table(path("all"), "account") if row["id"] == plain], ["spring"])
    with open(os.path.join(path("all"), "contact.csv"), "rb") as file:
        empty = file.read()
    equal((empty.count(b"\r\n"), empty.endswith(b"\r\n")), (1, True), "a type without records has its header")


@test
def one_format_alone_can_be_had():
    rep.run("export", "--format", "csv", path("csv"))
    equal({name.rsplit(".", 1)[1] for name in os.listdir(path("csv"))}, {"csv"})
    rep.run("export", "--format", "csv,ndjson", path("both"))
    equal(len(os.listdir(path("both"))), 2 * len(TYPES))
    for wrong in ("xml", "csv,", "", "csv ndjson"):
        equal(rep.error(1, "export", "--format", wrong, path("wrong"))["error"], "usage", wrong)
    equal(os.path.exists(path("wrong")), False)


@test
def the_files_are_for_their_owner_alone():
    os.mkdir(path("given"))
    done = subprocess.run(["sh", "-c", 'umask 0; exec "$@"', "sh", SATCHEL, "export", path("open"), "--home", rep.home,
                           "--passphrase-file", rep.passphrase_file], env=clean_environment(), check=True,
                          stdout=subprocess.PIPE)
    has(done.stdout.decode(), "account.csv")
    equal(stat.S_IMODE(os.stat(path("open")).st_mode), 0o700)
    for name in os.listdir(path("open")):
        equal(stat.S_IMODE(os.stat(os.path.join(path("open"), name)).st_mode), 0o600)
    rep.run("export", path("given"))
    equal(len(os.listdir(path("given"))), 2 * len(TYPES))


@test
def a_place_that_is_taken_is_left_as_it_is():
    error = rep.error(2, "export", path("all"))
    equal(error["error"], "exists")
    with open(path("a-file"), "w", encoding="utf-8") as file:
        file.write("x")
    equal(rep.run("export", path("a-file"), expect=None).code in (2, 7), True)
    equal(open(path("a-file"), encoding="utf-8").read(), "x")
    equal(rep.error(2, "export", path("no/such/place"))["error"], "not_found")
    equal(rep.error(7, "export", "/sys/export")["error"] in ("read_only", "io"), True)


@test
def an_export_that_cannot_be_finished_leaves_nothing():
    for _ in range(3):
        rep.put("note", "text=" + "long " * 12000)
    small = path("small")
    limited = 'trap "" XFSZ; ulimit -f 200; exec "$@"'  # files of 100 KiB at most
    done = subprocess.run(["sh", "-c", limited, "sh", SATCHEL, "export", small, "--json", "--home", rep.home,
                           "--passphrase-file", rep.passphrase_file], env=clean_environment(), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal((done.returncode, done.stdout), (7, b""), done)
    has(done.stderr.decode(), "note.ndjson")
    equal(os.path.exists(small), False)
    rep.run("export", small)


@test
def who_has_no_territory_exports_what_there_is():
    lonely = world.rep("Steven")
    told = lonely.rows("export", path("lonely"))
    equal({row["type"] for row in told if row["records"]}, {"user", "device", "territory", "config_item"})


if __name__ == "__main__":
    run()
