#!/usr/bin/env bash
# Local training beside PyTorch with PEFT: both do the same work in turn, so that a machine's moods meet both alike.
# Prints the medians and their ratios as a Markdown table; every single result goes to standard error.
#
#   PYTHON=venv/bin/python deploy/bench/train.sh --shape smollm2-135m --dtype bfloat16
#
# Options: --shape NAME (default smollm2-135m), --dtype, --batch, --sequence, --rank, --threads, --steps as
# `shoal bench train` takes them; --pairs N (default 5); --python FILE, an interpreter with torch, transformers and
# peft (default: $PYTHON, else python3). After `--` come options for Shoal alone, such as --recompute.
# SHOAL names the program (default: the release build of this checkout).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
shoal=${SHOAL:-$here/../../.build/release/shoal}
python=${PYTHON:-python3}
pairs=5
shape=smollm2-135m
common=()
while (($#)); do
    case $1 in
        --) shift; break ;;
        --pairs) pairs=${2:?--pairs needs a number}; shift 2 ;;
        --python) python=${2:?--python needs a file}; shift 2 ;;
        --shape) shape=${2:?--shape needs a name}; shift 2 ;;
        --dtype | --batch | --sequence | --rank | --threads | --steps)
            common+=("$1" "${2:?$1 needs a value}"); shift 2 ;;
        *) echo "train.sh: unknown option $1; see the top of $0" >&2; exit 2 ;;
    esac
done
[[ $pairs =~ ^[1-9][0-9]*$ ]] || { echo "train.sh: --pairs must be a whole number from 1" >&2; exit 2; }
[[ -x $shoal ]] || {
    echo "train.sh: no program at $shoal; build it (swift build -c release --product shoal) or set SHOAL" >&2
    exit 2
}
"$python" -c 'import peft, torch, transformers' || {
    echo "train.sh: $python lacks torch, transformers or peft; name another interpreter with --python" >&2
    exit 2
}

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
run() { # NAME COMMAND...: one result
    local name=$1
    shift
    "$@" | tee -a "$results/$name" | sed "s/^/$name /" >&2
}
for ((pair = 1; pair <= pairs; pair++)); do
    run shoal "$shoal" bench train --shape "$shape" "${common[@]}" "$@" --json
    run peer "$python" "$here/peer_train.py" --shape "$shape" "${common[@]}"
done

"$python" - "$results/shoal" "$results/peer" "$*" <<'PYTHON'
import json
import statistics
import sys


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


ours, peers = read(sys.argv[1]), read(sys.argv[2])
work = ours[0]
if work["parameters"] != peers[0]["parameters"]:
    sys.exit(f"not the same model: {work['parameters']} and {peers[0]['parameters']} parameters")


def median(results, key):
    return statistics.median(result[key] for result in results)


print(f"{work['shape']}, {work['dtype']}, {work['batch']} × {work['sequence']} tokens a step, rank {work['rank']}, "
      f"{work['threads']} threads" + (f", {sys.argv[3]}" if sys.argv[3] else "")
      + f": medians of {len(ours)} pairs\n")
print("| | Shoal | PyTorch + PEFT | ratio |")
print("|---|---|---|---|")
for label, key, digits in [("tokens/s", "tokensPerSecond", 1), ("peak memory, MiB", "peakRssMiB", 0)]:
    left, right = median(ours, key), median(peers, key)
    print(f"| {label} | {left:.{digits}f} | {right:.{digits}f} | {left / right:.2f} |")
ratios = sorted(left["tokensPerSecond"] / right["tokensPerSecond"] for left, right in zip(ours, peers))
print(f"| tokens/s, pair by pair | | | {ratios[0]:.2f} to {ratios[-1]:.2f} |")
share = statistics.median(result["gflops4N"] / result["gemmCeilingGflops"] for result in ours)
print(f"| of the rate of its matrix products alone | {share:.0%} | | |")
for label, key in [("first loss", "lossFirst"), ("last loss", "lossLast")]:
    print(f"| {label} | {median(ours, key):.4f} | {median(peers, key):.4f} | |")
PYTHON
