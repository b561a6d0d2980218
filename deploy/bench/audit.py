"""Trains on texts with canaries and looks for them, over and over, and writes audit.md; started by audit.sh."""
import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path


def shoal(*arguments):
    """Standard output of one call; a call that fails ends the script with its words."""
    done = subprocess.run([os.environ["SHOAL"], *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 130:
        sys.exit(130)
    if done.returncode != 0 and not (arguments[:2] == ("audit", "run") and done.stdout):
        sys.exit(f"shoal {' '.join(arguments)}\n{done.stderr[-2000:]}")
    return done.stdout


def workers(path):
    return len({json.loads(line)["worker"] for line in path.read_text(encoding="utf-8").splitlines()})


class Repetitions:
    def __init__(self, options, simulate):
        self.options, self.simulate = options, simulate
        self.folder = Path(options.out)
        self.folder.mkdir(parents=True, exist_ok=True)

    def canaries(self, number):
        """Text and coins of one repetition, the same for every epsilon."""
        text, coins = self.folder / f"text-{number}.jsonl", self.folder / f"coins-{number}.json"
        if not (text.exists() and coins.exists()):
            shoal("audit", "canaries", "--data", self.options.data, "--count", str(self.options.count), "--repeats",
                  str(self.options.repeats), "--unit", "worker", *self.seed(number), "--out", str(text), "--canaries", str(coins))
        return text, coins

    def seed(self, number):
        return ["--seed", str(self.options.seed + number)] if self.options.seed is not None else []

    def privacy(self, epsilon):
        if epsilon == "none":
            return []
        deadline = [f"federation.deadline={self.options.deadline}"] if self.options.mechanism == "central" else []
        return [f"privacy.mechanism={self.options.mechanism}", f"privacy.epsilon={epsilon}",
                f"privacy.delta={self.options.delta}", f"privacy.clip={self.options.clip}", *deadline]

    def audit(self, epsilon, number):
        result = self.folder / f"audit-{epsilon}-{number}.json"
        if result.exists():
            return json.loads(result.read_text(encoding="utf-8"))
        print(f"epsilon {epsilon}, repetition {number}", file=sys.stderr)
        text, coins = self.canaries(number)
        state = self.folder / f"state-{epsilon}-{number}"
        count = workers(text)
        settings = [f"data.path={text}", "data.partition=worker", f"federation.workers={count}",
                    f"federation.workers-per-round={count}", "evaluation.every=0", *self.privacy(epsilon)]
        shoal("simulate", "--config", self.options.config, *self.model(), "--seed", str(number), "--in-process", "--json",
              "--state", str(state), *[part for setting in settings for part in ("--set", setting)], *self.simulate)
        adapter = state / "adapter"
        # The run file's, where no other is given.
        model = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
        found = shoal("audit", "run", "--model", self.options.model or model, "--adapter", str(adapter),
                      "--canaries", str(coins), "--state", str(state), "--delta", self.options.delta, "--json")
        result.write_text(found, encoding="utf-8")
        shutil.rmtree(state)
        return json.loads(found)

    def model(self):
        return ["--model", self.options.model] if self.options.model else []


def row(epsilon, audits):
    def mean(key):
        return statistics.mean(audit[key] for audit in audits)

    upper = [audit.get("epsilonUpper") for audit in audits]
    above = sum(audit["epsilonLower"] > bound for audit, bound in zip(audits, upper) if bound is not None)
    # So many of n at 5 % each, or more, come less than once in 100 times.
    n, limit = len(audits), 0
    while sum(math.comb(n, k) * 0.05 ** k * 0.95 ** (n - k) for k in range(limit, n + 1)) >= 0.01:
        limit += 1
    promised = "–" if upper[0] is None else f"{statistics.mean(upper):.3f}"
    share = "–" if upper[0] is None else f"{above} of {n} (below {limit})"
    return (f"| {epsilon} | {mean('lossInserted'):.3f} | {mean('lossLeftOut'):.3f} | {mean('exposureMean'):.2f} of "
            f"{mean('exposureLimit'):.2f} | {mean('auc'):.3f} | {mean('epsilonLower'):.3f} | "
            f"{max(audit['epsilonLower'] for audit in audits):.3f} | {promised} | {share} |")


def main():
    arguments = sys.argv[1:]
    simulate = []
    if "--" in arguments:
        place = arguments.index("--")
        arguments, simulate = arguments[:place], arguments[place + 1:]
    parser = argparse.ArgumentParser(prog="audit.sh")
    for name, default in (("config", None), ("model", None), ("data", None), ("out", "out/audit"), ("delta", "1e-5"),
                          ("epsilons", "none 4"), ("deadline", "20s")):
        parser.add_argument(f"--{name}", default=default, required=name in ("config", "data"))
    parser.add_argument("--mechanism", choices=("central", "local"), default="central")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--clip", type=float, default=1)
    for name, default in (("count", 24), ("repeats", 20), ("repetitions", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    repetitions = Repetitions(options, simulate)
    lines = ["| epsilon | loss, inserted | loss, left out | exposure, bits | AUC | epsilon at least, mean | highest | "
             "accountant | above it |", "|---|---|---|---|---|---|---|---|---|"]
    for epsilon in options.epsilons.split():
        audits = [repetitions.audit(epsilon, number) for number in range(1, options.repetitions + 1)]
        lines.append(row(epsilon, audits))
    text = "\n".join(lines) + "\n"
    (repetitions.folder / "audit.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
