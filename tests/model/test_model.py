#!/usr/bin/env python3
"""Every counterexample that the rules of the merge close, told as a life; with the rule left out it must end badly.
Then random lives with all faults.      SEED=n LIVES=n tests/model/test_model.py
"""
import os
import sys
import unittest

from lives import FAULTS, live, random_lives, shrink
from replica import DELETED, MUTATIONS

SEED = int(os.environ.get("SEED", "0")) or 1
LIVES = int(os.environ.get("LIVES", "0")) or 4000


def told(text):
    """'0 writes R.xy' and so on; one act a line or between semicolons."""
    short = {"pushes": "push", "pulls": "pull", "deletes": "delete", "writes": "write", "cloned": "clone",
             "refused": "refuse", "sets-aside": "put_aside", "takes-up": "take_up", "saved": "device_backup",
             "restored": "device_restore", "server-saved": "server_backup", "server-restored": "server_restore",
             "server-forgets": "server_forgets", "collect": "collect", "compact": "compact"}
    acts = []
    for line in text.replace(";", "\n").split("\n"):
        words = line.split()
        if not words:
            continue
        if len(words) == 1:
            acts.append((short[words[0]],))
        elif words[1] == "writes":
            acts.append(("write", int(words[0])) + tuple(words[2].split(".")))
        else:
            acts.append((short[words[1]], int(words[0])) + tuple(words[2:]))
    return acts


# name: (devices, the life, the mutations each of which lets it end badly)
COUNTEREXAMPLES = {
    "01_a_refused_change_takes_no_older_value_along": (
        2, "1 writes R.x; 1 pushes; 0 pulls; 0 writes R.x; 0 writes R.y; 0 refused; 0 pushes", ["later ones pass"]),
    "02_nothing_leaves_the_base_before_its_successor_is_accepted": (
        2, "1 writes R.x; 1 pushes; 0 pulls; 0 writes R.x; 0 refused; 0 pushes", []),
    "03_what_was_put_aside_is_not_overwritten_unseen": (
        2, "0 writes R.x; 0 writes R.y; 1 sets-aside; 0 pushes; 1 pulls; 1 writes R.x", ["forget holes"]),
    "03_nothing_is_dropped_from_a_record_with_a_hole": (
        2, "0 writes R.xy; 0 writes R.y; 1 sets-aside; 0 pushes; 1 pulls; 1 writes R.y", ["forget holes"]),
    "03_a_hole_stays_one_when_the_change_is_made_again": (
        2, "1 writes Q.x; 0 sets-aside; 0 writes R.y; 1 deletes Q; 1 pushes; 0 pulls; 0 refused; "
           "0 writes Q.x; 0 takes-up", []),
    "04_what_is_kept_stays": (
        2, "0 writes R.x; 0 writes R.y", ["forget kept"]),
    "05_a_clone_claims_not_to_have_seen_the_other": (
        3, "0 cloned; 3 writes R.x; 0 writes R.x; 3 writes R.x", ["branch without cut", "no own hashes"]),
    "05_a_restored_device_uses_no_name_twice": (
        2, "0 saved; 0 writes R.x; 0 pushes; 1 pulls; 0 restored; 0 pulls; 0 writes R.x", ["no own hashes"]),
    "06_two_accepted_changes_of_one_name_both_count": (
        3, "0 writes R.y; 2 cloned; 0 pushes; 2 writes R.x; server-saved; 3 writes R.y; 2 pushes; 1 pulls; "
           "1 writes R.y; server-forgets; 3 pushes", ["no renaming"]),
    "07_a_collected_record_does_not_return_with_an_old_server": (
        2, "1 writes R.x; 1 deletes R; 1 pushes; server-saved; 1 pulls; 0 pulls; collect; 0 pulls; "
           "0 writes R.y; server-forgets", ["no deaths"]),
    "07_a_collected_record_does_not_return_with_an_old_device": (
        2, "1 writes Q.x; 1 pushes; server-saved; 0 writes R.x; 0 pushes; 1 pulls; 1 saved; 0 deletes R; "
           "0 pushes; 1 pulls; 0 pulls; collect; 0 pulls; server-restored; 1 restored; 0 pulls; 1 pulls",
        ["no stubs"]),
    "08_pending_work_holds_the_collection_back": (
        2, "0 writes R.x; 0 pushes; 1 pulls; 1 writes R.y; 0 deletes R; 0 pushes; 0 pulls; 1 pulls; collect; "
           "1 pushes", ["acknowledge by cursor+look at the cursor only"]),
    "08_so_does_the_deletion_of_what_was_brought_back": (
        2, "0 writes R.x; 0 pushes; 1 pulls; 1 deletes R; 1 pushes; 1 writes R.x; 0 pulls; 1 pulls; "
           "1 deletes R; collect", ["acknowledge by cursor"]),
    "09_a_restored_device_that_wrote_nothing_is_noticed": (
        2, "0 writes R.x; 0 pushes; 1 pulls; 1 saved; 0 deletes R; 0 pushes; 0 pulls; 1 pulls; collect; "
           "1 restored", []),
    "10_give_back_does_not_wait_for_what_exists_nowhere": (
        2, "0 writes R.x; 0 writes R.x; 1 writes R.x; 1 pushes; server-saved; 0 pushes; compact; 0 pulls; "
           "server-restored", []),
    "11_the_vector_joins_what_was_seen": (
        3, "0 writes R.y; 0 pushes; 1 pulls; 1 writes R.y; 1 writes R.y; 1 pushes; compact", ["join only the dots"]),
    "11_what_was_superseded_does_not_return_by_give_back": (
        3, "0 writes Q.x; 0 pushes; server-saved; 1 writes R.x; 1 pushes; 0 pulls; 0 writes R.x; 0 pushes; "
           "compact; 2 pulls; 2 writes R.x; 2 pushes; server-restored", []),
    "12_the_collision_is_agreed_by_all_who_give_back": (
        3, "2 writes Q.y; 2 pushes; server-saved; 0 cloned; 0 writes Q.x; 3 writes Q.y; 3 pushes; 1 pulls; "
           "server-forgets; 3 writes Q.y", []),
    "14_a_server_that_forgot_silently_is_noticed": (
        3, "1 writes Q.x; 0 writes R.y; 0 pushes; server-saved; 1 pushes; 1 pulls; server-forgets", ["silence"]),
    "O1_two_clones_share_one_acknowledgement": (
        2, "0 writes R.x; 0 deletes R; 0 pushes; 0 cloned; 2 pulls; 1 pulls; 0 writes R.y; 0 pulls; "
           "2 writes R.y; 2 writes R.x; collect", []),
    "O1_the_witness_is_compared_and_not_the_cursor_alone": (
        2, "0 writes R.x; 0 pushes; 1 pulls; 0 cloned; 2 writes R.y; 1 deletes R; 1 pushes; 2 pulls; 0 pulls; "
           "1 pulls; collect; 2 pushes", ["look at the cursor only"]),
    "O2_a_copy_is_not_beside_its_original": (
        2, "1 writes R.xy; 1 cloned; 0 writes Q.x; 0 pushes; server-saved; 2 writes R.y; 2 pushes; "
           "server-restored; 1 pushes; 2 pushes", []),
    "N1_what_one_clone_made_again_is_known_to_the_other": (
        3, "1 writes Q.x; 1 deletes Q; 1 cloned; 3 writes Q.x; 3 refused", ["copies are not known"]),
    "N2_void_stubs_travel_with_the_next_push": (
        3, "1 writes Q.x; 2 writes R.x; 1 writes Q.x; 2 pushes; 1 cloned; server-saved; 1 refused; 1 pushes; "
           "server-forgets", ["voids are forgotten"]),
    "N3_what_the_lost_log_had_accepted_takes_no_name_that_was_given_up": (
        2, "0 writes Q.y; 1 writes Q.x; 0 pushes; server-saved; 1 pushes; 0 pulls; 1 refused; "
           "server-restored; 1 writes Q.y; 1 pushes; 1 writes Q.y", []),
    "N4_what_a_refused_change_brought_back_falls_with_it": (
        2, "0 writes R.x; 0 deletes R; 0 pushes; 1 pulls; 0 pulls; collect; 0 writes R.x; 0 refused; "
           "0 writes R.x", []),
    "N5_a_witness_does_not_keep_its_number_in_another_log": (
        2, "1 writes R.x; 1 pushes; 0 pulls; 1 pulls; 0 saved; server-saved; 0 writes Q.x; 0 writes Q.y; "
           "0 writes Q.x; 0 pushes; 1 pulls; 1 writes R.y; 0 restored; server-restored; 0 deletes R; "
           "0 pushes; 0 pulls; 1 pulls; 0 pulls; collect; 1 pushes", ["epoch is enough"]),
    "N6_what_is_aside_is_given_back": (
        2, "1 writes Q.x; 1 pushes; server-saved; 0 saved; 0 writes R.x; 0 pushes; 1 sets-aside; 1 pulls; "
           "server-restored; 0 restored", ["asides stay"]),
    "N7_an_echo_under_another_name_is_renamed_before_it_is_let_go_of": (
        2, "1 writes R.x; 1 pushes; server-saved; 1 writes R.x; 1 writes R.y; 1 pushes; 0 pulls; 1 refused; "
           "server-restored", []),
    "N9_a_name_that_was_given_up_is_taken_for_everybody": (
        3, "1 cloned; 3 writes R.x; 3 refused; 2 writes R.y; 3 deletes R; 1 writes R.y; 2 pushes; server-saved; "
           "3 pushes; 2 pulls; server-forgets", ["voids are nobody's"]),
    "N10_and_N11_what_this_device_gave_up_and_the_log_has_it_has_not_seen": (
        3, "0 writes R.x; 1 writes R.x; 0 pushes; 1 writes R.y; 1 refused; 1 cloned; server-saved; 3 pulls; "
           "server-restored; 3 writes R.x", []),
    "N8_a_fork_and_a_refusal_of_shared_work": (
        2, "1 writes Q.x; 1 writes Q.x; 1 cloned; 1 refused; 2 writes Q.x; 2 pulls", []),
}


class Counterexamples(unittest.TestCase):
    def test_a_deletion_beside_an_edit_leaves_all_there_is_to_restore(self):
        bad, world, _ = live(2, told("0 writes R.xy; 0 pushes; 1 pulls; 0 deletes R; 1 writes R.x"))
        shown = world.server.base.shown("R")
        self.assertEqual(bad, [])
        self.assertTrue(shown["x"] and shown["y"] and shown[DELETED])

    def test_every_act_of_every_counterexample_does_something(self):
        for name, (devices, text, _) in COUNTEREXAMPLES.items():
            acts = told(text)
            if not name.startswith(("O1_two", "N8")):  # the last act of these is there to find nothing to do
                self.assertEqual(live(devices, acts)[2], acts, name)


def add_test(name, devices, text, mutations):
    def ends_well(self):
        self.assertEqual(live(devices, told(text))[0], [])

    def is_needed(self):
        for mutation in mutations:
            self.assertTrue(live(devices, told(text), mutation.split("+"))[0], mutation)

    setattr(Counterexamples, "test_" + name, ends_well)
    if mutations:
        setattr(Counterexamples, "test_" + name + "_and_not_without_the_rule", is_needed)


for title, (count, life, without) in COUNTEREXAMPLES.items():
    add_test(title, count, life, without)


class RandomLives(unittest.TestCase):
    def lives(self, number, faults, seed=SEED):
        tally = random_lives(seed, lives=number, faults=faults)
        print("seed %d: %s" % (seed, tally.text()), flush=True)
        for devices, acts, kinds in tally.bad[:2]:
            print("  %s: %d devices, %s" % (sorted(kinds), devices, shrink(devices, acts, (), kinds)), flush=True)
        self.assertEqual(tally.bad, [])
        self.assertLessEqual(tally.back, max(2, number // 500))
        return tally

    def test_all_faults_together(self):
        tally = self.lives(LIVES, FAULTS)
        if LIVES >= 4000:
            self.assertTrue(tally.forks and tally.rollbacks)

    def test_forks_and_rollbacks(self):
        self.lives(LIVES // 4, ("clone", "device_backup", "device_restore", "server_backup", "server_restore",
                                "server_forgets", "compact"))

    def test_the_same_seed_lives_the_same_lives(self):
        one, other = (random_lives(SEED, lives=50).text() for _ in range(2))
        self.assertEqual(one, other)

    def test_the_oracle_sees_what_breaks_often(self):
        for mutation in ("forget kept", "no own hashes", "forget holes", "branch without cut"):
            tally = random_lives(7, lives=1500, mutations=(mutation,), bad_max=1)
            self.assertTrue(tally.bad, mutation)

    def test_every_mutation_is_caught_somewhere(self):
        caught = {part for _, _, some in COUNTEREXAMPLES.values() for name in some for part in name.split("+")}
        self.assertEqual(caught, set(MUTATIONS))


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(stream=sys.stdout).run(suite)
    failed = len({str(test) for test, _ in result.failures + result.errors})
    print("%d passed, %d failed" % (result.testsRun - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
