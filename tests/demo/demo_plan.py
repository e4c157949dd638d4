"""The field day that the demo plays, worked out from the Northwind tables. Pure functions: files in, plain values out.

A customer belongs to the territory of the employee with most of its orders (ties: the lower number; none: employee 1)
and is recorded by that employee. Its orders go to the same territory, entered by the order's own rep where that rep has
the territory, else by the customer's rep. Orders of the last 60 days also get a visit. Ids derive from the data's keys,
so that an order can refer to an account that a colleague is recording at the same time without a network.
"""
import collections
import csv
import datetime
import decimal
import json
import os
import uuid

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "northwind")
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/microsoft/sql-server-samples/northwind")
VISIT_DAYS = 60
EMPLOYEE_WITHOUT_ORDERS = 1

# BLONP is first noted from memory. Two reps mend it, each on the road and without a network: one the city, the other
# the country, and both the telephone number, differently.
BLONP = "BLONP"
BLONP_FIRST_NOTED = {"city": "Strassburg", "country": "Frankreich"}
BLONP_EDITS = {
    2: {"city": "Strasbourg", "phone": "88.60.15.34"},
    4: {"country": "France", "phone": "+33 388 601 531"},
}

Rep = collections.namedtuple("Rep", "number name territory")
Plan = collections.namedtuple("Plan", "territories reps accounts orders lines visits products price_list price_rows")
# `by` is the number of the rep who records it; `fields` are a record's as the command line takes them.
Item = collections.namedtuple("Item", "type id territory by fields")


def read_table(name, folder=DATA):
    with open(os.path.join(folder, name + ".csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    for row in rows:
        if len(row) != len(rows[0]):
            raise ValueError("%s.csv: %r has %d columns instead of %d" % (name, row[0], len(row), len(rows[0])))
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def record_id(*key):
    """The same for everybody, from the data's keys: record_id("order", "10248")."""
    return str(uuid.uuid5(NAMESPACE, "/".join(key)))


def minor_units(text):
    return int(decimal.Decimal(text) * 100)


def basis_points(text):
    return int(decimal.Decimal(text) * 10000)


def line_amount(qty, unit_price, discount_bp):
    """price × quantity × (1 − discount) in minor units, half up."""
    return (2 * qty * unit_price * (10000 - discount_bp) + 10000) // 20000


def date_of(text):
    return datetime.date.fromisoformat(text[:10])


def plan_reps(folder):
    """The employees, each in the region of his or her territories: there must be exactly one."""
    regions = {row["regionID"]: row["regionDescription"] for row in read_table("regions", folder)}
    region_of = {row["territoryID"]: regions[row["regionID"]] for row in read_table("territories", folder)}
    found = collections.defaultdict(set)
    for row in read_table("employee-territories", folder):
        found[int(row["employeeID"])].add(region_of[row["territoryID"]])
    reps = []
    for row in read_table("employees", folder):
        number = int(row["employeeID"])
        (territory,) = found[number]
        reps.append(Rep(number, "%s %s" % (row["firstName"], row["lastName"]), territory))
    return list(regions.values()), reps


def rep_of_each_customer(customers, orders):
    counts = collections.defaultdict(collections.Counter)
    for order in orders:
        counts[order["customerID"]][int(order["employeeID"])] += 1
    reps = {}
    for customer in customers:
        key = customer["customerID"]
        ranked = sorted(counts[key], key=lambda employee: (-counts[key][employee], employee))
        reps[key] = ranked[0] if ranked else EMPLOYEE_WITHOUT_ORDERS
    return reps


def without_empty(fields):
    return {name: value for name, value in fields.items() if value not in ("", None)}


def plan_account(row, territory, by):
    fields = without_empty({
        "name": row["companyName"], "address": row["address"], "city": row["city"], "country": row["country"],
        "postal_code": row["postalCode"], "phone": row["phone"],
    })
    if row["customerID"] == BLONP:
        fields.update(BLONP_FIRST_NOTED)
    return Item("account", record_id("account", row["customerID"]), territory, by, fields)


def plan_order(row, territory, by):
    return Item("order", record_id("order", row["orderID"]), territory, by, {
        "account": record_id("account", row["customerID"]), "no_local": row["orderID"],
        "ordered_on": date_of(row["orderDate"]).isoformat(), "currency": "USD",
        "state": "shipping" if row["shippedDate"] else "received",
    })


def plan_line(row, territory, by):
    fields = {
        "order": record_id("order", row["orderID"]), "product": record_id("product", row["productID"]),
        "sku": sku(row["productID"]), "qty": int(row["quantity"]), "unit_price": minor_units(row["unitPrice"]),
        "discount_bp": basis_points(row["discount"]),
    }
    if fields["discount_bp"] == 0:
        del fields["discount_bp"]
    return Item("order_line", record_id("order_line", row["orderID"], row["productID"]), territory, by, fields)


def plan_visit(row, territory, by):
    day = date_of(row["orderDate"]).isoformat()
    return Item("visit", record_id("visit", row["orderID"]), territory, by, {
        "account": record_id("account", row["customerID"]), "started_at": day + "T10:00:00Z",
        "finished_at": day + "T10:45:00Z", "purpose": "order", "note": "took order " + row["orderID"],
        "state": "submitted",
    })


def sku(product):
    return "NW-%02d" % int(product)


def plan_catalogue(folder):
    lines = {row["categoryID"]: row["categoryName"] for row in read_table("categories", folder)}
    price_list = Item("price_list", record_id("price_list", "1998"), "org", None,
                      {"name": "Northwind 1998", "currency": "USD", "valid_from": "1998-01-01"})
    products, price_rows = [], []
    for row in read_table("products", folder):
        key = row["productID"]
        products.append(Item("product", record_id("product", key), "org", None, {
            "sku": sku(key), "name": row["productName"], "line": lines[row["categoryID"]],
            "uom": row["quantityPerUnit"], "discontinued": row["discontinued"] == "1",
        }))
        price_rows.append(Item("price_row", record_id("price_row", key), "org", None, {
            "price_list": price_list.id, "product": record_id("product", key),
            "unit_price": minor_units(row["unitPrice"]), "min_qty": 1,
        }))
    return products, price_list, price_rows


def make_plan(folder=DATA):
    territories, reps = plan_reps(folder)
    region = {rep.number: rep.territory for rep in reps}
    customers, orders = read_table("customers", folder), read_table("orders", folder)
    customer_rep = rep_of_each_customer(customers, orders)
    last_day = max(date_of(order["orderDate"]) for order in orders)
    accounts = [plan_account(row, region[customer_rep[row["customerID"]]], customer_rep[row["customerID"]])
                for row in customers]
    planned, visits, where = [], [], {}
    for row in orders:
        owner, own = customer_rep[row["customerID"]], int(row["employeeID"])
        territory = region[owner]
        by = own if region[own] == territory else owner
        where[row["orderID"]] = (territory, by)
        planned.append(plan_order(row, territory, by))
        if last_day - date_of(row["orderDate"]) <= datetime.timedelta(days=VISIT_DAYS):
            visits.append(plan_visit(row, territory, by))
    lines = [plan_line(row, *where[row["orderID"]]) for row in read_table("order-details", folder)]
    return Plan(territories, reps, accounts, planned, lines, visits, *plan_catalogue(folder))


def waiting_orders(plan, by=None):
    """The orders whose account a colleague records, for all reps or for one."""
    recorder = {account.id: account.by for account in plan.accounts}
    return [order for order in plan.orders if recorder[order.fields["account"]] != order.by and by in (None, order.by)]


def revenue(plan):
    """Minor units per territory."""
    total = collections.Counter()
    for line in plan.lines:
        fields = line.fields
        total[line.territory] += line_amount(fields["qty"], fields["unit_price"], fields.get("discount_bp", 0))
    return dict(total)


def items_of(plan, by):
    everything = plan.accounts + plan.orders + plan.lines + plan.visits
    return [item for item in everything if item.by == by]


def catalogue(plan):
    return plan.products + [plan.price_list] + plan.price_rows


def ndjson(items):
    """What `satchel put --stdin` reads."""
    return "".join(json.dumps({"type": item.type, "id": item.id, "territory": item.territory, "fields": item.fields},
                              ensure_ascii=False) + "\n" for item in items)


def company_names(folder=DATA):
    return [row["companyName"] for row in read_table("customers", folder)]


def money(minor):
    return "{:,}.{:02d}".format(minor // 100, minor % 100)
