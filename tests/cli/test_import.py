#!/usr/bin/env python3
"""Import: tables and address books become records, as a map says; again they change what is here, and what is bad is
told by file, line, column and rule."""
import json
import os
import time

from harness import ROOT, World, equal, has, lacks, run, test

NORTHWIND = os.path.join(ROOT, "tests", "data", "northwind")
MAPS = os.path.join(ROOT, "client", "maps")

world = World(territories=["Eastern", "Western"])
admin = world.admin
rep = world.rep("Nancy", "Eastern")
both = world.rep("Robert", "Eastern", "Western")
world.server.stop()  # nothing here needs it
counter = 0


def write(name, content):
    """A file in a folder of its own."""
    global counter
    counter += 1
    folder = os.path.join(world.folder, "files-%d" % counter)
    os.mkdir(folder)
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def map_of(fields, name="m", kind="account", key="no", record=None, **part):
    """A map for one file with one record a row."""
    records = [dict({"type": kind, "fields": fields}, **(record or {}))]
    return write("map.json", json.dumps({"map": name, "files": [
        dict({"file": "*", "key": key, "records": records}, **part)]}))


def imported(device, map_file, *files, expect=0, options=()):
    """What is said per file, and the bad rows."""
    result = device.run("import", "--map", map_file, *files, *options, "--json", expect=expect)
    rows = result.rows()
    return [r for r in rows if r["kind"] == "file"], [r for r in rows if r["kind"] == "bad"], rows


def one(device, map_file, *files, **more):
    return imported(device, map_file, *files, **more)[0][0]


def refused(map_file, content, name="t.csv", device=rep, **more):
    """The bad rows of a file that is refused; nothing is stored."""
    before = device.rows("query", "select (select count(*) from account) a, (select count(*) from task) t, "
                                  "(select count(*) from \"order\") o")
    files, bads, _ = imported(device, map_file, write(name, content), expect=2, **more)
    equal(files[0]["state"], "refused")
    equal(device.rows("query", "select (select count(*) from account) a, (select count(*) from task) t, "
                               "(select count(*) from \"order\") o"), before)
    return bads


def counts(summary):
    return tuple(summary[name] for name in ("new", "changed", "unchanged", "archived", "bad"))


def find(kind, where, device=rep):
    return device.rows("list", kind, "--where", where)


@test
def northwind_is_imported_and_again_says_unchanged():
    northwind = os.path.join(MAPS, "northwind.json")
    tables = [os.path.join(NORTHWIND, name + ".csv") for name in ("order-details", "orders", "customers", "products")]
    begun = time.monotonic()
    files, bads, _ = imported(admin, northwind, *tables, options=("--territory", "Eastern"))
    equal(bads, [])
    equal([(os.path.basename(f["file"]), f["rows"], f["new"], f["state"]) for f in files],
          [("products.csv", 77, 155, "stored"), ("customers.csv", 91, 182, "stored"),
           ("orders.csv", 830, 830, "stored"), ("order-details.csv", 2155, 2155, "stored")])
    sum_up = ("select count(*) as n, sum(l.amount) as revenue from order_line l join \"order\" o on o.id = l.\"order\" "
              "join account a on a.id = o.account join product p on p.id = l.product")
    equal(admin.row("query", sum_up), {"n": 2155, "revenue": 126579329})
    blondel = find("account", "name = 'Blondesddsl père et fils'", admin)[0]
    equal((blondel["city"], blondel["territory"]), ("Strasbourg", "Eastern"))
    pending = admin.row("status")["pending"]
    again, _, _ = imported(admin, northwind, *tables, options=("--territory", "Eastern"))
    equal([(f["new"], f["changed"], f["unchanged"]) for f in again],
          [(0, 0, 155), (0, 0, 182), (0, 0, 830), (0, 0, 2155)])
    equal(admin.row("status")["pending"], pending, "an import that changes nothing wrote something")
    equal(time.monotonic() - begun < 60, True)


@test
def a_changed_row_changes_its_record_and_no_other():
    map_file = map_of({"name": "Name", "city": "City", "tags": {"column": "Tags", "split": ";"}}, name="changed")
    first = "no,Name,City,Tags\n1,Alpha,Bonn,a;b\n2,Beta,Köln,\n"
    equal(counts(one(rep, map_file, write("c.csv", first))), (2, 0, 0, 0, 0))
    alpha = find("account", "name = 'Alpha'")[0]
    equal((alpha["city"], sorted(alpha["tags"]), alpha["territory"]), ("Bonn", ["a", "b"], "Eastern"))
    second = first.replace("Bonn", "Trier").replace("a;b", "b;c")
    path = write("c.csv", second)
    _, _, rows = imported(rep, map_file, path, options=("--dry-run",))
    record = [r for r in rows if r["kind"] == "record"]
    equal([(r["what"], r["id"], r["key"], r["line"]) for r in record], [("changed", alpha["id"], ["1"], 2)])
    equal((record[0]["fields"]["city"], record[0]["was"]["city"]), ("Trier", "Bonn"))
    equal(find("account", "name = 'Alpha'")[0]["city"], "Bonn", "a dry run stored something")
    equal(counts(one(rep, map_file, path)), (0, 1, 1, 0, 0))
    alpha = find("account", "name = 'Alpha'")[0]
    equal((alpha["city"], sorted(alpha["tags"])), ("Trier", ["a", "b", "c"]))
    path = write("c.csv", second.replace("Trier", ""))
    equal(counts(one(rep, map_file, path)), (0, 0, 2, 0, 0), "an empty cell says nothing")
    clears = map_of({"name": "Name", "city": {"column": "City", "empty": "clear"},
                     "tags": {"column": "Tags", "split": ";", "exactly": True}}, name="changed")
    equal(counts(one(rep, clears, path)), (0, 1, 1, 0, 0))
    alpha = find("account", "name = 'Alpha'")[0]
    equal((alpha["city"], sorted(alpha["tags"])), (None, ["b", "c"]))


@test
def what_a_person_wrote_stays_where_the_map_says_keep():
    map_file = map_of({"name": "n", "phone": "p"}, name="keep", existing="keep")
    path = write("k.csv", "no,n,p\n1,Keep,111\n")
    equal(counts(one(rep, map_file, path)), (1, 0, 0, 0, 0))
    account = find("account", "name = 'Keep'")[0]["id"]
    rep.run("put", "account", account, "phone=222")
    equal(counts(one(rep, map_file, path)), (0, 0, 1, 0, 0))
    equal(rep.fields("account", account)["phone"], "222")
    rep.run("rm", "account", account)
    equal(counts(one(rep, map_file, path)), (0, 0, 0, 1, 0), "what was archived came back")


@test
def a_bad_row_keeps_the_file_out_and_says_where():
    map_file = map_of({"title": {"column": "Title", "required": True}, "due": {"column": "Due", "date": "DD.MM.YYYY"},
                       "state": {"column": "State", "values": {"offen": "open", "erledigt": "done"}}},
                      kind="task", name="bad")
    content = ("no;Title;Due;State\r\n1;good;31.12.2026;offen\r\n2;\"two\r\nlines\";31.11.2026;offen\r\n"
               "3;;1.1.2026;offen\r\n4;x;2026-01-01;offen\r\n5;x;1.1.2026;halb\r\n6;x\r\n;x;1.1.2026;offen\r\n"
               "1;other;1.1.2026;offen\r\n1;good;31.12.2026;offen\r\n")
    bads = refused(map_file, content)
    equal([(b["line"], b["column"], b["rule"]) for b in bads],
          [(3, None, "invalid"), (5, "Title", "required"), (6, "Due", "date"), (7, "State", "value"),
           (8, None, "columns"), (9, "no", "key"), (10, "no", "repeated")])
    has(bads[0]["message"], "t.csv, line 3: task.due")
    has(bads[3]["message"], "t.csv, line 7, column State: \"halb\"")
    has(bads[4]["message"], "2 columns, where the header has 4")
    has(bads[6]["message"], "line 2")
    path = write("t.csv", content)
    result = rep.run("import", "--map", map_file, path, expect=2)
    has(result.err, "line 7, column State")
    has(result.err, "is not stored")
    files, bads, _ = imported(rep, map_file, path, options=("--skip-bad",))
    equal((files[0]["state"], counts(files[0]), len(bads)), ("stored", (1, 0, 0, 0, 7), 7))
    equal([t["due"] for t in find("task", "title = 'good'")], ["2026-12-31"])


@test
def a_dry_run_finds_what_is_bad_in_every_file():
    map_file = write("map.json", json.dumps({"map": "dry", "files": [
        {"file": "a.csv", "key": "no", "records": [{"type": "account", "fields": {"name": "n"}}]},
        {"file": "v.csv", "key": "no", "records": [{"type": "visit", "fields": {
            "account": {"ref": "account", "key": "a"}, "purpose": "p"}}]}]}))
    a, v = write("a.csv", "no,n\n1,Dry\n,empty\n"), write("v.csv", "no,a,p\n1,1,new\n2,7,nobody\n")
    files, bads, rows = imported(rep, map_file, v, a, expect=2, options=("--dry-run",))
    equal([(b["line"], b["rule"]) for b in bads], [(3, "key"), (3, "reference")])
    equal([r["what"] for r in rows if r["kind"] == "record"][:1], ["new"])
    equal([f["state"] for f in files], ["refused", "refused"])
    files, bads, _ = imported(rep, map_file, v, a, expect=2)
    equal([f["state"] for f in files], ["refused", "not begun"], "files come in the map's order")
    equal(find("account", "name = 'Dry'"), [])
    files, bads, _ = imported(rep, map_file, v, a, options=("--skip-bad",))
    equal([counts(f) for f in files], [(1, 0, 0, 0, 1), (1, 0, 0, 0, 1)])
    has(bads[1]["message"], "there is no account 7")
    account = find("account", "name = 'Dry'")[0]["id"]
    equal([v["account"] for v in find("visit", "purpose = 'new'")], [account])
    result = rep.run("import", "--map", map_file, a, "--dry-run", "--skip-bad")
    has(result.out, "unchanged")
    has(result.err, "nothing is changed")


@test
def a_wrong_column_or_file_is_named_before_anything_is_stored():
    map_file = map_of({"name": "Nmae"}, name="wrong")
    bads = refused(map_file, "no,Name\n1,x\n")
    equal((bads[0]["column"], bads[0]["rule"]), ("Nmae", "header"))
    has(bads[0]["message"], "(no, Name)")
    equal(refused(map_file, "no,name,NMAE,nmae\n1,x,a,b\n")[0]["rule"], "header")
    equal(refused(map_file, "")[0]["rule"], "header")
    equal(refused(map_file, "no,Nmae\n1,\"x\ny\n")[0]["rule"], "quote")
    equal(refused(map_file, "no,Nmae\n1,\"x\"y\n")[0]["line"], 2)
    equal(counts(one(rep, map_file, write("x.csv", "NO,nmae\n"))), (0, 0, 0, 0, 0))
    narrow = map_of({"name": "n"}, file="customers*.csv")
    has(rep.error(2, "import", "--map", narrow, write("other.csv", "no,n\n"))["message"], "customers*.csv")
    has(rep.error(2, "import", "--map", narrow, "/nowhere.csv")["message"], "/nowhere.csv")
    has(rep.error(2, "import", "--map", "/nowhere.json", "x.csv")["message"], "/nowhere.json")
    equal(rep.error(1, "import", "x.csv")["error"], "usage")


@test
def a_wrong_map_is_named_by_its_place():
    path = write("x.csv", "no,n\n1,x\n")
    for content, part in (
            ("{", "not valid JSON"), ("[]", "no object"), ('{"files":[]}', "map: missing"), ('{"map":"x"}', "files"),
            ('{"map":"x","files":[{"file":"*"}]}', "files[0].records"),
            ('{"map":"x","files":[{"file":"*","kye":"no","records":[]}]}', "unknown member \"kye\""),
            ('{"map":"x","files":[{"file":"*","key":"no","records":[{"type":"acount"}]}]}', "files[0].records[0].type"),
            ('{"map":"x","files":[{"file":"*","records":[{"type":"account","fields":{}}]}]}', "key: missing"),
            ('{"map":"x","files":[{"file":"*","key":"no","records":[{"type":"account","fields":{"nmae":"n"}}]}]}',
             "fields.nmae: account has no such field"),
            ('{"map":"x","files":[{"file":"*","key":"no","records":[{"type":"account","fields":{"name":{}}}]}]}',
             "fields.name: takes one of"),
            ('{"map":"x","files":[{"file":"*","key":"no","records":[{"type":"order","fields":{"total":"n"}}]}]}',
             "computed"),
            ('{"map":"x","files":[{"file":"*","key":"no","records":[{"type":"order","fields":{"account":'
             '{"ref":"account","key":"n"}}}]}]}', "no records of this map are \"account\""),
            ('{"map":"x","files":[{"file":"*","key":"no","records":[{"type":"order","fields":{}},'
             '{"type":"order","fields":{}}]}]}', "there are two \"order\"")):
        error = rep.error(2, "import", "--map", write("map.json", content), path)
        equal(error["error"], "invalid")
        has(error["message"], part)


@test
def encodings_and_separators_are_understood():
    def imported_once(content, **part):
        map_file = map_of({"name": "名称"} if "名称" in head else {"name": "n"}, name="enc%d" % counter, **part)
        equal(counts(one(rep, map_file, write("e.csv", content))), (1, 0, 0, 0, 0))

    head = "no,名称\n1,晨光食品\n"
    imported_once(head.encode("gb18030"), encoding="GB18030")
    imported_once(b"\xef\xbb\xbf" + head.replace("晨光", "曙光").encode("utf-8"))
    imported_once(b"\xff\xfe" + head.replace("晨光", "月光").replace(",", "\t").encode("utf-16-le"))
    head = "no|n\r1|Zürich\r"
    imported_once(head.encode("latin-1"), encoding="ISO-8859-1")
    head = "sep=;\r\nno;n\r\n1;\"semi;colon\"\"s\"\"\"\r\n"
    imported_once(head)
    head = "1,no header\n"
    imported_once(head, header=["no", "n"])
    names = [row["name"] for row in rep.rows("list", "account")]
    for name in ("晨光食品", "曙光食品", "月光食品", "Zürich", "semi;colon\"s\"", "no header"):
        equal(names.count(name), 1, name)
    plain = map_of({"name": "n"}, name="enc")
    bads = refused(plain, b"no,n\n1,ok\n2,Z\xfcrich\n")
    equal((bads[0]["line"], bads[0]["rule"]), (3, "encoding"))
    has(bads[0]["message"], "WINDOWS-1252")
    equal(refused(plain, b"no,n\n1,a\x00b\n")[0]["rule"], "encoding")
    has(refused(map_of({"name": "n"}, encoding="KLINGON"), b"no,n\n1,x\n")[0]["message"], "KLINGON")
    equal(refused(map_of({"name": "n"}, encoding="GB18030"), b"no,n\n1,x\n2,\xff\xff\n")[0]["line"], 3)


@test
def numbers_money_dates_and_words_are_read_as_the_map_says():
    fields = {"sku": "sku", "qty": {"column": "qty", "thousands": "."},
              "unit_price": {"column": "price", "decimal": ",", "thousands": ".", "currency": "EUR"},
              "discount_bp": {"column": "disc", "digits": 2, "decimal": ",", "default": 0}}
    map_file = map_of(fields, kind="order_line", name="money", territory="Eastern")
    content = "no;sku;qty;price;disc\n1;a;1.200;1.234.567,5 EUR;12,50\n2;b;-3;EUR 0,07;\n3;c;5;19;7,00\n"
    equal(counts(one(rep, map_file, write("m.csv", content))), (3, 0, 0, 0, 0))
    lines = {r["sku"]: (r["qty"], r["unit_price"], r["discount_bp"]) for r in rep.rows("list", "order_line")}
    equal(lines["a"], (1200, 123456750, 1250))
    equal(lines["b"], (-3, 7, 0))
    equal(lines["c"], (5, 1900, 700))
    for cell, column in (("1;x;1.2;1;1", "qty"), ("1;x;1;1.5;1", "price"), ("1;x;1;1,555;1", "price"),
                         ("1;x;1;5 USD;1", "price"), ("1;x;99999999999999999999;1;1", "qty"), ("1;x;1;1;-", "disc")):
        equal([(b["column"], b["rule"]) for b in refused(map_file, "no;sku;qty;price;disc\n" + cell + "\n")],
              [(column, "number")], cell)
    has(refused(map_file, "no;sku;qty;price;disc\n1;x;1;1;200\n")[0]["message"], "discount_bp")
    yen = map_of({"unit_price": {"column": "price", "currency": "JPY"}}, kind="order_line", name="yen")
    equal(refused(yen, "no,price\n1,10.5\n")[0]["rule"], "number")
    equal(counts(one(rep, yen, write("y.csv", "no,price\n1,JPY 1050\n"))), (1, 0, 0, 0, 0))
    visits = map_of({"purpose": "p", "started_at": {"column": "at", "date": "YYYY年M月D日 hh:mm", "zone": "+08:00"}},
                    kind="visit", name="visits")
    equal(counts(one(rep, visits, write("v.csv", "no,p,at\n1,拜访,2026年5月1日 9:05\n"))), (1, 0, 0, 0, 0))
    equal(find("visit", "purpose = '拜访'")[0]["started_at"], "2026-05-01T09:05:00+08:00")


@test
def the_territory_is_a_constant_a_column_or_a_table():
    content = "no,n,region\n1,T1,East\n2,T2,W\n"
    table = {"column": "region", "values": {"East": "Eastern"}, "else": "Western"}
    split = map_of({"name": "n"}, name="t1", territory=table)
    equal(counts(one(both, split, write("t.csv", content))), (2, 0, 0, 0, 0))
    equal(sorted((r["name"], r["territory"]) for r in find("account", "name in ('T1', 'T2')", both)),
          [("T1", "Eastern"), ("T2", "Western")])
    bads = refused(map_of({"name": "n"}, name="t2"), content, device=both)
    equal([(b["line"], b["rule"]) for b in bads], [(2, "invalid"), (3, "invalid")])
    has(bads[0]["message"], "territory")
    bads = refused(map_of({"name": "n"}, name="t3", territory={"column": "region"}), content, device=both)
    equal([b["rule"] for b in bads], ["not_found", "not_found"])
    equal(refused(map_of({"name": "n"}, name="t4", territory="Western"), content)[0]["line"], 2)
    equal(counts(one(both, map_of({"name": "n"}, name="t5"), write("t.csv", content),
                     options=("--territory", "Western"))), (2, 0, 0, 0, 0))
    later = map_of({"purpose": "n", "account": {"ref": "account", "key": "region"}}, kind="visit", name="t6")
    equal(rep.error(2, "import", "--map", later, write("t.csv", content))["error"], "invalid")


CARDS = """BEGIN:VCARD\r
VERSION:3.0\r
FN:Erika Mustermann\r
N:Mustermann;Erika;;Dr.;\r
ORG:Wik\\, Wak & Co;Einkauf\r
TITLE:Ein\r
 käuferin\r
TEL;TYPE=WORK,VOICE:+49 221 1\r
item1.TEL;TYPE=CELL,PREF:+49 170 2\r
EMAIL;TYPE=INTERNET:erika@example.org\r
ADR;TYPE=WORK:;;Heidestraße 17;Köln;;51147;Germany\r
NOTE:first line\\nsecond\\; line in C:\\\\new\r
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/\r
 2wBDAAMCAgMCAgMDAwMEAwME\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:4.0\r
UID:urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1\r
FN:王小明\r
ORG:Wik\\, Wak & Co\r
TEL;VALUE=uri;PREF=1:tel:+86-138-1234-5678\r
EMAIL:wang@example.cn\r
EMAIL:xm@example.cn\r
ADR:;;Elsewhere 1;Bonn;;;\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg=\r
 (junior)\r
TEL;CELL:0170\r
END:VCARD\r
"""


@test
def an_address_book_becomes_contacts_and_companies():
    path, vcard = write("phone.vcf", CARDS), os.path.join(MAPS, "vcard.json")
    equal(counts(one(rep, vcard, path)), (5, 0, 0, 0, 0))
    company = find("account", "name = 'Wik, Wak & Co'")[0]
    equal((company["address"], company["city"], company["postal_code"]), ("Heidestraße 17", "Köln", "51147"))
    contacts = {c["name"]: c for c in find("contact", "1")}
    erika, wang = contacts["Erika Mustermann"], contacts["王小明"]
    equal((erika["account"], erika["title"], sorted(erika["phones"]), erika["emails"]),
          (company["id"], "Einkäuferin", ["+49 170 2", "+49 221 1"], ["erika@example.org"]))
    equal((wang["account"], wang["phones"], sorted(wang["emails"])),
          (company["id"], ["+86-138-1234-5678"], ["wang@example.cn", "xm@example.cn"]))
    equal([n["text"] for n in find("note", "about = '%s'" % erika["id"])], ["first line\nsecond; line in C:\\new"])
    equal(contacts["Jörg (junior) Müller"]["phones"], ["0170"])
    equal(counts(one(rep, vcard, path)), (0, 0, 5, 0, 0))
    for broken in (CARDS[:-len("END:VCARD\r\n")], CARDS + "N:x\r\n", "BEGIN:VCARD\r\n" + CARDS,
                   CARDS.replace("TITLE:", "TITLE")):
        equal(refused(vcard, broken, name="x.vcf")[0]["rule"], "vcard")


@test
def ten_thousand_rows_take_seconds():
    rows = ["%d,Shop %d,\"Town, %d\",0%d\n" % (i, i, i % 50, i) for i in range(10000)]
    map_file = map_of({"name": "name", "city": "city", "phone": "phone"}, name="many")
    path = write("many.csv", "no,name,city,phone\n" + "".join(rows))
    begun = time.monotonic()
    equal(counts(one(rep, map_file, path)), (10000, 0, 0, 0, 0))
    first = time.monotonic() - begun
    equal(counts(one(rep, map_file, path)), (0, 0, 10000, 0, 0))
    print("      10,000 rows: %.1f s, again %.1f s" % (first, time.monotonic() - begun - first))
    equal(first < 30, True, first)


@test
def ids_are_the_same_on_every_device_and_say_nothing():
    map_file = map_of({"name": "n"}, name="ids", territory="Eastern")
    path = write("i.csv", "no,n\n4711,Same\n")
    for device in (rep, both):
        equal(counts(one(device, map_file, path)), (1, 0, 0, 0, 0))
    ids = [find("account", "name = 'Same'", device)[0]["id"] for device in (rep, both)]
    equal(ids[0], ids[1])
    other = map_of({"name": "n"}, name="ids2", territory="Eastern")
    equal(counts(one(rep, other, path)), (1, 0, 0, 0, 0), "another map is another source")


@test
def what_two_devices_import_is_one_record_and_a_quarrel_is_left_to_people():
    map_file = map_of({"name": "n", "phone": "p"}, name="two", territory="Eastern")
    first = write("p.csv", "no,n,p\n1,Quarrel,111\n")
    for device in (rep, both):
        equal(counts(one(device, map_file, first)), (1, 0, 0, 0, 0))
    world.server.start()
    for device in (rep, both, rep):
        device.sync()
    equal([len(find("account", "name = 'Quarrel'", device)) for device in (rep, both)], [1, 1])
    account = find("account", "name = 'Quarrel'")[0]["id"]
    equal([c for c in rep.rows("conflicts") if c["id"] == account], [], "both say the same")
    rep.run("put", "account", account, "phone=222")
    both.run("put", "account", account, "phone=333")
    for device in (rep, both, rep):
        device.sync()
    equal([len(c["values"]) for c in rep.rows("conflicts") if c["id"] == account], [2])
    equal(counts(one(rep, map_file, write("p.csv", "no,n,p\n1,Quarrel,222\n"))), (0, 0, 1, 0, 0))
    equal(len([c for c in rep.rows("conflicts") if c["id"] == account]), 1, "an import has settled what people have to")
    equal(counts(one(rep, map_file, write("p.csv", "no,n,p\n1,Quarrel,444\n"))), (0, 1, 0, 0, 0))
    equal(rep.fields("account", account)["phone"], "444")
    world.server.stop()


if __name__ == "__main__":
    run()
