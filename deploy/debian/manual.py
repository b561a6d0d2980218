#!/usr/bin/env python3
"""Writes manual pages, one a command, from the description that the program gives of itself:

    shoal --experimental-dump-help | deploy/debian/manual.py --version 1.2.3 --date 2026-01-31 FOLDER
"""

import argparse
import json
import pathlib
import sys


def escape(text):
    """Text as roff takes it: no line begins with a request, and hyphens stay hyphens that can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def paragraphs(text):
    """A discussion: blank lines part paragraphs, indented lines stay as they are."""
    lines, is_example = [], False
    for line in text.strip("\n").split("\n"):
        if line.startswith("  ") != is_example:
            is_example = not is_example
            lines.append(".PP\n.nf" if is_example else ".fi\n.PP")
        lines.append(escape(line) if line.strip() else ".PP")
    if is_example:
        lines.append(".fi")
    return "\n".join(lines)


def spelled(name):
    return {"long": "--", "short": "-", "longWithSingleDash": "-"}[name["kind"]] + name["name"]


def usage(argument):
    if argument["kind"] == "positional":
        text = f"\\fI{escape(argument['valueName'])}\\fR"
    else:
        text = f"\\fB{escape(spelled(argument['preferredName']))}\\fR"
        if argument["kind"] == "option":
            text += f" \\fI{escape(argument['valueName'])}\\fR"
    if argument["isRepeating"]:
        text += " …"
    return f"[{text}]" if argument["isOptional"] else text


def described(argument):
    if argument["kind"] == "positional":
        head = f"\\fI{escape(argument['valueName'])}\\fR"
    else:
        head = ", ".join(f"\\fB{escape(spelled(name))}\\fR" for name in argument["names"])
        if argument["kind"] == "option":
            head += f" \\fI{escape(argument['valueName'])}\\fR"
    text = argument.get("abstract", "")
    details = []
    values = argument.get("allValues")
    if values and not all(value in text for value in values):
        details.append("one of " + ", ".join(values))
    if argument.get("defaultValue"):
        details.append("default: " + argument["defaultValue"])
    if details:
        text += f" ({'; '.join(details)})"
    return f".TP\n{head}\n{escape(text)}"


def page(command, names, version, date):
    title = "-".join(names)
    shown = [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay", True)]
    children = [child for child in command.get("subcommands", []) if child.get("shouldDisplay", True)]
    called = f".B {escape(' '.join(names))}"
    parts = [
        f'.TH "{title.upper()}" 1 "{date}" "shoal {version}" "Shoal"',
        ".nh\n.ad l",
        f".SH NAME\n{escape(title)} \\- {escape(command.get('abstract', '').rstrip('.'))}",
        ".SH SYNOPSIS\n" + called
        + ("\n.I command\n[\\fIoption\\fR …]" if children else "")
        + "".join("\n" + usage(argument) for argument in shown),
    ]
    if command.get("discussion"):
        parts.append(".SH DESCRIPTION\n" + paragraphs(command["discussion"]))
    if children:
        entries = [
            f".TP\n.BR {escape('-'.join(names + [child['commandName']]))} (1)\n{escape(child.get('abstract', ''))}"
            for child in children if child["commandName"] != "help"
        ]
        parts.append(".SH COMMANDS\n" + "\n".join(entries))
    if shown:
        parts.append(".SH OPTIONS\n" + "\n".join(described(argument) for argument in shown))
    parts.append(
        ".SH EXIT STATUS\n"
        ".TP\n0\ndone\n.TP\n1\nfailed\n.TP\n2\nwrong usage or configuration: something that a person has to mend\n"
        ".TP\n130\ntold to stop; the state is kept")
    if len(names) > 1:
        parts.append(f".SH SEE ALSO\n.BR {escape('-'.join(names[:-1]))} (1)")
    return title, "\n".join(parts) + "\n"


def pages(command, names, version, date):
    yield page(command, names, version, date)
    for child in command.get("subcommands", []):
        if child.get("shouldDisplay", True) and child["commandName"] != "help":
            yield from pages(child, names + [child["commandName"]], version, date)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--date", required=True, help="of the release, YYYY-MM-DD")
    given = parser.parse_args()
    dump = json.load(sys.stdin)
    if dump.get("serializationVersion") != 0:
        sys.exit(f"the program's description has version {dump.get('serializationVersion')}, this script reads 0")
    given.folder.mkdir(parents=True, exist_ok=True)
    root = dump["command"]
    for title, text in pages(root, [root["commandName"]], given.version, given.date):
        (given.folder / f"{title}.1").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
