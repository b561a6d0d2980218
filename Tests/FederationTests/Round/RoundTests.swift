import Federation
import ModelFiles
import Randomness
import Testing

@Suite("Round")
struct RoundTests {
    private let a = WorkerName("a").unsafelyUnwrapped
    private let b = WorkerName("b").unsafelyUnwrapped
    private let start = Instant(nanoseconds: 0)
    private let object = ContentHash(of: [1])
    private let other = ContentHash(of: [2])

    private func plan(target: Int, minimum: Int = 1, deadline: Double? = nil) -> RoundPlan {
        RoundPlan(
            seed: 3, round: 1, attempt: 1, target: target, minimum: minimum, deadlineSeconds: deadline, leaseSeconds: 10
        )
    }

    @Test func selectionIsRecordedBeforeOffersAndTheRoundClosesAtItsTarget() {
        var round = Round(plan: plan(target: 2), available: [a, b])
        let actions = round.start(at: start)
        #expect(actions.prefix(3) == [.recordSelection([a, b]), .offer(a), .offer(b)])
        _ = round.handle(.updateRecorded(b, object: object), at: start)
        #expect(round.handle(.updateRecorded(a, object: object), at: start) == [.aggregate([a, b])])
    }

    @Test func theSameUpdateTwiceCountsOnceAndAnotherIsRefused() {
        var round = Round(plan: plan(target: 2), available: [a, b])
        _ = round.start(at: start)
        #expect(round.verdict(on: object, from: a) == .take)
        _ = round.handle(.updateRecorded(a, object: object), at: start)
        #expect(round.verdict(on: object, from: a) == .alreadyRecorded)
        guard case .refuse = round.verdict(on: other, from: a) else {
            Issue.record("a second update was not refused")
            return
        }
        _ = round.handle(.updateRecorded(a, object: other), at: start)
        #expect(round.progress[a] == .recorded(object))
        #expect(!round.isClosed)
    }

    @Test func atTheDeadlineTheMinimumClosesAndTheLateAreWithdrawn() {
        var round = Round(plan: plan(target: 2, minimum: 1, deadline: 5), available: [a, b])
        _ = round.start(at: start)
        _ = round.handle(.updateRecorded(a, object: object), at: start)
        let actions = round.handle(.timePassed, at: start.advanced(bySeconds: 5))
        #expect(actions.last == .aggregate([a]))
        guard case .withdraw(b, _)? = actions.first else {
            Issue.record("the late worker was not told")
            return
        }
    }

    @Test func pastTheDeadlineWithTooFewItStaysOpenSaysWhyAndClosesWithTheNext() {
        var round = Round(plan: plan(target: 2, minimum: 1, deadline: 5), available: [a, b])
        _ = round.start(at: start)
        let late = start.advanced(bySeconds: 6)
        let waiting = WaitReason.forUpdates(round: 1, recorded: 0, target: 2, from: [a, b], isPastDeadline: true)
        #expect(round.handle(.timePassed, at: late) == [.wait(because: waiting)])
        #expect(round.handle(.updateRecorded(b, object: object), at: late).last == .aggregate([b]))
    }

    @Test func aDeclinedOfferGoesToAnotherWorkerAndBackOnlyOnceItsOwnerSaysHelloAnew() {
        var round = Round(plan: plan(target: 1), available: [a])
        _ = round.start(at: start)
        _ = round.handle(.declined(a), at: start)
        #expect(round.active.isEmpty)
        let actions = round.handle(.workerAvailable(b), at: start)
        #expect(actions.prefix(2) == [.recordSelection([b]), .offer(b)])
        _ = round.handle(.workerLost(b), at: start)
        _ = round.handle(.timePassed, at: start.advanced(bySeconds: 100))
        #expect(round.active.isEmpty)
        #expect(round.handle(.workerAvailable(a), at: start).first == .offer(a))
        #expect(round.active == [a])
    }

    @Test func anExpiredLeaseIsWithdrawnAndAHeartbeatKeepsIt() {
        var round = Round(plan: plan(target: 1), available: [a, b])
        _ = round.start(at: start)
        let chosen = round.active[0]
        _ = round.handle(.renewed(chosen), at: start.advanced(bySeconds: 9))
        #expect(round.handle(.timePassed, at: start.advanced(bySeconds: 18)).isEmpty)
        let actions = round.handle(.timePassed, at: start.advanced(bySeconds: 19))
        #expect(round.active == [chosen == a ? b : a])
        guard case .withdraw(chosen, _)? = actions.first else {
            Issue.record("the expired lease was not withdrawn")
            return
        }
    }

    @Test func aResumedRoundKeepsItsUpdatesAndItsWorkers() {
        var round = Round(
            resuming: plan(target: 2), selected: [a, b], recorded: [a: object], at: start)
        _ = round.start(at: start)
        #expect(round.active == [b])
        #expect(round.handle(.workerAvailable(b), at: start).first == .offer(b))
        #expect(round.handle(.updateRecorded(b, object: other), at: start) == [.aggregate([a, b])])
    }

    @Test func aRoundThatHadAllItsUpdatesAggregatesAtOnce() {
        var round = Round(resuming: plan(target: 1), selected: [a], recorded: [a: object], at: start)
        #expect(round.start(at: start) == [.aggregate([a])])
    }

    @Test func leasesAreStableAndDifferInEveryPart() throws {
        let run = RunID(bits: 1)
        let lease = Lease.identifier(run: run, round: 1, attempt: 1, worker: a, task: .train)
        #expect(lease == Lease.identifier(run: run, round: 1, attempt: 1, worker: a, task: .train))
        let others = [
            Lease.identifier(run: RunID(bits: 2), round: 1, attempt: 1, worker: a, task: .train),
            Lease.identifier(run: run, round: 2, attempt: 1, worker: a, task: .train),
            Lease.identifier(run: run, round: 1, attempt: 2, worker: a, task: .train),
            Lease.identifier(run: run, round: 1, attempt: 1, worker: b, task: .train),
            Lease.identifier(run: run, round: 1, attempt: 1, worker: a, task: .evaluate),
        ]
        #expect(Set(others + [lease]).count == 6)
    }
}
