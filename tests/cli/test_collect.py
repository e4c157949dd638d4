"""Deleted records that everybody has seen deleted are forgotten, with the real programs: what is left of them, what
comes too late, and how one begins anew."""
import glob
import os
import shutil
import sqlite3
import ssl
import time
import urllib.request

from harness import World, equal, has, run, test

world = World(territories=["North"], options=("--collect-every", "1", "--collect-after", "0"))
admin, anna, bert = world.admin, world.rep("Anna", "North"), world.rep("Bert", "North")
gone = anna.put("account", "name=Gone", "city=Bern", "--territory", "North")
back = anna.put("account", "name=Back", "tags+=vip", "--territory", "North")
stays = anna.put("account", "name=Stays", "--territory", "North")
everybody = (anna, bert, admin)
late_ones = []


def metric(name):
    context = ssl._create_unverified_context()
    url = world.server.url.replace("wss", "https") + "/metrics"
    text = urllib.request.urlopen(url, context=context).read().decode()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


def sync_all():
    for device in everybody + everybody:
        device.sync()


def wait_for(count):
    for _ in range(200):
        if metric("satcheld_collected_total") >= count:
            return
        time.sleep(0.1)
    equal(metric("satcheld_collected_total"), count)


def is_gone(device):
    device.sync()
    equal([row["id"] for row in device.rows("list", "account") if row["id"] == gone], [])
    equal(device.rows("query", "SELECT id FROM archived.account WHERE id = '%s'" % gone), [])
    device.error(2, "get", "account", gone)
    has(device.run("doctor").out, "ok")


@test
def it_is_forgotten_everywhere_once_everybody_has_seen_it_deleted():
    sync_all()
    old = bert.home + ".old"
    shutil.copytree(bert.home, old, symlinks=True)
    anna.run("rm", "account", gone)
    anna.run("rm", "account", back)
    anna.sync()
    bert.sync()
    time.sleep(2.5)
    equal(metric("satcheld_collected_total"), 0)  # the admin's device has not
    sync_all()
    wait_for(2)
    for device in everybody:
        is_gone(device)
    with open(world.server.log, encoding="utf-8") as log:
        has(log.read(), '"collected"')


@test
def who_comes_later_does_not_see_it():
    late = world.rep("Late", "North")
    late_ones.append(late)
    is_gone(late)
    equal(late.fields("account", stays)["name"], "Stays")


@test
def a_home_from_before_it_brings_nothing_back_and_its_work_is_listed():
    shutil.rmtree(bert.home)
    os.rename(bert.home + ".old", bert.home)
    bert.put("account", gone, "city=Basel")
    bert.put("account", stays, "city=Biel")
    bert.sync(expect=0)
    bert.sync()
    refused = bert.rows("refused")
    equal([row["reason"] for row in refused], ["collected"], refused)
    is_gone(bert)
    anna.sync()
    equal(anna.fields("account", stays)["city"], "Biel")
    is_gone(anna)


@test
def an_import_that_is_repeated_does_not_bring_it_back_and_a_person_can():
    line = {"type": "account", "id": gone, "territory": "North", "fields": {"name": "Again"}}
    error = anna.error(2, "put", "account", gone, "name=Again", "--territory", "North")
    equal(error["error"], "exists", error)
    has(error["message"], "deleted")
    anna.run("restore", "account", gone)
    equal(anna.fields("account", gone), {"name": "Gone", "city": "Bern"})
    anna.put_lines([line])
    sync_all()
    equal(admin.fields("account", gone)["name"], "Again")


@test
def who_was_there_brings_back_what_it_was_and_who_came_later_an_empty_one():
    fields = {"name": "Back", "tags": ["vip"]}
    steps = [step["fields"] for step in anna.rows("history", "account", back)]
    equal(steps, [{"name": "Back", "tags": {"add": ["vip"]}}, {"deleted": True}])
    late = world.rep("Later", "North")
    late_ones.append(late)
    equal([step["state"] for step in late.rows("history", "account", back)], ["stub", "superseded"])
    late.run("restore", "account", back)
    equal(late.fields("account", back), {})
    anna.run("restore", "account", back)
    equal(anna.fields("account", back), fields)
    anna.sync()
    late.sync()
    equal(late.fields("account", back), fields)


@test
def a_server_that_claims_more_than_a_device_acknowledged_is_caught():
    """It gives out, of all who are offline, that they are as far as Anna, and so forgets what they have not seen."""
    alike = anna.put("account", "name=Alike", "--territory", "North")
    sync_all()
    anna.run("rm", "account", alike)
    for device in everybody + everybody + tuple(late_ones):
        if device is not bert:
            device.sync()
    equal(metric("satcheld_collected_total"), 2)
    world.server.stop()
    (store,) = glob.glob(os.path.join(world.server.data, "orgs", "*.db"))
    database = sqlite3.connect(store)
    columns = "log_epoch, size, root, digest, ack, dir_seq, dir_hash"
    with database:
        forged = database.execute("UPDATE cursor SET (%s) = (SELECT %s FROM cursor AS c WHERE c.sid = cursor.sid "
                                  "ORDER BY c.ack DESC LIMIT 1) WHERE signature <> (SELECT signature FROM cursor AS c "
                                  "WHERE c.sid = cursor.sid ORDER BY c.ack DESC LIMIT 1)" % (columns, columns)).rowcount
        equal(forged > 0, True)
    database.close()
    before = anna.rows("query", "SELECT id FROM archived.account")
    world.server.start()
    anna.sync()  # the server opens the organisation, and begins to forget
    wait_for(1)
    done = anna.run("sync", "--timeout", "20", expect=5)
    has(done.err, "the server forgets what device ")
    has(anna.row("status")["alert"], "has not acknowledged")
    equal(anna.rows("query", "SELECT id FROM archived.account"), before)

run()
