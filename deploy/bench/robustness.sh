#!/usr/bin/env bash
# Reruns the robustness table: held-out loss of every rule in robustness.rows under every attack, at 10, 20 and 30 % of bad
# workers, beside the same rule without an attack, as Markdown. The worst attack of each row is in bold.
#
#   deploy/bench/robustness.sh --config run.yaml --out out/robustness
#
# Options: --config FILE and --model DIR as `shoal simulate` takes them; --out DIR (default: out/robustness);
# --seeds "0 1 2" (default: 0); --shares "0.1 0.2", some of the shares only; --rules "median,*arc" and --attacks "IPM", only
# those whose names begin so; --rows FILE (default: robustness.rows beside this script). After `--` come options for every
# `shoal simulate`, such as --set federation.rounds=5. A run that the same program did with the same run file is not done
# again: after an interruption, start the same command once more. Needs Python 3.11 without any package. SHOAL names the
# program (default: the release build of this checkout).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export SHOAL=${SHOAL:-$here/../../.build/release/shoal}
[[ -x $SHOAL ]] || {
    echo "robustness.sh: no program at $SHOAL; build it (swift build -c release --product shoal) or set SHOAL" >&2
    exit 2
}
exec python3 "$here/robustness.py" "$@"
