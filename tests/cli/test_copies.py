#!/usr/bin/env python3
"""What is there twice: one id in two territories, and names that people take for the same."""
from harness import World, equal, has, new_id, run, test

world = World(territories=["Northern", "Southern"])
admin = world.admin
nancy = world.rep("Nancy", "Northern")
steven = world.rep("Steven", "Southern")


@test
def one_id_in_two_territories_is_shown_by_the_territory():
    account = new_id()
    nancy.put("account", account, "name=of Nancy")
    steven.put("account", account, "name=of Steven")
    for device in (nancy, steven, admin):
        device.sync()
    for command in ("get", "history"):
        error = admin.error(2, command, "account", account)
        equal(error["error"], "invalid")
        has(error["message"], "in 2 territories")
        has(error["message"], "Northern")
        has(error["message"], "Southern")
    equal(admin.row("get", "account", account, "--territory", "Northern")["fields"], {"name": "of Nancy"})
    equal(admin.row("get", "account", account, "--territory=Southern")["fields"], {"name": "of Steven"})
    equal(admin.row("history", "account", account, "--territory", "Southern")["by"], "Steven")
    equal(admin.row("history", "account", account, "--territory", "Northern")["by"], "Nancy")
    rows = admin.rows("list", "account", "--where", "id = '%s'" % account)
    equal([(row["territory"], row["name"]) for row in rows], [("Northern", "of Nancy"), ("Southern", "of Steven")])
    equal(nancy.fields("account", account), {"name": "of Nancy"}, "who sees one copy need not say which")
    equal(admin.error(2, "get", "account", account, "--territory", "org")["error"], "not_found")
    has(admin.error(2, "get", "account", account, "--territory", "southern")["message"], '"Southern"')


@test
def names_that_differ_only_in_case_or_white_space_are_there_already():
    for name in ("northern", "NORTHERN", "Northern"):
        error = admin.error(2, "territory", "add", name)
        equal(error["error"], "exists", name)
        has(error["message"], '"Northern"')
    admin.run("user", "add", "Mary Ann", "--role", "rep")
    for name in ("mary ann", "Mary  Ann", "MARY\u00a0ANN"):
        error = admin.error(2, "user", "add", name, "--role", "rep")
        equal(error["error"], "exists", name)
        has(error["message"], '"Mary Ann"')
    for name in (" Eve", "Eve ", "\u3000Eve", " "):
        has(admin.error(2, "user", "add", name, "--role", "rep")["message"], "white space")
        has(admin.error(2, "territory", "add", name)["message"], "white space")
    equal(admin.error(2, "territory", "add", "ORG")["error"], "invalid")
    equal(len(admin.rows("territory", "list")), 2)
    equal(sorted(row["name"] for row in admin.rows("user", "list")), ["Andrew", "Mary Ann", "Nancy", "Steven"])


@test
def who_misspells_a_name_is_told_which_there_is():
    has(admin.error(2, "territory", "grant", "northern", "Nancy")["message"], 'but there is "Northern"')
    has(admin.error(2, "invite", "nancy")["message"], 'but there is "Nancy"')


if __name__ == "__main__":
    run()
