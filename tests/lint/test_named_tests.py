#!/usr/bin/env python3
"""The check of named tests is itself checked: each fault, put into a small tree on purpose, is found."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = {"tests/cli/test_a.py": "def a_door_is_shut():\n    pass\n\n\ndef line_3_doors():\n    pass\n",
         "tests/unit/test_b.c": "static void a_window_is_shut(void **state)\n", "tests/sim/test_c.c": "",
         "tests/story/test_c.c": ""}
NUMBERED = "| 3 | `tests/cli/test_a.py`: `line_3_doors` |\n"
# Name: (what docs/testing.md says, what must be said; None: nothing)
CASES = {
    "what_is_there_is_fine": ("| `tests/cli/test_a.py`: `a_door_is_shut`; `tests/unit/test_b.c` |\n", None),
    "a_name_alone_is_found": ("| `tests/cli/test_a.py`; `test_b.c`: `a_window_is_shut` |\n", None),
    "a_part_of_a_name_is_enough": ("| `tests/cli/test_a.py`: `a_door_…` |\n", None),
    "a_word_of_another_cell_is_no_test": ("| `tests/cli/test_a.py` | `some_field` |\n", None),
    "a_file_that_is_gone": ("| `tests/cli/test_gone.py` |\n", "no tests/cli/test_gone.py"),
    "a_name_that_two_have": ("| `test_c.c` |\n", "no test_c.c, or more"),
    "a_test_that_is_gone": ("| `tests/cli/test_a.py`: `a_door_is_open` |\n", "has no a_door_is_open"),
    "a_test_of_another_file": ("| `tests/cli/test_a.py`: `a_window_is_shut` |\n", "has no a_window_is_shut"),
    "the_beginning_of_a_name": ("| `tests/cli/test_a.py`: `a_door` |\n", "has no a_door"),
}


def findings(said):
    with tempfile.TemporaryDirectory() as root:
        for path, content in dict(FILES, **{"docs/testing.md": said}).items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                out.write(content)
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "check_named_tests.py"), root],
                              capture_output=True, encoding="utf-8")
        return done.returncode, done.stdout


def main():
    passed = failed = 0
    cases = {name: (NUMBERED + said, wanted) for name, (said, wanted) in CASES.items()}
    cases["a_numbered_test_that_is_not_named"] = ("", "does not name line_3_doors")
    for name, (said, wanted) in cases.items():
        code, out = findings(said)
        right = code == 0 if wanted is None else code == 1 and wanted in out
        passed, failed = (passed + 1, failed) if right else (passed, failed + 1)
        if not right:
            print("%s: exit code %d: %s" % (name, code, out))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
