#!/usr/bin/env python3
"""The manual pages and the completion name every command and every option of the programs, with its argument, and none
besides; the pages are well-formed; the completion offers what it should; and the operator's manual knows every option,
metric and log event of the server."""
import os
import re
import shutil
import subprocess
import sys

import lists

PAGES = ("docs/man/satchel.1", "docs/man/satcheld.8")
MANUAL = "docs/operations.md"
LATER = "Comes with a later version"
# What is typed (the word to complete is the last), and what must be offered, first of all.
COMPLETIONS = {
    ("org",): {"org"},
    ("or",): {"order", "org"},
    ("territory", "gr"): {"grant"},
    ("--home", "invite", "territory", ""): {"add", "grant", "narrow", "revoke", "list"},
    ("territory", "grant", "--ma"): {"--manage"},
    ("sync", "--l"): {"--live"},
    ("put", "ord"): {"order", "order_event", "order_line"},
    ("put", "order", ""): set(),
    ("user", "add", "Nancy", "--role", "a"): {"admin", "auditor"},
    ("--passphrase-file", ""): set(),
    ("--js",): {"--json"},
}


class Result:
    passed = failed = 0

    def check(self, name, faults):
        faults = [fault for fault in faults if fault]
        self.passed, self.failed = (self.passed, self.failed + 1) if faults else (self.passed + 1, self.failed)
        for fault in faults:
            print("%s: %s" % (name, fault))


def differences(what, wanted, found):
    yield from ("%s %s is missing" % (what, name) for name in sorted(set(wanted) - set(found)))
    yield from ("%s %s is not the program's" % (what, name) for name in sorted(set(found) - set(wanted)))


def client_page():
    commands, (options, _) = lists.commands_of_client(), lists.options_of_client()
    everywhere, described, optional, later = lists.options_everywhere(), {}, {}, set()
    for entry in lists.entries(PAGES[0]):
        words = " ".join(entry.words)
        if words:
            described.setdefault(words, {}).update(entry.options)
        elif entry.options:
            optional.update(entry.options)
        if LATER in entry.body:
            later.add(words)
    yield from differences("command", commands, described)
    yield from differences("option", everywhere, optional)
    yield from differences("'%s' at the command" % LATER, {name for name in commands if commands[name].later}, later)
    for words in set(commands) & set(described):
        yield from differences("at %s: option" % words, commands[words].options, described[words])
    for given in [optional] + list(described.values()):
        yield from ("--%s takes %s, not %s" % (name, options[name], value) for name, value in given.items()
                    if name in options and options[name] != value)


def daemon_page():
    rows = {row[1]: row for row in lists.items("server/options.def")}
    described = {}
    for entry in lists.entries(PAGES[1]):
        for name, value in entry.options.items():
            if not entry.words:
                described[name] = (value, entry.body)
    yield from differences("option", rows, described)
    for name in set(rows) & set(described):
        (value, preset), (said, body) = rows[name][4:6], described[name]
        if said != (None if value == "NULL" else value):
            yield "--%s takes %s, not %s" % (name, value, said)
        if body.startswith("*") != (rows[name][3] == "LINE"):
            yield "--%s: an asterisk says that the configuration file cannot have it" % name
        if preset != "NULL" and preset not in re.sub(r"\\&", "", body):
            yield "--%s: its default, %s, is not named" % (name, preset)
    commands = set(re.findall(r'{"(\w+)", SATD_COMMAND_', lists.text_of("server/options.c")))
    yield from differences("command", commands, {" ".join(e.words) for e in lists.entries(PAGES[1]) if e.words})


def completion_lists():
    commands, everywhere, valued, types = lists.completion()
    program, (options, _) = lists.commands_of_client(), lists.options_of_client()
    yield from differences("command", program, commands)
    for words in set(program) & set(commands):
        yield from differences("at %s: option" % words, program[words].options, commands[words])
    yield from differences("option", lists.options_everywhere(), everywhere)
    yield from differences("option with a value", {name for name in options if options[name]}, valued)
    yield from differences("type", {row[1] for row in lists.items("common/vault/types.def", "TYPE")}, types)


def manual():
    text = lists.text_of(MANUAL)
    code = set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)))
    options = {row[1] for row in lists.items("server/options.def") if row[3] == "BOTH"}
    yield from ("option %s is missing" % name for name in sorted(options - code))
    events = {row[1] for row in lists.items("server/log.def")}
    yield from ("log event %s is missing" % name for name in sorted(events - code))
    metrics = {row[1] for row in lists.items("server/metrics.def")}
    known = set(re.findall(r"\bsatcheld_[a-z_]+\b", text))
    yield from differences("metric", metrics, {re.sub("_bucket$", "", name) for name in known})


def completed(words):
    script = ('. deploy/completion/satchel.bash; COMP_WORDS=(satchel "$@"); COMP_CWORD=$#; _satchel; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-uc", script, "bash", *words], capture_output=True, encoding="utf-8")
    if done.returncode or done.stderr:
        return {"exit code %d: %s" % (done.returncode, done.stderr)}
    return set(done.stdout.split())


def formatted(page):
    """What the formatters that are at hand complain about."""
    commands = [["mandoc", "-Tlint", "-Wwarning", page], ["groff", "-mdoc", "-Tutf8", "-ww", "-z", page]]
    at_hand = [command for command in commands if shutil.which(command[0])]
    if not at_hand:
        print("neither mandoc nor groff is here: the form of %s is not checked" % page)
    for command in at_hand:
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        if done.returncode or done.stdout or done.stderr:
            yield done.stdout + done.stderr


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    result = Result()
    result.check(PAGES[0], client_page())
    result.check(PAGES[1], daemon_page())
    for page in PAGES:
        result.check(page, formatted(page))
    result.check("completion", completion_lists())
    result.check(MANUAL, manual())
    for words, wanted in COMPLETIONS.items():
        offered = completed(words)
        result.check("completion", [offered != wanted and "%s offers %s" % (" ".join(words), sorted(offered))])
    print("%d passed, %d failed" % (result.passed, result.failed))
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())
