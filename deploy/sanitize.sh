#!/usr/bin/env bash
# Builds the core alone (C kernels, numerics, models, trainer, federation rules, file and wire decoders) with a sanitizer
# and runs its tests. usage: deploy/sanitize.sh [address|undefined|thread]... (default: all three, one after the other)
#
#   address     reads and writes outside of their memory, use after free, leaks
#   undefined   C: overflow, shifts, alignment, null pointers. Swift has no such checks of its own to add.
#   thread      data races, the kernels' thread pool included
#
# Any finding fails the run. Each sanitizer has a build folder of its own, .build/SANITIZER; sockets, HTTP and database
# are left out (SHOAL_CORE), as their libraries are not instrumented.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

export SHOAL_CORE=1

run() {
    local sanitizer=$1
    local options=(-c release --scratch-path ".build/$sanitizer")
    if [[ $sanitizer == undefined ]]; then
        # Swift on Linux has no --sanitize=undefined: the C compiler and the linker are told themselves.
        options+=(-Xcc -fsanitize=undefined -Xswiftc -Xclang-linker -Xswiftc -fsanitize=undefined)
    else
        options+=(--sanitize "$sanitizer")
    fi
    echo "==> Building with the $sanitizer sanitizer"
    swift build "${options[@]}" --build-tests

    local log=".build/$sanitizer/tests.log"
    local environment=(
        ASAN_OPTIONS=halt_on_error=1:detect_leaks=1
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
        TSAN_OPTIONS=halt_on_error=1:exitcode=66
    )
    echo "==> Running the core's tests with the $sanitizer sanitizer; all output: $log"
    # Exit tests expect some processes to end badly, so what a sanitizer says there is looked for in the text.
    if ! env "${environment[@]}" swift test "${options[@]}" --disable-testable-imports --disable-xctest --skip-build \
        >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        return 1
    fi
    if grep -nE 'Sanitizer: |runtime error: ' "$log" >&2; then return 1; fi
    tail -n 1 "$log"
}

for sanitizer in "${@:-address undefined thread}"; do
    for one in $sanitizer; do
        case $one in
        address | undefined | thread) run "$one" ;;
        *)
            echo "usage: deploy/sanitize.sh [address|undefined|thread]..." >&2
            exit 2
            ;;
        esac
    done
done
