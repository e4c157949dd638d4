#!/usr/bin/env python3
"""Checks what the compiler does not: layers and homes of headers (layers.txt), and the manner of the code.

    tests/lint/check_layers.py [ROOT]     prints every fault as FILE:LINE: what, then 'N passed, N failed' (files)
"""
import glob
import os
import re
import sys

LINE_COLUMNS_MAX = 120
FUNCTION_LINES_MAX = 100
FILE_LINES_MAX = 700
HERE = os.path.dirname(os.path.abspath(__file__))
CODE_FOLDERS = ("common", "server", "client", "tests", "docs")

# What has no place anywhere, and what the engine must not do by itself.
BANNED = {
    "strcpy": "unbounded", "strcat": "unbounded", "sprintf": "unbounded", "vsprintf": "unbounded", "gets": "unbounded",
    "scanf": "unbounded", "sscanf": "hides errors", "strtok": "hidden state", "atoi": "hides errors",
    "atol": "hides errors", "atoll": "hides errors", "atof": "hides errors", "alloca": "unbounded", "tmpnam": "a race",
    "mktemp": "a race", "system": "a shell", "popen": "a shell", "setjmp": "hidden control",
    "longjmp": "hidden control",
}
FINE_IN_TESTS = ("system", "popen", "setjmp", "sscanf", "strtok")
BANNED_IN_TESTS = {name: why for name, why in BANNED.items() if name not in FINE_IN_TESTS}
BANNED_IN_ENGINE = {
    "time": "a clock", "clock": "a clock", "clock_gettime": "a clock", "gettimeofday": "a clock", "sleep": "waiting",
    "usleep": "waiting", "getenv": "the environment", "fopen": "files", "exit": "the caller's decision",
    "printf": "output", "puts": "output", "putchar": "output", "rand": "randomness comes from sat_entropy",
    "srand": "randomness comes from sat_entropy", "random": "randomness comes from sat_entropy",
}
# Conditions that may select code: the language, the compiler, versions of libraries. A role or a platform is data, or
# another file.
CONDITIONS = re.compile(r"__cplusplus|__has_\w+|__SANITIZE_\w+__|__(GNUC|clang)__|__STDC\w*|_GNU_SOURCE|\w*VERSION\w*")

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^">]+)[">]')


class Table:
    """layers.txt"""

    def __init__(self, path):
        self.layers, self.homes, self.portable, self.constructions, self.generated = {}, {}, {}, {}, {}
        for line in open(path, encoding="utf-8"):
            words = line.split("#")[0].split()
            if words:
                kind, name, rest = words[0], words[1].rstrip(":"), words[2:]
                table = {"layer": self.layers, "home": self.homes, "portable": self.portable,
                         "construction": self.constructions, "generated": self.generated}[kind]
                table.setdefault(name, []).extend(rest)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code_only(text):
    """The text with comments and the insides of strings blanked out, so that lines and columns stay."""
    def without_inside(match):
        quote = match.group(0)[0]
        return blank(match) if quote == "/" else quote + blank(match)[1:-1] + quote

    return COMMENT_OR_STRING.sub(without_inside, text)


def below(path, place):
    """Whether a file lies in a folder, or is `place` with one of its endings."""
    return path.startswith(place + "/") or path.rsplit(".", 1)[0] == place


def check_includes(path, text, table, fault):
    folder = os.path.dirname(path)
    known = folder in table.layers
    if folder.split("/")[0] in ("common", "server", "client") and not known:
        fault(1, "the folder %s is in no layer of tests/lint/layers.txt" % folder)
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if match and match.group(1) == '"':
            check_own_include(path, match.group(2), table.layers.get(folder), number, fault)
        elif match:
            check_foreign_include(path, match.group(2), table, number, fault)


def check_own_include(path, target, may, number, fault):
    if path.startswith("client/include/") and os.path.exists("client/include/" + target):
        return  # installed side by side
    if not os.path.exists(target):
        fault(number, '"%s" is no path from the root of the project' % target)
    elif may is not None and os.path.dirname(target) not in may + [os.path.dirname(path)]:
        fault(number, "%s must not include %s: a higher layer" % (os.path.dirname(path), os.path.dirname(target)))


def check_foreign_include(path, header, table, number, fault):
    if path.startswith(("tests/", "docs/")):
        return
    for name, homes in table.homes.items():
        if header == name or (name.endswith("/") and header.startswith(name)):
            if not any(below(path, home) for home in homes):
                fault(number, "<%s> has its home in %s" % (header, ", ".join(homes)))
            return
    places = [place for place in table.portable if below(path, place)]
    if places and not any(header in table.portable[place] for place in places):
        fault(number, "<%s> is not portable C, which is all that %s/ may use" % (header, places[0]))


def check_conditions(path, code, fault):
    """No #ifdef for roles. Include guards and the X-macros of .def files are fine."""
    if path.endswith(".def") or path.startswith("tests/"):
        return
    guards = set(re.findall(r"^#ifndef (\w+_H)\n#define \1$", code, re.M))
    for number, line in enumerate(code.split("\n"), 1):
        match = re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b(.*)", line)
        if not match:
            continue
        names = set(re.findall(r"[A-Za-z_]\w*", match.group(2))) - {"defined"} - guards
        wrong = sorted(name for name in names if not CONDITIONS.fullmatch(name))
        if wrong:
            fault(number, "#%s %s: a role or a platform is data, or another file" % (match.group(1), wrong[0]))


def check_constructions(path, code, table, fault):
    if path.startswith(("tests/", "docs/")):
        return
    for prefix, homes in table.constructions.items():
        if not any(below(path, home) for home in homes):
            for match in re.finditer(r"\b%s\w+(?=\s*\()" % prefix, code):
                number = code.count("\n", 0, match.start()) + 1
                fault(number, "%s() is called in %s only" % (match.group(0), ", ".join(homes)))


def check_calls(path, code, fault):
    banned = BANNED_IN_TESTS if path.startswith("tests/") else BANNED
    if path.startswith("common/"):
        banned = dict(banned, **BANNED_IN_ENGINE)
    call = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(banned))
    for number, line in enumerate(code.split("\n"), 1):
        if line.lstrip().startswith("#"):
            continue
        for name in call.findall(line):
            fault(number, "%s() is banned: %s" % (name, banned[name]))


def check_listings(text, fault):
    """What stands indented in a comment goes on so: clang-format joins the lines of a listing once one is too long."""
    for number, pair in enumerate(zip(text.split("\n"), text.split("\n")[1:]), 2):
        if re.match(r"\s*/?\*{1,2} {2,}\S", pair[0]) and re.match(r"\s*\* \S", pair[1]):
            fault(number, "a listing goes on at the margin: a line of it was too long, and was reflowed")


def check_functions(code, fault):
    """In this project's style a function's braces, and only they, stand alone in the first column."""
    start = None
    for number, line in enumerate(code.split("\n"), 1):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start:
            if number - start - 1 > FUNCTION_LINES_MAX:
                fault(start, "a function of %d lines (at most %d)" % (number - start - 1, FUNCTION_LINES_MAX))
            start = None


def check_text(path, text, table, fault):
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            fault(number, "a tab")
        if line != line.rstrip():
            fault(number, "white space at the end of the line")
        if len(line) > LINE_COLUMNS_MAX:
            fault(number, "%d columns (at most %d)" % (len(line), LINE_COLUMNS_MAX))
    if len(lines) - 1 > FILE_LINES_MAX and path not in table.generated:
        fault(FILE_LINES_MAX, "a file of %d lines (at most %d)" % (len(lines) - 1, FILE_LINES_MAX))
    if text and not text.endswith("\n"):
        fault(len(lines), "no newline at the end of the file")
    if path.endswith((".h", ".def")) and not path.startswith("tests/") and not text.startswith("/*"):
        fault(1, "a header begins with a comment that says its idea")


def check_file(path, table):
    faults = []

    def fault(number, what):
        faults.append("%s:%d: %s" % (path, number, what))

    text = open(path, encoding="utf-8").read()
    check_text(path, text, table, fault)
    if path.endswith((".c", ".h", ".def")):
        code = code_only(text)
        check_includes(path, text, table, fault)
        check_conditions(path, code, fault)
        check_constructions(path, code, table, fault)
        check_calls(path, code, fault)
        check_functions(code, fault)
        check_listings(text, fault)
    return faults


def files():
    endings = (".c", ".h", ".def", ".py", ".sh")
    for folder in CODE_FOLDERS:
        for ending in endings:
            yield from sorted(glob.glob("%s/**/*%s" % (folder, ending), recursive=True))


def main():
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(HERE)))
    table = Table(os.path.join(HERE, "layers.txt"))
    passed = failed = 0
    for path in files():
        faults = check_file(path, table)
        passed, failed = (passed, failed + 1) if faults else (passed + 1, failed)
        for line in faults:
            print(line)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
