#!/usr/bin/env bash
# Installs what is missing, builds Shoal and runs its main job on the model and data built into it: a coordinator and
# a fleet of worker processes on this machine fine-tune one adapter over encrypted ZeroMQ, each on its own private text.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

echo "==> Building Shoal (the first time takes a few minutes)"
swift build -c release --product shoal
shoal=$(swift build -c release --show-bin-path)/shoal

echo "==> Running a federation on this machine: shoal simulate --compare-local"
exec "$shoal" simulate --compare-local "$@"
