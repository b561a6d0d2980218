#!/usr/bin/env bash
# Installs what is missing, builds Shoal and runs the whole test suite: unit tests, then end-to-end tests that start
# the real program. The suite runs with optimisation: a debug build compiles the C kernels without it.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

echo "==> Building Shoal and its tests"
swift build -c release --build-tests --explicit-target-dependency-import-check error
swift build -c release --product shoal

echo "==> Running the test suite"
# Without a bound all tests begin at once, and those that await an answer wait behind hundreds that compute.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-8}
swift test -c release --disable-testable-imports --skip-build "$@"
