#!/usr/bin/env python3
"""The commands of a document: its fenced blocks marked `sh`, as one shell script.

    blocks.py DOCUMENT.md >script      run by bash, it runs one block after the other in one shell, says which one, and
                                       ends at the first command that fails; closes with 'N passed, N failed'
"""
import sys

OPENING = """set -uo pipefail
passed=0 block='nothing yet'
finish()
{
    code=$?
    failed=0
    if [ $code -ne 0 ] || [ "$block" != done ]; then
        failed=1
        echo "FAILED (exit code $code): $block"
    fi
    echo "$passed passed, $failed failed"
    exit $failed
}
trap finish EXIT
set -e
"""


def blocks(text):
    """(line, heading, commands) of each."""
    heading, fence, start, lines = "", None, 0, []
    for number, line in enumerate(text.split("\n"), 1):
        if fence is None and line.startswith("#"):
            heading = line.lstrip("# ")
        elif fence is None and line.startswith("```"):
            fence, start, lines = line[3:].strip(), number + 1, []
        elif fence is not None and line.startswith("```"):
            if fence == "sh":
                yield start, heading, "\n".join(lines)
            fence = None
        else:
            lines.append(line)


def quoted(text):
    return "'%s'" % text.replace("'", "'\\''")


def main():
    document = sys.argv[1]
    with open(document, encoding="utf-8") as file:
        found = list(blocks(file.read()))
    if not found:
        sys.exit("%s has no block of commands" % document)
    print(OPENING)
    for line, heading, commands in found:
        name = "%s:%d, %s" % (document, line, heading)
        print("block=%s\necho %s" % (quoted(name), quoted("---- " + name)))
        print("%s\npassed=$((passed + 1))\n" % commands)
    print("block=done")


if __name__ == "__main__":
    main()
