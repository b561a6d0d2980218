import Federation
import ModelFiles
import Randomness
import Testing

/// Random events against the invariants that hold whatever happens.
@Suite("Round, random events")
struct RoundPropertyTests {
    private static let names = (0..<6).compactMap { WorkerName("w\($0)") }

    private struct Observer {
        var selected: Set<WorkerName> = []
        var recorded: [WorkerName: ContentHash] = [:]
        var aggregateCount = 0
        var lastReason: WaitReason?

        mutating func take(_ actions: [Round.Action], _ round: Round) {
            for action in actions {
                switch action {
                case .recordSelection(let workers): selected.formUnion(workers)
                // A selection is on record before its offer leaves.
                case .offer(let worker): #expect(selected.contains(worker))
                case .withdraw(let worker, _): #expect(selected.contains(worker))
                case .recordFailure(let workers):
                    for worker in workers { #expect(selected.contains(worker) && recorded[worker] == nil) }
                case .aggregate(let workers):
                    aggregateCount += 1
                    #expect(workers == recorded.keys.sorted())
                    #expect(workers.count >= round.plan.minimum)
                case .wait(let reason): lastReason = reason
                }
            }
        }
    }

    @Test(arguments: [UInt64](0..<200))
    func invariantsHold(seed: UInt64) {
        var generator = StreamKey(seed: seed, purpose: .faults).generator()
        let target = 1 + generator.index(below: 4)
        let plan = RoundPlan(
            seed: seed, round: 1, attempt: 1, target: target, minimum: 1 + generator.index(below: target),
            deadlineSeconds: generator.index(below: 2) == 0 ? nil : 40, leaseSeconds: 10,
            asked: target + generator.index(below: 3))
        var available = Set(Self.names.filter { _ in generator.index(below: 2) == 0 })
        var round = Round(plan: plan, available: available)
        var observer = Observer()
        var now = Instant(nanoseconds: 0)
        observer.take(round.start(at: now), round)
        for _ in 0..<120 {
            now = now.advanced(bySeconds: Double(generator.index(below: 40)) / 10)
            let worker = Self.names[generator.index(below: Self.names.count)]
            let event: Round.Event
            switch generator.index(below: 7) {
            case 0:
                event = .workerAvailable(worker)
                available.insert(worker)
            case 1:
                event = .workerLost(worker)
                available.remove(worker)
            case 2: event = .declined(worker)
            case 3:
                let object = ContentHash(of: [UInt8(generator.index(below: 2))])
                // What the service does: asks first, records, then tells.
                if round.verdict(on: object, from: worker) == .take {
                    #expect(observer.recorded[worker] == nil)
                    observer.recorded[worker] = object
                }
                event = .updateRecorded(worker, object: object)
            case 4: event = .timePassed
            default: event = .renewed(worker)
            }
            let isClosed = round.isClosed
            let actions = round.handle(event, at: now)
            if isClosed { #expect(actions.isEmpty) }
            observer.take(actions, round)
            check(round, observer, available, now)
        }
    }

    private func check(_ round: Round, _ observer: Observer, _ available: Set<WorkerName>, _ now: Instant) {
        #expect(observer.aggregateCount == (round.isClosed ? 1 : 0))
        #expect(Set(round.selected) == observer.selected)
        #expect(round.selected == round.progress.keys.sorted())
        #expect(round.recorded == observer.recorded.keys.sorted())
        guard !round.isClosed else { return }
        #expect(round.recorded.count < round.plan.target)
        #expect(round.active.count + round.recorded.count <= round.plan.asked)
        // Progress: a place is empty only if nobody could fill it, and a wait says so.
        if round.active.count + round.recorded.count < round.plan.asked {
            let idle = available.filter { worker in
                switch round.progress[worker] {
                case nil, .lapsed: true
                default: false
                }
            }
            #expect(idle.isEmpty)
        }
        #expect(observer.lastReason != nil)
        if round.active.isEmpty {
            guard case .forMoreWorkers = observer.lastReason else {
                Issue.record("nobody works, and the round waits for \(String(describing: observer.lastReason))")
                return
            }
        } else {
            let leaseEnds = round.progress.values.compactMap { progress in
                switch progress {
                case .offered(let until), .working(let until): until
                case .recorded, .lapsed, .declined: nil
                }
            }
            #expect(round.active.count == leaseEnds.count)
            // Time alone will move it on, and no lease ends unseen.
            let due = round.nextDue(after: now)
            #expect(due != nil)
            if let due, let end = leaseEnds.min() { #expect(due <= end) }
        }
    }
}
