#!/usr/bin/env python3
"""The plan of the demo has the numbers that the project promises."""
import datetime
import json
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import demo_plan  # noqa: E402

PLAN = demo_plan.make_plan()


def the_tables_are_strict_csv_and_complete():
    rows = {"customers": 91, "orders": 830, "order-details": 2155, "products": 77, "employees": 9, "suppliers": 29}
    assert {name: len(demo_plan.read_table(name)) for name in rows} == rows
    for name in sorted(os.listdir(demo_plan.DATA)):
        if name.endswith(".csv"):
            values = [value for row in demo_plan.read_table(name[:-4]) for value in row.values()]
            assert "NULL" not in values, name


def addresses_with_commas_are_whole_again():
    addresses = [row["address"] for row in demo_plan.read_table("customers")]
    assert sum("," in address for address in addresses) == 24
    assert sum("," in row["shipAddress"] for row in demo_plan.read_table("orders")) == 176
    assert sum("," in row["address"] for row in demo_plan.read_table("suppliers")) == 9
    assert "24, place Kléber" in addresses


def nine_reps_lie_in_exactly_one_of_four_territories_each():
    assert PLAN.territories == ["Eastern", "Western", "Northern", "Southern"]
    by_territory = {name: [rep.number for rep in PLAN.reps if rep.territory == name] for name in PLAN.territories}
    assert by_territory == {"Eastern": [1, 2, 4, 5], "Western": [6, 7], "Northern": [8, 9], "Southern": [3]}


def customers_without_orders_go_to_employee_1():
    recorder = {account.id: account.by for account in PLAN.accounts}
    assert [recorder[demo_plan.record_id("account", key)] for key in ("FISSA", "PARIS")] == [1, 1]


def the_counts_are_those_promised():
    assert len(PLAN.accounts) == 91 and len(PLAN.orders) == 830 and len(PLAN.lines) == 2155
    assert len(PLAN.products) == 77 and len(PLAN.price_rows) == 77


def visits_belong_to_the_orders_of_the_last_60_days():
    assert len(PLAN.visits) == 144
    days = [datetime.date.fromisoformat(visit.fields["started_at"][:10]) for visit in PLAN.visits]
    assert min(days) >= datetime.date(1998, 3, 7) and max(days) == datetime.date(1998, 5, 6)


def orders_150_wait_for_an_account_of_a_colleague():
    assert len(demo_plan.waiting_orders(PLAN)) == 150
    assert sum(len(demo_plan.waiting_orders(PLAN, rep.number)) for rep in PLAN.reps) == 150


def everything_is_recorded_by_a_rep_of_its_territory():
    region = {rep.number: rep.territory for rep in PLAN.reps}
    parts = [demo_plan.items_of(PLAN, rep.number) for rep in PLAN.reps]
    assert all(region[item.by] == item.territory for part in parts for item in part)
    assert sum(map(len, parts)) == 91 + 830 + 2155 + 144


def an_order_its_lines_and_its_account_share_a_territory():
    territory = {item.id: item.territory for item in PLAN.accounts + PLAN.orders}
    assert all(territory[order.fields["account"]] == order.territory for order in PLAN.orders)
    assert all(territory[line.fields["order"]] == line.territory for line in PLAN.lines)


def references_point_at_records_of_the_right_type():
    ids = {kind: {item.id for item in items} for kind, items in
           (("account", PLAN.accounts), ("order", PLAN.orders), ("product", PLAN.products))}
    for item in PLAN.orders + PLAN.lines + PLAN.visits + PLAN.price_rows:
        for kind, known in ids.items():
            assert kind not in item.fields or item.fields[kind] in known


def ids_are_uuids_and_each_is_used_once():
    items = PLAN.accounts + PLAN.orders + PLAN.lines + PLAN.visits + demo_plan.catalogue(PLAN)
    assert len({item.id for item in items}) == len(items)
    assert all(str(uuid.UUID(item.id)) == item.id for item in items)
    assert demo_plan.record_id("order", "10248") == demo_plan.record_id("order", "10248")


def revenue_is_that_promised_to_the_cent():
    found = {territory: demo_plan.money(minor) for territory, minor in demo_plan.revenue(PLAN).items()}
    assert found == {"Eastern": "855,368.70", "Western": "76,799.41", "Northern": "60,696.00",
                     "Southern": "272,929.18"}, found
    assert demo_plan.money(sum(demo_plan.revenue(PLAN).values())) == "1,265,793.29"


def amounts_are_rounded_half_up():
    assert demo_plan.line_amount(1, 1, 5000) == 1
    assert demo_plan.line_amount(1, 1, 5001) == 0
    assert demo_plan.line_amount(3, 999, 500) == 2847
    assert demo_plan.line_amount(7, 1000, 0) == 7000


def blonp_is_mended_by_two_reps_of_its_territory():
    (account,) = [item for item in PLAN.accounts if item.id == demo_plan.record_id("account", demo_plan.BLONP)]
    region = {rep.number: rep.territory for rep in PLAN.reps}
    assert {region[number] for number in demo_plan.BLONP_EDITS} == {account.territory}
    first, second = demo_plan.BLONP_EDITS.values()
    assert set(first) & set(second) == {"phone"} and first["phone"] != second["phone"]
    mended = dict(account.fields, **dict(first, **second))
    assert (mended["city"], mended["country"]) == ("Strasbourg", "France")
    assert (account.fields["city"], account.fields["country"]) != (mended["city"], mended["country"])


def ndjson_is_one_object_a_line_and_says_its_territory():
    lines = demo_plan.ndjson(demo_plan.items_of(PLAN, 9)).splitlines()
    objects = [json.loads(line) for line in lines]
    assert len(objects) == len(demo_plan.items_of(PLAN, 9)) > 0
    assert {entry["territory"] for entry in objects} == {"Northern"}
    catalogue = demo_plan.ndjson(demo_plan.catalogue(PLAN)).splitlines()
    assert {json.loads(line)["territory"] for line in catalogue} == {"org"}


TESTS = [value for value in list(globals().values())
         if callable(value) and getattr(value, "__module__", "") == "__main__"]

if __name__ == "__main__":
    passed = failed = 0
    for test in TESTS:
        try:
            test()
            passed += 1
        except Exception as error:  # a wrong table may show itself anyhow
            failed += 1
            print("%s: %s %s" % (test.__name__, type(error).__name__, error))
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)
