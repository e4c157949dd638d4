#!/usr/bin/env python3
"""That plaintext left a device is recorded before it does, whoever has the device, and the audit lists it as that
device's own word."""
import json
import os

from harness import Device, World, equal, has, lacks, run, test

world = World(territories=["Eastern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
admin.run("user", "add", "Margaret", "--role", "auditor")
admin.run("territory", "grant", "Eastern", "Margaret", "--read")
auditor = Device(world.folder, "Margaret")
auditor.run("join", world.invite("Margaret"))
admin.run("device", "approve", "3")
account = nancy.put("account", "name=Ernst Handel", "--territory", "Eastern")
nancy.put("task", "title=call", "account=" + account)
nancy.sync()
auditor.sync()


def out(name):
    return os.path.join(world.folder, name)


def disclosures(device):
    return [row for row in device.rows("audit") if row["kind"] == "disclosure"]


@test
def an_auditor_who_may_write_nothing_leaves_a_record_that_all_see():
    equal(auditor.error(4, "put", "account", account, "name=x")["error"], "denied")
    before = [row["link"] for row in admin.rows("audit")]
    rows = auditor.rows("export", "--format", "csv", out("auditors"))
    records = sum(row["records"] for row in rows)
    types = sorted(row["type"] for row in rows if row["records"])
    auditor.sync()
    for device in (admin, nancy, auditor):
        device.sync()
        said, = disclosures(device)
        equal((said["by"], said["device"], said["link"], said["own_word"], said["signed_by"]),
              ("Margaret", 3, None, True, []), said)
        equal(said["disclosure"], {"kind": "export", "types": types, "records": records, "format": "csv",
                                   "altered_by": None})
        has(said["what"], "exports %d records of account, " % records)
    rows = admin.rows("audit")
    equal([row["link"] for row in rows if row["link"]], before)
    equal([row["at"] for row in rows], sorted(row["at"] for row in rows), "among the links, by time")
    text = admin.run("audit").out
    line, = [line for line in text.splitlines() if "exports" in line]
    has(line, " says ")
    has(line, "Margaret (device 3)")


@test
def every_export_is_one_and_what_fails_before_it_begins_is_none():
    nancy.rows("export", out("first"))
    nancy.rows("export", "--format", "ndjson", out("second"))
    equal(nancy.error(2, "export", out("second"))["error"], "exists")
    nancy.sync()
    admin.sync()
    equal([said["disclosure"]["format"] for said in disclosures(admin) if said["by"] == "Nancy"],
          ["ndjson,csv", "ndjson"])
    with open(os.path.join(out("second"), "disclosure.ndjson"), encoding="utf-8") as file:
        equal(len([json.loads(line) for line in file]), 2, "those before it")


@test
def it_is_there_without_a_network_and_before_the_files():
    world.server.stop()
    nancy.rows("export", out("offline"))
    equal(len([said for said in disclosures(nancy) if said["by"] == "Nancy"]), 3)
    equal(nancy.row("status")["pending"] > 0, True)
    os.mkdir(out("closed"), 0o500)
    if os.geteuid() != 0:
        nancy.error(7, "export", out("closed"))
        equal(len([said for said in disclosures(nancy) if said["by"] == "Nancy"]), 4, "recorded all the same")
    world.server.start()
    nancy.sync()


@test
def nobody_writes_one_by_hand():
    said = admin.rows("list", "disclosure")[0]
    for words in (("put", "disclosure", "kind=export"), ("put", "disclosure", said["id"], "records=0"),
                  ("rm", "disclosure", said["id"]), ("restore", "disclosure", said["id"])):
        for device in (admin, auditor):
            refused = device.error(2, *words)
            equal(refused["error"], "invalid", words)
            has(refused["message"], "never by hand")
    line = json.dumps({"type": "disclosure", "fields": {"kind": "export"}})
    equal(admin.error(2, "put", "--stdin", stdin=line)["error"], "invalid")


@test
def reps_do_not_export_where_the_policy_says_so():
    admin.run("policy", "set", "export.rep", "0")
    nancy.sync()
    count = len(disclosures(nancy))
    refused = nancy.error(4, "export", out("refused"))
    has(refused["message"], "export.rep")
    equal((os.path.exists(out("refused")), len(disclosures(nancy))), (False, count))
    auditor.sync()
    auditor.rows("export", out("auditors-second"))
    admin.run("policy", "set", "export.rep", "1")
    nancy.sync()
    nancy.rows("export", out("allowed"))


@test
def everything_is_whole_afterwards():
    for device in (admin, nancy, auditor):
        device.sync()
        equal({row["state"] for row in device.rows("doctor")}, {"ok"})
        lacks(device.run("sync").err, "refused")


if __name__ == "__main__":
    run()
