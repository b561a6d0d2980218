#!/usr/bin/env bash
# Fuzzes everything that reads bytes from outside with libFuzzer and the address sanitizer (Tests/Fuzzing).
# usage: deploy/fuzz.sh [TARGET]... [--runs N] [--seconds N] [--seed N]
#        (default: every target, 200,000 inputs each; --seconds bounds each target's time instead)
#
# Each target starts from a corpus that the program makes of fixtures and encoders, and from what earlier runs found worth
# keeping in .build/fuzz/corpus. An input may take 10 seconds, one allocation 256 MiB and all of them 1 GiB. A finding ends
# the run with an error; its input lies in .build/fuzz/findings and is run again by:
#   SHOAL_FUZZ_TARGET=TARGET .build/fuzz/release/fuzz FILE
# All of Swift and the protobuf code are instrumented; the C kernels watch their memory alone.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

targets=()
runs=200000
seconds=0
seed=1
while (($#)); do
    case $1 in
    --runs) runs=${2:?--runs N}; shift ;;
    --seconds) seconds=${2:?--seconds N}; runs=-1; shift ;;
    --seed) seed=${2:?--seed N}; shift ;;
    -*) echo "usage: deploy/fuzz.sh [TARGET]... [--runs N] [--seconds N] [--seed N]" >&2; exit 2 ;;
    *) targets+=("$1") ;;
    esac
    shift
done

read -ra all <<<"$(sed -n 's/^    case \([a-zA-Z]*\)$/\1/p' Tests/Fuzzing/FuzzTarget.swift | tr '\n' ' ')"
for target in "${targets[@]}"; do
    [[ " ${all[*]} " == *" $target "* ]] || { echo "unknown target '$target'; known: ${all[*]}" >&2; exit 2; }
done
((${#targets[@]})) || targets=("${all[@]}")

echo "==> Building"
SHOAL_FUZZ=1 swift build -c release --scratch-path .build/fuzz --product fuzz

# What libraries never give back is theirs.
export ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no
failed=()
mkdir -p .build/fuzz/findings
for target in "${targets[@]}"; do
    seeds=.build/fuzz/seeds/$target
    grown=.build/fuzz/corpus/$target
    log=.build/fuzz/$target.log
    rm -rf "$seeds"
    mkdir -p "$seeds" "$grown"
    SHOAL_FUZZ_TARGET=$target SHOAL_FUZZ_SEEDS=$seeds .build/fuzz/release/fuzz
    limits=(-timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 -max_len=8192)
    if ! SHOAL_FUZZ_TARGET=$target .build/fuzz/release/fuzz "${limits[@]}" -runs="$runs" -max_total_time="$seconds" \
        -seed="$seed" -artifact_prefix=".build/fuzz/findings/$target-" -print_final_stats=1 "$grown" "$seeds" \
        >"$log" 2>&1; then
        grep -vE '^#[0-9]+\s+(NEW|REDUCE|pulse|RELOAD|INITED)|NEW_FUNC|DEDUP' "$log" | tail -n 40 >&2
        echo "==> $target: a finding; its input lies in .build/fuzz/findings, all output in $log" >&2
        failed+=("$target")
        continue
    fi
    awk -v target="$target" '/number_of_executed_units/ { units = $2 } /peak_rss_mb/ { rss = $2 }
        / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") coverage = $(i + 1) }
        END { printf "==> %s: %d inputs, no finding; %d edges, peak %d MiB\n", target, units, coverage, rss }' "$log"
done
((${#failed[@]} == 0)) || { echo "==> findings in: ${failed[*]}" >&2; exit 1; }
