#!/usr/bin/env python3
"""Makes the samples on which the dictionary is trained: northwind.ndjson from the public Northwind data, synthetic.ndjson and
prose.ndjson from a seeded generator, English and Chinese. One record a line, as `satchel put` takes it, ids left out.

    make_samples.py DIRECTORY_OF_THE_NORTHWIND_CSV_FILES
"""
import datetime
import json
import pathlib
import random
import re
import sys
import uuid

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20260501
SYNTHETIC = 2600
PROSE = 500

LISTS = {
    "weekday": "Monday Tuesday Wednesday Thursday Friday".split(),
    "weekday_zh": "周一 周二 周三 周四 周五".split(),
    "month": "January February March April May June July August September October November December".split(),
    "month_zh": [f"{m}月" for m in range(1, 13)],
    "season": "spring summer autumn winter Christmas Easter".split(),
    "title": ["purchasing manager", "owner", "store manager", "sales manager", "assistant buyer", "accounting manager",
              "marketing manager", "general manager", "category manager", "regional director"],
    "title_zh": "采购经理 店长 总经理 采购主管 采购总监 财务主管 市场部经理 区域经理 老板 负责人".split(),
    "surname": list("王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"),
    "given_zh": list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国文斌晓东海燕志"),
    "first": "Maria Ana Antonio Thomas Christina Hanna Martin Laurence Elizabeth Victoria Patricio Francisco Yang Pedro Sven Janine "
             "Ann Roland Peter Diego Paolo Carlos Helen Daniel Simon Laura Mark Julia David Emma James Sophie Robert Nina Paul "
             "Karin Lena Oliver Alice George".split(),
    "last": "Anders Trujillo Moreno Hardy Berglund Moos Citeaux Lebihan Lincoln Ashworth Simpson Chang Wang Afonso Brown Ottlieb "
            "Labrune Devon Mendel Cruz Roel Rance Larsson Franken Fresniere Fonseca Smith Miller Jones Taylor Wilson Davies "
            "Meyer Schmidt Fischer Weber Rossi Russo Garcia Lopez".split(),
    "city": "London Berlin Paris Madrid Lisboa Seattle Boston Portland Dublin Wien Bern Milano Torino Lyon Lille Hamburg "
            "Frankfurt Leipzig Sevilla Barcelona Buenos_Aires Caracas Oslo Helsinki Stockholm Singapore Sydney Chicago "
            "Denver Atlanta Manchester Bristol".replace("_", "\u00a0").split(" "),
    "city_zh": "上海 北京 广州 深圳 杭州 南京 苏州 成都 武汉 西安 重庆 天津 青岛 长沙 郑州 宁波 厦门 合肥 无锡 佛山".split(),
    "district_zh": "朝阳区 海淀区 浦东新区 徐汇区 静安区 天河区 南山区 福田区 江北区 西湖区 鼓楼区 开发区 高新区 武侯区".split(),
    "road_zh": "中山路 人民路 解放路 建设路 和平路 新华路 文化路 北京路 南京路 长江路 迎宾大道 科技路 商城路 幸福街".split(),
    "brand_zh": "晨光 华联 金穗 东方 永辉 百佳 万家 鸿运 丰盛 天天 好又多 绿源 海天 新世纪 阳光 福满 家乐 大润 美佳 龙泉".split(),
    "trade_zh": "食品 商贸 贸易 超市 乳业 粮油 酒业 便利店 百货 餐饮管理 农产品 供应链 实业".split(),
    "product": ["Chai", "Chang", "Aniseed Syrup", "Tofu", "Pavlova", "Ikura", "Konbu", "olive oil", "green tea", "coffee beans",
                "dark chocolate", "cheese", "frozen fish", "orange juice", "sparkling water", "biscuits", "yoghurt", "rice noodles",
                "soy sauce", "honey", "breakfast cereal", "mozzarella", "sausages", "dried fruit", "white wine", "craft beer"],
    "product_zh": "酸奶 纯牛奶 绿茶 橙汁 矿泉水 饼干 巧克力 方便面 大米 食用油 酱油 啤酒 红酒 奶酪 坚果礼盒 咖啡 冷冻水饺 火腿肠 蜂蜜 洗衣液".split(),
    "company_head": "Alfreds Golden Northern Blue River City Green Valley Sunrise Harbour Royal Old Town Central Silver Lake Family "
                    "Mountain Ocean Fresh Corner Grand".split(),
    "company_tail": ["Foods Ltd.", "Market", "Trading GmbH", "Deli", "Supermarket", "Restaurant", "Wholesale Inc.", "Groceries",
                     "Coffee House", "Imports", "Stores", "Bakery", "Hotel", "Supplies"],
    "street": "Main Street|High Street|Church Road|Station Road|Park Avenue|Market Square|King Street|Mill Lane|Victoria Road|"
              "Hauptstr.|Bahnhofstr.|rue de la Gare|Avenida Central|Via Roma|Calle Mayor|Broadway".split("|"),
    "country": "Germany UK France Spain Italy USA Canada Mexico Brazil Sweden Austria Ireland Portugal Finland Singapore".split(),
    "tag": "key vip chain new dairy retail horeca wholesale seasonal cash 30-days export organic".split(),
    "tag_zh": "重点 连锁 新客户 乳品 零售 餐饮 批发 月结 老客户 潜力".split(),
    "state": "planned done cancelled".split(),
    "order_state": "draft submitted confirmed shipped cancelled".split(),
    "task_state": "open done".split(),
    "uom": "box case bottle bag kg pcs 箱 瓶 袋 件 盒".split(),
}


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

    def pick(self, name):
        return self.random.choice(LISTS[name]).replace("\u00a0", " ")

    def fill(self, text):
        special = {
            "n": lambda: str(self.random.choice([2, 3, 5, 6, 8, 10, 12, 15, 20, 24, 30, 40, 50, 60, 80, 100, 120, 200, 500])),
            "pct": lambda: str(self.random.choice([2, 3, 5, 8, 10, 12, 15, 20])),
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
                      "postal_code": self.digits(4) + "00", "phone": self.random.choice(["021", "010", "1380", "1391"]) + self.digits(8)}
            tags = "tag_zh"
        else:
            record = {"type": "account", "name": self.company(), "city": self.pick("city"), "country": self.pick("country"),
                      "address": f"{self.random.randrange(1, 300)} {self.pick('street')}", "postal_code": self.digits(5),
                      "phone": f"({self.digits(3)}) 555-{self.digits(4)}"}
            tags = "tag"
        self.sometimes(record, "tags", sorted({self.pick(tags) for _ in range(self.random.randrange(1, 4))}), 0.6)
        self.sometimes(record, "note", self.phrase(language, "about"), 0.5)
        return record

    def contact(self, language):
        chinese = language == "zh"
        name = self.person_zh() if chinese else self.person()
        box = self.random.choice(["sales", "info", "purchasing", "office"]) if chinese else name.lower().replace(" ", ".")
        return {"type": "contact", "account": self.id(), "name": name,
                "title": self.pick("title_zh") if chinese else self.pick("title").title(),
                "phones": ["138" + self.digits(8)] if chinese else [f"({self.digits(3)}) 555-{self.digits(4)}"],
                "emails": [f"{box}@" + self.random.choice(["example.com", "example.cn", "mail.example.org", "163.example.com"])]}

    def visit(self, language):
        start = self.time(language)
        record = {"type": "visit", "account": self.id(), "started_at": start.isoformat(),
                  "purpose": self.phrase(language, "purpose"), "note": self.phrase(language, "note"), "state": self.pick("state")}
        self.sometimes(record, "finished_at", self.time(language, start, self.random.randrange(5, 90)).isoformat(), 0.8)
        self.sometimes(record, "next_step", self.phrase(language, "next"), 0.7)
        return record

    def order(self, language):
        record = {"type": "order", "account": self.id(), "no_local": f"{self.random.choice('ABCDEFGH')}-{self.digits(5)}",
                  "ordered_on": self.date(), "state": self.pick("order_state")}
        self.sometimes(record, "note", self.phrase(language, "order"), 0.5)
        return record

    def order_line(self, _language):
        return {"type": "order_line", "order": self.id(), "product": self.id(),
                "sku": self.random.choice(["SKU-", "P-", "NW-", "69"]) + self.digits(5), "qty": self.random.randrange(1, 200),
                "unit_price": self.random.randrange(100, 30000), "discount_bp": self.random.choice([0, 0, 500, 1000, 1500, 2000])}

    def product(self, language):
        name = self.pick("product_zh") if language == "zh" else self.pick("product").title()
        return {"type": "product", "sku": "SKU-" + self.digits(5), "name": f"{name} {self.random.choice(['250 ml', '500 g', '1 kg', '12 x 330 ml'])}",
                "line": self.random.choice(["Beverages", "Condiments", "Confections", "Dairy Products", "Seafood", "乳品", "饮料", "零食"]),
                "uom": self.pick("uom"), "discontinued": self.random.random() < 0.1}

    def price_list(self, language):
        name = f"{self.date()[:4]}年价格表" if language == "zh" else f"List {self.date()[:4]} {self.pick('country')}"
        return {"type": "price_list", "name": name, "currency": self.random.choice(["CNY", "EUR", "USD", "GBP"]),
                "valid_from": self.date(), "valid_to": self.date()}

    def price_row(self, _language):
        return {"type": "price_row", "price_list": self.id(), "product": self.id(), "unit_price": self.random.randrange(100, 30000),
                "min_qty": self.random.choice([1, 6, 12, 24, 100])}

    def task(self, language):
        return {"type": "task", "account": self.id(), "title": self.phrase(language, "task"), "due": self.date(),
                "state": self.pick("task_state")}

    def note(self, language):
        kinds = ["note", "about"]
        return {"type": "note", "about": self.id(),
                "text": " ".join(self.phrase(language, self.random.choice(kinds)) for _ in range(self.random.randrange(1, 3)))}

    def user(self, language):
        return {"type": "user", "number": self.random.randrange(1, 500), "name": self.person_zh() if language == "zh" else self.person()}

    def device(self, language):
        owner = self.pick("first")
        return {"type": "device", "number": self.random.randrange(1, 900),
                "name": self.random.choice(["手机", "平板"]) if language == "zh" else f"{owner}'s {self.random.choice(['phone', 'tablet', 'laptop'])}"}

    def territory(self, language):
        return {"type": "territory", "space": self.id(),
                "name": self.random.choice(["华东", "华南", "华北", "西南"]) + "区" if language == "zh"
                else self.random.choice(["Eastern", "Western", "Northern", "Southern"])}


def make_synthetic():
    maker = Maker(SEED)
    weights = {"visit": 8, "order_line": 5, "account": 6, "contact": 4, "order": 3, "note": 4, "task": 3, "price_row": 2, "product": 2,
               "price_list": 1, "user": 1, "device": 1, "territory": 1}
    kinds = [kind for kind, weight in weights.items() for _ in range(weight)]
    for i in range(SYNTHETIC):
        yield getattr(maker, maker.random.choice(kinds))("zh" if i % 2 else "en")


def make_prose():
    """Records of other words than the synthetic ones: for the statistics of what the dictionary's contents do not cover."""
    maker, prose = Maker(SEED + 1), read_prose()
    choice, between = maker.random.choice, maker.random.randrange
    kinds = ["visit"] * 6 + ["account"] * 5 + ["note"] * 3 + ["contact"] * 3 + ["order"] * 2 + ["task"] * 2 + ["order_line"] * 2
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


def read_rows(path, address_column=None):
    """The files have unquoted commas in the address (they belong to it) and the word NULL for nothing."""
    lines = path.read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    for line in lines[1:]:
        cells = [cell.strip('"') for cell in re.findall(r'"[^"]*"|[^,]+|(?<=,)(?=,|$)|^(?=,)', line)]
        surplus = len(cells) - len(names)
        if surplus > 0 and address_column is not None:
            cells[address_column:address_column + surplus + 1] = [", ".join(c.strip() for c in cells[address_column:address_column + surplus + 1])]
        yield {name: "" if cell == "NULL" else cell for name, cell in zip(names, cells)}


def named_id(*parts):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "northwind/" + "/".join(parts)))


def make_northwind(source):
    for row in read_rows(source / "customers.csv", 4):
        yield {"type": "account", "name": row["companyName"], "address": row["address"], "city": row["city"],
               "country": row["country"], "postal_code": row["postalCode"], "phone": row["phone"]}
        yield {"type": "contact", "account": named_id("account", row["customerID"]), "name": row["contactName"],
               "title": row["contactTitle"], "phones": [row["phone"]]}
    for row in read_rows(source / "products.csv"):
        yield {"type": "product", "sku": f"NW-{int(row['productID']):03}", "name": row["productName"], "uom": row["quantityPerUnit"],
               "discontinued": row["discontinued"] == "1"}
    for row in read_rows(source / "orders.csv", 9):
        yield {"type": "order", "account": named_id("account", row["customerID"]), "no_local": row["orderID"],
               "ordered_on": row["orderDate"][:10], "state": "shipped" if row["shippedDate"] else "confirmed"}
    for i, row in enumerate(read_rows(source / "order-details.csv")):
        if i % 4 == 0:
            yield {"type": "order_line", "order": named_id("order", row["orderID"]), "product": named_id("product", row["productID"]),
                   "sku": f"NW-{int(row['productID']):03}", "qty": int(row["quantity"]),
                   "unit_price": round(float(row["unitPrice"]) * 100), "discount_bp": round(float(row["discount"]) * 10000)}


def write(path, records):
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(HERE / "northwind.ndjson", make_northwind(pathlib.Path(sys.argv[1])))
    write(HERE / "synthetic.ndjson", make_synthetic())
    write(HERE / "prose.ndjson", make_prose())


if __name__ == "__main__":
    main()
