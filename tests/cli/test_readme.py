#!/usr/bin/env python3
"""What the README tells one to type is typed, in a folder in which the programs lie where `make` puts them."""
import os
import subprocess
import sys

from harness import ROOT, SATCHELD, clean_environment, equal, has, run, scratch, test


@test
def the_commands_of_the_readme_do_what_they_say():
    folder = scratch()
    os.mkdir(os.path.join(folder, ".build"))
    os.symlink(os.path.dirname(SATCHELD), os.path.join(folder, ".build", "release"))
    script = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tests", "install", "blocks.py"),
                             os.path.join(ROOT, "README.md")], stdout=subprocess.PIPE, check=True).stdout
    done = subprocess.run(["bash", "-s"], input=script, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=clean_environment(), timeout=300)
    told = done.stdout.decode("utf-8")
    equal(done.returncode, 0, told)
    for part in ("1 passed, 0 failed", "in sync", "not a trace", "351.50 EUR", "spring range", "state: approved"):
        has(told, part)


run()
