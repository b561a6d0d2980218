import Federation
import ModelFiles
import Randomness
import Testing

/// Random events and restarts against the invariants that hold whatever happens.
@Suite("The rounds of an asynchronous run, random events")
struct BufferedRoundsPropertyTests {
    private static let names = (0..<7).compactMap { WorkerName("w\($0)") }

    /// What a ledger would hold, from the actions alone.
    private struct Ledger {
        var asked: Set<BufferedRounds.Update> = []
        var failed: Set<BufferedRounds.Update> = []
        /// With the round that each counts in, in the order of arrival.
        var recorded: [(update: BufferedRounds.Update, round: Int)] = []
        var round = 1

        func record() -> BufferedRounds.Record {
            var record = BufferedRounds.Record(round: round)
            let done = Set(recorded.map(\.update))
            for update in asked where !done.contains(update) && !failed.contains(update) {
                #expect(record.tasks[update.worker] == nil, "a worker holds two leases")
                record.tasks[update.worker] = update.round
            }
            record.counted = recorded.filter { $0.round == round }.map(\.update)
            record.asked = Set(asked.filter { $0.round == round }.map(\.worker))
            record.failed = Set(failed.filter { $0.round == round }.map(\.worker))
            return record
        }
    }

    @Test(arguments: [UInt64](0..<150))
    func invariantsHold(seed: UInt64) {
        var generator = StreamKey(seed: seed, purpose: .faults).generator()
        let options = BufferOptions(
            size: 1 + generator.index(below: 4), maximumStaleness: generator.index(below: 4),
            concurrency: 1 + generator.index(below: 5))
        var available = Set(Self.names)
        var now = Instant(nanoseconds: 0)
        var ledger = Ledger()
        let make = { (ledger: Ledger, available: Set<WorkerName>, now: Instant) in
            BufferedRounds(
                ledger.record(), options: options, seed: seed, leaseSeconds: 10, selector: Selector(),
                available: available, at: now)
        }
        var rounds = make(ledger, available, now)
        carryOut(rounds.start(at: now), &rounds, &ledger, now)
        for _ in 0..<150 {
            now = now.advanced(bySeconds: Double(generator.index(below: 30)) / 10)
            let worker = Self.names[generator.index(below: Self.names.count)]
            switch generator.index(below: 8) {
            case 0:
                available.insert(worker)
                carryOut(rounds.handle(.workerAvailable(worker), at: now), &rounds, &ledger, now)
            case 1:
                available.remove(worker)
                carryOut(rounds.handle(.workerLost(worker), at: now), &rounds, &ledger, now)
            case 2: carryOut(rounds.handle(.declined(worker), at: now), &rounds, &ledger, now)
            case 3:
                // A crash: what is durable goes on, with nobody connected yet.
                available = []
                rounds = make(ledger, available, now)
                carryOut(rounds.start(at: now), &rounds, &ledger, now)
            case 4: carryOut(rounds.handle(.timePassed, at: now), &rounds, &ledger, now)
            case 5: carryOut(rounds.handle(.renewed(worker), at: now), &rounds, &ledger, now)
            default:
                guard let task = rounds.tasks[worker], rounds.verdict(from: worker, round: task.round) == .take else {
                    continue
                }
                let update = BufferedRounds.Update(worker: worker, round: task.round)
                #expect(!ledger.recorded.contains { $0.update == update }, "an update counts twice")
                ledger.recorded.append((update, rounds.round))
                let object = ContentHash(of: Array("\(update)".utf8))
                carryOut(rounds.handle(.updateRecorded(worker, object: object), at: now), &rounds, &ledger, now)
            }
            check(rounds, ledger, available)
        }
    }

    private func carryOut(
        _ actions: [BufferedRounds.Action], _ rounds: inout BufferedRounds, _ ledger: inout Ledger, _ now: Instant
    ) {
        for action in actions {
            switch action {
            case .recordSelection(let workers, let round):
                #expect(round == rounds.round)
                for worker in workers {
                    ledger.asked.insert(.init(worker: worker, round: round))
                    ledger.failed.remove(.init(worker: worker, round: round))
                }
            case .offer(let worker, let round): #expect(ledger.asked.contains(.init(worker: worker, round: round)))
            case .withdraw(let worker, let round, _):
                #expect(ledger.asked.contains(.init(worker: worker, round: round)))
            case .recordFailure(let worker, let round): ledger.failed.insert(.init(worker: worker, round: round))
            case .publish(let updates):
                let counted = ledger.recorded.filter { $0.round == ledger.round }.map(\.update)
                #expect(updates == counted.sorted() && updates.count == rounds.options.size)
                #expect(updates.allSatisfy { ledger.round - $0.round <= rounds.options.maximumStaleness })
                ledger.round += 1
                let next = rounds.published(selector: Selector(), at: now)
                carryOut(next, &rounds, &ledger, now)
            case .wait: break
            }
        }
    }

    private func check(_ rounds: BufferedRounds, _ ledger: Ledger, _ available: Set<WorkerName>) {
        #expect(rounds.round == ledger.round)
        #expect(ledger.record().tasks == rounds.tasks.mapValues(\.round))
        #expect(rounds.counted == ledger.record().counted)
        #expect(rounds.counted.count < rounds.options.size)
        #expect(rounds.tasks.count <= rounds.options.concurrency)
        #expect(rounds.tasks.values.allSatisfy { rounds.round - $0.round <= rounds.options.maximumStaleness })
        // Progress: a place is empty only if nobody could fill it.
        if rounds.tasks.count < rounds.options.concurrency {
            let idle = available.filter {
                rounds.tasks[$0] == nil && [nil, .lapsed].contains(rounds.standing[$0])
            }
            #expect(idle.isEmpty)
        }
    }
}
