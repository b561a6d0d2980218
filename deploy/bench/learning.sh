#!/usr/bin/env bash
# Reruns the tables of learning quality: loss and bytes of every method in learning.rows, as Markdown and one SVG plot.
#
#   deploy/bench/learning.sh                                        the model and notes built into the program
#   deploy/bench/learning.sh --config run.yaml --out out/learning   any run file
#
# Options: --config FILE and --model DIR as `shoal simulate` takes them; --out DIR (default: out/learning);
# --seeds "0 1 2"; --tables "strategies codecs", some of the tables only; --rows FILE (default: learning.rows beside this
# script). After `--` come options for every `shoal simulate`, such as --set federation.rounds=5.
# A run that the same program did with the same run file is not done again: after an interruption, start the same command
# once more. Needs Python 3.11 without any package. SHOAL names the program (default: the release build of this checkout).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export SHOAL=${SHOAL:-$here/../../.build/release/shoal}
[[ -x $SHOAL ]] || {
    echo "learning.sh: no program at $SHOAL; build it (swift build -c release --product shoal) or set SHOAL" >&2
    exit 2
}
exec python3 "$here/learning.py" "$@"
