#!/usr/bin/env bash
# Audits whole runs again and again: puts canaries into a text, each a worker of its own by a secret coin, trains on it with
# `shoal simulate` with and without differential privacy, looks for the canaries in the adapter, and writes as Markdown what
# was found beside what the accountant promises. Over many repetitions the 95 % lower bound on epsilon may be above the
# accountant's in at most one of twenty.
#
#   deploy/bench/audit.sh --config run.yaml --data text.jsonl --out out/audit --repetitions 50
#
# Options: --config FILE and --model DIR as `shoal simulate` takes them; --data FILE, .jsonl with a column worker (the run
# file's data.path is not used); --out DIR (default: out/audit); --count N canaries (default: 24) and --repeats N of each
# inserted one (default: 20); --repetitions N (default: 1); --epsilons "none 4" (default), --delta D (default: 1e-5) and
# --clip C (default: 1) of the private runs; --mechanism central (default) or local, and for central --deadline T of a round
# (default: 20s), which takes that long always; --seed N draws the canaries of repetition R from the seed N + R. After `--`
# come options for every `shoal simulate`, such as --set federation.rounds=5. A repetition that is done is not done again.
# Needs Python 3 without any package. SHOAL names the program (default: the release build of this checkout).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export SHOAL=${SHOAL:-$here/../../.build/release/shoal}
[[ -x $SHOAL ]] || {
    echo "audit.sh: no program at $SHOAL; build it (swift build -c release --product shoal) or set SHOAL" >&2
    exit 2
}
exec python3 "$here/audit.py" "$@"
