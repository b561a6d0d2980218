"""Runs what learning.rows lists with `shoal simulate` and writes learning.md and learning.svg; started by learning.sh."""
import argparse
import functools
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import page
from learning_plot import plot

HERE = Path(__file__).resolve().parent


def read_rows(path):
    """[{name, title, columns: [(name, settings)], rows: [(name, settings)]}]"""
    tables = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(table|column|row) ([^:]+):\s*(.*)", line)
        if not match or (match[1] != "table" and not tables):
            sys.exit(f"{path}:{number}: neither a table nor a column or row of one: {line}")
        kind, name, rest = match.groups()
        if kind == "table":
            tables.append({"name": name, "title": rest, "columns": [], "rows": []})
        else:
            tables[-1][kind + "s"].append((name, rest.split()))
    for table in tables:
        table["columns"] = table["columns"] or [("", [])]
    return tables


def measure(command, path):
    """The events of one run: from `path` where the same program did the same before, else by running it.

    A string says why it failed.
    """
    record = path.with_name(path.name + ".command")
    wanted = provenance(command)
    if record.exists():
        known = record.read_text(encoding="utf-8")
        if known == wanted:
            events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            if events and events[-1].get("event") == "finished":
                return events
        else:
            print(f"{path.stem}: the result that is there came of {difference(known, wanted)}; it is measured again",
                  file=sys.stderr)
    print(f"running {path.stem}", file=sys.stderr)
    record.unlink(missing_ok=True)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 130:
        sys.exit(130)
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()
        return lines[-1] if lines else f"exit code {result.returncode}"
    path.write_text(result.stdout, encoding="utf-8")
    record.write_text(wanted, encoding="utf-8")
    return [json.loads(line) for line in result.stdout.splitlines()]


def provenance(command):
    """What a run's result depends on, a line each: the program's bytes, the run file's, and the command."""
    files = {"program": command[0]}
    if "--config" in command:
        files["run file"] = command[command.index("--config") + 1]
    lines = [f"{name} {digest(path, os.stat(path).st_mtime_ns)}" for name, path in files.items()]
    return "\n".join([*lines, "command " + " ".join(command)])


@functools.cache
def digest(path, _changed):
    """A file's SHA-256; `_changed` makes a file that is written anew another one."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def difference(known, wanted):
    """In what two provenances differ, for people."""
    parts = [{line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in text.split("\n")
              if not line.startswith("command ")} for text in (known, wanted)]
    changed = [name for name, value in parts[1].items() if parts[0].get(name) != value]
    return "another " + " and another ".join(changed) if changed else "another command"


def measure_all(command, seeds, path):
    """One row in one column over all seeds; a string says why a run failed."""
    runs = []
    for seed in seeds:
        run = measure([*command, "--seed", seed], path.with_name(f"{path.name}-{seed}.jsonl"))
        if isinstance(run, str):
            return run
        runs.append(run)
    return summarise(runs)


def mean_told(values):
    """None where a run did not tell its value."""
    return None if None in values else statistics.mean(values)


def summarise(runs):
    """Mean, spread and curve over seeds; `runs` are lists of events."""
    last = [events[-1] for events in runs]
    losses = [event["finalLoss"] for event in last]
    curves = [{event["round"]: event["loss"] for event in events
               if event.get("event") == "round" and event.get("loss") is not None} for events in runs]
    shared = sorted(set.intersection(*(set(curve) for curve in curves)))
    return {
        "losses": losses,
        "loss": statistics.mean(losses),
        "spread": statistics.stdev(losses) if len(losses) > 1 else 0.0,
        # Bytes are not told where they would tell who took part.
        "smaller": mean_told([None if event["uplinkBytes"] is None else event["denseUplinkBytes"] / event["uplinkBytes"]
                              for event in last]),
        "uplink": mean_told([event["uplinkBytes"] for event in last]),
        "downlink": mean_told([event["downlinkBytes"] for event in last]),
        "seconds": statistics.mean(event["seconds"] for event in last),
        "curve": [(number, statistics.mean(curve[number] for curve in curves)) for number in shared],
    }


def cell(result):
    if isinstance(result, str):
        return "–", "–", "–"
    uplink = "secret" if result["uplink"] is None else f"{result['uplink'] / 1e6:.3f}"
    smaller = "–" if result["smaller"] is None else f"{result['smaller']:.1f}×"
    return f"{result['loss']:.4f} ± {result['spread']:.4f}", uplink, smaller


def markdown(table, results):
    """One table; results[(row, column)]."""
    names = [name for name, _ in table["columns"]]
    lines = [f"## {table['title']}", ""]
    heads = [(f"{name}: " if name else "") + head for name in names for head in ("loss", "uplink, MB", "of dense")]
    lines.append("| | " + " | ".join(heads) + " |")
    lines.append("|---" * (len(heads) + 1) + "|")
    for row, _ in table["rows"]:
        cells = [text for column in names for text in cell(results[row, column])]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    failed = [(row, column, result) for (row, column), result in results.items() if isinstance(result, str)]
    lines += [""] + [f"- {row}{', ' + column if column else ''}: {result}" for row, column, result in failed]
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(prog="learning.sh", description=__doc__)
    parser.add_argument("--config")
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path, default=Path("out/learning"))
    parser.add_argument("--rows", type=Path, default=HERE / "learning.rows")
    parser.add_argument("--seeds", default="0 1 2")
    parser.add_argument("--tables", default="")
    options, more = page.arguments(parser)
    common = ["--in-process", "--json"] + more
    for name in ("config", "model"):
        if getattr(options, name):
            common += [f"--{name}", getattr(options, name)]
    tables = read_rows(options.rows)
    wanted = options.tables.split() or [table["name"] for table in tables]
    for name in set(wanted) - {table["name"] for table in tables}:
        sys.exit(f"learning.sh: {options.rows} has no table '{name}'")
    seeds = options.seeds.split()
    (options.out / "runs").mkdir(parents=True, exist_ok=True)

    text = [f"Loss on held-out text after the last round, mean ± standard deviation over seeds {', '.join(seeds)}; bytes of "
            "every frame that workers sent, envelopes included.\n"]
    panels = {}
    for table in tables:
        if table["name"] not in wanted:
            continue
        results = {}
        for row, settings in table["rows"]:
            for column, beside in table["columns"]:
                results[row, column] = measure_all(
                    [os.environ["SHOAL"], "simulate", *common, *page.overrides(settings + beside)], seeds,
                    options.out / "runs" / page.slug(f"{table['name']} {row} {column}"))
        text.append(markdown(table, results))
        panels[table["name"]] = (table, results)
        (options.out / "learning.md").write_text("\n".join(text), encoding="utf-8")
        (options.out / "learning.svg").write_text(plot(panels), encoding="utf-8")
    page.finish("\n".join(text), options.out / "learning.md", "learning.svg")


if __name__ == "__main__":
    page.run(main)
