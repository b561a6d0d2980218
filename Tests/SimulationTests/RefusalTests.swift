import Coordinator
import Federation
import Simulation
import Testing
import Wire

@Suite("What a coordinator says of refusals")
struct RefusalTests {
    private let conversation: Conversation
    private let worker: HandWrittenWorker

    init() throws {
        conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 1)
        try conversation.startCoordinator()
        try conversation.allow(["a"])
        let end = conversation.link.addWorker(keys: [.own: Conversation.key("a", 1)])
        worker = HandWrittenWorker(end: end)
        conversation.link.attach(worker, to: end, keys: .own)
        _ = conversation.link.run(limitSeconds: 1) { [worker] in worker.isConnected }
    }

    private var told: [(kind: String, count: Int)] {
        conversation.events.compactMap { event in
            if case .refused(_, let kind, _, let count) = event { (kind, count) } else { nil }
        }
    }

    @Test func aFloodIsToldOfOnceASecondWithItsCount() {
        for _ in 0..<50 { worker.say(.heartbeat(Heartbeat(phase: .idle))) }
        _ = conversation.link.run(limitSeconds: 0.5) { false }
        #expect(told.map(\.kind) == ["session-required"])
        #expect(told.map(\.count) == [1])
        _ = conversation.link.run(limitSeconds: 2) { false }
        worker.say(.heartbeat(Heartbeat(phase: .idle)))
        _ = conversation.link.run(limitSeconds: 0.5) { false }
        #expect(told.map(\.count) == [1, 50])
    }

    @Test func theStandingCountsThemByKind() throws {
        for _ in 0..<3 { worker.say(.heartbeat(Heartbeat(phase: .idle))) }
        _ = conversation.link.run(limitSeconds: 0.5) { false }
        worker.say(
            .hello(Hello(software: "", features: [], codecs: [], cores: 1, memoryBytes: 1, baseModel: nil)))
        _ = conversation.link.run(limitSeconds: 2.5) { false }
        let standing = try #require(RunStanding.read(in: conversation.root + "/state"))
        #expect(standing.refusals == ["session-required": 3, "unsupported-version": 1])
    }
}
