#!/usr/bin/env python3
"""The demo plays to its end: every figure right, both programs from the build under test, nothing left running."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("SATCHEL_BUILD", os.path.join(os.path.dirname(os.path.dirname(HERE)), ".build", "release"))
PROMISED = ("855,368.70", "76,799.41", "60,696.00", "272,929.18", "1,265,793.29", "city Strasbourg, country France",
            "All 91 company names searched for in them: 0 found.", "150 of the 830 orders",
            # the second act: the funnel's, a target's, what is owed, and the week's plans
            "negotiation      18     66.67 %", "107.16 %", "119210.90", "91    31        3      0     34.07 %",
            "36 of 36 figures")


def processes_in(folder):
    """The commands that run now and name a folder."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % process, "rb") as file:
                command = file.read()
        except OSError:
            continue
        if os.fsencode(folder) in command:
            found.append(command)
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="satchel-demo-") as folder:
        day = os.path.join(folder, "day")
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "demo.py"), "--build", BUILD, "--dir", day],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", timeout=600)
        checks = {"exit code 0": done.returncode == 0, "nothing is left running": not processes_in(day)}
        checks.update({text: text in done.stdout for text in PROMISED})
    wrong = [what for what, holds in checks.items() if not holds]
    if wrong:
        print(done.stdout)
    for what in wrong:
        print("the demo does not show: %s" % what)
    print("%d passed, %d failed" % (len(checks) - len(wrong), len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
