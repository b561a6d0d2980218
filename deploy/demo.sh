#!/usr/bin/env bash
# Installs what is missing, builds Shoal and runs its main job on the model and notes built into it: a coordinator and
# ten worker processes on this machine fine-tune one adapter over encrypted ZeroMQ, each on its own private notes.
# Arguments go to `shoal simulate`.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

echo "==> Building Shoal (the first time takes twenty to thirty minutes on two cores)"
swift build -c release --product shoal
shoal=$(swift build -c release --show-bin-path)/shoal
state=$(mktemp -d "${TMPDIR:-/tmp}/shoal-demo-XXXXXX")

echo
echo "==> Ten invented organisations train one adapter together: shoal simulate --compare-local --state $state"
echo "    Each one's notes stay in its own process; what travels is encrypted updates of the adapter."
echo "    This takes two to five minutes."
echo
"$shoal" simulate --compare-local --state "$state" "$@"

prompt="Patient reports"
echo
echo "==> What it learned: the same prompt, continued without and with the adapter"
echo
echo "  base model:    $("$shoal" generate --model built-in --prompt "$prompt" --max-tokens 50 | tr '\n' ' ')"
echo "  with adapter:  $("$shoal" generate --model built-in --adapter "$state/adapter" --prompt "$prompt" --max-tokens 50 | tr '\n' ' ')"
echo
echo "The adapter is an ordinary PEFT directory: $state/adapter"
