import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("A run under local privacy")
struct LocalPrivacyTests {
    private func conversation(
        rounds: Int, names: [String], perRound: Int, epsilon: Double, noise: Double
    ) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: perRound, minimumConnected: names.count, minimumWorkers: perRound)
        conversation.settings.privacy = PrivacyOptions(
            mechanism: .local, epsilon: epsilon, delta: 1e-5, noiseMultiplier: noise, clip: 0.5, workers: names.count,
            expectedWorkers: perRound, plannedRounds: rounds)
        conversation.settings.withholdsMetrics = true
        try conversation.startCoordinator()
        try conversation.allow(names)
        for name in names { try conversation.startWorker(name, runner: FakeRunner(items: 5, slope: 0)) }
        return conversation
    }

    @Test("every update is noisy before it leaves, and each worker pays for its own rounds")
    func noisy() throws {
        let conversation = try conversation(
            rounds: 3, names: ["a", "b", "c"], perRound: 2, epsilon: 1e6, noise: 0.4)
        #expect(conversation.runToEnd())
        let entries = try conversation.keys.privacyEntries()
        #expect(entries.count == 6 && entries.allSatisfy { $0.worker != nil && $0.step.samplingRate == 1 })
        for round in 1...3 {
            let updates = try conversation.keys.updates(round: round, attempt: 1)
            #expect(updates.map(\.worker) == entries.filter { $0.round == round }.compactMap(\.worker).sorted())
            #expect(updates.allSatisfy { $0.trainLoss == nil && $0.items == 1 && $0.tokens == nil })
        }
        // Training changed nothing: what moved the adapter is the workers' noise, 0.2 on each of six updates, by halves.
        let values = try #require(conversation.service?.currentAdapter.values)
        let moved = zip(values, conversation.firstAdapter).map { Double($0 - $1) }
        let variance = moved.reduce(0) { $0 + $1 * $1 } / Double(moved.count)
        let expected = 3 * 0.2 * 0.2 / 2
        // The workers' secrets are new each time; 14 values leave this band once in a million times.
        #expect(variance > 0.1 * expected && variance < 4 * expected)
        let report = try #require(try PrivacyReport(ledger: conversation.keys))
        #expect(report.workers.map(\.name.text) == ["a", "b", "c"])
        #expect(report.workers.map(\.steps).reduce(0, +) == 6)
    }

    @Test("a worker whose budget is spent is not asked again; without enough others the run pauses")
    func spent() throws {
        // A budget of two rounds each; three workers, two a round: three rounds, then only one could go on at best.
        let noise = try NoiseCalibration.noiseMultiplier(epsilon: 8, delta: 1e-5, samplingRate: 1, rounds: 2)
        let conversation = try conversation(
            rounds: 9, names: ["a", "b", "c"], perRound: 2, epsilon: 8, noise: noise)
        #expect(
            conversation.link.run(limitSeconds: 10_000) { (try? conversation.keys.control().request) == .pause })
        let cause = try #require(try conversation.keys.control().cause)
        #expect(cause.contains("would overspend privacy budgets") && cause.contains("after 2 rounds each"))
        let report = try #require(try PrivacyReport(ledger: conversation.keys))
        #expect(report.workers.allSatisfy { $0.steps <= 2 && $0.epsilon <= 8 })
        #expect(report.publishedRounds >= 2)
    }

    @Test("a worker of an earlier release is turned away: it would send its update as it is")
    func oldWorker() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 1, minimumConnected: 1)
        conversation.settings.privacy = PrivacyOptions(
            mechanism: .local, epsilon: 8, delta: 1e-5, noiseMultiplier: 2, clip: 0.5, workers: 1, expectedWorkers: 1,
            plannedRounds: 1)
        try conversation.startCoordinator()
        try conversation.allow(["old"])
        let service = try #require(conversation.service)
        var answers: [Message] = []
        conversation.link.watch = { envelope, isUp in if !isUp { answers.append(envelope.message) } }
        let hello = Hello(
            software: "old", features: [Feature.roundRecords], codecs: [CodecName(name: "dense")], cores: 1,
            memoryBytes: 1, baseModel: nil, knownRecord: nil)
        service.receive(
            Envelope(id: 1, message: .hello(hello)), payload: nil,
            from: Peer(connection: [1], role: .worker(Conversation.name("old"))), at: Instant(nanoseconds: 0))
        let refusal = answers.compactMap { if case .refused(let refused) = $0 { refused } else { nil } }.first
        #expect(refusal?.code == .unsupportedVersion)
        #expect(refusal?.reason.contains("protect their updates themselves") == true)
    }
}
