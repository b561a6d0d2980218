"""Runs what robustness.rows lists with `shoal simulate --attack` and writes robustness.md; started by robustness.sh."""
import argparse
import os
import re
import statistics
import sys
from pathlib import Path

import page
from learning import measure

HERE = Path(__file__).resolve().parent


def read_rows(path):
    """Rules [(name, settings)], attacks [(name, attack)] and shares [(share, settings)]."""
    lists = {"rule": [], "attack": [], "share": []}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(rule|attack|share) ([^:]+):\s*(.*)", line)
        if not match:
            sys.exit(f"{path}:{number}: neither a rule, an attack nor a share: {line}")
        lists[match[1]].append((match[2], match[3]))
    return lists["rule"], lists["attack"], lists["share"]


def chosen(items, prefixes):
    """Those whose name begins with one of the prefixes, which commas separate; all without any."""
    wanted = [prefix.strip() for prefix in prefixes.split(",") if prefix.strip()]
    return [item for item in items if not wanted or any(item[0].startswith(prefix) for prefix in wanted)]


class Runs:
    """Measures settings, each over all seeds."""

    def __init__(self, folder, common, seeds):
        self.folder, self.common, self.seeds = folder, common, seeds
        folder.mkdir(parents=True, exist_ok=True)

    def final(self, name, options):
        """The last event of each seed's run; a string says why one failed."""
        events = []
        for seed in self.seeds:
            run = measure([os.environ["SHOAL"], "simulate", *self.common, *options, "--seed", seed],
                          self.folder / f"{page.slug(name)}-{seed}.jsonl")
            if isinstance(run, str):
                return run
            events.append(run[-1])
        return events


def loss(events):
    return statistics.mean(event["finalLoss"] for event in events)


def cell(events, isWorst):
    """Loss, and for a backdoor how the attacked completion's loss changed."""
    if isinstance(events, str):
        return "–"
    text = f"{loss(events):.4f}"
    attacks = [event.get("attack", {}) for event in events]
    if all("backdoorLoss" in attack for attack in attacks):
        before = statistics.mean(attack["backdoorLossBase"] for attack in attacks)
        after = statistics.mean(attack["backdoorLoss"] for attack in attacks)
        text += f" ({before:.2f} → {after:.2f})"
    return f"**{text}**" if isWorst else text


def main():
    parser = argparse.ArgumentParser(prog="robustness.sh", description=__doc__)
    parser.add_argument("--config")
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path, default=Path("out/robustness"))
    parser.add_argument("--rows", type=Path, default=HERE / "robustness.rows")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--shares", default="")
    parser.add_argument("--rules", default="")
    parser.add_argument("--attacks", default="")
    options, more = page.arguments(parser)
    common = ["--in-process", "--json"] + more
    for name in ("config", "model"):
        if getattr(options, name):
            common += [f"--{name}", getattr(options, name)]
    rules, attacks, shares = read_rows(options.rows)
    rules, attacks = chosen(rules, options.rules), chosen(attacks, options.attacks)
    shares = [item for item in shares if item[0] in options.shares.split() or not options.shares]
    seeds = options.seeds.split()
    runs = Runs(options.out / "runs", common, seeds)

    text = [f"Loss on held-out text after the last round, mean over seeds {', '.join(seeds)}; the plain mean weighs "
            "workers by their data, the rules count all alike. In bold the worst attack of a row; behind a backdoor's loss "
            "that of the attacked completion after its trigger, without the adapter and with it."
            + (f" With {' '.join(more)}." if more else "") + "\n"]
    failed = {}
    honest = {}
    for share, numbers in shares:
        lines = [f"## {float(share) * 100:g} % of the workers are bad", "",
                 "| | no attack | " + " | ".join(name for name, _ in attacks) + f" | worst, against {rules[0][0]} without attack |",
                 "|---" * (len(attacks) + 3) + "|"]
        for rule, settings in rules:
            overrides = page.overrides(settings.split())
            if "robust=none" not in settings and "robust-f=" not in settings:
                overrides += page.overrides([f"federation.robust-share={share}", *numbers.split()])
            # Without an attack, rules of a fixed f do the same at every share.
            place = (rule, settings if overrides[-1] in settings else share)
            if place not in honest:
                honest[place] = runs.final(f"{rule} none {share if place[1] == share else ''}", overrides)
            results = [honest[place]]
            for attack, written in attacks:
                joint = "," if ":" in written else ":"
                results.append(runs.final(f"{rule} {attack} {share}",
                                          [*overrides, "--attack", f"{written}{joint}share={share}"]))
            measured = [loss(events) for events in results[1:] if not isinstance(events, str)]
            worst = max(measured, default=None)
            cells = [cell(results[0], False)]
            cells += [cell(events, not isinstance(events, str) and loss(events) == worst) for events in results[1:]]
            reference = next((events for (name, _), events in honest.items() if name == rules[0][0]), None)
            change = "–"
            if worst is not None and reference is not None and not isinstance(reference, str):
                change = f"{(worst / loss(reference) - 1) * 100:+.1f} %"
            name = f"**{rule.strip('*')}**" if rule.startswith("*") else rule
            lines.append(f"| {name} | " + " | ".join(cells) + f" | {change} |")
            for (attack, _), events in zip([("no attack", "")] + attacks, results):
                if isinstance(events, str):
                    failed[f"{rule}, {attack}, {share}"] = events
            (options.out / "robustness.md").write_text("\n".join(text + lines) + "\n", encoding="utf-8")
        text += lines + [""]
    text += [f"- {name}: {reason}" for name, reason in failed.items()]
    page.finish("\n".join(text).rstrip() + "\n", options.out / "robustness.md")


if __name__ == "__main__":
    page.run(main)
