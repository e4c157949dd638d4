#!/usr/bin/env python3
"""Makes the samples on which the dictionary is trained: northwind.ndjson from the public Northwind data in
tests/data/northwind, synthetic.ndjson and prose.ndjson from a seeded generator, English and Chinese. One record a line,
as `satchel put` takes it, ids left out.

    make_samples.py
"""
import csv
import datetime
import json
import pathlib
import random
import re
import uuid

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20260501
SYNTHETIC = 2600
PROSE = 500
NUMBERS = [2, 3, 5, 6, 8, 10, 12, 15, 20, 24, 30, 40, 50, 60, 80, 100, 120, 200, 500]
PERCENTAGES = [2, 3, 5, 8, 10, 12, 15, 20]
MAIL = ["example.com", "example.cn", "mail.example.org", "163.example.com"]
SIZES = ["250 ml", "500 g", "1 kg", "12 x 330 ml"]
PRODUCT_LINES = ["Beverages", "Condiments", "Confections", "Dairy Products", "Seafood", "乳品", "饮料", "零食"]


def read_lists():
    lines = (HERE / "lists.txt").read_text(encoding="utf-8").splitlines()
    return {name: items.split("|") for name, items in (line.split(": ", 1) for line in lines if line[0] != "#")}



def read_phrases():
    phrases = {}
    for line in (HERE / "phrases.txt").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"(en|zh) (\w+): (.+)", line):
            phrases.setdefault(found.group(1, 2), []).append(found.group(3))
    return phrases


def read_prose():
    """Sentences by language, and names and places by (language, kind)."""
    prose = {}
    for line in (HERE / "prose.txt").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"(en|zh) (\w+): (.+)", line):
            prose[found.group(1, 2)] = found.group(3).split("; ")
        elif found := re.match(r"(en|zh): (.+)", line):
            prose.setdefault(found.group(1), []).append(found.group(2))
    return prose


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.phrases = read_phrases()
        self.lists = read_lists()

    def pick(self, name):
        return self.random.choice(self.lists[name])

    def fill(self, text):
        special = {
            "n": lambda: str(self.random.choice(NUMBERS)),
            "pct": lambda: str(self.random.choice(PERCENTAGES)),
            "person": self.person, "company": self.company, "company_zh": self.company_zh,
        }
        return re.sub(r"\{(\w+)\}", lambda m: special.get(m.group(1), lambda: self.pick(m.group(1)))(), text)

    def phrase(self, language, kind):
        return self.fill(self.random.choice(self.phrases[language, kind]))

    def id(self):
        """A UUIDv7, as references are: a time and random bits."""
        ms = 1740000000000 + self.random.randrange(60000000000)
        bits = ms << 80 | 7 << 76 | self.random.getrandbits(12) << 64 | 2 << 62 | self.random.getrandbits(62)
        return str(uuid.UUID(int=bits))

    def time(self, language, start=None, minutes=0):
        offset = 480 if language == "zh" else self.random.choice([0, 60, 120, -300, -240])
        zone = datetime.timezone(datetime.timedelta(minutes=offset))
        at = start or datetime.datetime(2025, 3, 1, 8, 0, tzinfo=zone) + datetime.timedelta(
            days=self.random.randrange(700), minutes=self.random.randrange(600), seconds=self.random.randrange(60))
        return at + datetime.timedelta(minutes=minutes)

    def date(self):
        return (datetime.date(2025, 3, 1) + datetime.timedelta(days=self.random.randrange(700))).isoformat()

    def person(self):
        return f"{self.pick('first')} {self.pick('last')}"

    def person_zh(self):
        return self.pick("surname") + "".join(self.pick("given_zh") for _ in range(self.random.choice([1, 2, 2])))

    def company(self):
        return f"{self.pick('company_head')} {self.pick('company_tail')}"

    def company_zh(self):
        return f"{self.pick('city_zh')}{self.pick('brand_zh')}{self.pick('trade_zh')}有限公司"

    def digits(self, n):
        return "".join(self.random.choice("0123456789") for _ in range(n))

    def sometimes(self, record, field, value, chance):
        if self.random.random() < chance:
            record[field] = value

    def account(self, language):
        if language == "zh":
            city = self.pick("city_zh")
            record = {"type": "account", "name": self.company_zh(), "country": "中国", "city": city + "市",
                      "address": f"{self.pick('district_zh')}{self.pick('road_zh')}{self.random.randrange(1, 999)}号",
                      "postal_code": self.digits(4) + "00",
                      "phone": self.random.choice(["021", "010", "1380", "1391"]) + self.digits(8)}
            tags = "tag_zh"
        else:
            record = {"type": "account", "name": self.company(), "city": self.pick("city"),
                      "country": self.pick("country"),
                      "address": f"{self.random.randrange(1, 300)} {self.pick('street')}",
                      "postal_code": self.digits(5), "phone": f"({self.digits(3)}) 555-{self.digits(4)}"}
            tags = "tag"
        self.sometimes(record, "tags", sorted({self.pick(tags) for _ in range(self.random.randrange(1, 4))}), 0.6)
        self.sometimes(record, "note", self.phrase(language, "about"), 0.5)
        return record

    def contact(self, language):
        chinese = language == "zh"
        name = self.person_zh() if chinese else self.person()
        boxes = ["sales", "info", "purchasing", "office"]
        box = self.random.choice(boxes) if chinese else name.lower().replace(" ", ".")
        return {"type": "contact", "account": self.id(), "name": name,
                "title": self.pick("title_zh") if chinese else self.pick("title").title(),
                "phones": ["138" + self.digits(8) if chinese else f"({self.digits(3)}) 555-{self.digits(4)}"],
                "emails": [f"{box}@" + self.random.choice(MAIL)]}

    def visit(self, language):
        start = self.time(language)
        record = {"type": "visit", "account": self.id(), "started_at": start.isoformat(),
                  "purpose": self.phrase(language, "purpose"), "note": self.phrase(language, "note"),
                  "state": self.pick("state")}
        finish = self.time(language, start, self.random.randrange(5, 90))
        self.sometimes(record, "finished_at", finish.isoformat(), 0.8)
        self.sometimes(record, "next_step", self.phrase(language, "next"), 0.7)
        return record

    def order(self, language):
        record = {"type": "order", "account": self.id(),
                  "no_local": f"{self.random.choice('ABCDEFGH')}-{self.digits(5)}",
                  "ordered_on": self.date(), "state": self.pick("order_state")}
        self.sometimes(record, "note", self.phrase(language, "order"), 0.5)
        return record

    def order_line(self, _language):
        return {"type": "order_line", "order": self.id(), "product": self.id(),
                "sku": self.random.choice(["SKU-", "P-", "NW-", "69"]) + self.digits(5),
                "qty": self.random.randrange(1, 200), "unit_price": self.random.randrange(100, 30000),
                "discount_bp": self.random.choice([0, 0, 500, 1000, 1500, 2000])}

    def product(self, language):
        name = self.pick("product_zh") if language == "zh" else self.pick("product").title()
        return {"type": "product", "sku": "SKU-" + self.digits(5), "name": f"{name} {self.random.choice(SIZES)}",
                "line": self.random.choice(PRODUCT_LINES),
                "uom": self.pick("uom"), "discontinued": self.random.random() < 0.1}

    def price_list(self, language):
        year = self.date()[:4]
        name = f"{year}年价格表" if language == "zh" else f"List {year} {self.pick('country')}"
        return {"type": "price_list", "name": name, "currency": self.random.choice(["CNY", "EUR", "USD", "GBP"]),
                "valid_from": self.date(), "valid_to": self.date()}

    def price_row(self, _language):
        return {"type": "price_row", "price_list": self.id(), "product": self.id(),
                "unit_price": self.random.randrange(100, 30000), "min_qty": self.random.choice([1, 6, 12, 24, 100])}

    def task(self, language):
        return {"type": "task", "account": self.id(), "title": self.phrase(language, "task"),
                "due": self.date(), "state": self.pick("task_state")}

    def note(self, language):
        kinds = ["note", "about"]
        about, n = self.id(), self.random.randrange(1, 3)
        text = " ".join(self.phrase(language, self.random.choice(kinds)) for _ in range(n))
        return {"type": "note", "about": about, "text": text}

    def user(self, language):
        return {"type": "user", "number": self.random.randrange(1, 500),
                "name": self.person_zh() if language == "zh" else self.person()}

    def device(self, language):
        owner, number = self.pick("first"), self.random.randrange(1, 900)
        if language == "zh":
            name = self.random.choice(["手机", "平板"])
        else:
            name = f"{owner}'s {self.random.choice(['phone', 'tablet', 'laptop'])}"
        return {"type": "device", "number": number, "name": name}

    def territory(self, language):
        return {"type": "territory", "space": self.id(),
                "name": self.random.choice(["华东", "华南", "华北", "西南"]) + "区" if language == "zh"
                else self.random.choice(["Eastern", "Western", "Northern", "Southern"])}


def make_synthetic():
    maker = Maker(SEED)
    weights = {"visit": 8, "order_line": 5, "account": 6, "contact": 4, "order": 3, "note": 4, "task": 3,
               "price_row": 2, "product": 2, "price_list": 1, "user": 1, "device": 1, "territory": 1}
    kinds = [kind for kind, weight in weights.items() for _ in range(weight)]
    for i in range(SYNTHETIC):
        yield getattr(maker, maker.random.choice(kinds))("zh" if i % 2 else "en")


def make_prose():
    """Records in other words than the synthetic ones: for the statistics of what the contents do not cover."""
    maker, prose = Maker(SEED + 1), read_prose()
    choice, between = maker.random.choice, maker.random.randrange
    weights = {"visit": 6, "account": 5, "note": 3, "contact": 3, "order": 2, "task": 2, "order_line": 2}
    kinds = [kind for kind, weight in weights.items() for _ in range(weight)]
    for i in range(PROSE):
        language = "zh" if i % 2 else "en"
        record = getattr(maker, choice(kinds))(language)
        sentences = maker.random.sample(prose[language], 2)
        if "note" in record or record["type"] == "visit":
            record["note"] = " ".join(sentences[:between(1, 3)])
        if "text" in record:
            record["text"] = " ".join(sentences)
        if "title" in record and record["type"] == "task":
            record["title"] = sentences[0][:between(12, 60)]
        if record["type"] == "account":
            record["name"] = choice(prose[language, "name"])
            record["address"], record["city"], record["postal_code"] = choice(prose[language, "place"]).split(", ")
        yield record


def read_rows(name):
    with (HERE.parent / "northwind" / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def named_id(*parts):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "northwind/" + "/".join(parts)))


def make_northwind():
    for row in read_rows("customers.csv"):
        yield {"type": "account", "name": row["companyName"], "address": row["address"], "city": row["city"],
               "country": row["country"], "postal_code": row["postalCode"], "phone": row["phone"]}
        yield {"type": "contact", "account": named_id("account", row["customerID"]), "name": row["contactName"],
               "title": row["contactTitle"], "phones": [row["phone"]]}
    for row in read_rows("products.csv"):
        yield {"type": "product", "sku": f"NW-{int(row['productID']):03}", "name": row["productName"],
               "uom": row["quantityPerUnit"], "discontinued": row["discontinued"] == "1"}
    for row in read_rows("orders.csv"):
        yield {"type": "order", "account": named_id("account", row["customerID"]), "no_local": row["orderID"],
               "ordered_on": row["orderDate"][:10], "state": "shipped" if row["shippedDate"] else "confirmed"}
    for i, row in enumerate(read_rows("order-details.csv")):
        if i % 4 == 0:
            yield {"type": "order_line", "order": named_id("order", row["orderID"]),
                   "product": named_id("product", row["productID"]), "sku": f"NW-{int(row['productID']):03}",
                   "qty": int(row["quantity"]), "unit_price": round(float(row["unitPrice"]) * 100),
                   "discount_bp": round(float(row["discount"]) * 10000)}


def write(path, records):
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    write(HERE / "northwind.ndjson", make_northwind())
    write(HERE / "synthetic.ndjson", make_synthetic())
    write(HERE / "prose.ndjson", make_prose())


if __name__ == "__main__":
    main()
