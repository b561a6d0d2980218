#!/usr/bin/env python3
"""Checks that every message on the troubleshooting page is still one that the program says: deploy/check_messages.py

A message stands in the first column of a table, in backquotes; `…` stands for what differs. It must be found in a string of
the sources, pieces in order. With --unmentioned, prints what error types say and commands end with that the page does not
have, and fails if there is any; the benchmarks' own (`shoal bench`) are left out.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "Sources" / "shoal" / "shoal.docc" / "Troubleshooting.md"


def literals(text):
    """String literals of Swift source as (begin, value, end); what is interpolated is `…`."""
    at = 0
    while at < len(text):
        if text.startswith("//", at):
            at = text.find("\n", at) % (len(text) + 1)
        elif text.startswith('#"', at):
            end = text.index('"#', at + 2)
            yield at, text[at + 2:end], end + 2
            at = end + 2
        elif text.startswith('"""', at):
            end = text.index('"""', at + 3)
            body = re.sub(r"\\\([^)]*\)", "…", text[at + 3:end]).replace("\\\n", "")
            yield at, " ".join(body.split()), end + 3
            at = end + 3
        elif text[at] == '"':
            value, end = string(text, at + 1)
            yield at, value, end
            at = end
        else:
            at += 1


def string(text, at):
    """The value of the literal whose content begins at `at`, and where it ends."""
    value = ""
    while text[at] != '"':
        if text.startswith("\\(", at):
            at = interpolation(text, at + 2)
            value += "…"
        elif text[at] == "\\":
            value += {"n": " ", "t": " "}.get(text[at + 1], text[at + 1])
            at += 2
        else:
            value += text[at]
            at += 1
    return value, at + 1


def interpolation(text, at):
    depth = 1
    while depth:
        if text[at] == '"':
            at = string(text, at + 1)[1]
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def spoken():
    """Every string of the sources, parts that are added up as one."""
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        text = path.read_text(encoding="utf-8")
        errors = spans_of_errors(text)
        begin, whole, end = 0, None, 0
        for at, value, after in [*literals(text), (len(text), "", len(text))]:
            if whole is not None and re.fullmatch(r"\s*\+\s*", text[end:at]) and at < len(text):
                whole, end = whole + value, after
                continue
            if whole is not None:
                is_thrown = THROWN.search(text, 0, begin) is not None
                yield path, whole, is_thrown or any(start <= begin < stop for start, stop in errors)
            begin, whole, end = at, value, after


# What stands before the message that a command or a task ends with.
THROWN = re.compile(r"(?:badInput|\.failed|ValidationError|RequestProblem(?:\.value)?|JSONAnswer\.failure|\.notReady|giveUpTask|unsuitable|refuse)\([^()\"]*\Z")


# Pieces that stand within another message.
PART = re.compile(r"(?:\S+ ?){0,4}\Z|…?[;,{]|it is not |and |an error without")


def spans_of_errors(text):
    """Where the types stand that are errors, their extensions included."""
    spans = []
    for name in re.findall(r"^(?:[a-z]+ )*(?:enum|struct) (\w+)[^{\n]*\bError\b[^{]*\{", text, re.MULTILINE):
        for found in re.finditer(rf"^(?:[a-z]+ )*(?:enum|struct|extension) {name}\b[^{{]*\{{", text, re.MULTILINE):
            spans.append((found.end(), text.find("\n}", found.end()) % (len(text) + 1)))
    return spans


def pattern(message):
    return re.compile(".*".join(re.escape(piece) for piece in message.replace("'model:'", "`model:`").split("…") if piece))


def main():
    strings = list(spoken())
    messages = []
    for line in PAGE.read_text(encoding="utf-8").split("\n"):
        if line.startswith("| `"):
            messages += re.findall(r"`([^`]+)`", line.split(" | ")[0])
    if "--unmentioned" in sys.argv[1:]:
        known = [pattern(message) for message in messages]
        missing = 0
        for path, text, is_error in strings:
            if not is_error or "Bench" in str(path) or PART.match(text.strip()):
                continue
            if not any(each.search(text) for each in known):
                print(f"{path.relative_to(ROOT)}: {text}")
                missing += 1
        sys.exit(f"{missing} messages are not on the page" if missing else 0)
    lost = [message for message in messages if not any(pattern(message).search(text) for _, text, _ in strings)]
    for message in lost:
        print(f"nobody says this any more: {message}", file=sys.stderr)
    if lost:
        sys.exit(1)
    print(f"{len(messages)} messages of the troubleshooting page are said by the program")


if __name__ == "__main__":
    main()
