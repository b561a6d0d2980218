import Coordinator
import Federation
import RunFile
import Simulation
import Testing
import Wire
import Worker

/// Virtual time stands for the owner's clock.
@Suite("An owner's schedule")
struct OwnerScheduleTests {
    /// Runs a round of one worker whose owner lets it train from a quarter past midnight on.
    ///
    /// - Returns: When the run was over. Unit: virtual minutes.
    private func run(isBuffered: Bool) throws -> Double {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        if isBuffered { conversation.settings.buffering = BufferOptions(size: 1, maximumStaleness: 2, concurrency: 1) }
        try conversation.allow(["a"])
        try conversation.startCoordinator()
        let policy = try OwnerPolicy(yaml: "schedule: {hours: [\"00:15-06:00\"]}")
        let link = conversation.link
        let worker = FakeRunner(items: 1, slope: 1)
        try conversation.startWorker("a", runner: worker) { state in
            try OwnerGuard(policy, state: state) {
                OwnerMoment(minute: Int(link.now.nanoseconds / 60_000_000_000), isOnMains: true)
            }
        }
        _ = link.run(limitSeconds: 14 * 60) { !worker.started.isEmpty }
        #expect(worker.started.isEmpty)
        #expect(conversation.service?.currentAdapter.version == 0)
        #expect(conversation.runToEnd())
        return Double(link.now.nanoseconds) / 6e10
    }

    @Test(arguments: [false, true])
    func aWorkerThatMayOnlyTrainLaterDeclinesAndComesBackByItself(isBuffered: Bool) throws {
        let minutes = try run(isBuffered: isBuffered)
        #expect(minutes > 15 && minutes < 20)
    }
}
