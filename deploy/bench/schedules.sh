#!/usr/bin/env bash
# Reruns the comparison of schedules: how soon buffers of updates reach the loss of rounds, in a fleet with slow workers and
# in virtual time, as Markdown.
#
#   deploy/bench/schedules.sh --config run.yaml --out out/schedules
#
# Options: --config FILE and --model DIR as `shoal simulate` takes them; --out DIR (default: out/schedules);
# --seeds "0 1 2"; --rows FILE (default: schedules.rows beside this script). After `--` come options for every
# `shoal simulate`. A run that the same program did with the same run file is not done again. Needs Python 3.11 without any
# package. SHOAL names the program (default: the release build of this checkout).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export SHOAL=${SHOAL:-$here/../../.build/release/shoal}
[[ -x $SHOAL ]] || {
    echo "schedules.sh: no program at $SHOAL; build it (swift build -c release --product shoal) or set SHOAL" >&2
    exit 2
}
exec python3 "$here/schedules.py" "$@"
