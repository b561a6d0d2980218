import Federation
import ModelFiles
import Testing

@Suite("A round that asks more workers than it needs")
struct OverSelectionTests {
    private let names = ["a", "b", "c", "d"].compactMap { WorkerName($0) }
    private let start = Instant(nanoseconds: 0)

    private func plan(target: Int, asked: Int, deadline: Double? = nil) -> RoundPlan {
        RoundPlan(
            seed: 3, round: 1, attempt: 1, target: target, minimum: 1, deadlineSeconds: deadline, leaseSeconds: 10,
            asked: asked)
    }

    private func record(_ round: inout Round, _ worker: WorkerName) -> [Round.Action] {
        round.handle(.updateRecorded(worker, object: ContentHash(of: Array(worker.text.utf8))), at: start)
    }

    private func failures(_ actions: [Round.Action]) -> [WorkerName] {
        actions.reduce(into: []) { if case .recordFailure(let workers) = $1 { $0 += workers } }
    }

    private func withdrawn(_ actions: [Round.Action]) -> [WorkerName] {
        actions.compactMap { if case .withdraw(let worker, _) = $0 { worker } else { nil } }
    }

    @Test func itAsksThemAllClosesAtItsTargetAndHoldsNothingAgainstTheOthers() {
        var round = Round(plan: plan(target: 2, asked: 4), available: Set(names))
        #expect(round.start(at: start).prefix(2) == [.recordSelection(names), .offer(names[0])])
        #expect(round.active == names)
        _ = record(&round, names[3])
        #expect(round.active == Array(names[..<3]))
        let actions = record(&round, names[1])
        #expect(withdrawn(actions) == [names[0], names[2]])
        #expect(failures(actions).isEmpty)
        #expect(actions.last == .aggregate([names[1], names[3]]))
        guard case .refuse = round.verdict(on: ContentHash(of: []), from: names[0]) else {
            Issue.record("an update came in after the round had closed")
            return
        }
    }

    @Test func aFailedWorkerIsReplacedAsLongAsFewerThanAskedAreAtIt() {
        var round = Round(plan: plan(target: 1, asked: 2), available: Set(names))
        _ = round.start(at: start)
        let first = round.active
        let actions = round.handle(.declined(first[0]), at: start)
        #expect(failures(actions) == [first[0]])
        #expect(round.active.count == 2 && !round.active.contains(first[0]))
    }

    @Test func whoIsLateAtTheDeadlineHasFailed() {
        var round = Round(plan: plan(target: 3, asked: 4, deadline: 5), available: Set(names))
        _ = round.start(at: start)
        _ = record(&round, names[0])
        _ = record(&round, names[1])
        let actions = round.handle(.timePassed, at: start.advanced(bySeconds: 5))
        #expect(withdrawn(actions) == [names[2], names[3]])
        #expect(failures(actions) == [names[2], names[3]])
        #expect(actions.last == .aggregate([names[0], names[1]]))
    }

    @Test func whoLosesItsLeaseOrIsLostHasFailed() {
        var round = Round(plan: plan(target: 2, asked: 2), available: Set(names[..<2]))
        _ = round.start(at: start)
        #expect(failures(round.handle(.workerLost(names[0]), at: start)) == [names[0]])
        // It held no lease any more.
        #expect(failures(round.handle(.declined(names[0]), at: start)).isEmpty)
        #expect(failures(round.handle(.timePassed, at: start.advanced(bySeconds: 10))) == [names[1]])
    }
}
