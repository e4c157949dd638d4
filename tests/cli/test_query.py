#!/usr/bin/env python3
"""Asking the view: conditions, errors that one can mend, totals, and output that is well-formed whatever it holds."""
import json
import signal
import time

from harness import World, equal, has, lacks, run, test

INT64_MAX = 2 ** 63 - 1

world = World(territories=["Eastern"])
rep = world.rep("Nancy", "Eastern")
world.server.stop()  # nothing here needs it
rep.put_lines([{"type": "account", "fields": {"name": name}} for name in ("Ana", "Bonapp", "Consolidated")])


def line(order, qty, price):
    return {"type": "order_line", "fields": {"order": order, "qty": qty, "unit_price": price}}


@test
def a_total_does_not_depend_on_the_order_of_the_lines():
    big = [INT64_MAX, 1, -1]
    for prices in (big, big[::-1], [big[2], big[0], big[1]]):
        order = rep.put("order", "state=received")
        rep.put_lines([line(order, 1, price) for price in prices])
        equal(rep.row("list", "order", "--where", "id = '%s'" % order)["total"], INT64_MAX, prices)


@test
def a_total_beside_an_amount_that_does_not_fit_is_null():
    order = rep.put("order", "state=received")
    lines = rep.put_lines([line(order, 1, 100), line(order, 2, INT64_MAX)])
    rows = rep.rows("query", "select amount from order_line where \"order\" = '%s' order by qty" % order)
    equal(rows, [{"amount": 100}, {"amount": None}])
    equal(rep.row("list", "order", "--where", "id = '%s'" % order)["total"], None)
    rep.run("rm", "order_line", lines[1]["id"])
    equal(rep.row("list", "order", "--where", "id = '%s'" % order)["total"], 100)


@test
def a_typing_error_in_double_quotes_is_an_error():
    for where in ("\"nmae\" = 'x'", "\"nmae\" <> 'x'", "\"nmae\" is not null", 'name = "Ana"'):
        error = rep.error(2, "list", "account", "--where", where)
        equal(error["error"], "invalid", where)
        has(error["message"], "no such column: ")
    has(rep.error(2, "query", 'select count(*) from account where "nmae" <> 1')["message"], "nmae")
    equal(rep.row("list", "account", "--where", "\"name\" = 'Ana'")["name"], "Ana")


@test
def a_condition_stays_in_its_brackets():
    for where in ("1) OR (1", "0) UNION SELECT * FROM account WHERE (1", "1) ORDER BY (name", "1 THEN 1 WHEN 0",
                  "1 ORDER BY name", "1 LIMIT 1", "SELECT 1", "1; select 1", "1); select (1", "1 /*",
                  "$a(')) OR ($b(')"):
        message = rep.error(2, "list", "account", "--where", where)["message"]
        has(message, "condition")
    for where in ("name = 'Ana' or name = 'Bonapp'", "(1)", "not 0", "1 -- all", "/* all */ 1"):
        rep.rows("list", "account", "--where", where)
    equal(len(rep.rows("list", "account", "--where", "name = 'Ana' or name = 'Bonapp'")), 2)


@test
def what_is_wrong_with_a_condition_speaks_of_nothing_else():
    for where in ("name =", "(name = 'a'", "name = 'a", "1 and", "name in (", "1 /* all", "not", "-- all"):
        message = rep.error(2, "list", "account", "--where", where)["message"]
        has(message, "the condition ends too early")
        for ours in ("THEN", "END", "WHERE", "ORDER", "SELECT"):
            lacks(message, ours)
    for where in ("", "  "):
        has(rep.error(2, "list", "account", "--where", where)["message"], "the condition is empty")
    has(rep.error(2, "list", "account", "--where", "name = = 1")["message"], 'near "="')
    has(rep.error(2, "list", "account", "--where", "name = :name")["message"], ":name")


@test
def the_word_order_is_named_as_what_it_is():
    for sql in ("select * from order", "select order from order_line"):
        message = rep.error(2, "query", sql)["message"]
        has(message, 'near "order"')
        has(message, "double quotes")


@test
def a_query_reaches_nothing_but_the_view():
    for sql in ("select load_extension('x')", "select fts3_tokenizer('simple')", "select * from dbstat",
                "select * from pragma_database_list", "pragma table_list", "attach '/tmp/satchel-attached' as f",
                "vacuum into '/tmp/satchel-attached'", "explain delete from account"):
        has(rep.error(2, "query", sql)["message"], "queries can only read")
    for sql in ("select writefile('/tmp/satchel-written', 'x')", "select readfile('/etc/passwd')", "select edit('x')"):
        has(rep.error(2, "query", sql)["message"], "no such function")
    has(rep.error(2, "query", "select length(randomblob(900000000))")["message"], "too big")


@test
def every_character_comes_back_from_a_query_as_it_is():
    text = "".join(chr(c) for c in list(range(1, 0x250)) + [0x2028, 0x202e, 0xfeff, 0xffff, 0x1f9f3, 0x10ffff])
    tags = ["\x01", "\"", "\\", "\u2028"]
    account = rep.put_lines([{"type": "account", "fields": {"name": text, "tags": tags}}])[0]["id"]
    for args in (("list", "account", "--where", "id = '%s'" % account), ("get", "account", account),
                 ("query", "select name, tags from account where id = '%s'" % account)):
        out = rep.run(*args, "--json").out
        equal(out.count("\n"), 1, "one line, whatever else may count as a line's end")
        row = json.loads(out)
        row = row.get("fields", row)
        equal((row["name"], row["tags"]), (text, tags))
    sql = "select " + ", ".join("char(%d) as c%d" % (code, code) for code in range(0x100))
    equal(json.loads(rep.run("query", sql, "--json").out), {"c%d" % code: chr(code) for code in range(0x100)})
    sql = "select " + ", ".join("cast(x'%02x' as text) as t%d, x'%02x' as b%d" % (c, c, c, c) for c in range(0x100))
    row = rep.row("query", sql)
    for code in range(0x100):  # a byte alone above 0x7f is no text, which JSON cannot say
        equal(row["t%d" % code], chr(code) if code < 0x80 else None)
        equal(row["b%d" % code], "%02x" % code)


@test
def numbers_nulls_and_names_of_columns_are_kept():
    equal(rep.row("query", "select null as n, '' as e, 0.1 as f, -9223372036854775807 - 1 as i, 9e999 as x, 1.0 as r"),
          {"n": None, "e": "", "f": 0.1, "i": -2 ** 63, "x": None, "r": 1.0})
    equal(rep.row("query", "select 1 as a, 2 as a, 3 as \"a b\", 4 as \"\u884c\", 5 as \"\"\"\", 6 as \"\""),
          {"a": 1, "a_2": 2, "a b": 3, "\u884c": 4, '"': 5, "": 6})
    names = rep.row("query", "select " + ", ".join("%d as %s" % (i, "x" + "\u6f22" * 60) for i in range(500)))
    equal(sorted(names.values()), list(range(500)), "a column is lost")


@test
def a_table_shows_every_row_and_commands_no_terminal():
    out = rep.run("query", "select 1 +\n 2").out
    equal(out.splitlines(), ["1 +<U+000A> 2", " " * 12 + "3"])
    out = rep.run("query", "select 1 as \"\x1b[31m\", null as n, 'x' as e").out
    lacks(out, "\x1b")
    has(out, "<U+001B>[31m")
    out = rep.run("query", "select 'a' || char(0) || 'b' as t union all select char(0) union all select ''").out
    equal(out.splitlines(), ["t", "a<U+0000>b", "<U+0000>", ""])


@test
def a_query_that_never_ends_is_ended_by_an_interrupt():
    with rep.start("query", "with recursive t(n) as (select 1 union all select n + 1 from t) select max(n) from t") as \
            process:
        try:
            time.sleep(1)
            equal(process.poll(), None)
            process.send_signal(signal.SIGINT)
            equal(process.wait(timeout=10) != 0, True)
            equal(process.stdout.read(), b"")
        finally:
            process.kill()
    equal(len(rep.rows("list", "account", "--where", "name = 'Ana'")), 1, "the home is free again")


@test
def rows_are_one_json_object_a_line():
    rep.put_lines([{"type": "note", "fields": {"text": "a\nb\r\nc\u2028d"}}])
    out = rep.run("list", "note", "--json").out
    equal([json.loads(text)["text"] for text in out.split("\n") if text], ["a\nb\r\nc\u2028d"])


if __name__ == "__main__":
    run()
