"""Superseded versions are kept as policy says, with the real programs."""
from harness import World, equal, has, run, test

world = World(territories=["North"])
admin, anna, bert = world.admin, world.rep("Anna", "North"), world.rep("Bert", "North")
record = anna.put("account", "name=Firm", "city=0", "--territory", "North")


def edit(times):
    for n in range(times):
        anna.run("put", "account", record, "city=%d" % (n + 1))
        anna.sync()


def states(device):
    return [row["state"] for row in device.rows("history", "account", record)]


@test
def versions_beyond_the_policy_are_stubs_on_the_device_that_wrote_them():
    admin.run("policy", "set", "history.versions", "2")
    anna.sync()
    edit(6)
    anna.sync()
    equal(states(anna).count("stub"), 3)  # of five: the first one still says the name
    equal(len(states(anna)), 7)
    bert.sync()
    equal([row["city"] for row in bert.rows("list", "account") if row["id"] == record], ["6"])
    for device in (anna, bert):
        has(device.run("doctor").out, "ok")


@test
def the_policy_is_listed_with_its_bounds():
    rows = {row["policy"]: row for row in admin.rows("policy")}
    equal((rows["history.versions"]["value"], rows["history.versions"]["default"]), (2, 100))
    equal((rows["history.days"]["value"], rows["history.days"]["most"]), (365, 36500))


run()
