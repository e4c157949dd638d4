#!/usr/bin/env python3
"""Plays a field day on the Northwind data with the real programs: reps work without a network, sync through a server
that can read nothing, and an admin sees the merged result. A second act: a rep's morning, a manager's Monday.

    tests/demo/demo.py [--build DIR] [--dir DIR]

--build  where satcheld and satchel are (.build/release)
--dir    where the day's files go: an empty or new directory (a temporary one, which is named and kept)

Exit code 0 if every figure is as it must be. Nothing is left running.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import demo_business  # noqa: E402
import demo_plan  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AT_ONCE = 2
COMMAND_S_MAX = 120
READY_S_MAX = 20
DRAIN_S_MAX = 15
PASSPHRASE = "a bag full of orders"
PROMISED_REVENUE = {"Eastern": 85536870, "Northern": 6069600, "Southern": 27292918, "Western": 7679941}
PROMISED_WAITING = 150
PROMISED_RECORDS = {"account": 91, "order": 830, "order_line": 2155, "visit": 144, "product": 77, "price_list": 1,
                    "price_row": 77}
COUNTS_SQL = ("SELECT (SELECT count(*) FROM account) AS accounts, (SELECT count(*) FROM \"order\") AS orders, "
              "(SELECT count(*) FROM order_line) AS lines, (SELECT count(*) FROM visit) AS visits, "
              "(SELECT count(*) FROM \"order\" o WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = o.account)) "
              "AS waiting")


class DemoError(Exception):
    pass


class Server:
    """satcheld on a loopback port: a free one at the first start, the same one afterwards."""

    def __init__(self, program, folder):
        self.program, self.data = program, os.path.join(folder, "server")
        self.log_path = os.path.join(folder, "server.log")
        self.process, self.url, self.pin, self.port = None, None, None, 0

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--data", self.data, "--listen", "127.0.0.1:%d" % self.port],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        ready = json.loads(self.first_line())
        if ready.get("event") != "ready" or self.pin not in (None, ready["pin"]):
            raise DemoError("the server said %r when it should be ready" % ready)
        self.url, self.pin = ready["url"], ready["pin"]
        self.port = urllib.parse.urlsplit(self.url).port

    def first_line(self):
        line, deadline = b"", time.monotonic() + READY_S_MAX
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            byte = os.read(self.process.stdout.fileno(), 1) if readable else b""
            if not byte:
                raise DemoError("the server did not get ready; its log is %s" % self.log_path)
            line += byte
        return line

    def stop(self):
        """Asks it to drain. Called again, or before the start, it does nothing."""
        process, self.process = self.process, None
        if process is None:
            return None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(DRAIN_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None
        finally:
            process.stdout.close()


class Device:
    """One person's satchel: a home directory, and the command line on it."""

    def __init__(self, day, name, home):
        self.day, self.name, self.home = day, name, home

    def run(self, *arguments, text=None):
        """Runs one command; gives its lines as objects."""
        output = self.execute(["--json", *arguments], text)
        return [json.loads(line) for line in output.splitlines()]

    def show(self, *arguments, until=None):
        """Runs one command as a person would, and prints what it says, up to the line `until`."""
        print("    $ satchel " + " ".join(quote(argument) for argument in arguments))
        for line in self.execute(list(arguments), None).splitlines():
            if line == until:
                print("      …")
                break
            print("      " + line)

    def execute(self, arguments, text):
        command = [self.day.satchel, "--home", self.home, *arguments]
        done = subprocess.run(command, input=text or "", capture_output=True, encoding="utf-8",
                              env=self.day.environment, timeout=COMMAND_S_MAX)
        if done.returncode != 0:
            raise DemoError("%s: satchel %s\nexit code %d: %s" % (
                self.name, " ".join(arguments), done.returncode, done.stderr.strip()))
        return done.stdout


class Day:
    def __init__(self, build, folder):
        self.folder = folder
        self.satchel = os.path.join(build, "satchel")
        self.satcheld = os.path.join(build, "satcheld")
        self.passphrase_path = os.path.join(folder, "passphrase")
        with open(self.passphrase_path, "w", encoding="utf-8") as file:
            file.write(PASSPHRASE + "\n")
        os.chmod(self.passphrase_path, 0o600)
        self.environment = dict(os.environ, SATCHEL_PASSPHRASE_FILE=self.passphrase_path, LC_ALL="C.UTF-8")
        for name in ("SATCHEL_HOME", "SATCHEL_ADMIN_PASSPHRASE_FILE"):
            self.environment.pop(name, None)
        self.plan = demo_plan.make_plan()
        self.server = Server(self.satcheld, folder)
        self.admin = Device(self, "the admin", os.path.join(folder, "admin"))
        self.reps = [Device(self, rep.name, os.path.join(folder, "rep-%d" % rep.number)) for rep in self.plan.reps]
        self.began = time.monotonic()
        self.right = self.wrong = 0

    def step(self, text):
        print("\n[%4.1f s] %s" % (time.monotonic() - self.began, text), flush=True)

    def expect(self, what, got, wanted):
        if got == wanted:
            self.right += 1
            return
        self.wrong += 1
        print("    WRONG: %s is %r and should be %r" % (what, got, wanted), flush=True)

    def each_rep(self, work):
        """Does `work` for every rep, two at a time; gives the results in the reps' order."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(work, range(len(self.reps))))


def say(text):
    print("    " + text, flush=True)


def quote(argument):
    return argument if argument and all(c.isalnum() or c in "-_./:=+" for c in argument) else "'%s'" % argument


def print_table(rows):
    """The first row is the heading; the first column goes left, numbers go right."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        say("  " + "  ".join(cells))


# ---- the day, in order ----

def open_the_office(day):
    day.step("The server starts, with a certificate and an identity of its own; the admin creates the org.")
    day.server.start()
    say("satcheld listens on %s" % day.server.url)
    token = subprocess.run([day.satcheld, "token", "--data", day.server.data], stdin=subprocess.DEVNULL,
                           capture_output=True, encoding="utf-8", timeout=COMMAND_S_MAX, check=True).stdout.strip()
    day.admin.run("org", "create", "--server", day.server.url, "--pin", day.server.pin, "--token", token,
                  "--name", "Northwind Traders", "--user", "Office", "--recovery-kit",
                  os.path.join(day.folder, "recovery-kit"))


def publish(day):
    plan = day.plan
    day.step("The admin adds %d territories and %d reps, and publishes %d products and a price list to all." % (
        len(plan.territories), len(plan.reps), len(plan.products)))
    for territory in plan.territories:
        day.admin.run("territory", "add", territory)
    for rep in plan.reps:
        day.admin.run("user", "add", rep.name, "--role", "rep")
        day.admin.run("territory", "grant", rep.territory, rep.name)
    day.admin.run("put", "--stdin", "--territory", "org", text=demo_plan.ndjson(demo_plan.catalogue(plan)))
    day.admin.run("sync")
    for territory in plan.territories:
        say("%-9s %s" % (territory, ", ".join(rep.name for rep in plan.reps if rep.territory == territory)))


def join(day):
    day.step("Each rep gets an invite and joins with a phone, which fetches the catalogue.")
    codes = [day.admin.run("invite", rep.name)[0]["code"] for rep in day.plan.reps]

    def one(i):
        day.reps[i].run("join", codes[i], "--device-name", day.reps[i].name.split()[0] + "'s phone")
        return day.reps[i].run("query", "SELECT count(*) AS n FROM product")[0]["n"]

    day.expect("products on each phone", day.each_rep(one), [len(day.plan.products)] * len(day.reps))


def work_offline(day):
    day.server.stop()
    day.step("The server is stopped. Without a network each rep records accounts, orders, their lines, and visits.")

    def one(i):
        items = demo_plan.items_of(day.plan, day.plan.reps[i].number)
        ids = [line["id"] for line in day.reps[i].run("put", "--stdin", text=demo_plan.ndjson(items))]
        if ids != [item.id for item in items]:
            raise DemoError("%s: put did not give the ids back in order" % day.reps[i].name)
        return day.reps[i].run("query", COUNTS_SQL)[0]

    counts = day.each_rep(one)
    names = ("accounts", "orders", "lines", "visits", "waiting")
    print_table([("", *names)] + [(device.name, *(row[name] for name in names))
                                  for device, row in zip(day.reps, counts)])
    for rep, row in zip(day.plan.reps, counts):
        day.expect("orders that wait at " + rep.name, row["waiting"],
                   len(demo_plan.waiting_orders(day.plan, rep.number)))
    total = sum(row["waiting"] for row in counts)
    day.expect("orders that wait", total, PROMISED_WAITING)
    say("%d of the %d orders refer to an account that a colleague has recorded and that is not here yet:" % (
        total, sum(row["orders"] for row in counts)))
    order = demo_plan.waiting_orders(day.plan)[0]
    (recorder,) = [i for i, rep in enumerate(day.plan.reps) if rep.number == order.by]
    day.reps[recorder].show("get", "order", order.id)


def sync_everyone(day):
    """Twice, because who syncs early does not see what comes late."""
    first = day.each_rep(lambda i: day.reps[i].run("sync")[-1])
    second = day.each_rep(lambda i: day.reps[i].run("sync")[-1])
    admin = day.admin.run("sync")[-1]
    say("sent %d, received %d; in sync, compared by digest: %d of %d devices" % (
        sum(result["sent"] for result in first), sum(result["received"] for result in first + second + [admin]),
        sum(result["in_sync"] for result in second + [admin]), len(second) + 1))
    day.expect("devices in sync", [result["in_sync"] for result in second + [admin]], [True] * (len(second) + 1))
    day.expect("refused changes", sum(result["refused"] for result in first + second + [admin]), 0)


def sync_the_work(day):
    day.step("The server starts again, and all sync.")
    day.server.start()
    sync_everyone(day)
    waiting = sum(day.each_rep(lambda i: day.reps[i].run("query", COUNTS_SQL)[0]["waiting"]))
    say("orders that still wait for their account: %d" % waiting)
    day.expect("orders that still wait", waiting, 0)


def edit_the_same_account(day):
    day.server.stop()
    blonp = demo_plan.record_id("account", demo_plan.BLONP)
    day.step("The server is stopped again. Two reps mend the same account, neither knowing of the other.")
    say("noted so far: " + ", ".join("%s %s" % pair for pair in demo_plan.BLONP_FIRST_NOTED.items()))
    for rep, device in zip(day.plan.reps, day.reps):
        if rep.number in demo_plan.BLONP_EDITS:
            edits = demo_plan.BLONP_EDITS[rep.number]
            device.run("put", "account", blonp, *("%s=%s" % pair for pair in edits.items()))
            say("%-17s %s" % (rep.name, ", ".join("%s: %s" % pair for pair in edits.items())))
    day.step("The server starts, all sync, the admin syncs.")
    day.server.start()
    sync_everyone(day)
    day.server.stop()


def show_records(day):
    day.step("From here on the server is stopped. What the admin's own, decrypted replica says:")
    count = "SELECT '%s' AS type, count(*) AS n FROM \"%s\""
    rows = day.admin.run("query", " UNION ALL ".join(count % (name, name) for name in PROMISED_RECORDS))
    counts = {row["type"]: row["n"] for row in rows}
    print_table([("records per type", "")] + [(name, "{:,}".format(n)) for name, n in counts.items()])
    day.expect("records per type", counts, PROMISED_RECORDS)


def show_revenue(day):
    rows = day.admin.run("query", "SELECT territory, count(*) AS orders, sum(total) AS revenue FROM \"order\" "
                                  "GROUP BY territory ORDER BY territory")
    found = {row["territory"]: row["revenue"] for row in rows}
    orders, total = sum(row["orders"] for row in rows), sum(found.values())
    print()
    print_table([("revenue", "orders", "USD")] +
                [(row["territory"], row["orders"], demo_plan.money(row["revenue"])) for row in rows] +
                [("total", orders, demo_plan.money(total))])
    day.expect("revenue per territory", found, PROMISED_REVENUE)
    day.expect("orders", orders, PROMISED_RECORDS["order"])
    lines = day.admin.run("query", "SELECT count(*) AS n, sum(amount) AS amount FROM order_line")[0]
    day.expect("the lines' sum", (lines["n"], lines["amount"]), (PROMISED_RECORDS["order_line"], total))


def show_conflict(day):
    blonp = demo_plan.record_id("account", demo_plan.BLONP)
    fields = day.admin.run("get", "account", blonp)[0]["fields"]
    print()
    say("%s: city %s, country %s: two people's edits of different fields are both there." % (
        fields["name"], fields["city"], fields["country"]))
    day.expect("BLONP's city and country", (fields["city"], fields["country"]), ("Strasbourg", "France"))
    conflicts = day.admin.run("conflicts")
    day.expect("conflicts", [(c["type"], c["id"], c["field"]) for c in conflicts], [("account", blonp, "phone")])
    for conflict in conflicts:
        say("The same field is a conflict; no value is lost. %s:" % conflict["field"])
        for value in conflict["values"]:
            say("  %-16s by %s%s" % (value["value"], value["by"], ", shown" if value["shown"] else ""))
        day.expect("the values in conflict", sorted(value["value"] for value in conflict["values"]),
                   sorted(edit["phone"] for edit in demo_plan.BLONP_EDITS.values()))
        day.expect("values shown", [value["shown"] for value in conflict["values"]].count(True), 1)


# ---- the second act: a rep's morning, and a manager's Monday ----

def agree(day):
    day.step("Second act, May 1998. The office says whose each account is, which are high, and what each rep agreed to "
             "sell by June.")
    names = {row["name"]: row["id"] for row in day.admin.run("list", "user")}
    day.people = {rep.number: names[rep.name] for rep in day.plan.reps}
    day.admin.run("put", "--stdin", text=demo_plan.ndjson(demo_business.office(day.plan, day.people)))
    day.server.start()
    day.admin.run("sync")
    day.each_rep(lambda i: day.reps[i].run("sync"))
    day.server.stop()


def sell_offline(day):
    day.step("Without a network again: leads of April, what came of them, the week's visits, what is owed and paid.")

    def one(i):
        items = demo_business.items_of(day.plan, day.people, day.plan.reps[i].number)
        day.reps[i].run("put", "--stdin", text=demo_plan.ndjson(items))
        return collections.Counter(item.type for item in items)

    counts = sum(day.each_rep(one), collections.Counter())
    print_table([("recorded", "")] + sorted(counts.items()))


def a_reps_morning(day):
    rep, device = day.plan.reps[0], day.reps[0]
    today = demo_business.TODAY.isoformat()
    day.step("%s's morning, without a network: the day, and a lead that becomes business." % rep.name)
    device.show("today", "--date", today)
    lead = next(item for item in demo_business.pipeline(day.plan, day.people) if item.type == "lead")
    device.show("lead", "score", lead.fields["company"], "budget=yes", "authority=partial", "need=yes")
    device.show("lead", "convert", lead.fields["company"], "name=A first order of cheese", "amount=450000",
                "currency=USD", "opened_on=" + today)
    device.show("opportunity", "move", "A first order of cheese", "needs")
    stage = device.run("query", "SELECT stage FROM opportunity WHERE name = 'A first order of cheese'")[0]["stage"]
    day.expect("the new opportunity's stage", stage, "needs")


def a_managers_monday(day):
    day.step("The server starts, all sync, it stops. A manager's Monday: five reports, from the office's own replica.")
    day.server.start()
    sync_everyone(day)
    day.server.stop()
    report_funnel(day)
    report_targets(day)
    report_tiers(day)
    report_receivables(day)
    report_visits(day)


def report(day, name, until, *words):
    """Shows a report's beginning; gives its parts."""
    print()
    day.admin.show("report", name, *words, until=until)
    return day.admin.run("report", name, *words)[0]["parts"]


def report_funnel(day):
    parts = report(day, "funnel", "summary", "--period", demo_business.QUARTER)
    wanted = demo_business.funnel_figures(day.plan)
    wanted[1:3] = [n + 1 for n in wanted[1:3]]  # the lead of the morning
    day.expect("the funnel", [row["cohort"] for row in parts["steps"]], wanted)


def report_targets(day):
    rows = report(day, "targets", "sums", "--period", demo_business.QUARTER)["targets"]
    day.expect("agreed and reached", {row["owner"]: (row["target_minor"], row["actual_minor"]) for row in rows},
               demo_business.target_figures(day.plan))


def report_tiers(day):
    rows = report(day, "tiers", "accounts", "--period", demo_business.TODAY.isoformat())["tiers"]
    found = collections.defaultdict(lambda: (0, 0))
    for row in rows:  # an account without orders has no currency, and a row of its own
        n, other = found[row["tier"]]
        found[row["tier"]] = n + row["accounts"], other + row["published_otherwise"]
    wanted = demo_business.tier_figures(day.plan)
    n, other = wanted["low"]
    wanted["low"] = n + 1, other  # the account of the morning
    day.expect("accounts by tier, and how many moved", dict(found), wanted)


def report_receivables(day):
    rows = report(day, "receivables", "receivables", "--period", demo_business.TODAY.isoformat())["ageing"]
    day.expect("what is owed by age", {row["age"]: row["outstanding_minor"] for row in rows},
               demo_business.ageing_figures(day.plan))


def report_visits(day):
    parts = report(day, "visits", None, "--period", "1998-05")
    planned, done, skipped, accounts = demo_business.visit_figures(day.plan)
    row = parts["plans"][0]
    day.expect("plans", (row["planned"], row["done"], row["skipped"]), (planned, done, skipped))
    day.expect("accounts visited", sum(row["visited"] for row in parts["coverage"]), accounts)


# ---- what the server holds ----

def server_files(day):
    for folder, _, names in os.walk(day.server.data):
        for name in sorted(names):
            yield os.path.join(folder, name)


def show_blindness(day):
    contents = {}
    for path in server_files(day):
        with open(path, "rb") as file:
            contents[path] = file.read().lower()
    names = demo_plan.company_names()
    found = [name for name in names if any(spelt in content for content in contents.values()
                                           for spelt in (name.encode().lower(), name.lower().encode()))]
    known = uuid.UUID(demo_plan.record_id("account", demo_plan.BLONP)).bytes.lower()
    control = sum(content.count(known) for content in contents.values())
    print()
    say("What the server holds: %d file(s), %s bytes together." % (
        len(contents), "{:,}".format(sum(map(len, contents.values())))))
    say("All %d company names searched for in them: %d found." % (len(names), len(found)))
    say("(The search works: BLONP's record id, a number that the server must know, is found: %d.)" % control)
    day.expect("company names on the server", found, [])
    day.expect("company names searched for", len(names), 91)
    day.expect("BLONP's id is on the server", control > 0, True)
    show_raw_row(day)


def show_raw_row(day):
    """One row as it is: what the server knows of BLONP. A copy is opened, to leave the original as it is."""
    copy = os.path.join(day.folder, "copy-of-the-server")
    shutil.copytree(day.server.data, copy)
    try:
        for folder, _, names in os.walk(copy):
            for name in sorted(names):
                row = raw_row(os.path.join(folder, name))
                if row:
                    say("One row of the table \"change\" in %s, BLONP's:" % name)
                    for column, value in row:
                        say("  %-8s %s" % (column, value))
                    return
        day.expect("a raw row", None, "found")
    finally:
        shutil.rmtree(copy)


def raw_row(path):
    with open(path, "rb") as file:
        if not file.read(16).startswith(b"SQLite format 3"):
            return None
    database = sqlite3.connect(path)
    try:
        record = uuid.UUID(demo_plan.record_id("account", demo_plan.BLONP)).bytes
        cursor = database.execute("SELECT record, device, counter, header, body FROM change WHERE record = ? "
                                  "ORDER BY cid LIMIT 1", (record,))
        row = cursor.fetchone()
        return row and [(column[0], shorten(value)) for column, value in zip(cursor.description, row)]
    except sqlite3.DatabaseError:
        return None
    finally:
        database.close()


def shorten(value):
    if not isinstance(value, bytes):
        return value
    return value.hex() if len(value) <= 40 else "%s… (%d bytes)" % (value[:40].hex(), len(value))


def tell_how_to_go_on(day):
    blonp = demo_plan.record_id("account", demo_plan.BLONP)
    day.step("The day is over; nothing is left running. To go on exploring what it left in %s:" % day.folder)
    build = os.path.dirname(os.path.relpath(day.satchel, os.getcwd()))
    for line in (
            "export PATH=%s:$PATH" % os.path.abspath(build),
            "export SATCHEL_HOME=%s SATCHEL_PASSPHRASE_FILE=%s" % (day.admin.home, day.passphrase_path),
            "satchel list account --where \"country = 'France'\"",
            "satchel query 'SELECT name, count(*) AS orders, sum(total) AS cents FROM \"order\" JOIN account"
            " ON account.id = account GROUP BY account ORDER BY cents DESC LIMIT 10'",
            "satchel report targets --period 1998-Q2 --by territory",
            "satchel conflicts",
            "satchel history account %s" % blonp,
            "satchel resolve account %s phone --pick 1" % blonp,
            "satcheld --data %s --listen 127.0.0.1:%d &" % (day.server.data, day.server.port),
            "satchel sync; satchel status; kill %1"):
        say("  " + line)


def play(day):
    open_the_office(day)
    publish(day)
    join(day)
    work_offline(day)
    sync_the_work(day)
    edit_the_same_account(day)
    show_records(day)
    show_revenue(day)
    show_conflict(day)
    agree(day)
    sell_offline(day)
    a_reps_morning(day)
    a_managers_monday(day)
    show_blindness(day)
    tell_how_to_go_on(day)
    print("\n%d of %d figures are as they must be, after %.1f s." % (
        day.right, day.right + day.wrong, time.monotonic() - day.began), flush=True)


def interrupted(number, frame):
    raise DemoError("ended by signal %d" % number)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--dir")
    chosen = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    folder = os.path.abspath(chosen.dir) if chosen.dir else tempfile.mkdtemp(prefix="satchel-demo-")
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        sys.exit("demo: %s is not empty" % folder)
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    day = Day(os.path.abspath(chosen.build), folder)
    print("A field day on the Northwind data, played in %s" % folder, flush=True)
    try:
        play(day)
    except (DemoError, OSError, KeyError, IndexError, ValueError, subprocess.SubprocessError) as error:
        print("\nThe demo failed: %s: %s" % (type(error).__name__, error), file=sys.stderr)
        print("Everything is kept in %s; the server's log is %s" % (folder, day.server.log_path), file=sys.stderr)
        return 1
    finally:
        day.server.stop()
    return 1 if day.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
