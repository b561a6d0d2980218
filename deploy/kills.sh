#!/usr/bin/env bash
# Builds Shoal and kills its coordinator 20 times at random moments of a 20-round run; the final adapter must be that of
# an undisturbed run, bit for bit, and every record sound. KILLS and SEED change the number and the moments.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

swift build -c release --build-tests
swift build -c release --product shoal
export SHOAL_KILLS=${KILLS:-20} SHOAL_KILL_SEED=${SEED:-1}
echo "==> $SHOAL_KILLS kills, seed $SHOAL_KILL_SEED"
swift test -c release --disable-testable-imports --skip-build --filter KillTests "$@"
