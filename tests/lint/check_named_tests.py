#!/usr/bin/env python3
"""Every test that a document names is there: docs/security.md and docs/testing.md say of each promise, docs/domain.md
of each item of the domain, which test would fail if it broke, and a test that was renamed or taken away must not leave
that sentence behind.

    check_named_tests.py [ROOT]

In a cell of a table, or a line of a list, `file` names what follows it: `test_name`, or a part of it with `…`. A file
is given with its path, or stands in the folder of the one before it, or is the only one of its name. Of a suite whose
tests have numbers docs/testing.md names each, or all of a number together (`line_7_…`)."""
import glob
import os
import re
import sys

DOCUMENTS = ("docs/security.md", "docs/testing.md", "docs/domain.md")
CODE = re.compile(r"`([^`]+)`")
FILE = re.compile(r"[\w/.]+\.(?:py|c|sh)")
NAME = re.compile(r"…?[A-Za-z]\w*…?")
NUMBERED = re.compile(r"^def (line_(\d+)_\w+)", re.M)


class Check:
    def __init__(self, root):
        self.root, self.failed, self.named, self.texts = root, 0, 0, {}

    def fail(self, document, number, text):
        self.failed += 1
        print("%s:%d: %s" % (document, number, text))

    def read(self, path):
        if path not in self.texts:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                self.texts[path] = file.read()
        return self.texts[path]

    def is_there(self, path, name):
        word = re.escape(name.strip("…"))
        before, behind = ("" if name.startswith("…") else r"\b"), ("" if name.endswith("…") else r"\b")
        return re.search(before + word + behind, self.read(path)) is not None

    def find(self, token, before):
        beside = token if token.startswith("tests/") else os.path.join(os.path.dirname(before or "tests/x"), token)
        if os.path.exists(os.path.join(self.root, beside)):
            return beside
        found = [] if "/" in token else glob.glob(os.path.join(self.root, "tests", "*", token))
        return os.path.relpath(found[0], self.root) if len(found) == 1 else None

    def cell(self, document, number, cell, path):
        """The path that is in force behind the cell."""
        seen = None
        for token in CODE.findall(cell):
            if FILE.fullmatch(token):
                if not token.startswith(("tests/", "test_", "check_")):
                    continue
                self.named += 1
                seen = self.find(token, path)
                path = seen or path
                if not seen:
                    self.fail(document, number, "there is no %s, or more than one" % token)
            elif seen and NAME.fullmatch(token) and ("_" in token or "…" in token):
                self.named += 1
                if not self.is_there(seen, token):
                    self.fail(document, number, "%s has no %s" % (seen, token))
        return path

    def document(self, document):
        if not os.path.exists(os.path.join(self.root, document)):
            return
        path = None
        for number, line in enumerate(self.read(document).splitlines(), 1):
            for cell in line.split(" | ") if line.startswith("|") else [line]:
                path = self.cell(document, number, cell, path)

    def numbered(self):
        """Each numbered test is in the table, so that the numbers lead somewhere."""
        if not os.path.exists(os.path.join(self.root, "docs/testing.md")):
            return
        said = self.read("docs/testing.md")
        for folder in ("cli", "hostile"):
            there = os.path.join(self.root, "tests", folder)
            for name in sorted(os.listdir(there)) if os.path.isdir(there) else []:
                if not name.startswith("test_") or not name.endswith(".py"):
                    continue
                path = "tests/%s/%s" % (folder, name)
                for test, line in NUMBERED.findall(self.read(path)):
                    self.named += 1
                    if "`%s`" % test not in said and "`%s`: `line_%s_…`" % (path, line) not in said:
                        self.fail(path, 1, "docs/testing.md does not name %s" % test)


if __name__ == "__main__":
    check = Check(sys.argv[1] if len(sys.argv) > 1
                  else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    for name in DOCUMENTS:
        check.document(name)
    check.numbered()
    print("%d passed, %d failed" % (check.named - check.failed, check.failed))
    sys.exit(1 if check.failed else 0)
