import Federation
import ModelFiles
import Testing

@Suite("A round of secretly chosen workers")
struct SampledRoundTests {
    private let names = ["a", "b", "c", "d"].compactMap { WorkerName($0) }
    private let start = Instant(nanoseconds: 0)
    private let object = ContentHash(of: [1])

    private func plan(target: Int = 2) -> RoundPlan {
        var plan = RoundPlan(
            seed: 1, round: 3, attempt: 1, target: target, minimum: 1, deadlineSeconds: 60, leaseSeconds: 20)
        plan.isSampled = true
        plan.minimum = 0
        return plan
    }

    private func offers(_ actions: [Round.Action]) -> [String] {
        actions.compactMap { if case .offer(let worker) = $0 { worker.text } else { nil } }
    }

    @Test("asks the chosen, whenever they connect, and never anybody else")
    func offers() {
        var round = Round(plan: plan(), sampled: [names[0], names[2]], available: [names[0], names[1]])
        #expect(offers(round.start(at: start)) == ["a"])
        #expect(offers(round.handle(.workerAvailable(names[3]), at: start)).isEmpty)
        #expect(offers(round.handle(.workerAvailable(names[2]), at: start)) == ["c"])
        // A worker that gives up is not replaced.
        #expect(offers(round.handle(.declined(names[0]), at: start)).isEmpty)
        // One that was lost may come back.
        #expect(offers(round.handle(.workerLost(names[2]), at: start)).isEmpty)
        #expect(offers(round.handle(.workerAvailable(names[2]), at: start)) == ["c"])
    }

    @Test("closes at its deadline and not before, however many updates there are", arguments: [0, 1, 3])
    func deadline(_ updates: Int) {
        var round = Round(plan: plan(target: 2), sampled: Array(names.prefix(3)), available: Set(names))
        _ = round.start(at: start)
        for worker in names.prefix(updates) {
            let actions = round.handle(.updateRecorded(worker, object: object), at: start)
            #expect(!actions.contains { if case .aggregate = $0 { true } else { false } })
        }
        _ = round.handle(.timePassed, at: start.advanced(bySeconds: 59))
        #expect(!round.isClosed)
        let actions = round.handle(.timePassed, at: start.advanced(bySeconds: 60))
        #expect(round.isClosed && actions.last == .aggregate(Array(names.prefix(updates))))
    }

    @Test("says what it waits for without names or numbers")
    func waits() {
        var round = Round(plan: plan(), sampled: [names[0]], available: Set(names))
        let reasons = round.start(at: start).compactMap { if case .wait(let reason) = $0 { reason } else { nil } }
        #expect(reasons == [.forDeadline(round: 3)])
        #expect(reasons.first?.description.contains("'a'") == false)
    }

    @Test("goes on after a restart with the same workers")
    func resumed() {
        var round = Round(
            resuming: plan(), selected: [names[0], names[2]], recorded: [names[0]: object], at: start)
        #expect(offers(round.start(at: start)).isEmpty)
        #expect(offers(round.handle(.workerAvailable(names[1]), at: start)).isEmpty)
        #expect(offers(round.handle(.workerAvailable(names[2]), at: start)) == ["c"])
        #expect(
            round.handle(.timePassed, at: start.advanced(bySeconds: 60)).last == .aggregate([names[0]]))
    }
}
