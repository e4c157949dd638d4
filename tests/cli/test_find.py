#!/usr/bin/env python3
"""Searching, as somebody does who looks for a customer: spellings, order, what is shown, what is not found."""
import json
import unicodedata

from harness import World, equal, has, lacks, run, test

world = World(territories=["Eastern", "Western"])
rep = world.rep("Nancy", "Eastern")


def put(person, kind, **fields):
    return person.put_lines([{"type": kind, "fields": fields}])[0]["id"]


def names(*args, person=rep):
    return [row["name"] for row in person.rows("find", *args)]


put(rep, "account", name="上海华安科技有限公司", city="上海", note="关系维护良好，账期三十天")
put(rep, "account", name="臺北華達貿易股份有限公司", city="臺北", note="老闆娘說：關係需要加強")
put(rep, "account", name="香港混寫有限公司", city="香港", note="關系一般，頭髮產品")
put(rep, "account", name="Königlich Essen", city="Brandenburg", country="Deutschland", tags=["vip", "Ärzte"])
put(rep, "account", name="La maison d'Asie", city="Toulouse", note="aime le thé\nvert;   sans sucre")
put(rep, "account", name="Æbler & Øl", city="Ålborg")
put(rep, "contact", name="王芳", title="采购经理", phones=["138-1234-5678"])
put(rep, "contact", name="李王明", title="採購總監")
put(rep, "task", title="王")
put(rep, "visit", purpose="技术交流", note="王总不在", next_step="下周再去")


@test
def simplified_traditional_and_mixed_spellings_find_each_other():
    expected = {"上海华安科技有限公司", "臺北華達貿易股份有限公司", "香港混寫有限公司"}
    for word in ("关系", "關係", "關系", "关係"):
        equal(set(names(word)), expected, word)
    for pair in (("台北", "臺北"), ("华达", "華達"), ("贸易", "貿易"), ("头发", "頭髮"), ("采购", "採購")):
        equal(sorted(names(pair[0])), sorted(names(pair[1])), pair)
        assert names(pair[0]), pair


@test
def display_is_never_folded():
    row = rep.rows("find", "关系", "台北")[0]
    equal(row["name"], "臺北華達貿易股份有限公司")
    rows = {row["name"]: row for row in rep.rows("find", "关系")}
    equal(rows["香港混寫有限公司"]["match"], "關系")
    equal(rows["臺北華達貿易股份有限公司"]["text"], "老闆娘說：關係需要加強")
    equal(rep.rows("find", "頭发")[0]["match"], "頭髮")


@test
def latin_is_found_without_its_accents_from_the_beginning_of_a_word():
    for word in ("konig", "KÖNIG", "Ko\u0308nigl", "ＫＯＮＩＧ", "essen"):
        equal(names(word), ["Königlich Essen"], word)
    for word in ("aebler", "Æbler", "øl", "ol", "alborg"):
        equal(names(word), ["Æbler & Øl"], word)
    equal(names("onigl"), [])
    equal(names("arzte"), ["Königlich Essen"])
    equal(rep.rows("find", "arzte")[0]["match"], "Ärzte")


@test
def every_word_has_to_be_there_wherever_it_is():
    equal(names("上海", "关系"), ["上海华安科技有限公司"])
    equal(names("essen deutsch vip"), ["Königlich Essen"])
    equal(names("上海", "关系", "vip"), [])
    equal(names("系关"), [])


@test
def who_is_called_so_comes_first():
    equal(names("王"), ["王", "王芳", "李王明", "技术交流"])
    equal([row["field"] for row in rep.rows("find", "王")], ["title", "name", "name", "note"])
    equal(names("王", "--limit", "2"), ["王", "王芳"])
    equal(names("王", "--type", "contact"), ["王芳", "李王明"])
    equal(names("5678"), ["王芳"])


@test
def the_newest_come_first_where_nothing_else_decides():
    ids = [put(rep, "note", text="Neuigkeit %d" % number) for number in range(4)]
    rep.run("put", "note", ids[1], "text=Neuigkeit, nochmals")
    equal([row["id"] for row in rep.rows("find", "neuigkeit")], [ids[1], ids[3], ids[2], ids[0]])


@test
def what_changes_is_found_as_it_is_now():
    account = put(rep, "account", name="Altname Handel")
    equal(names("altname"), ["Altname Handel"])
    rep.run("put", "account", account, "name=Neuname Handel")
    equal(names("altname"), [])
    equal(names("neuname"), ["Neuname Handel"])
    rep.run("rm", "account", account)
    equal(names("neuname"), [])


@test
def nothing_in_the_text_is_an_operator():
    for text in ("essen OR maison", "NOT essen", "NEAR(essen maison)", "name:essen", "essen*maison", '"essen" + "x"',
                 "^essen maison", "essen AND maison", "{name}: essen x"):
        equal(names(text), [], text)
    for text in ('"essen"', "essen*", "(essen)", "essen --", "%essen%", "'essen'", "essen; koniglich"):
        equal(names(text), ["Königlich Essen"], text)


@test
def a_question_that_asks_nothing_is_refused():
    for text in ("", " ", "***", '"', "。，！", "\u200b"):
        error = rep.error(2, "find", text)
        equal(error["error"], "invalid", text)
        has(error["message"], "no letter and no digit")
    has(rep.error(2, "find", "x" * 1001)["message"], "1000")
    has(rep.error(2, "find", "a b " * 17)["message"], "34 words")
    equal(names("关" * 300), [])
    for limit in ("0", "1001", "-1", "x", "", "1x", "99999999999999999999"):
        has(rep.error(1, "find", "essen", "--limit=%s" % limit)["message"], "--limit")
    equal(rep.error(2, "find", "essen", "--type", "customer")["error"], "not_found")
    rep.error(1, "find")


@test
def a_person_sees_where_it_stands_in_aligned_columns():
    out = rep.run("find", "关系").out
    lines = out.rstrip("\n").split("\n")
    equal(lines[0].split(), ["type", "name", "field", "text", "territory", "id"])

    def column_of(line, word):
        return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line[:line.index(word)])

    for line in lines[1:]:
        equal(column_of(line, " note ") + 1, column_of(lines[0], "field"), out)
        equal(column_of(line, "Eastern"), column_of(lines[0], "territory"), out)
    has(rep.run("find", "zzz").err, "nothing was found")
    equal(rep.run("find", "zzz", "--json").out, "")
    has(rep.run("find", "王", "--limit", "1").err, "there are more")
    lacks(rep.run("find", "王", "--limit", "4").err, "there are more")


@test
def an_excerpt_is_one_line_around_the_match():
    equal(rep.rows("find", "sucre")[0]["text"], "aime le thé vert; sans sucre")
    put(rep, "note", text="长" * 500 + "目标" + "长" * 500)
    row = rep.rows("find", "目標")[0]
    equal(row["match"], "目标")
    has(row["text"], "长目标长")
    assert row["text"].startswith("…") and row["text"].endswith("…") and len(row["text"]) < 100, row
    put(rep, "note", text="\u001b[31mrot\u001b[0m wort")
    lacks(rep.run("find", "wort").out, "\u001b")


@test
def what_a_role_may_not_see_is_not_found():
    world.admin.put_lines([{"type": "account", "fields": {"name": "Geheimrat Westen"}, "territory": "Western"}])
    put(rep, "account", name="Geheimrat Osten")
    world.admin.run("sync")
    rep.run("sync")
    world.admin.run("sync")
    equal(names("geheimrat"), ["Geheimrat Osten"])
    equal(sorted(names("geheimrat", person=world.admin)), ["Geheimrat Osten", "Geheimrat Westen"])
    lacks(json.dumps(rep.rows("query", "select name from sqlite_schema where type = 'table'")), "Geheim")


@test
def the_index_is_no_table_for_queries():
    for sql in ("select * from satchel_search", "select * from satchel_search_data", "select * from satchel_search_row",
                "select rowid from satchel_search where satchel_search match 'essen'",
                "select * from satchel_search('essen')"):
        equal(rep.error(2, "query", sql)["error"], "invalid", sql)
    equal(names("konig"), ["Königlich Essen"])


@test
def m19_5_articles_are_found_by_any_spelling_of_a_word_inside_them():
    texts = ["客户关系要常走动，销售靠的是信任。", "維護關係不是請客吃飯；銷售漏斗每週看一次。", "關系网越大，线索越多。销售日报当天写。",
             "售后也是关系，銷售之後才開始。", "搞好關係，從準時開始：銷售員守時。"]
    for n, body in enumerate(texts):
        world.admin.run("put", "article", "kind=script", "title=第%d课" % (n + 1), "body=" + body, "--territory", "org")
    world.admin.run("put", "article", "kind=case", "title=童话", "body=王后與公主", "--territory", "org")
    world.admin.sync()
    rep.sync()

    def articles(word):
        return sorted(row["name"] for row in rep.rows("find", word) if row["type"] == "article")

    lessons = ["第%d课" % n for n in range(1, 6)]
    for word in ("关系", "關係", "關系", "销售", "銷售", "售"):
        equal(articles(word), lessons, word)
    equal((articles("王后"), articles("守时")), (["童话"], ["第5课"]))
    equal([row["match"] for row in rep.rows("find", "王後") if row["type"] == "article"], ["王后"], "as it was written")


run()
