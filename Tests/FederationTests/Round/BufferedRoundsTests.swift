import Federation
import ModelFiles
import Testing

@Suite("The rounds of an asynchronous run")
struct BufferedRoundsTests {
    private let names = ["a", "b", "c", "d"].compactMap { WorkerName($0) }
    private let start = Instant(nanoseconds: 0)
    private let object = ContentHash(of: [1])

    private func make(
        size: Int, concurrency: Int, maximumStaleness: Int = 20, record: BufferedRounds.Record = .init(round: 1),
        available: [WorkerName]? = nil
    ) -> BufferedRounds {
        BufferedRounds(
            record,
            options: BufferOptions(size: size, maximumStaleness: maximumStaleness, concurrency: concurrency), seed: 3,
            leaseSeconds: 10, selector: Selector(), available: Set(available ?? names), at: start)
    }

    private func offers(_ actions: [BufferedRounds.Action]) -> [BufferedRounds.Update] {
        actions.compactMap {
            if case .offer(let worker, let round) = $0 { .init(worker: worker, round: round) } else { nil }
        }
    }

    @Test func aSelectionIsRecordedBeforeItsOffersAndAFinishedWorkerMakesPlaceForAnother() {
        var rounds = make(size: 3, concurrency: 2)
        let actions = rounds.start(at: start)
        guard case .recordSelection(let first, round: 1)? = actions.first else {
            Issue.record("no selection was recorded first")
            return
        }
        #expect(first.count == 2 && offers(actions).map(\.worker) == first)
        let next = rounds.handle(.updateRecorded(first[0], object: object), at: start)
        #expect(offers(next).count == 1)
        // Not the one that has just given its update for this version.
        #expect(!offers(next).map(\.worker).contains(first[0]))
        #expect(rounds.tasks.count == 2)
    }

    @Test func aFullBufferIsPublishedInNameOrderAndLeasesOutliveIt() {
        var rounds = make(size: 2, concurrency: 3)
        _ = rounds.start(at: start)
        let working = rounds.tasks.keys.sorted()
        _ = rounds.handle(.updateRecorded(working[1], object: object), at: start)
        let actions = rounds.handle(.updateRecorded(working[0], object: object), at: start)
        #expect(
            actions.last == .publish([.init(worker: working[0], round: 1), .init(worker: working[1], round: 1)]))
        // Nobody is asked before the new version is there.
        #expect(offers(actions).isEmpty)
        let next = rounds.published(selector: Selector(), at: start)
        #expect(rounds.round == 2)
        #expect(offers(next).allSatisfy { $0.round == 2 } && offers(next).count == 1)
        #expect(rounds.tasks[working[2]]?.round == 1)
        #expect(rounds.verdict(from: working[2], round: 1) == .take)
    }

    @Test func anUpdateCountsInTheRoundItArrivesIn() {
        var rounds = make(size: 1, concurrency: 2)
        _ = rounds.start(at: start)
        let working = rounds.tasks.keys.sorted()
        _ = rounds.handle(.updateRecorded(working[0], object: object), at: start)
        _ = rounds.published(selector: Selector(), at: start)
        let actions = rounds.handle(.updateRecorded(working[1], object: object), at: start)
        #expect(actions.last == .publish([.init(worker: working[1], round: 1)]))
    }

    @Test func aLeaseThatCouldOnlyGiveAStaleUpdateIsWithdrawnAndItsUpdateRefused() {
        var rounds = make(size: 1, concurrency: 2, maximumStaleness: 1)
        _ = rounds.start(at: start)
        let slow = rounds.tasks.keys.sorted()[0]
        var last: [BufferedRounds.Action] = []
        for _ in 0..<2 {
            let quick = rounds.tasks.keys.first { $0 != slow }
            guard let quick else { break }
            #expect(rounds.verdict(from: slow, round: 1) == .take)
            _ = rounds.handle(.updateRecorded(quick, object: object), at: start)
            last = rounds.published(selector: Selector(), at: start)
        }
        guard case .withdraw(slow, round: 1, let reason)? = last.first else {
            Issue.record("the stale lease was not withdrawn")
            return
        }
        #expect(reason.contains("2 versions old") && reason.contains("federation.maximum-staleness"))
        #expect(last.contains(.recordFailure(slow, round: 1)))
        #expect(rounds.verdict(from: slow, round: 1) == .refuse(reason: reason))
    }

    @Test func whoDeclinesIsAskedAgainOnceItSaysHelloAnewAndWhoLapsesIsIfNobodyElseIsLeft() {
        var rounds = make(size: 2, concurrency: 1, available: Array(names[..<2]))
        _ = rounds.start(at: start)
        let first = rounds.tasks.keys.sorted()[0]
        let actions = rounds.handle(.declined(first), at: start)
        #expect(actions.contains(.recordFailure(first, round: 1)))
        let second = rounds.tasks.keys.sorted()[0]
        #expect(second != first)
        // Its lease ends, and the other one never comes back to this round.
        let expired = rounds.handle(.timePassed, at: start.advanced(bySeconds: 10))
        #expect(expired.contains(.recordFailure(second, round: 1)))
        #expect(offers(expired) == [.init(worker: second, round: 1)])
        #expect(rounds.standing[first] == .declined)
        _ = rounds.handle(.workerLost(second), at: start)
        #expect(offers(rounds.handle(.workerAvailable(first), at: start)) == [.init(worker: first, round: 1)])
    }

    @Test func aWorkerThatComesBackGetsItsOfferAgainFromItsOwnVersion() {
        var rounds = make(size: 1, concurrency: 2)
        _ = rounds.start(at: start)
        let working = rounds.tasks.keys.sorted()
        _ = rounds.handle(.updateRecorded(working[0], object: object), at: start)
        _ = rounds.published(selector: Selector(), at: start)
        #expect(offers(rounds.handle(.workerAvailable(working[1]), at: start)) == [.init(worker: working[1], round: 1)])
    }

    @Test func aHeartbeatKeepsALeaseAndALostWorkerLosesIt() {
        var rounds = make(size: 4, concurrency: 2, available: Array(names[..<2]))
        _ = rounds.start(at: start)
        _ = rounds.handle(.renewed(names[0]), at: start.advanced(bySeconds: 9))
        _ = rounds.handle(.workerLost(names[1]), at: start.advanced(bySeconds: 9))
        #expect(rounds.tasks.keys.sorted() == [names[0]])
        #expect(rounds.handle(.timePassed, at: start.advanced(bySeconds: 18)).isEmpty)
        #expect(rounds.nextDue == start.advanced(bySeconds: 19))
    }

    @Test func theRecordGivesTheSameRoundsBack() {
        let record = BufferedRounds.Record(
            round: 4, tasks: [names[0]: 2, names[1]: 4], counted: [.init(worker: names[2], round: 4)],
            asked: [names[1], names[2], names[3]], failed: [names[3]])
        var rounds = make(size: 2, concurrency: 3, record: record, available: [])
        _ = rounds.start(at: start)
        #expect(rounds.tasks.mapValues(\.round) == [names[0]: 2, names[1]: 4])
        // Only the one whose offer came to nothing may be asked again in this round.
        #expect(offers(rounds.handle(.workerAvailable(names[2]), at: start)).isEmpty)
        #expect(offers(rounds.handle(.workerAvailable(names[3]), at: start)) == [.init(worker: names[3], round: 4)])
        #expect(
            rounds.handle(.updateRecorded(names[0], object: object), at: start).last
                == .publish([.init(worker: names[0], round: 2), .init(worker: names[2], round: 4)]))
    }

    @Test func aBufferThatWasFullBeforeTheRestartIsPublishedAtOnce() {
        let counted = [BufferedRounds.Update(worker: names[0], round: 1)]
        var rounds = make(size: 1, concurrency: 1, record: .init(round: 1, counted: counted, asked: [names[0]]))
        #expect(rounds.start(at: start) == [.publish(counted)])
    }

    @Test(
        "an update loses weight with age as (1 + s)^−a",
        arguments: [(0.5, 0, 1), (0.5, 3, 0.5), (1, 4, 0.2), (0, 7, 1), (2, 1, 0.25)])
    func discount(_ exponent: Double, _ staleness: Int, _ expected: Double) {
        let options = BufferOptions(stalenessExponent: exponent, concurrency: 1)
        #expect(abs(options.discount(staleness: staleness) - expected) < 1e-15)
    }
}
