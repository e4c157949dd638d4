#!/usr/bin/env python3
"""The command line before there is any home: options, help, and what stdout may hold."""
import json
import os
import re
import subprocess

from harness import SATCHEL, clean_environment, equal, has, lacks, run, satchel, scratch, test

# What people live with is there by these names, whatever else there is.
PROMISED = ("today", "visit plan", "visit start", "visit finish", "visit submit", "visit amend", "order new",
            "order submit", "order status", "lead score", "lead convert", "opportunity move", "approve", "pay",
            "task done", "find", "account show", "merge", "import", "report", "org create", "join", "sync", "put")


def commands():
    """All that the help lists, by their words."""
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", satchel("--help").out, re.M)


def usage_error(*args, **options):
    result = satchel(*args, "--json", expect=1, **options)
    equal(result.out, "", args)
    equal(result.error()["error"], "usage", args)
    return result.error()["message"]


@test
def the_help_names_every_command_and_goes_to_stdout():
    text = satchel("--help").out
    for words in PROMISED:
        has(commands(), words)
    has(text, "Exit codes:")
    equal(satchel("help").out, text)
    equal(satchel("-h").out, text)


@test
def every_command_has_help_with_usage_options_and_exit_codes():
    equal(len(commands()) > 80, True, commands())
    for words in commands():
        text = satchel(*words.split(), "--help").out
        has(text, "usage: satchel %s" % words)
        has(text, "--passphrase-file FILE")
        has(text, "Exit codes:")
        equal(satchel("--help", *words.split()).out, text)
        equal(satchel("help", *words.split()).out, text)
        has(usage_error(*words.split(), "--no-such-option"), "unknown option --no-such-option")


@test
def half_a_command_shows_its_family():
    has(satchel("user", "--help").out, "user add")
    lacks(satchel("user", "--help").out, "territory add")
    has(usage_error("user"), "another word is missing")
    has(usage_error("user", "eat"), "unknown command user eat")


@test
def no_command_is_told_on_stderr():
    result = satchel(expect=1)
    equal(result.out, "")
    has(result.err, "usage: satchel COMMAND")


@test
def the_version_is_shown_in_both_forms():
    version = satchel("--version").out
    has(version, "satchel ")
    equal(satchel("--json", "--version").rows(), [{"version": version.split()[1]}])


@test
def an_unknown_command_or_option_is_named():
    has(usage_error("eat"), "unknown command eat")
    has(usage_error("sync", "--eat"), "unknown option --eat")
    has(usage_error("--eat", "sync"), "unknown option --eat")
    has(usage_error("sync", "-x"), "unknown option -x")
    has(usage_error("--eat"), "unknown option --eat")
    for words in (("--passphrase=secret", "status"), ("status", "--passphrase=secret"), ("--passphrase=secret",)):
        said = usage_error(*words)
        has(said, "unknown option --passphrase")
        lacks(said, "secret")  # it may have been one
    has(usage_error("get", "account", "x", "--pick", "1"), "--pick is not for this command")


@test
def an_option_is_given_once_with_its_value():
    result = satchel("--json", "list", "account", "--where", expect=1)
    has(result.error()["message"], "--where needs a value")
    has(usage_error("list", "account", "--where=a", "--where", "b"), "--where is given twice")
    has(usage_error("sync", "--live=yes"), "--live takes no value")


@test
def arguments_are_counted():
    has(usage_error("get", "account"), "an argument is missing: satchel get TYPE ID")
    has(usage_error("get", "account", "x", "y"), "one argument too many: y")
    has(usage_error("put"), "put what?")
    has(usage_error("put", "--stdin", "account"), "takes no arguments")
    has(usage_error("put", "account", "x", "name"), "name is not FIELD=VALUE")
    has(usage_error("put", "account", "name=a", "name=b"), "name is given twice")
    has(usage_error("put", "account", "tags=a", "tags+=b"), "tags is given twice")
    has(usage_error("put", "account", "=a"), "=a is not FIELD=VALUE")
    has(usage_error("user", "add", "Nancy"), "user add needs --role ROLE")
    has(usage_error("resolve", "account", "x", "city"), "either --pick N or --value V")
    has(usage_error("resolve", "account", "x", "city", "--pick", "1", "--value", "x"), "either --pick N or --value V")
    has(usage_error("resolve", "account", "x", "city", "--pick", "0"), "from 1")
    has(usage_error("sync", "--timeout", "soon"), "--timeout takes")
    has(usage_error("sync", "--timeout", "0"), "--timeout takes")
    has(usage_error("invite", "Nancy", "--expires", "7"), "--expires takes")
    has(usage_error("org", "create", "--server", "wss://x"), "org create needs --pin PIN")


@test
def a_home_must_be_named():
    has(usage_error("status"), "SATCHEL_HOME")


@test
def a_home_that_is_not_there_is_not_found():
    folder = scratch()
    passphrase = os.path.join(folder, "p")
    with open(passphrase, "w", encoding="utf-8") as file:
        file.write("x")
    missing = os.path.join(folder, "none")
    error = satchel("status", "--json", "--home", missing, "--passphrase-file", passphrase, expect=2).error()
    equal(error["error"], "not_found")
    has(error["message"], missing)
    env = clean_environment(SATCHEL_HOME=missing, SATCHEL_PASSPHRASE_FILE=passphrase)
    equal(satchel("status", "--json", expect=2, env=env).error()["error"], "not_found")
    equal(os.path.exists(missing), False, "a failed command made the home")


@test
def what_a_message_repeats_cannot_command_the_terminal():
    error = satchel("\x1b[2Jeat", expect=1).err
    lacks(error, "\x1b")
    has(error, "<U+001B>[2Jeat")
    result = subprocess.run([SATCHEL, b"e\xffat", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=clean_environment(), check=False)
    equal(result.returncode, 1)
    has(json.loads(result.stderr)["message"], "e<U+00FF>at")


def help_into(out):
    return subprocess.run([SATCHEL, "--help"], stdout=out, stderr=subprocess.PIPE, env=clean_environment(), check=False)


@test
def a_reader_that_had_enough_is_no_failure_but_a_full_disk_is():
    read_end, write_end = os.pipe()
    os.close(read_end)
    result = help_into(write_end)
    os.close(write_end)
    equal((result.returncode, result.stderr), (0, b""))
    with open("/dev/full", "wb") as full:
        result = help_into(full)
    equal(result.returncode, 7)
    has(result.stderr.decode(), "No space left")


if __name__ == "__main__":
    run()
