import Federation
import Foundation
import ModelFiles
import Testing
import Wire
import Worker

@Suite("A worker's session")
struct SessionTests {
    let bench = WorkerBench()

    @Test func enrolsWithTheInvitationThenSpeaksWithItsOwnKeys() throws {
        try bench.start(hasInvitation: true)
        bench.connection(.connected)
        let enrol = try #require(bench.sent().first("Enrol"))
        #expect(enrol.message == .enrol(Enrol(curveKey: WorkerBench.curveKey, signingKey: WorkerBench.signingKey)))
        bench.receive(.enrolled(Enrolled(worker: WorkerBench.name)), answering: enrol.id)
        #expect(bench.link.reconnects == [.own])
        #expect(bench.events == [.enrolled(WorkerBench.name)])
        bench.connection(.connected)
        #expect(bench.kinds() == ["Hello"])
        // Remembered: the next process has no use for the invitation.
        try bench.start(hasInvitation: true)
        bench.connection(.connected)
        #expect(bench.kinds() == ["Hello"])
    }

    @Test func repeatsEnrolmentWithTheSameIdUntilAnswered() throws {
        try bench.start(hasInvitation: true)
        bench.connection(.connected)
        bench.advance(11)
        bench.advance(11)
        let ids = bench.sent().map(\.envelope.id)
        #expect(ids.count == 3 && Set(ids).count == 1)
    }

    @Test func aRefusedInvitationMayMeanThatEnrolmentSucceededBefore() throws {
        try bench.start(hasInvitation: true)
        bench.connection(.refused(reason: "used up"))
        #expect(bench.link.reconnects == [.own])
        #expect(bench.service?.outcome == nil)
        bench.openSession()
        #expect(bench.events.contains(.connected(WorkerBench.name, run: WorkerBench.run)))
        try bench.start(hasInvitation: true)
        bench.connection(.connected)
        #expect(bench.kinds() == ["Hello"])
    }

    @Test func anInvitationAndOwnKeysRefusedEndTheWorkerWithTheReason() throws {
        try bench.start(hasInvitation: true)
        bench.connection(.refused(reason: "used up; ask for a new join file"))
        bench.connection(.refused(reason: "unknown key"))
        #expect(bench.failure == "the invitation was refused: used up; ask for a new join file")
    }

    @Test func aRevokedKeyEndsTheWorker() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.refused(Refused(code: .notEnrolled, reason: "the key was revoked")))
        #expect(bench.failure == "the key was revoked")
        #expect(bench.service?.isFinished == true)
    }

    @Test func aRefusedConnectionWithOwnKeysEndsTheWorker() throws {
        try bench.start()
        bench.openSession()
        bench.connection(.disconnected(reason: "gone"))
        bench.connection(.refused(reason: "revoked"))
        #expect(bench.failure == "revoked")
    }

    @Test func saysHelloMoreAndMoreSeldomButNeverStops() throws {
        try bench.start()
        bench.connection(.connected)
        var waits: [Double] = []
        for _ in 0..<12 {
            let due = try #require(bench.due)
            waits.append(due.seconds(since: bench.now))
            bench.now = due
            bench.tick()
        }
        // Doubling from a second to ten, each less its jitter of at most a half.
        let limits = [1, 2, 4, 8, 10, 10, 10, 10, 10, 10, 10, 10]
        #expect(zip(waits, limits).allSatisfy { $0 > Double($1) * 0.49 && $0 <= Double($1) })
        #expect(Set(waits).count == waits.count)
        let ids = bench.sent().map(\.envelope.id)
        #expect(ids.count == 13 && Set(ids).count == 1)
    }

    @Test func aTemporaryRefusalIsWaitedOut() throws {
        try bench.start()
        bench.connection(.connected)
        let hello = try #require(bench.sent().first("Hello"))
        bench.receive(
            .refused(Refused(code: .unavailable, reason: "starting", isTemporary: true)), answering: hello.id)
        #expect(bench.service?.outcome == nil)
        bench.advance(11)
        #expect(bench.kinds() == ["Hello"])
    }

    @Test(arguments: [Refused.Code.unsupportedVersion, .malformed, .unavailable])
    func aFinalRefusalOfHelloEndsTheWorker(code: Refused.Code) throws {
        try bench.start()
        bench.connection(.connected)
        let hello = try #require(bench.sent().first("Hello"))
        bench.receive(.refused(Refused(code: code, reason: "install 2.0")), answering: hello.id)
        #expect(bench.failure == "install 2.0")
    }

    @Test func anotherBaseModelIsRefusedByNamingTheDirectory() throws {
        try bench.start()
        bench.connection(.connected)
        bench.receive(.welcome(bench.welcome(baseModel: ContentHash(of: Array("other".utf8)))))
        let reason = try #require(bench.failure)
        #expect(reason.contains("/models/base") && reason.contains("--model"))
    }

    @Test func theCoordinatorsRefusalOfTheBaseModelNamesTheDirectoryToo() throws {
        try bench.start()
        bench.connection(.connected)
        bench.receive(.refused(Refused(code: .baseModelMismatch, reason: "another model")))
        #expect(bench.failure == "/models/base: another model")
    }

    @Test func aCoordinatorOfAnotherVersionEndsTheWorker() throws {
        try bench.start()
        bench.connection(.connected)
        bench.service?.receive(malformed: .unsupportedVersion(9), at: bench.now)
        #expect(bench.failure?.contains("version 9") == true)
    }

    @Test func heartbeatsGoOutWhileATaskRunsAndCarryItsProgress() throws {
        try bench.start()
        bench.beginTask()
        bench.runner.report(.progress(step: 2, totalSteps: 3, loss: 1.5, items: 100))
        var beats: [Heartbeat] = []
        for _ in 0..<5 {
            bench.advance(WorkerBench.heartbeatSeconds)
            // The coordinator's echo.
            bench.receive(.heartbeat(Heartbeat(phase: .idle)))
            beats += bench.sent().heartbeats
        }
        #expect(beats.count == 5)
        let expected = Heartbeat(phase: .training, lease: 7, step: 2, totalSteps: 3, loss: 1.5)
        #expect(beats.allSatisfy { $0 == expected })
    }

    @Test func aSilentCoordinatorIsGreetedAgainAndTheTaskGoesOn() throws {
        try bench.start()
        bench.beginTask()
        bench.advance(5 * WorkerBench.heartbeatSeconds)
        #expect(bench.kinds() == ["Hello"])
        bench.receive(.welcome(bench.welcome()))
        #expect(bench.runner.cancelled.isEmpty)
        bench.finishTraining()
        #expect(bench.kinds() == ["UpdateBegin"])
    }

    @Test func anUnknownSessionIsOpenedAnew() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.refused(Refused(code: .sessionRequired, reason: "say Hello first", isTemporary: true)))
        #expect(bench.kinds() == ["Hello"])
    }

    @Test func goodbyeAtTheEndOfTheRunIsAnsweredAndEndsTheWorker() throws {
        try bench.start()
        bench.beginTask()
        bench.receive(.goodbye(Goodbye(reason: "done", isRunFinished: true)))
        #expect(bench.kinds() == ["Goodbye"])
        #expect(bench.service?.outcome == .finished)
        #expect(bench.runner.cancelled == [7])
        #expect(bench.events.last == .runFinished)
    }

    @Test func goodbyeOfACoordinatorThatStopsIsFollowedByHelloAfterAPause() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.goodbye(Goodbye(reason: "restarting")))
        #expect(bench.kinds() == [])
        bench.advance(1.1)
        #expect(bench.kinds() == ["Hello"])
        #expect(bench.service?.outcome == nil)
    }

    @Test func aRequestToStopCancelsTheTaskAndSaysGoodbye() throws {
        try bench.start()
        bench.beginTask()
        bench.service?.requestStop()
        #expect(bench.kinds() == ["Goodbye"])
        #expect(bench.runner.cancelled == [7])
        #expect(bench.service?.outcome == .stopped)
    }

    @Test func anUnknownMessageIsRefusedWithAReason() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.report(Report(lease: 1, items: 1, lossSum: 1, squaredLossSum: 1)))
        #expect(bench.kinds() == ["Refused"])
    }

    @Test func messagesOfAnotherRunAreIgnored() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 1, attempt: 1, run: RunID(bits: 5))
        #expect(bench.kinds() == [])
    }
}
