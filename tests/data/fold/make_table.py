#!/usr/bin/env python3
"""Makes client/search/fold_table.c: what every character is in the search index.

    tests/data/fold/make_table.py [--check]

Needs Debian's packages `opencc`, `libopencc-data` and `unicode-data`; other places: OPENCC_DATA, OPENCC_DICT,
UNICODE_DATA (environment). --check: says whether the committed table is what it would make; exit code 77 where the
packages are missing or of other versions than the table's.

A character becomes what is left after decomposing it for compatibility (NFKD), dropping accents and what nobody sees,
folding case, taking strokes off Latin letters, and choosing one of a class of Chinese characters that are spellings of
each other. A class is what the dictionaries of OpenCC connect, over any number of steps: 发 髮 發 are one, as both
become 发."""
import collections
import hashlib
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "../../../client/search/fold_table.c")
UNICODE = os.environ.get("UNICODE_DATA", "/usr/share/unicode")
OPENCC = os.environ.get("OPENCC_DATA", "/usr/share/opencc")
OPENCC_DICT = os.environ.get("OPENCC_DICT", "opencc_dict")
DICTIONARIES = ("TSCharacters", "STCharacters", "TWVariants", "HKVariants")
UNICODE_VERSION, OPENCC_VERSION = "15.0.0", "1.1.6"
DICTIONARIES_SUM = "59a4e7fc4a31ce1b"  # the beginning of their SHA-256, as text
DROPPED, LONGER = 0xfffe, 0xffff  # instead of the character that another one becomes
COLUMNS = 112

# Letters that Unicode does not decompose, as people type them who have no key for them.
STROKES = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i", "æ": "ae", "œ": "oe",
           "þ": "th", "ß": "ss", "ĸ": "k", "ſ": "s", "ƶ": "z", "ɨ": "i", "ʉ": "u", "ɵ": "o", "ƀ": "b", "ǥ": "g"}
# Marks that make another letter of one, rather than the same with an accent.
KANA_MARKS = {0x3099, 0x309a}
ACCENT_SCRIPTS = {"Inherited", "Latin", "Greek", "Cyrillic", "Hebrew", "Arabic"}
TAGS = range(0xe0000, 0xe1000)  # dropped by the program, not by the table


def rows(name):
    for line in open(os.path.join(UNICODE, name), encoding="utf-8"):
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) > 1:
            first, _, last = fields[0].partition("..")
            yield range(int(first, 16), int(last or first, 16) + 1), fields[1:]


def texts(codes):
    return [int(code, 16) for code in codes.split()]


class Unicode:
    def __init__(self):
        self.category, self.decomposed, self.case, self.dropped = {}, {}, {}, set()
        start = None
        for codes, fields in rows("UnicodeData.txt"):
            if fields[0].endswith("First>"):
                start = codes[0]
            for code in range(start, codes[0] + 1) if fields[0].endswith("Last>") else codes:
                self.category[code] = fields[1]
            if fields[4]:
                self.decomposed[codes[0]] = texts(re.sub("<.*>", "", fields[4]))
        for codes, fields in rows("EquivalentUnifiedIdeograph.txt"):  # ⻓ is 长
            for code in codes:
                self.decomposed.setdefault(code, texts(fields[0]))
        for codes, fields in rows("CaseFolding.txt"):
            if fields[0] in "CF":
                self.case[codes[0]] = texts(fields[1])
        for codes, fields in rows("Scripts.txt"):
            if fields[0] in ACCENT_SCRIPTS:
                self.dropped.update(code for code in codes if self.category.get(code) in ("Mn", "Me"))
        for codes, fields in rows("DerivedCoreProperties.txt"):
            if fields[0] == "Default_Ignorable_Code_Point":
                self.dropped.update(code for code in codes if code in self.category)
        self.dropped -= KANA_MARKS | set(TAGS)

    def is_letter(self, code):
        return self.category[code][0] in "LNM" or self.category[code] == "Co"


def unicode_version():
    with open(os.path.join(UNICODE, "CaseFolding.txt"), encoding="utf-8") as file:
        return re.search(r"[\d.]+\d", file.readline()).group()


def dictionary_lines():
    lines = []
    for name in DICTIONARIES:
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as text:
            subprocess.run([OPENCC_DICT, "-i", os.path.join(OPENCC, name + ".ocd2"), "-o", text.name, "-f", "ocd2",
                            "-t", "text"], check=True)
            lines += open(text.name, encoding="utf-8").readlines()
    return lines


def classes(dictionaries):
    """Each Chinese character that has other spellings: the first of its class."""
    parent = {}

    def top(one):
        parent.setdefault(one, one)
        while parent[one] != one:
            one = parent[one]
        return one

    for line in dictionaries:
        one, _, others = line.rstrip("\n").partition("\t")
        for other in others.split():
            if len(one) == len(other) == 1:
                parent[top(one)] = top(other)
    members = collections.defaultdict(list)
    for one in parent:
        members[top(one)].append(ord(one))
    return {code: min(group) for group in members.values() for code in group}


def fold(code, unicode, han):
    """What a character becomes: nothing changes that any more."""
    result = [code]
    while True:
        step = []
        for one in result:
            if one in unicode.dropped:
                continue
            stroke = STROKES.get(chr(one))
            step += unicode.decomposed.get(one) or unicode.case.get(one) or (
                [ord(letter) for letter in stroke] if stroke else [han.get(one, one)])
        if step == result:
            return step
        result = step


def literal(code):
    if chr(code) in '"\\?':
        return "\\" + chr(code)
    if 0x20 <= code < 0x7f or 0x3400 <= code < 0xa000 or code >= 0x20000:
        return chr(code)
    return "\\u%04X" % code if code < 0x10000 else "\\U%08X" % code


def width(text):
    return sum(2 if ord(one) >= 0x3400 else 1 for one in text)


def lines_of(pieces):
    line = ""
    for piece in pieces:
        if width(line) + width(piece) > COLUMNS:
            yield '    U"%s"\n' % line
            line = ""
        line += piece
    yield '    U"%s"' % line


def make(dictionaries, versions):
    unicode, han = Unicode(), classes(dictionaries)
    folded = {code: fold(code, unicode, han) for code in {*unicode.category, *han}
              if code not in TAGS and not 0xac00 <= code < 0xd7a4 and not 0xd800 <= code < 0xe000}
    folded = {code: to for code, to in sorted(folded.items()) if to != [code] and code >= 0x80}
    short = {code: to[0] if len(to) == 1 else LONGER if to else DROPPED for code, to in folded.items()}
    longer = {code: to for code, to in folded.items() if len(to) > 1}
    apart, inside = [], False
    for code in range(0x80, 0x20000):
        if code in unicode.category and code not in folded and unicode.is_letter(code) == inside:
            apart.append(code)
            inside = not inside
    if inside:
        apart.append(0x20000)
    text = open(os.path.join(HERE, "head.txt"), encoding="utf-8").read() % versions
    text += "/* Pairs: a character and what it becomes, in their order. */\n"
    text += "const char32_t client_fold_pairs[] =\n%s;\n" % "".join(
        lines_of(literal(code) + literal(to) for code, to in short.items()))
    text += "const size_t client_fold_pairs_n = %d;\n\n" % len(short)
    text += "/* Those that become several, in their order. */\n"
    text += "const struct client_fold_longer client_fold_longer[] = {\n"
    text += "".join('    {0x%X, U"%s"},\n' % (code, "".join(literal(one) for one in to)) for code, to in longer.items())
    text += "};\nconst size_t client_fold_longer_n = %d;\n\n" % len(longer)
    text += "/* Where what is no letter begins and ends, in turn. */\n"
    text += "const char32_t client_fold_apart[] = {\n"
    row = ""
    for code in apart:
        if len(row) > 104:
            text += "   %s\n" % row
            row = ""
        row += " 0x%X," % code
    text += "   %s\n};\nconst size_t client_fold_apart_n = %d;\n\n" % (row, len(apart))
    text += "/* Of all that stands above. */\n"
    text += "const uint32_t client_fold_sum = 0x%s;\n" % hashlib.sha256(text.encode()).hexdigest()[:8]
    return text, len(set(han.values())), len(han)


def main():
    check = "--check" in sys.argv[1:]
    committed = open(OUT, encoding="utf-8").read() if os.path.exists(OUT) else ""
    try:
        said, dictionaries = unicode_version(), dictionary_lines()
        total = hashlib.sha256("".join(dictionaries).encode()).hexdigest()[:16]
        if check and (said, total) != (UNICODE_VERSION, DICTIONARIES_SUM):
            print("the table is made from other versions than these: Unicode %s, dictionaries %s" % (said, total))
            return 77
        text, groups, spellings = make(dictionaries, {"unicode": said, "opencc": OPENCC_VERSION})
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print("the table is made from packages that are not here: %s" % error)
        return 77
    if not check:
        open(OUT, "w", encoding="utf-8").write(text)
        print("%d classes of %d Chinese characters; Unicode %s, dictionaries %s" % (groups, spellings, said, total))
        return 0
    print("the committed table is %s" % ("what the packages say" if text == committed else "not what the packages say"))
    return 0 if text == committed else 1


if __name__ == "__main__":
    sys.exit(main())
