#!/usr/bin/env python3
"""The five reports, with the domain's own figures: each number is that of an acceptance example there."""
import csv
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import termios
import unicodedata

from harness import SATCHEL, World, clean_environment, equal, has, lacks, new_id, run, test

world = World(territories=["Eastern", "Southern", "Western"])
nancy = world.rep("Nancy", "Eastern", "Southern")
steven = world.rep("Steven", "Eastern", "Southern")
loner = world.rep("Margaret", "Western")
nancy.sync()
people = {row["name"]: row["id"] for row in nancy.rows("list", "user")}


def put(lines, territory="Eastern"):
    return [row["id"] for row in nancy.put_lines(lines, "--territory", territory)]


def record(what, key=None, **fields):
    line = {"type": what, "fields": fields}
    if key:
        line["id"] = key
    return line


def report(name, *args, device=nancy):
    return device.row("report", name, *args)


def steps(key, *states, day="2026-05-04", person="Nancy"):
    """One state after the other, each by a step of its own."""
    lines, last = [], None
    for state in states:
        own = new_id()
        fields = dict(about=key, to_state=state, at="%sT10:00:00+08:00" % day, person=people[person])
        if last:
            fields["after"] = [last]
        lines.append(record("state_event", own, **fields))
        last = own
    return lines


REPORTS = ["funnel", "receivables", "targets", "tiers", "visits"]
STAGES = ["qualified", "needs", "proposal", "negotiation", "contract", "delivery"]


@test
def without_records_every_report_says_nothing():
    reports = [row["report"] for row in nancy.rows("report", "--list")]
    equal(sorted(reports), REPORTS)
    for name in reports:
        found = report(name, "--period", "2026-Q2")
        equal(found["as_of"], None)
        equal([n for n in found["basis"]["counted"] if n["n"]], [])
        equal(found["basis"]["not_counted"], [])
        nancy.run("report", name)
        nancy.run("report", name, "--csv")


@test
def m16_3_funnel_with_its_bottleneck():
    lines, begun = [], "2026-04-%02d"
    for n, came in enumerate([120, 16, 32, 12, 8, 3, 9]):
        for i in range(came):
            lead, deal = new_id(), new_id()
            fields = dict(captured_on=begun % (i % 30 + 1), owner=people["Nancy"], channel="exhibition")
            lines.append(record("lead", lead, company="a lead", state="converted" if n else "new", **fields))
            if n:
                lines.append(record("opportunity", deal, lead=lead, name="a deal", stage=STAGES[n - 1]))
    put(lines)
    found = report("funnel", "--period", "2026-Q2")
    equal([row["cohort"] for row in found["parts"]["steps"]], [200, 80, 64, 32, 20, 12, 9])
    equal([row["conversion_bp"] for row in found["parts"]["steps"]], [None, 4000, 8000, 5000, 6250, 6000, 7500])
    summary = found["parts"]["summary"][0]
    equal((summary["bottleneck"], summary["bottleneck_bp"], summary["signed_bp"]), ("qualified", 4000, 600))
    equal(summary["signed_of_qualified_bp"], 1500, "M16-1: 12 of 80")
    equal(found["basis"]["counted"], [{"what": "leads and opportunities", "n": 200}])


@test
def a_flow_is_what_came_that_far_in_the_period_whenever_it_began():
    keys = [new_id() for _ in range(3)]
    put([record("opportunity", key, name="old", opened_on="2025-01-10", owner=people["Steven"]) for key in keys])
    for key, far, day in zip(keys, (2, 4, 4), ("2025-02-01", "2025-02-01", "2025-06-01")):
        put(steps(key, *STAGES[:far], day=day))
    rows = report("funnel", "--period", "2025-02")["parts"]["steps"]
    equal([row["cohort"] for row in rows], [0] * 7)
    equal([row["flow"] for row in rows], [0, 2, 2, 1, 1, 0, 0])
    rows = report("funnel", "--period", "2025", "--by", "owner")["parts"]["steps"]
    equal([row["cohort"] for row in rows if row["of"] == "Steven"], [3, 3, 3, 2, 2, 0, 0])


@test
def m05_1_what_is_disputed_counts_nowhere():
    deal = put([record("opportunity", name="both ways", amount=500000, currency="CNY", opened_on="2024-05-01")],
               "Southern")[0]
    put(steps(deal, "qualified", "needs", "proposal", day="2024-05-02"), "Southern")
    last = nancy.rows("query", "select id from state_event where about = '%s' and to_state = 'proposal'" % deal)
    before = report("funnel", "--period", "2024", "--territory", "Southern")
    equal(before["parts"]["pipeline"], [{"stage": "proposal", "currency": "CNY", "n": 1, "amount_minor": 500000,
                                         "probability_bp": 4000, "weighted_minor": 200000}])
    equal(before["parts"]["forecast"], [{"currency": "CNY", "n": 1, "amount_minor": 500000, "weighted_minor": 200000,
                                         "disputed": 0}])
    put([record("state_event", about=deal, to_state=state, after=[last[0]["id"]], at="2024-05-03T10:00:00Z")
         for state in ("negotiation", "lost")], "Southern")
    found = report("funnel", "--period", "2024", "--territory", "Southern")
    equal(found["parts"]["pipeline"], [])
    equal(found["parts"]["forecast"], [{"currency": "CNY", "n": 0, "amount_minor": 0, "weighted_minor": 0,
                                        "disputed": 1}])
    equal([row["cohort"] for row in found["parts"]["steps"]], [])
    equal(found["basis"]["not_counted"], [{"what": "leads and opportunities", "n": 1,
                                           "why": "disputed: their states stand side by side"}])
    nancy.sync()
    steven.sync()
    nancy.run("put", "opportunity", new_id(), "stage=proposal", "opened_on=2023-05-01", "--territory", "Southern")


def owed(due, amount, *paid, currency="CNY", territory="Southern"):
    """What is owed, by an account of its own, and what was paid of it: (amount, day)."""
    account, key = put([record("account", name="owes since %s" % due),
                        record("receivable", amount=amount, currency=currency, due=due)], territory)
    nancy.run("put", "receivable", key, "account=" + account)
    for part, day in paid:
        payment = put([record("payment", account=account, amount=part, currency=currency, received_on=day)],
                      territory)[0]
        put([record("allocation", payment=payment, receivable=key, amount=part)], territory)
    return account, key


@test
def m11_1_what_was_paid_is_no_longer_owed():
    account, key = owed("2026-06-30", 30000000, (10000000, "2026-06-01"), (15000000, "2026-06-20"))
    row = report("receivables", "--period", "2026-06-30")["parts"]["receivables"][0]
    equal((row["outstanding_minor"], row["days_overdue"], row["id"]), (5000000, 0, key))
    found = report("receivables", "--period", "2026-07-01")
    equal([row["days_overdue"] for row in found["parts"]["receivables"]], [1])
    equal([(row["age"], row["n"], row["outstanding_minor"]) for row in found["parts"]["ageing"] if row["n"]],
          [("1 to 30 days", 1, 5000000)])
    equal(report("receivables", "--period", "2026-06-10")["parts"]["receivables"][0]["outstanding_minor"], 20000000)


@test
def m11_2_a_payment_that_two_recorded_counts_once():
    account, key = owed("2025-06-30", 30000000)
    for channel in ("cash", "bank"):
        payment = put([record("payment", account=account, amount=15000000, currency="CNY", received_on="2025-06-02",
                              bank_ref="8891", channel=channel)], "Southern")[0]
        put([record("allocation", payment=payment, receivable=key, amount=15000000)], "Southern")
    found = report("receivables", "--period", "2025-07-01")
    equal([row["outstanding_minor"] for row in found["parts"]["receivables"] if row["id"] == key], [15000000])
    has(json.dumps(found["basis"]["not_counted"]), "recorded twice")


@test
def m11_3_levels_one_to_five_by_the_eighth_of_july_and_six_on_the_fifteenth():
    account, key = owed("2026-06-30", 123456)

    def level(day):
        rows = report("receivables", "--period", day)["parts"]["receivables"]
        return [(row["level_due"], row["next_on"]) for row in rows if row["id"] == key]

    equal(level("2026-06-22"), [(None, "2026-06-23")])
    equal(level("2026-06-23"), [(1, "2026-06-27")])
    equal(level("2026-06-30"), [(3, "2026-07-01")])
    equal(level("2026-07-08"), [(5, "2026-07-15")])
    equal(level("2026-07-15"), [(6, "2026-07-30")])
    payment = put([record("payment", account=account, amount=123456, currency="CNY", received_on="2026-07-06")],
                  "Southern")[0]
    put([record("allocation", payment=payment, receivable=key, amount=123456)], "Southern")
    equal(level("2026-07-08"), [], "paid on the sixth: nothing fires after it")
    equal(level("2026-07-05"), [(4, "2026-07-07")], "what was due before it stays as it was")


@test
def what_does_not_fit_is_said_and_is_no_figure():
    most = 2 ** 63 - 1
    _, fits = owed("2013-06-30", most, (most - 5, "2013-06-01"))
    _, beyond = owed("2013-06-30", most, (-1, "2013-06-01"))
    _, least = owed("2013-06-30", 0, (-most - 1, "2013-06-01"))
    found = report("receivables", "--period", "2013-07-01")
    rows = {row["id"]: row["outstanding_minor"] for row in found["parts"]["receivables"]}
    equal([rows.get(key) for key in (fits, beyond, least)], [5, None, None])
    equal([row["n"] for row in found["basis"]["not_counted"] if row["why"] == "what is outstanding does not fit"], [2])


@test
def currencies_are_never_added():
    owed("2024-01-31", 5000, currency="JPY")
    owed("2024-01-31", 700, currency="EUR")
    rows = report("receivables", "--period", "2024-02-01")["parts"]["ageing"]
    equal({(row["currency"], row["outstanding_minor"]) for row in rows if row["age"] == "1 to 30 days" and row["n"]},
          {("JPY", 5000), ("EUR", 700)})
    out = nancy.run("report", "receivables", "--period", "2024-02-01").out
    has(out, "7.00")
    has(out, " 5000\n")


def sale(account, amount, day, territory="Southern", **more):
    """An order of one line; a negative amount is a return."""
    fields = dict(dict(account=account, ordered_on=day, currency="CNY", state="received"), **more)
    key = put([record("order", **fields)], territory)[0]
    lines = [record("order_line", order=key, sku="milk", qty=-1 if amount < 0 else 1, unit_price=abs(amount))]
    put(lines, territory)
    return key


@test
def m15_5_a_target_is_told_against_each_of_its_versions():
    account = put([record("account", name="buys in 2022")], "Southern")[0]
    sale(account, 81000000, "2022-08-01")
    sale(account, 5000, "2022-08-02", state="cancelled")
    sale(account, 7000, "2021-12-31")
    put([record("target", metric="revenue CNY", period_from="2022-01-01", period_to="2022-12-31",
                values={"v1": 100000000, "v2": 90000000})], "Southern")
    found = report("targets", "--period", "2022")
    equal([(row["version"], row["actual_minor"], row["reached_bp"]) for row in found["parts"]["targets"]],
          [("v1", 81000000, 8100), ("v2", 81000000, 9000)])
    equal(found["basis"]["not_counted"], [{"what": "orders", "n": 1, "why": "cancelled"}])
    sale(account, 300, "2022-09-01", currency="EUR")
    equal(report("targets", "--period", "2022")["parts"]["targets"][0]["reached_bp"], 8100, "another currency is apart")
    put([record("target", metric="revenue", period_from="2022-01-01", period_to="2022-12-31", values={"1": 5})],
        "Southern")
    has(json.dumps(report("targets", "--period", "2022")["basis"]), "they name no currency, and there are several")


@test
def m15_2_the_parts_of_a_target_sum_to_it_to_the_cent():
    whole, off = put([record("target", metric="revenue CNY", period_from="2021-01-01", period_to="2021-12-31",
                             values={"1": amount}) for amount in (100000000, 1200000000)])
    parts = [14285715] * 2 + [14285714] * 5
    put([record("target", metric="revenue CNY", period_from="2021-01-01", period_to="2021-12-31", values={"1": amount},
                parent=whole) for amount in parts])
    thirds = [record("target", metric="revenue CNY", period_from="2021-01-01", period_to="2021-12-31",
                     values={"1": amount}, parent=off) for amount in (600000000, 360000000, 239999999)]
    has(nancy.error(2, "put", "--stdin", stdin="".join(json.dumps(part) + "\n" for part in thirds))["message"],
        "its 3 parts make 1199999999, not 1200000000")
    nancy.run("rm", "target", off)
    put(thirds)
    nancy.run("restore", "target", off)
    rows = {row["id"]: row for row in report("targets", "--period", "2021")["parts"]["sums"]}
    equal((rows[whole]["parts"], rows[whole]["sum_of_parts"], rows[whole]["check_of_parts"]), (7, 100000000, "sums"))
    equal((rows[off]["sum_of_parts"], rows[off]["check_of_parts"]), (1199999999, "does not sum"))


@test
def m02_2_a_tier_follows_from_twelve_months():
    account = put([record("account", name="buys milk", tier="high")], "Eastern")[0]

    def tier(day):
        rows = report("tiers", "--period", day)["parts"]["accounts"]
        return [(row["amount_minor"], row["tier"]) for row in rows if row["id"] == account]

    sale(account, 499999999, "2025-03-02", "Eastern")
    equal(tier("2025-04-01"), [(499999999, "mid")])
    sale(account, 1, "2025-04-02", "Eastern")
    equal(tier("2025-04-02"), [(500000000, "high")])
    sale(account, -1, "2025-04-03", "Eastern")
    equal(tier("2025-04-03"), [(499999999, "mid")])
    equal(tier("2026-03-01"), [(499999999, "mid")])
    equal(tier("2026-03-02"), [(0, "low")], "twelve months, and no day more")
    put([record("tier_event", account=account, tier=name, on_date=day, amount=500000000)
         for name, day in (("high", "2025-04-02"), ("mid", "2025-04-03"))])
    found = report("tiers", "--period", "2025-04-03")
    equal([(row["on_date"], row["tier"]) for row in found["parts"]["history"]],
          [("2025-04-02", "high"), ("2025-04-03", "mid")])
    equal([row["published_otherwise"] for row in found["parts"]["tiers"] if row["tier"] == "mid"], [1])


def visits(account, days, person="Nancy", territory="Southern", **more):
    return put([record("visit", account=account, local_date=day, person=people[person],
                       **dict(dict(state="submitted"), **more)) for day in days], territory)


@test
def m06_1_plans_done_skipped_and_moved():
    account = put([record("account", name="is visited")], "Southern")[0]
    states = ["done"] * 6 + ["skipped", "moved"]
    plans = put([record("visit_plan", account=account, person=people["Nancy"], on_date="2020-05-%02d" % (i + 1),
                        state=state) for i, state in enumerate(states)], "Southern")
    for plan in plans[:6]:
        visits(account, ["2020-05-09"], plan=plan)
    visits(account, ["2020-05-10", "2020-05-11"])
    rows = report("visits", "--period", "2020-05", "--by", "owner")["parts"]["plans"]
    equal(rows, [{"of": "Nancy", "planned": 8, "done": 6, "skipped": 1, "moved": 1, "completion_bp": 7500,
                  "unplanned": 2, "visits": 8}])


@test
def m16_6_what_is_not_counted_is_itemised_and_the_centre_counts_the_same():
    account = put([record("account", name="handed over", owner=people["Steven"])], "Southern")[0]
    visits(account, ["2019-04-%02d" % (i % 30 + 1) for i in range(108)])
    visits(account, ["2019-05-%02d" % (i % 30 + 1) for i in range(40)])
    world.admin.sync()
    world.admin.run("put", "reassignment", "accounts=" + account, "from_user=" + people["Nancy"],
                    "to_user=" + people["Steven"], "effective_at=2019-05-01T00:00:00+08:00", "--territory", "org")
    world.admin.sync()
    nancy.sync()
    world.admin.sync()
    here, centre = (report("visits", "--period", "2019", device=device)["basis"] for device in (nancy, world.admin))
    equal(here["counted"][0], {"what": "visits", "n": 108})
    equal(here["not_counted"], [{"what": "visits", "n": 40, "why": "account moved 2019-05-01"}])
    equal((centre["counted"], centre["not_counted"]), (here["counted"], here["not_counted"]))
    has(nancy.run("report", "visits", "--period", "2019").out, "not counted: 40 visits: account moved 2019-05-01")


@test
def m02_14_how_many_of_the_small_accounts_were_contacted():
    accounts = put([record("account", name="small", tier="low", owner=people["Steven"]) for _ in range(60)])
    put([record("interaction", account=account, kind="call", at="2018-02-03T10:00:00+08:00")
         for account in accounts[:21]])
    visits(accounts[20], ["2018-03-01"], territory="Eastern")
    visits(accounts[59], ["2018-03-02"], territory="Eastern", state="draft")
    put([record("interaction", account=account, kind="wechat", at="2018-03-03T10:00:00+08:00")
         for account in accounts[21:41]])
    rows = report("visits", "--period", "2018-Q1", "--territory", "Eastern")["parts"]["coverage"]
    equal([(row["accounts"], row["visited"], row["contacted"], row["contacted_bp"]) for row in rows
           if row["tier"] == "low"], [(60, 1, 41, 6833)])


@test
def what_was_merged_counts_for_the_account_that_stays():
    stays, gone = put([record("account", name=name, tier="mid") for name in ("stays", "gone")], "Southern")
    nancy.run("put", "account", gone, "merged_into=" + stays, "--territory", "Southern")
    visits(gone, ["2016-05-01"])
    sale(gone, 250, "2016-05-01")
    sale(stays, 100, "2016-05-02")
    rows = report("visits", "--period", "2016", "--territory", "Southern")["parts"]["coverage"]
    equal([(row["accounts"], row["visited"]) for row in rows if row["tier"] == "mid"], [(1, 1)])
    rows = report("tiers", "--period", "2016-06-01")["parts"]["accounts"]
    equal([(row["id"], row["amount_minor"]) for row in rows if row["id"] in (stays, gone)], [(stays, 350)])


@test
def another_device_gives_the_same_bytes():
    nancy.sync()
    steven.sync()
    for name in REPORTS:
        for args in (["--period", "2026"], ["--period", "2019", "--by", "owner"], ["--territory", "Eastern"]):
            args = args if "--period" in args else args + ["--period", "2026-06-30"]
            equal(nancy.run("report", name, *args, "--json").out, steven.run("report", name, *args, "--json").out)
            equal(nancy.run("report", name, *args).out, steven.run("report", name, *args).out)
    found = report("visits", "--period", "2026")
    equal([row["territory"] for row in found["basis"]["territories"]], ["Eastern", "Southern"])
    equal(found["basis"]["not_here"], ["Western"])
    equal(found["as_of"], max(row["as_of"] for row in found["basis"]["territories"]))
    equal(found["basis"]["not_synced"], 0)


@test
def own_work_that_others_do_not_have_is_said():
    nancy.run("put", "note", "text=not sent", "--territory", "Eastern")
    equal(report("visits")["basis"]["not_synced"], 1)
    equal(report("visits", "--territory", "Southern")["basis"]["not_synced"], 0)
    has(nancy.run("report", "visits").out, "not synced yet: 1 own changes")


@test
def a_territory_has_its_own_figures_and_who_lacks_it_has_none():
    whole = report("visits", "--period", "2020-05")["basis"]["counted"][0]["n"]
    parts = [report("visits", "--period", "2020-05", "--territory", name)["basis"]["counted"][0]["n"]
             for name in ("Eastern", "Southern")]
    equal((whole, parts), (8, [0, 8]))
    found = report("visits", "--period", "2020-05", device=loner)
    equal((found["basis"]["counted"][0]["n"], found["basis"]["not_here"]), (0, ["Eastern", "Southern"]))
    rows = report("visits", "--period", "2020-05", "--by", "territory")["parts"]["plans"]
    equal([(row["of"], row["visits"]) for row in rows], [("Southern", 8)])


@test
def a_wrong_name_period_or_way_is_a_usage_error_that_names_the_right_ones():
    has(nancy.error(1, "report", "sales")["message"], "there are funnel, receivables, targets, tiers, visits")
    equal(nancy.error(1, "report", "given")["error"], "usage")
    for period in ("", "2026-13", "May", "next month", "2026-Q5", "2026-02-30", "2026'; --"):
        error = nancy.error(1, "report", "funnel", "--period", period)
        equal(error["error"], "usage")
        has(error["message"], "write 2026, 2026-Q2, 2026-05, 2026-05-01, today, or this or last before month")
    has(nancy.error(1, "report", "receivables", "--by", "channel")["message"], "by one of: territory owner account")
    equal(nancy.error(2, "report", "funnel", "--territory", "Nowhere")["error"], "not_found")
    equal(nancy.error(1, "report", "funnel", "--territory", "people")["error"], "usage")
    has(nancy.error(1, "report")["message"], "--list")
    nancy.error(1, "report", "funnel", "--csv")
    nancy.error(1, "report", "funnel", "--list")
    nancy.error(1, "report", "funnel", "tiers")
    for period in ("today", "this month", "last month", "this quarter", "last quarter", "this year", "last year"):
        nancy.run("report", "funnel", "--period", period)


@test
def a_quote_in_a_territory_is_no_sql():
    world.admin.run("territory", "add", "O'Hara\"; --")
    world.admin.run("put", "account", "name=quoted", "tier=high", "--territory", "O'Hara\"; --")
    found = report("visits", "--territory", "O'Hara\"; --", device=world.admin)
    equal([row["accounts"] for row in found["parts"]["coverage"]], [1])


@test
def csv_is_the_first_table():
    rows = report("funnel", "--period", "2026-Q2")["parts"]["steps"]
    text = nancy.run("report", "funnel", "--period", "2026-Q2", "--csv").out
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    equal(read, [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows])
    equal(text.count("\r\n"), 8)


def on_terminal(columns, *args, **env):
    """What a terminal of so many columns shows."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([SATCHEL, *args, "--home", nancy.home, "--passphrase-file", nancy.passphrase_file],
                          stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE, env=clean_environment(**env)):
        os.close(slave)
        seen = b""
        while True:
            try:
                data = os.read(master, 4096)
            except OSError:  # the other end is gone
                break
            if not data:
                break
            seen += data
    os.close(master)
    return seen.decode("utf-8").replace("\r\n", "\n")


def columns_of(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@test
def a_table_fits_the_terminal_and_wide_characters_count_twice():
    account, key = owed("2017-01-31", 9900)
    nancy.run("put", "account", account, "name=上海晨光食品有限公司浦东新区第一营业部", "--territory", "Southern")
    whole = nancy.run("report", "receivables", "--period", "2017-02-01").out
    has(whole, "上海晨光食品有限公司浦东新区第一营业部")
    line = [line for line in whole.splitlines() if "上海" in line][0]
    header = [line for line in whole.splitlines() if "days overdue" in line][0]
    where = header.index("due")
    equal(columns_of(line[:line.index("2017-01-31")]), where)
    for columns in (60, 80, 120):
        narrow = on_terminal(columns, "report", "receivables", "--period", "2017-02-01")
        shown = [line for line in narrow.splitlines() if "2017-01-31" in line][0]
        has(shown, "…")
        has(shown, " 99.00")
        has(narrow, "(no room for: ")
        table = narrow.split("\nreceivables\n")[1].split("\n\n")[0].splitlines()
        equal([columns_of(line) for line in table if columns_of(line) > columns], [], narrow)


@test
def on_a_terminal_csv_commands_it_as_little_as_a_table():
    account, _ = owed("2017-06-30", 100)
    nancy.put_lines([record("account", account, name="Blondel\x1b[2J\u202e\r\nfils")], "--territory", "Southern")
    command = ("report", "receivables", "--period", "2017-07-01", "--by", "account", "--csv")
    read = csv.DictReader(io.StringIO(nancy.run(*command).out, newline=""))
    has([row["of"] for row in read], "Blondel\x1b[2J\u202e\r\nfils")
    shown = on_terminal(80, *command)
    has(shown, "Blondel<U+001B>[2J<U+202E><U+000D><U+000A>fils,")
    equal([c for c in shown if c in "\x1b\u202e"], [])


@test
def bars_are_blocks_or_plain_signs():
    out = nancy.run("report", "funnel", "--period", "2026-Q2").out
    has(out, "lead         " + "█" * 30 + " 200")
    has(out, "delivery     █▎ 9")
    plain = nancy.run("report", "funnel", "--period", "2026-Q2", env=clean_environment(LC_ALL="C")).out
    has(plain, "lead         " + "#" * 30 + " 200")
    equal(plain.isascii(), True)
    has(nancy.run("report", "receivables", "--period", "2026-07-01").out, "CNY 1 to 30 days")


@test
def m05_1_the_pipeline_is_weighed_by_the_stages_probabilities():
    """M16-5: 500 000 × 20 % + 300 000 × 40 % + 200 000 × 60 % + 100 000 × 80 % = 420 000 of 1 100 000."""
    world.admin.run("territory", "add", "Forecast")
    world.admin.run("territory", "grant", "Forecast", "Nancy")
    nancy.sync()
    deals = put([record("opportunity", name="deal", stage=stage, amount=amount, currency="CNY", opened_on="2022-05-01")
                 for stage, amount in (("needs", 50000000), ("proposal", 30000000), ("negotiation", 20000000),
                                       ("contract", 10000000), ("won", 99), ("lost", 98), ("paused", 97))], "Forecast")

    def forecast(device=nancy):
        return report("funnel", "--period", "2022", "--territory", "Forecast", device=device)["parts"]

    equal([(row["stage"], row["probability_bp"], row["weighted_minor"]) for row in forecast()["pipeline"]],
          [("needs", 2000, 10000000), ("proposal", 4000, 12000000), ("negotiation", 6000, 12000000),
           ("contract", 8000, 8000000)])
    equal(forecast()["forecast"], [{"currency": "CNY", "n": 4, "amount_minor": 110000000, "weighted_minor": 42000000,
                                    "disputed": 0}])
    nancy.run("put", "opportunity", deals[0], "probability_bp=9000")  # counts until a manager says otherwise
    equal(forecast()["forecast"][0]["weighted_minor"], 77000000)
    nancy.sync()
    world.admin.sync()
    world.admin.run("put", "opportunity", deals[0], "probability_bp=5001")
    world.admin.put("config_item", "kind=policy", "name=stage_probability", "version=1",
                    'body={"contract":7500,"proposal":"much","negotiation":10001}',
                    "published_at=2026-05-01T08:00:00Z", "--territory", "org")
    nancy.run("put", "opportunity", deals[0], "probability_bp=8000")  # beside it, and later
    for device in (world.admin, nancy, world.admin):
        device.sync()
    for device in (world.admin, nancy):
        told = forecast(device)
        equal([(row["stage"], row["probability_bp"], row["weighted_minor"]) for row in told["pipeline"]],
              [("needs", 2000, 25005000), ("proposal", 4000, 12000000), ("negotiation", 6000, 12000000),
               ("contract", 7500, 7500000)])
        equal(told["forecast"][0]["weighted_minor"], 56505000)
    put([record("opportunity", name="odd", stage="lead", amount=amount, currency="EUR")
         for amount in (9, 10, 30, -30, 9223372036854775807)], "Forecast")
    row, = [row for row in forecast()["pipeline"] if row["currency"] == "EUR"]
    equal((row["amount_minor"], row["weighted_minor"]), (None, 0 + 1 + 2 - 1 + 461168601842738790))


@test
def m01_2_an_account_in_two_axes():
    """What two territories share lives in one that both are granted; to what it belongs is said by the account."""
    for name in ("East", "Dairy", "South", "East and Dairy"):
        world.admin.run("territory", "add", name)
    nodes = {row["name"]: row["id"] for row in world.admin.rows("list", "territory")}
    for name, axis in (("Dairy", "product"), ("East and Dairy", "mixed"), ("East", "region")):
        world.admin.run("put", "territory", nodes[name], "axis=" + axis)
    china = world.admin.put("territory", "name=China", "axis=region")
    world.admin.run("put", "territory", nodes["East"], "parent=" + china)
    first, second, third = (world.rep(name, own, *more) for name, own, *more in (
        ("R1", "East", "East and Dairy"), ("R2", "Dairy", "East and Dairy"), ("R3", "South")))
    shared = world.admin.put_lines([record("account", name="A", territories=[nodes["East"], nodes["Dairy"]])],
                                   "--territory", "East and Dairy")[0]["id"]
    world.admin.put("account", "name=only in the east", "--territory", "East")
    for device in (world.admin, first, second, third):
        device.sync()
    for device in (first, second):
        equal(device.fields("account", shared)["name"], "A")
    equal(third.rows("list", "account"), [])
    third.error(2, "get", "account", shared)
    for device, has_key in ((first, True), (second, True), (third, False)):
        equal("East and Dairy" in [row["name"] for row in device.row("status")["spaces"]], has_key)
    used_by = world.admin.run("territory", "list").out
    equal([line.count("R3") for line in used_by.splitlines() if "East and Dairy" in line], [0])
    where = "id IN (SELECT account FROM placed WHERE name = '%s')"
    for name, found in (("Dairy", ["A"]), ("East", ["A", "only in the east"]), ("China", ["A", "only in the east"]),
                        ("South", [])):
        equal(sorted(row["name"] for row in first.rows("list", "account", "--where", where % name)), found, name)
    equal([(row["axis"], row["name"], row["own"]) for row in second.rows(
        "query", "SELECT axis, name, own FROM placed WHERE account = '%s' ORDER BY axis, name" % shared)],
        [("mixed", "East and Dairy", 1), ("product", "Dairy", 1), ("region", "China", 0), ("region", "East", 1)])
    for axis, rows in (("product", [("-", 1), ("Dairy", 1)]), ("region", [("East", 2)])):
        told = report("visits", "--by", axis, device=first)["parts"]["coverage"]
        equal([(row["of"], row["accounts"]) for row in told], rows, axis)
        told = report("tiers", "--by", axis, device=first)["parts"]["tiers"]
        equal([(row["of"], row["accounts"]) for row in told], rows, axis)
    lacks(report("visits", device=first)["basis"]["not_here"], "China")  # of which others are parts


@test
def an_account_or_a_receivable_that_lies_in_two_territories_counts_once():
    account, key = new_id(), new_id()
    both = [record("account", account, name="copied"),
            record("receivable", key, account=account, amount=700, currency="CNY", due="2015-01-31")]
    put(both, "Southern")
    sale(account, 900, "2015-02-01")
    visits(account, ["2015-02-02"])

    def figures():
        day, year = ["--period", "2015-03-01"], ["--period", "2015"]
        tiers = [row["amount_minor"] for row in report("tiers", *day)["parts"]["accounts"] if row["id"] == account]
        rows = report("receivables", *day)["parts"]["receivables"]
        owed = [row["outstanding_minor"] for row in rows if row["id"] == key]
        counted = [report(name, *year)["basis"]["counted"][0]["n"] for name in ("visits", "tiers")]
        part = report("tiers", *day, "--territory", "Southern")["parts"]["accounts"]
        return tiers, owed, counted, [row["amount_minor"] for row in part if row["id"] == account]

    before = figures()
    equal(before, ([900], [700], [1, 1], [900]))
    steven.put_lines(both, "--territory", "Eastern")  # who has not heard of the others, or claims so
    steven.sync()
    nancy.sync()
    equal(figures(), before)



if __name__ == "__main__":
    run()
