#!/usr/bin/env python3
"""What people who sell do with leads, opportunities, complaints and tasks, by the domain's items and their figures; and
the hard cases that are decided by states."""
from harness import World, equal, has, run, test

world = World(territories=["Eastern"])
admin = world.admin
nancy = world.rep("Nancy", "Eastern")
robert = world.rep("Robert", "Eastern")


def sync_all():
    for device in nancy, robert, admin, nancy:  # the others' go to Nancy
        device.sync()


def state(device, kind, key):
    return device.row("state", kind, key)


def count(device, table, where="1"):
    return device.rows("query", 'select count(*) as n from "%s" where %s' % (table, where))[0]["n"]


# What several do side by side is begun here and met again in the tests, so that few syncs are needed.
nancy.sync()
robert.sync()
lead = nancy.put("lead", "company=Dairy Nord", "phone=+49 30 1235", "captured_on=2026-05-04")
alm = nancy.put("lead", "company=Käserei Alm", "person_name=Anna Berg", "phone=+49 30 1234")
plant = nancy.put("opportunity", "name=Plant", "stage=proposal", "amount=700000", "currency=EUR",
                  "opened_on=2026-05-04")
contract = nancy.put("opportunity", "name=Contract", "stage=contract", "amount=100", "currency=EUR")
order = nancy.put("order", "no_local=N-5", "state=warehouse")


@test
def m04_2_bant_score():
    first = nancy.row("lead", "score", "Dairy Nord", "budget=yes", "authority=partial")
    equal((first["score"], first["enough"], first["state"]), (40, False, "new"))
    told = nancy.row("lead", "score", lead, "n=yes", "t=unknown")
    equal((told["score"], told["needed"], told["most"], told["enough"]), (65, 60, 100, True))
    equal(told["state"], "qualified")
    has(nancy.error(1, "lead", "score", lead, "money=yes")["message"], "budget=")
    has(nancy.error(2, "lead", "score", lead, "budget=perhaps")["message"], "unknown no partial yes")
    equal(nancy.row("lead", "score", nancy.put("lead", "company=Half"), "budget=partial")["score"], 12.5)


@test
def m04_3_a_lead_becomes_part_of_an_account_that_there_is():
    account = nancy.put("account", "name=Molkerei")
    second = nancy.put("lead", "company=Molkerei, plant two")
    has(nancy.error(2, "lead", "convert", second, "account=Molkerei")["message"], "does not become converted")
    equal((count(nancy, "opportunity", "lead = '%s'" % second), state(nancy, "lead", second)["state"]), (0, "new"))
    nancy.row("lead", "score", second, "b=yes", "a=yes", "n=yes")
    made = nancy.row("lead", "convert", second, "account=Molkerei", "name=Plant two")
    equal((made["account"], made["contact"]), (account, None))
    equal(nancy.fields("opportunity", made["opportunity"])["name"], "Plant two")
    has(nancy.error(2, "state", "lead", nancy.put("lead", "company=No"), "disqualified")["message"], "reason")


@test
def m05_1_stages_go_on_one_by_one_and_back_with_a_reason():
    deal = nancy.put("opportunity", "name=Silo", "stage=qualified")
    has(nancy.error(2, "opportunity", "move", "Silo", "proposal")["message"], "but: lead (back, with a reason), needs")
    nancy.row("opportunity", "move", "silo", "needs")
    equal(nancy.row("opportunity", "move", deal, "proposal")["changed"], True)
    equal(nancy.row("opportunity", "move", deal, "proposal")["changed"], False)
    has(nancy.error(2, "opportunity", "move", deal, "needs")["message"], "reason")
    nancy.row("opportunity", "move", deal, "needs", "--reason", "another decider")
    told = state(nancy, "opportunity", deal)
    equal([(s["to"], s["reason"], s["by"], s["state"]) for s in told["steps"]][-1],
          ("needs", "another decider", "Nancy", "counts"))
    equal([m["to"] for m in told["moves"] if m["kind"] == "back"], ["qualified"])
    nancy.row("opportunity", "move", deal, "lost")
    equal(nancy.error(4, "opportunity", "move", deal, "needs", "--reason", "they called")["error"], "denied")


@test
def a_move_that_there_is_not_is_kept_flagged_and_counts_for_nothing():
    deal = nancy.put("opportunity", "name=Leap", "stage=qualified")
    step = nancy.put("state_event", "about=" + deal, "to_state=contract")  # as another program may write it
    nancy.sync()
    admin.sync()
    for device in nancy, admin:
        equal([(row["rule"], row["text"]) for row in device.rows("flagged") if row["id"] == step],
              [("a step is a move that there is", "contract of %s: it counts for nothing (satchel state)" % deal)])
        told = state(device, "opportunity", deal)
        equal((told["state"], [each["state"] for each in told["steps"]]), ("qualified", ["illegal"]))


@test
def m12_1_complaint_in_four_steps():
    account = nancy.put("account", "name=Sour")
    global case
    case = nancy.put("complaint", "account=" + account, "text=the milk is sour")
    error = nancy.error(2, "state", "complaint", case, "analysed")
    has(error["message"], "kind, severity, urgency, strategy")
    nancy.put("complaint", case, "kind=quality", "severity=3", "urgency=3", "strategy=replace")
    nancy.row("state", "complaint", case, "analysed")
    nancy.put("complaint", case, "answers+=we replace it", "actions+=40 l on Monday")
    has(nancy.error(2, "state", "complaint", case, "answered")["message"], "says more: deadline")
    equal([m["needs"] for m in state(nancy, "complaint", case)["moves"]], [["deadline"]])
    nancy.put("complaint", case, "deadline=2026-05-06T10:00:00+02:00", "satisfaction+=4", "lesson=check the cooling")
    nancy.row("state", "complaint", case, "answered")


@test
def a_task_is_done_and_a_person_reads_it():
    nancy.put("task", "title=Send the offer")
    equal(nancy.row("task", "done", "send the offer")["changed"], True)
    equal(nancy.row("task", "done", "Send the offer")["changed"], False)
    shown = nancy.run("state", "task", "Send the offer").out
    for word in ("done", "open", "reason", "Nancy"):
        has(shown, word)
    has(nancy.error(2, "task", "done", "nothing of the kind")["message"], "there is no task")
    nancy.put("task", "title=Send the offer")
    has(nancy.error(2, "task", "done", "Send the offer")["message"], "any of 2")
    has(nancy.error(1, "state", "task", "Send the offer", "--reason", "x")["message"], "reason for what")
    has(nancy.error(2, "state", "account", "Sour")["message"], "no states")


@test
def while_nobody_is_in_reach_they_go_on():
    nancy.row("state", "lead", alm, "qualified")
    sync_all()
    world.server.stop()
    nancy.row("lead", "score", lead, "authority=yes")
    robert.row("lead", "score", lead, "timeline=partial")
    mine = nancy.row("lead", "convert", "Käserei Alm", "amount=1200000", "currency=EUR")
    equal(admin.row("lead", "convert", alm), mine)
    nancy.row("opportunity", "move", plant, "negotiation")
    admin.row("opportunity", "move", plant, "lost")
    nancy.row("opportunity", "move", contract, "won")
    admin.row("opportunity", "move", contract, "lost")
    nancy.row("state", "order", "N-5", "cancelled")  # 10:00
    admin.row("state", "order", order, "shipping")  # 09:30
    nancy.row("state", "complaint", case, "closed")
    equal(state(nancy, "complaint", case)["written_after"], [])
    robert.put("complaint", case, "answers+=the truck was warm")  # the service desk, twenty minutes later
    world.server.start()
    sync_all()
    equal(nancy.rows("conflicts"), [])


@test
def m04_2_both_answers_are_kept():
    told = admin.row("lead", "score", lead)
    equal((told["score"], told["answers"]["authority"], told["answers"]["timeline"]), (90, "yes", "partial"))


@test
def m04_3_two_converted_one_lead():
    equal(count(admin, "account", "name = 'Käserei Alm'"), 1)
    equal(count(admin, "contact", "name = 'Anna Berg'"), 1)
    equal(count(admin, "opportunity", "lead = '%s'" % alm), 1)
    equal(state(admin, "lead", alm)["state"], "converted")
    made = nancy.fields("opportunity", nancy.rows("list", "opportunity", "--where", "lead = '%s'" % alm)[0]["id"])
    equal((made["amount"], made["account"]), (1200000, nancy.fields("lead", alm)["account"]))
    nancy.put("account", made["account"], "name=Alm GmbH")
    equal(nancy.row("lead", "convert", alm)["account"], made["account"])  # again: nothing is undone
    equal(nancy.fields("account", made["account"])["name"], "Alm GmbH")


@test
def case_5_cancelled_and_shipped():
    for device in nancy, admin:
        told = state(device, "order", order)
        equal((told["state"], told["disputed"], told["asked"]), ("shipping", None, ["cancelled"]))
    has(nancy.error(2, "state", "order", order, "cancelled")["message"], "is shipping, and does not become cancelled")


@test
def m12_1_an_answer_after_it_was_closed_is_not_lost():
    told = state(nancy, "complaint", case)
    equal((told["state"], told["written_after"]), ("closed", ["answers"]))
    has(nancy.fields("complaint", case)["answers"], "the truck was warm")
    has(nancy.error(2, "state", "complaint", case, "reopened")["message"], "needs a reason")


@test
def case_6_won_and_lost_m05_1_and_nothing_counts_until_a_manager_settles_it():
    equal(state(nancy, "opportunity", contract)["disputed"], ["lost", "won"])
    for device in nancy, admin:
        told = state(device, "opportunity", plant)
        equal(told["disputed"], ["negotiation", "lost"])
        equal([(m["to"], m["kind"], m["yours"]) for m in told["moves"]],
              [("negotiation", "settle", device is admin), ("lost", "settle", device is admin)])
    report = nancy.row("report", "funnel", "--period", "2026")
    has([(row["n"], row["why"]) for row in report["basis"]["not_counted"]],
        (2, "disputed: their states stand side by side"))
    equal([row for row in report["parts"]["pipeline"] if row["amount_minor"] == 700000], [])
    equal(nancy.error(4, "opportunity", "move", plant, "negotiation")["error"], "denied")
    has(admin.error(2, "opportunity", "move", plant, "won")["message"], "settled by one of these")
    admin.row("state", "opportunity", plant, "negotiation")
    report = admin.row("report", "funnel", "--period", "2026")
    equal([row["stage"] for row in report["parts"]["pipeline"] if row["amount_minor"] == 700000], ["negotiation"])


@test
def m04_2_the_organisation_weighs_the_answers():
    admin.put("config_item", "kind=policy", "name=bant", "version=1", 'body={"budget":50,"needed":80}',
              "published_at=2026-05-01T08:00:00Z", "--territory", "org")
    other = admin.put("lead", "company=Weighed", "--territory", "Eastern")
    told = admin.row("lead", "score", other, "b=yes", "a=no", "n=yes")
    equal((told["score"], told["most"], told["needed"], told["state"]), (75, 125, 80, "new"))
    has(admin.error(2, "lead", "convert", other)["message"], "is new, and does not become converted")


run()
