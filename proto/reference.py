#!/usr/bin/env python3
"""Writes Sources/shoal/shoal.docc/Protocol.md from proto/shoal.proto and what its comments say.

    proto/reference.py           writes the page
    proto/reference.py --check   exits 1 if the committed page differs from what would be written
"""

import difflib
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
SOURCE = FOLDER / "shoal.proto"
PAGE = FOLDER.parent / "Sources" / "shoal" / "shoal.docc" / "Protocol.md"

FIELD = re.compile(r"^(repeated )?([\w.]+) (\w+) = (\d+);$")
VALUE = re.compile(r"^(\w+) = (\d+);$")
PRESENCE = re.compile(r"^oneof \w+_presence \{ (\w+ \w+ = \d+;) \}$")

INTRODUCTION = """\
# The wire protocol

Every message that a coordinator and a worker exchange, field by field. This page is made from `proto/shoal.proto`
by `proto/reference.py`: edit that file and run the script.

## Frames

"""

CHANGES = """\
## What may change

Within version 1 a new field takes a number never used before, and its absence means what was there before; receivers
ignore fields that they do not know. A new message or enum value is sent only after the other side named the matching
feature in `Hello` or `Welcome`: receivers refuse what they do not know, they never guess. Removing or changing anything
takes version 2, which a receiver of version 1 refuses by name.
"""


class Message:
    """A message or an enum, with everything the source says about it."""

    def __init__(self, kind, name, comment):
        self.kind, self.name, self.comment = kind, name, comment
        self.fields = []  # (number, name, type, comment)
        self.enums = []


def fail(number, line):
    sys.exit(f"{SOURCE.name}:{number}: the script does not know what this is: {line}")


def parse(text):
    """The head's comment, and the messages in the file's order."""
    head, messages, comment, stack, choice = None, [], [], [], None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line.startswith("//"):
            comment.append(line[2:].removeprefix(" "))
            continue
        if line.startswith("syntax"):
            head, comment = comment, []
        elif not line or line.startswith(("package ", "reserved ")):
            comment = []
        elif match := re.match(r"^(message|enum) (\w+) \{$", line):
            item = Message(match[1], match[2], comment)
            (stack[-1].enums if stack else messages).append(item)
            stack.append(item)
            comment = []
        elif match := PRESENCE.match(line):
            kind, name, value = re.match(r"(\w+) (\w+) = (\d+);", match[1]).groups()
            stack[-1].fields.append((int(value), name, f"optional {kind}", comment))
            comment = []
        elif match := re.match(r"^oneof (\w+) \{$", line):
            choice, comment = match[1], []
        elif line == "}":
            if choice:
                choice = None
            elif stack:
                stack.pop()
            else:
                fail(number, raw)
            comment = []
        elif stack and stack[-1].kind == "enum" and (match := VALUE.match(line)):
            stack[-1].fields.append((int(match[2]), match[1], "", comment))
            comment = []
        elif stack and (match := FIELD.match(line)):
            kind = ("repeated " if match[1] else "") + match[2]
            stack[-1].fields.append((int(match[4]), match[3], f"{kind}, one of `{choice}`" if choice else kind, comment))
            comment = []
        else:
            fail(number, raw)
    if stack or choice:
        sys.exit(f"{SOURCE.name}: a brace is missing at the end")
    return head, messages


def joined(comment):
    """Paragraphs of a comment, each on one line; lines set further in stay as they are, as code."""
    paragraphs, lines = [], []
    for line in comment + [""]:
        if line and line.startswith("  ") == bool(lines and lines[0].startswith("  ")):
            lines.append(line)
            continue
        if lines:
            is_code = lines[0].startswith("  ")
            paragraphs.append("```text\n" + "\n".join(each[2:] for each in lines) + "\n```" if is_code else " ".join(lines))
        lines = [line] if line else []
    return paragraphs


def anchor(name):
    return name.lower()


def typed(kind, known):
    """A field's type, with a link where it is described on this page."""
    words = []
    for word in kind.split(" "):
        bare = word.rstrip(",")
        words.append(word.replace(bare, f"[{bare}](#{anchor(bare)})") if bare in known else word)
    return " ".join(words)


def cell(comment):
    return " ".join(joined(comment)).replace("|", "\\|")


def section(message, known):
    out = [f"### {message.name}", ""]
    for paragraph in joined(message.comment):
        out += [paragraph, ""]
    if message.fields:
        out += ["| number | field | type | meaning |", "|---|---|---|---|"]
        out += [f"| {number} | `{name}` | {typed(kind, known)} | {cell(comment)} |"
                for number, name, kind, comment in message.fields]
        out.append("")
    for enum in message.enums:
        values = []
        for number, name, _, comment in enum.fields:
            values.append(f"{number} `{name}`" + (f" ({cell(comment)})" if comment else ""))
        out += [f"`{enum.name}`: {', '.join(values)}.", ""]
    return out


def page(text):
    head, messages = parse(text)
    known = {message.name for message in messages}
    out = []
    for paragraph in joined(head[2:] if len(head) > 1 and not head[1] else head):
        out += [paragraph.replace("README.md beside this file", "`proto/README.md`"), ""]
    out += [CHANGES, "## Messages", "",
            "`optional` marks a field whose absence means something; every other field has protobuf's default.", ""]
    for message in messages:
        out += section(message, known)
    return INTRODUCTION + "\n".join(out).rstrip("\n") + "\n"


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: reference.py [--check]")
    wanted = page(SOURCE.read_text(encoding="utf-8"))
    if not sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
        return
    present = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if present != wanted:
        sys.stdout.writelines(difflib.unified_diff(
            present.splitlines(True), wanted.splitlines(True), "committed", "from shoal.proto"))
        sys.exit("Protocol.md is not what proto/shoal.proto gives; run proto/reference.py")


if __name__ == "__main__":
    main()
