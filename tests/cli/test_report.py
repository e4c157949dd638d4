#!/usr/bin/env python3
"""The five reports, with the domain's own figures: each number is that of an acceptance example there."""
import csv
import io
import json
import os
import pty
import subprocess

from harness import SATCHEL, World, clean_environment, equal, has, lacks, new_id, run, test

world = World(territories=["Eastern", "Southern", "Western"])
nancy = world.rep("Nancy", "Eastern", "Southern")
steven = world.rep("Steven", "Eastern", "Southern")
loner = world.rep("Margaret", "Western")
nancy.sync()
people = {row["name"]: row["id"] for row in nancy.rows("list", "user")}


def put(lines, territory="Eastern"):
    return [row["id"] for row in nancy.put_lines(lines, "--territory", territory)]


def record(kind, key=None, **fields):
    line = {"type": kind, "fields": fields}
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


STAGES = ["qualified", "needs", "proposal", "negotiation", "contract", "delivery"]


@test
def without_records_every_report_says_nothing():
    reports = [row["report"] for row in nancy.rows("report", "--list")]
    equal(len(reports) >= 1, True)
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
    equal(before["parts"]["pipeline"], [{"stage": "proposal", "currency": "CNY", "n": 1, "amount_minor": 500000}])
    put([record("state_event", about=deal, to_state=state, after=[last[0]["id"]], at="2024-05-03T10:00:00Z")
         for state in ("negotiation", "lost")], "Southern")
    found = report("funnel", "--period", "2024", "--territory", "Southern")
    equal(found["parts"]["pipeline"], [])
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
def currencies_are_never_added():
    owed("2024-01-31", 5000, currency="JPY")
    owed("2024-01-31", 700, currency="EUR")
    rows = report("receivables", "--period", "2024-02-01")["parts"]["ageing"]
    equal({(row["currency"], row["outstanding_minor"]) for row in rows if row["age"] == "1 to 30 days" and row["n"]},
          {("JPY", 5000), ("EUR", 700)})
    out = nancy.run("report", "receivables", "--period", "2024-02-01").out
    has(out, "7.00")
    has(out, " 5000\n")


if __name__ == "__main__":
    run()
