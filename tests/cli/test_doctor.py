#!/usr/bin/env python3
"""doctor: a home that is whole is told whole; damage of each kind, planted with SQLite itself, is named, and what to do
about it."""
import os
import shutil
import sqlite3

from harness import Device, World, equal, has, run, satchel, test

CHECKS = ["store", "database", "directory", "bundles", "chains", "log", "live", "digest", "keyring", "keys", "drafts",
          "contents", "view"]

world = World(territories=["Eastern"])
admin = world.admin
rep = world.rep("Nancy", "Eastern")
account = rep.put("account", "name=Around the Horn", "city=London")
rep.put_lines([{"type": "note", "fields": {"text": "note %d" % i}} for i in range(30)])
gone = rep.put("task", "title=gone")
rep.sync()
rep.put("task", gone, "title=going")
rep.sync()
admin.sync()
admin.put("account", account, "city=Londres")
rep.put("account", account, "city=Londinium")
rep.run("rm", "task", gone)
rep.sync()
admin.sync()
rep.sync()
rep.put("account", account, "phone=1")
rep.put("note", "text=not sent yet")
copies = [0]


def copy_of(device):
    copies[0] += 1
    copy = Device(world.folder, device.name)
    copy.home = os.path.join(world.folder, "copy-%d" % copies[0])
    shutil.copytree(device.home, copy.home)
    return copy


def edit(device, *statements):
    """Raw edits of the store, as a broken disk or a broken program would make them."""
    database = sqlite3.connect(os.path.join(device.home, "store.db"))
    for statement in statements:
        changed = database.execute(statement).rowcount
        equal(changed != 0, True, "nothing is changed by " + statement)
    database.commit()
    database.close()


def findings(device, expect=5, kind="damage"):
    result = device.run("doctor", "--json", expect=expect)
    if expect:
        equal(result.error()["error"], "corrupt")
    return [(row["check"], row["text"]) for row in result.rows() if row["state"] == kind]


def damaged(check, text, *statements, device=None, only=True):
    """The edit is found as damage of that check, with what to do; with `only`, and as nothing else."""
    copy = copy_of(device or rep)
    edit(copy, *statements)
    found = findings(copy)
    equal([row for row in found if row[0] == check and text in row[1]] != [], True, found)
    if only:
        equal(set(row[0] for row in found), {check}, found)
    for row in copy.run("doctor", "--json", expect=5).rows():
        equal("do" in row, row["state"] != "ok", row)
    text = copy.run("doctor", expect=5).out
    has(text, "damage  " + check)
    has(text, "→")
    return found


# ---- Whole ----

@test
def a_home_that_is_whole_is_told_whole():
    for device in (rep, admin):
        rows = device.rows("doctor")
        equal([row["check"] for row in rows], CHECKS)
        equal(set(row["state"] for row in rows), {"ok"}, rows)
    counted = {row["check"]: row["text"] for row in rep.rows("doctor")}
    equal(counted["drafts"], "2 changes wait to be sent")
    equal(counted["keyring"], "it is that of device 2")
    has(rep.run("doctor").out, "ok      digest")


@test
def the_doctor_changes_nothing_and_needs_no_network():
    world.server.stop()
    copy = copy_of(rep)
    before = open(os.path.join(copy.home, "store.db"), "rb").read()
    copy.run("doctor")
    equal(open(os.path.join(copy.home, "store.db"), "rb").read(), before)
    world.server.start()
    equal(copy.row("status")["pending"], 2)


@test
def a_frozen_bundle_that_was_never_sent_is_whole_too():
    copy = copy_of(rep)
    os.kill(world.server.process.pid, 19)  # it answers the connection, and then nothing
    copy.run("sync", "--timeout", "1", "--json", expect=3)
    os.kill(world.server.process.pid, 18)
    equal(findings(copy, expect=0), [])


# ---- The view: it can be made anew, and is never damage ----

def about_the_view(device):
    row = device.rows("doctor")[-1]
    return row["state"], row["text"]


@test
def a_view_that_is_no_good_is_a_note_and_built_anew():
    copy = copy_of(rep)
    names = [row["name"] for row in copy.rows("list", "account")]
    view, archive = os.path.join(copy.home, "view.db"), os.path.join(copy.home, "archive.db")
    equal(about_the_view(copy), ("ok", "it opens, page by page"))
    whole = open(view, "rb").read()
    os.remove(archive)
    equal(about_the_view(copy), ("note", "its files are not those that were left"))
    equal(os.path.exists(archive), False, "it changes nothing")
    equal([row["name"] for row in copy.rows("list", "account")], names)
    whole = bytearray(open(view, "rb").read())
    whole[-2000] ^= 1
    with open(view, "wb") as file:
        file.write(whole)
    equal(about_the_view(copy), ("note", "a page of it does not open"))
    has(copy.run("doctor").out, "built anew when something is asked")
    edit(copy, "delete from meta where key = 'view'")
    equal(about_the_view(copy), ("note", "it was left in the midst of a change, or is of another version"))
    equal([row["name"] for row in copy.rows("list", "account")], names)
    equal(about_the_view(copy), ("ok", "it opens, page by page"))


@test
def where_a_view_cannot_be_kept_that_is_said_once():
    copy = copy_of(rep)
    copy.run("list", "account")
    for name in ("view.db", "archive.db"):
        os.remove(os.path.join(copy.home, name))
    os.mkdir(os.path.join(copy.home, "view.db"))
    ran = copy.run("list", "account")
    has(ran.out, "Around the Horn")
    equal(ran.err.count("could not be kept in the home"), 1, ran.err)
    equal(copy.run("status").err, "")
    os.rmdir(os.path.join(copy.home, "view.db"))
    equal(copy.run("list", "account").err, "")


# ---- Damage ----

@test
def damaged_pages_are_named():
    copy = copy_of(rep)
    copy.run("status")
    edit(copy, "update meta set value = value where key = 'org'")
    path = os.path.join(copy.home, "store.db")
    database = sqlite3.connect(path)
    page = database.execute("select rootpage from sqlite_schema where name = 'change_record'").fetchone()[0]
    size = database.execute("pragma page_size").fetchone()[0]
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\0" * 100)
    found = findings(copy)
    equal(any(check == "database" for check, _ in found), True, found)


@test
def rows_that_belong_to_nothing_are_counted():
    damaged("database", "belong to no bundle",
            "update change set cid = cid + (1 << 40) where cid = (select max(cid) from change)",
            only=False)
    damaged("database", "drafts belong to no space", "update draft set sid = 77", only=False)


@test
def a_changed_link_of_the_directory_is_named():
    last = "(select max(seq) from link)"
    damaged("directory", "link", "update link set signature = zeroblob(64) where seq = " + last)
    damaged("directory", "link 3", "update link set signature = zeroblob(64) where seq = 3")
    damaged("directory", "link 2", "update link set bytes = substr(bytes, 1, length(bytes) - 1) || x'ff' where seq = 2")
    damaged("directory", "link 4", "delete from link where seq = 3", only=False)
    damaged("directory", "no directory", "delete from link", only=False)


@test
def a_bundle_that_is_not_as_it_was_signed_is_named():
    one = "(select min(bid) from bundle where device = 2)"
    damaged("bundles", "signature does not hold", "update bundle set signature = zeroblob(64) where bid = " + one)
    damaged("bundles", "its id is another", "update bundle set id = zeroblob(32) where bid = " + one, only=False)
    damaged("bundles", "manifest or signature is cut", "update bundle set manifest = x'00' where bid = " + one,
            only=False)
    damaged("bundles", "not filed as it was signed", "update bundle set first = first + 5000 where bid = " + one,
            only=False)
    damaged("bundles", "not the one that was signed",
            "update change set body = zeroblob(length(body))"
            " where cid = (select min(cid) from change where length(body) > 0)",
            only=False)
    damaged("bundles", "changes are missing",
            "delete from change where cid = (select max(cid) from change where state = 0)",
            only=False)
    damaged("bundles", "not those that were signed",
            "update change set record = x'0190b6f28f5c7cc19a547d7b6e0b1d2e' where cid = (select max(cid) from change)",
            only=False)


@test
def a_gap_in_a_chain_is_named():
    middle = "(select bid from bundle where device = 2 order by first limit 1 offset 1)"
    damaged("chains", "one is missing", "delete from bundle where bid = " + middle, only=False)


@test
def a_log_that_is_not_what_it_was_is_named():
    largest = "(select sid from entry group by sid order by count(*) desc limit 1)"
    last = "sid = %s and seq = (select max(seq) from entry where sid = %s)" % (largest, largest)
    first = "sid = %s and seq = 1" % largest
    damaged("log", "root at entry", "update entry set root = zeroblob(32) where " + last)
    damaged("log", "root at entry 1 ", "update entry set recv_ms = recv_ms - 1 where " + first)
    damaged("log", "not that of its bundle", "update entry set id = zeroblob(32) where " + first)
    damaged("log", "entry 1 is missing", "delete from entry where " + first)
    damaged("log", "entries and should have", "delete from entry where " + last)
    damaged("log", "bundle of entry", "update entry set bid = 99999 where " + first)
    damaged("log", "steps back in time", "update entry set recv_ms = recv_ms * 2 where " + first)
    damaged("log", "a number is damaged", "update entry set seq = x'01' where " + last)
    damaged("log", "last time", "update space set last_recv_ms = last_recv_ms + 1 where sid = " + largest)
    damaged("log", "head is beyond", "update space set head_size = head_size + 9 where sid = " + largest)


@test
def a_change_in_the_wrong_state_is_named_by_its_record():
    current = "(select max(cid) from change where state = 0)"
    found = damaged("live", "is superseded and should be live", "update change set state = 1 where cid = " + current,
                    only=False)
    equal(set(check for check, _ in found), {"live", "digest"}, found)
    found = damaged("live", "is live and should be superseded",
                    "update change set state = 0 where cid = (select max(cid) from change where state = 1)",
                    only=False)
    equal(set(check for check, _ in found), {"live", "digest"}, found)


@test
def a_wrong_digest_is_named():
    damaged("digest", "is not that of its live changes", "update space set digest = zeroblob(2048) where live > 0")
    damaged("digest", "changes are live and it counts", "update space set live = live + 1 where live > 0")


@test
def drafts_and_keys_that_do_not_open_are_named():
    damaged("drafts", "unsent change of record", "update draft set body = zeroblob(length(body))", only=False)
    damaged("keys", "does not open", "update epoch_key set sealed = zeroblob(length(sealed))")


@test
def contents_that_do_not_decrypt_are_counted():
    copy = copy_of(rep)
    edit(copy, "update change set body = zeroblob(length(body)) where state = 0 and length(body) > 0")
    found = findings(copy)
    equal([text for check, text in found if check == "contents" and "cannot be decrypted" in text] != [], True, found)


@test
def a_keyring_of_another_device_is_named():
    copy = copy_of(rep)
    shutil.copy(os.path.join(admin.home, "keyring"), os.path.join(copy.home, "keyring"))
    copy.passphrase_file = admin.passphrase_file
    equal([check for check, _ in findings(copy) if check == "keyring"] != [], True)


@test
def what_does_not_even_open_is_named():
    copy = copy_of(rep)
    with open(os.path.join(copy.home, "keyring"), "r+b") as file:
        file.truncate(20)
    equal([check for check, _ in findings(copy)], ["keyring"])
    copy = copy_of(rep)
    os.remove(os.path.join(copy.home, "store.db"))
    equal([check for check, _ in findings(copy)], ["store"])
    copy = copy_of(rep)
    with open(os.path.join(copy.home, "store.db"), "r+b") as file:
        file.write(b"this is no database at all")
    equal([check for check, _ in findings(copy)], ["store"])


@test
def what_is_no_damage_is_an_error_of_its_own():
    nowhere = Device(world.folder, "nowhere")
    equal(nowhere.error(2, "doctor")["error"], "not_found")
    equal(satchel("doctor", "--home", rep.home, "--json", expect=6).error()["error"], "locked")
    wrong = Device(world.folder, "wrong", passphrase="wrong")
    wrong.home = rep.home
    equal(wrong.error(6, "doctor")["error"], "wrong_passphrase")


@test
def many_faults_are_counted_and_not_all_told():
    copy = copy_of(rep)
    edit(copy, "update change set state = 1 where state = 0")
    found = [text for check, text in findings(copy) if check == "live"]
    equal(len(found), 21, found)
    has(found[-1], "more of these")


if __name__ == "__main__":
    run()
