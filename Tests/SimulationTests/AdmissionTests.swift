import Coordinator
import Federation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("Enrolment and revocation in conversation")
struct AdmissionTests {
    @Test func anInvitedWorkerEnrolsAndTrains() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        try conversation.startCoordinator()
        try conversation.keys.invite(
            name: Conversation.name("clinic"), key: Conversation.key("a", 2), expiresAt: 2_000)
        try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: 1), hasInvitation: true)
        #expect(conversation.runToEnd())
        #expect(conversation.accepted == [1: ["clinic"]])
        #expect(try conversation.keys.list().map(\.state) == [.enrolled(at: 1_000)])
    }

    @Test(arguments: [UInt64](1...6))
    func enrolmentSurvivesLostAnswers(seed: UInt64) throws {
        let conversation = try Conversation(
            rounds: 1, workersPerRound: 1, minimumConnected: 1, seed: seed, faults: LinkFaults(loss: 0.5))
        try conversation.startCoordinator()
        try conversation.keys.invite(
            name: Conversation.name("clinic"), key: Conversation.key("a", 2), expiresAt: 2_000)
        try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: 1), hasInvitation: true)
        #expect(conversation.runToEnd())
    }

    @Test func aSecondWorkerCannotUseTheSameInvitation() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try conversation.keys.invite(
            name: Conversation.name("clinic"), key: Conversation.key("a", 2), expiresAt: 2_000)
        try conversation.startWorker("a", runner: FakeRunner(items: 1, slope: 1), hasInvitation: true)
        _ = conversation.link.run(limitSeconds: 5) { false }
        // A thief with the same join file.
        let thief = try conversation.startWorker(
            "thief", runner: FakeRunner(items: 1, slope: 1), model: nil, hasInvitation: true,
            invitation: Conversation.key("a", 2))
        #expect(conversation.link.run(limitSeconds: 100) { thief.isFinished })
        guard case .failed(let reason) = thief.outcome else {
            Issue.record("the thief did not fail")
            return
        }
        #expect(reason.contains("invitation"))
    }

    @Test func aRevokedWorkerIsDisconnectedWithinTwoSecondsAndEndsWithAReason() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try conversation.allow(["a", "b"])
        let held = FakeRunner(items: 1, slope: 1)
        held.isHeld = true
        let service = try conversation.startWorker("a", runner: held)
        try conversation.startWorker("b", runner: FakeRunner(items: 1, slope: 2))
        #expect(conversation.link.run(limitSeconds: 10) { !held.started.isEmpty })
        try conversation.keys.revoke(name: Conversation.name("a"))
        #expect(conversation.link.run(limitSeconds: 2) { service.isFinished })
        guard case .failed(let reason) = service.outcome else {
            Issue.record("the revoked worker did not fail")
            return
        }
        #expect(reason.contains("revoked"))
        // And another takes its place.
        try conversation.allow(["c"])
        try conversation.startWorker("c", runner: FakeRunner(items: 1, slope: 3))
        #expect(conversation.runToEnd())
        #expect(conversation.accepted[1]?.sorted() == ["b", "c"])
    }

    @Test func anUnknownKeyNeverGetsThrough() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        try conversation.startCoordinator()
        let service = try conversation.startWorker("stranger", runner: FakeRunner(items: 1, slope: 1))
        #expect(conversation.link.run(limitSeconds: 100) { service.isFinished })
        #expect(conversation.events.isEmpty || conversation.accepted.isEmpty)
    }
}
