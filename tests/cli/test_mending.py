"""A store in which something is wrong that is derived from the log: found by the digest, and made anew."""
import glob
import os
import sqlite3

from harness import World, equal, has, run, test

world = World(territories=["North"])
anna = world.rep("Anna", "North")
lines = [{"type": "account", "fields": {"name": "Account %d" % n}} for n in range(400)]
ids = [row["id"] for row in anna.put_lines(lines)]
anna.sync()
for key in ids[:20]:
    anna.put("account", key, "city=Bern")
anna.sync()
world.admin.sync()

WRONG = "UPDATE space SET digest = zeroblob(2048)"
GONE = ("UPDATE change SET state = 1 WHERE cid IN (SELECT cid FROM change WHERE state = 0 AND sid ="
        " (SELECT sid FROM change GROUP BY sid ORDER BY count(*) DESC LIMIT 1) LIMIT 3)")


def damage(path):
    with sqlite3.connect(path) as database:
        database.execute(GONE)
        database.execute(WRONG)
    database.close()


def metric(name):
    import ssl
    import urllib.request
    context = ssl._create_unverified_context()
    url = world.server.url.replace("wss", "https") + "/metrics"
    text = urllib.request.urlopen(url, context=context).read().decode()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


@test
def a_device_mends_its_own_store_and_status_says_so():
    equal(world.admin.row("status")["mended"], 0)
    store, = glob.glob(os.path.join(world.admin.home, "*.db"))
    before = world.admin.rows("list", "account")
    damage(store)
    equal(world.admin.rows("list", "account") == before, False)
    world.admin.sync()
    equal(world.admin.rows("list", "account"), before)
    equal(world.admin.row("status")["mended"] >= 4, True)
    has(world.admin.run("doctor").out, "ok")


@test
def a_server_mends_its_own_store_and_counts_it():
    equal(metric("satcheld_mended_total"), 0)
    world.server.stop()
    store, = glob.glob(os.path.join(world.server.data, "orgs", "*.db"))
    damage(store)
    world.server.start()
    anna.sync()
    equal(metric("satcheld_mended_total") >= 4, True)
    equal(metric("satcheld_ranges_compared_total") > 0, True)
    late = world.rep("late", "North")
    equal(len(late.rows("list", "account")), 400)
    with open(world.server.log, encoding="utf-8") as log:
        has(log.read(), '"store_mended"')


run()
