"""Runs what schedules.rows lists with `shoal simulate` and writes schedules.md; started by schedules.sh."""
import argparse
import os
import re
import sys
from pathlib import Path

import page
from learning import measure

HERE = Path(__file__).resolve().parent


def read_rows(path):
    """Settings of all, [(name, settings)] of the references, and the same of the rows."""
    common, lists = [], {"reference": [], "row": []}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(common|(reference|row) ([^:]+)):\s*(.*)", line)
        if not match:
            sys.exit(f"{path}:{number}: neither common settings, a reference nor a row: {line}")
        if match[1] == "common":
            common += match[4].split()
        else:
            lists[match[2]].append((match[3], match[4].split()))
    return common, lists["reference"], lists["row"]


def course(events):
    """[(seconds since the start, loss)], a version each."""
    clock, points = 0.0, []
    for event in events:
        if event.get("event") == "round":
            clock += event["seconds"]
            points.append((clock, event["loss"]))
    return points


def share(row, reference):
    """The part of the reference's time in which the row reaches the reference's last loss; None if it never does."""
    seconds, wanted = reference[-1]
    return next((clock / seconds for clock, loss in row if loss is not None and loss <= wanted), None)


def cell(row, reference):
    """One share a seed."""
    if isinstance(row, str) or isinstance(reference, str):
        return "–"
    shares = [share(*pair) for pair in zip(row, reference)]
    return ", ".join("never" if value is None else f"{value:.2f}" for value in shares)


def end(runs):
    if isinstance(runs, str):
        return runs
    return ", ".join(f"{run[-1][1]:.3f} after {run[-1][0]:.1f} s" for run in runs)


def main():
    parser = argparse.ArgumentParser(prog="schedules.sh", description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path, default=Path("out/schedules"))
    parser.add_argument("--rows", type=Path, default=HERE / "schedules.rows")
    parser.add_argument("--seeds", default="0 1 2")
    options, more = page.arguments(parser)
    common, references, rows = read_rows(options.rows)
    command = [os.environ["SHOAL"], "simulate", "--in-process", "--json", "--config", options.config]
    if options.model:
        command += ["--model", options.model]
    command += more + page.overrides(common)
    (options.out / "runs").mkdir(parents=True, exist_ok=True)

    def courses(name, settings):
        """One course a seed; a string says why a run failed."""
        found = []
        for seed in options.seeds.split():
            events = measure([*command, *page.overrides(settings), "--seed", seed],
                             options.out / "runs" / f"{page.slug(name)}-{seed}.jsonl")
            if isinstance(events, str):
                return events
            found.append(course(events))
        return found

    against = [(name, courses(name, settings)) for name, settings in references]
    table = ["Virtual time in which a schedule by buffers reaches the final loss of one by rounds, over that one's time, a "
             f"figure for each of the seeds {options.seeds.replace(' ', ', ')}.\n",
             "| | " + " | ".join(name for name, _ in against) + " | ends at |", "|---" * (len(against) + 2) + "|"]
    for name, settings in rows:
        found = courses(name, settings)
        table.append(f"| {name} | " + " | ".join(cell(found, other) for _, other in against) + f" | {end(found)} |")
    table += ["", "By rounds:", ""] + [f"- {name}: {end(found)}" for name, found in against]
    page.finish("\n".join(table) + "\n", options.out / "schedules.md")


if __name__ == "__main__":
    page.run(main)
