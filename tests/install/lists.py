"""The lists that the programs are made from (.def files), the manual pages and the completion, each read as a table."""
import re

MACROS = re.compile(r"^(Ar|Op|Oo|Oc|Xo|Xc|Ns|Fl|Cm|Ic|Li|No|Ev|Pa)$")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def items(path, macro="X"):
    """The calls macro(…) of a .def file, each as the list of its arguments: a string as its text, else as written."""
    text = re.sub(r"/\*.*?\*/|^#.*?$", "", text_of(path), flags=re.S | re.M)
    for call in re.finditer(r"^%s\(" % macro, text, re.M):
        arguments, now, depth = [], [], 1
        for token in re.finditer(r'"(?:\\.|[^"\\])*"|[(),]|[^"(),]+', text[call.end():]):
            part = token.group(0)
            depth += {"(": 1, ")": -1}.get(part, 0)
            if depth == 0 or (depth == 1 and part == ","):
                arguments.append(argument(now))
                now = []
            else:
                now.append(part)
            if depth == 0:
                break
        yield arguments


def argument(parts):
    strings = [part[1:-1] for part in parts if part.startswith('"')]
    return "".join(strings) if strings else "".join(parts).strip()


class Command:
    def __init__(self, options, later):
        self.options, self.later = options, later


def options_of_client():
    """{name: argument or None}, in the list's order, and how they are called in commands.def."""
    rows = list(items("client/cli/options.def"))
    named = {row[0]: row[1] for row in rows}
    return {row[1]: None if row[2] == "NULL" else row[2] for row in rows}, named


def commands_of_client():
    _, named = options_of_client()
    found = {}
    for _, words, function, _, _, options, *_ in items("client/cli/commands.def"):
        found[words] = Command({named[name] for name in re.findall(r"O\((\w+)\)", options)}, function == "later")
    return found


def options_everywhere():
    count = re.search(r"#define CLI_OPTIONS_EVERYWHERE (\d+)", text_of("client/cli/options.h")).group(1)
    return list(options_of_client()[0])[:int(count)]


class Entry:
    """One .It of a page: the words of its command, if it is one, its options with their arguments, and its text."""

    def __init__(self, head):
        tokens = head.split()
        self.words, self.options, self.body = [], {}, ""
        for at, token in enumerate(tokens):
            if token == "Fl" and at + 1 < len(tokens):
                value = tokens[at + 3] if tokens[at + 2:at + 3] == ["Ar"] else None
                self.options[tokens[at + 1].lstrip("-")] = value
        if tokens and tokens[0] in ("Ic", "Cm"):
            for token in tokens[1:]:
                if MACROS.match(token):
                    break
                self.words.append(token)


def entries(path):
    """The .It of a page, heads that run over several lines (Xo … Xc) put together."""
    found, head = [], None
    for line in text_of(path).split("\n"):
        if line.startswith('.\\"'):
            continue
        if line.startswith(".It "):
            head = line[4:]
        elif head is not None:
            head += " " + line.lstrip(".")
        elif found:
            found[-1].body += line + "\n"
        if head is not None and ("Xo" not in head.split() or "Xc" in head.split()):
            found.append(Entry(head))
            head = None
    return found


def completion():
    """What deploy/completion/satchel.bash knows: {words: options}, options everywhere, those with a value, types."""
    text = text_of("deploy/completion/satchel.bash")
    lists = dict(re.findall(r"^(_satchel_\w+)='(.*?)'$", text, re.M | re.S))
    commands = {}
    for line in lists["_satchel_commands"].strip().split("\n"):
        words, options = line.split(":")
        commands[words] = {option.lstrip("-") for option in options.split()}

    def bare(name):
        return {word.lstrip("-") for word in lists[name].split()}

    return commands, bare("_satchel_everywhere"), bare("_satchel_valued"), bare("_satchel_types")
