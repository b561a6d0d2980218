#!/usr/bin/env bash
# Plants one bug after the other in the source, builds, and expects the fault simulation to find it. The source is put
# back after each, and the builds have a folder of their own, so that no spoilt program stays where one looks for a good
# one. Without a bug the simulation must find nothing, or its finds would mean nothing. SCHEDULES changes how many
# schedules each one gets; names as arguments choose some of the bugs.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/install.sh
shoal_install

schedules=${SCHEDULES:-2000}
git diff --quiet HEAD -- Sources || { echo "Sources has changes that are not committed; commit or stash them first" >&2; exit 2; }
trap 'git checkout -q HEAD -- Sources' EXIT

builds=.build/mutations
# build NAME
build() {
    swift build -c release --scratch-path "$builds" --product shoal > "$builds.log" 2>&1 ||
        { tail -n 20 "$builds.log" >&2; echo "$1: does not build" >&2; exit 2; }
}
# Whether all schedules pass.
simulate() { "$builds/release/shoal" bench faults --schedules "$schedules" > "$builds.log" 2>&1; }

mkdir -p .build
build "the source as it is"
simulate || { tail -n 5 "$builds.log" >&2; echo "the source as it is fails already" >&2; exit 2; }

# bug NAME FILE SED-EXPRESSION [FILE SED-EXPRESSION]…
found=0 missed=() chosen=("$@")
bug() {
    local name=$1
    shift
    if [ ${#chosen[@]} -gt 0 ] && [[ ! " ${chosen[*]} " == *" $name "* ]]; then return; fi
    while [ $# -gt 0 ]; do
        sed -i -E "$2" "$1"
        if git diff --quiet HEAD -- "$1"; then
            echo "$name: the line to change in $1 is not there any more" >&2
            exit 2
        fi
        shift 2
    done
    build "$name"
    if simulate; then
        echo "$name: NOT FOUND in $schedules schedules"
        missed+=("$name")
    else
        echo "$name: found: $(grep -m1 '^seed ' "$builds.log" || tail -1 "$builds.log")"
        found=$((found + 1))
    fi
    git checkout -q HEAD -- Sources
}

service=Sources/Coordinator/RunService
bug acknowledge-before-durable $service/RunServiceArrivals.swift \
    's/^( *)try store\.keep\(batch/\1for arrival in batch { acknowledge(.committed, arrival.lease, arrival.envelope, arrival.peer) }\n&/'
bug count-twice-after-a-retry $service/RunServiceUpdates.swift 's/, !arrivals\.contains\(where: \{ \$0\.worker == name \}\)//' \
    Sources/Coordinator/Ledger/LedgerSchema.swift \
    '/CREATE TABLE updates/,/STRICT, WITHOUT ROWID/{s/PRIMARY KEY \(round, attempt, worker\)/number INTEGER PRIMARY KEY AUTOINCREMENT/;s/\) STRICT, WITHOUT ROWID/) STRICT/}' \
    Sources/Coordinator/Ledger/LedgerRounds.swift 's/INSERT INTO updates VALUES/INSERT INTO updates (round, attempt, worker, object, items, steps, tokens, trainLoss, acceptedAt) VALUES/'
bug publish-before-the-gate $service/RunServicePublication.swift 's/if try !holdForGate\(candidate\)/if candidate.plan.round > 0/'
bug forget-the-residual Sources/Worker/Service/WorkerResidual.swift 's/next: left\)/next: left.map { _ in 0 })/'
bug residual-without-the-last-word Sources/Worker/Service/WorkerOwnVectors.swift \
    's/if offer\.task == \.train, offer\.errorFeedback/if offer.task != .train, offer.errorFeedback/'
bug ledger-without-synchronisation Sources/Coordinator/Ledger/Ledger.swift 's/PRAGMA synchronous = FULL/PRAGMA synchronous = OFF/'
bug no-file-synchronisation Sources/Coordinator/Updates/UpdateSegments.swift \
    's/guard disk\.synchronize\(segment\.descriptor\) == 0/guard disk.status(of: segment.descriptor) != nil/'
bug no-folder-synchronisation Sources/Coordinator/BlobStore.swift '/try flush\(folder\(of: upload\.object\)\)/d'

echo "$found found, ${#missed[@]} not found${missed[*]:+: ${missed[*]}}"
[ ${#missed[@]} -eq 0 ]
