import Coordinator
import Federation
import Foundation
import ModelFiles
import SecureAggregation
import Simulation
import Testing
import Wire
import Worker

@Suite("A run whose workers share noise under masks")
struct DistributedPrivacyTests {
    private static let names = ["a", "b", "c", "d", "e", "f", "g", "h"]
    private static let clip = 0.5
    private static let noise = 0.8
    /// Of eight workers one may collude, and five are the fewest in a sum.
    private static let minimumHonest = 4

    private func conversation(rounds: Int, epsilon: Double = 1e6, slope: Double = 0) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: Self.names.count, minimumConnected: Self.names.count, minimumWorkers: 1)
        conversation.settings.privacy = PrivacyOptions(
            mechanism: .distributed, epsilon: epsilon, delta: 1e-5, noiseMultiplier: Self.noise, clip: Self.clip,
            workers: Self.names.count, expectedWorkers: Self.names.count, plannedRounds: rounds)
        conversation.settings.masking = MaskingOptions(
            clip: 1, levels: 32_767, weightLimit: 1, minimumCohort: 5,
            assumptions: MaskingAssumptions(corruptFraction: 0.125, dropoutFraction: 0.25), stepSeconds: 40)
        conversation.settings.weightCap = WeightCap(maximumItems: 1)
        conversation.settings.withholdsMetrics = true
        try conversation.allow(Self.names)
        try conversation.startCoordinator()
        for name in Self.names {
            try conversation.startWorker(name, runner: FakeRunner(items: 5, slope: slope), secondsPerStep: 1)
        }
        return conversation
    }

    private static func shares(in conversation: Conversation) -> Int {
        (try? conversation.keys.maskMessages(round: 1, attempt: 1).count { $0.step == .shares }) ?? 0
    }

    @Test("after dropouts the released noise is no less than what every worker paid for")
    func released() throws {
        let conversation = try conversation(rounds: 40)
        // Two leave while they train in the first round: all that the dropout share allows.
        #expect(conversation.link.run(limitSeconds: 1_000) { Self.shares(in: conversation) == Self.names.count })
        conversation.kill("g")
        conversation.kill("h")
        var values: [[Float]] = [conversation.firstAdapter]
        #expect(
            conversation.link.run(limitSeconds: 100_000) {
                if let current = conversation.service?.currentAdapter, current.version == values.count {
                    values.append(current.values)
                }
                return conversation.service?.currentAdapter.version == 12
            })
        let survivors = (1...12).map { conversation.accepted[$0]?.count ?? 0 }
        #expect(survivors.allSatisfy { $0 == 6 })
        let terms = try #require(try conversation.keys.privacyTerms())
        let lattice = try #require(terms.lattice)
        let step = conversation.settings.masking?.quantisation.step ?? 0
        #expect(terms.minimumHonest == Self.minimumHonest && lattice.norm * step >= Self.clip)
        // Training changed nothing: what moved is noise. Over 6 workers, the divisor.
        var squares: [Double] = []
        for (before, after) in zip(values, values.dropFirst()) {
            squares += zip(before, after).map { pow(6 * Double($1 - $0), 2) }
        }
        let measured = squares.reduce(0, +) / Double(squares.count)
        let accounted = pow(terms.noiseMultiplier * lattice.norm * step, 2)
        // Six shares of a quarter each; 168 values of new secrets leave this band less than once in a million times.
        let expected = accounted * 6 / Double(Self.minimumHonest)
        let band = 5 * (2 / Double(squares.count)).squareRoot()
        #expect(squares.count == 168 && abs(measured / expected - 1) < band, "\(measured), expected \(expected)")
        #expect(expected * 5 / 6 >= accounted)
        // And it was paid for by all that were asked, before.
        let entries = try conversation.keys.privacyEntries()
        #expect(entries.filter { $0.round == 1 }.compactMap(\.worker?.text).sorted() == Self.names)
        #expect(entries.allSatisfy { $0.step.noiseMultiplier == terms.noiseMultiplier && $0.step.samplingRate == 1 })
        let report = try #require(try PrivacyReport(ledger: conversation.keys))
        let paid = try SampledGaussian(samplingRate: 1, noiseMultiplier: terms.noiseMultiplier)
        #expect(
            try report.epsilonSpent
                == SkellamAccountant.epsilon([paid: report.steps], on: lattice, delta: 1e-5))
    }

    @Test("an update is clipped before its noise, and the mean is that of the clipped updates")
    func clipped() throws {
        let conversation = try conversation(rounds: 1, slope: 100)
        #expect(conversation.runToEnd())
        let values = try #require(conversation.service?.currentAdapter.values)
        let moved = zip(values, conversation.firstAdapter).map { Double($0 - $1) }
        // All updates are the same and far longer than the clip. Along them lies the clip, but for the noise of eight
        // shares over the divisor: 0.4 · √2 / 8.
        let direction = (0..<moved.count).map { Double($0 + 1) }
        let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let along = zip(moved, direction).reduce(0) { $0 + $1.0 * $1.1 } / length
        #expect(abs(along - Self.clip) < 5 * 0.071, "\(along)")
    }

    @Test("what would overspend is not asked of anybody: the run pauses and says why")
    func spent() throws {
        let lattice = NoiseLattice(clip: Self.clip * 32_767, dimension: 14)
        let step = try SampledGaussian(samplingRate: 1, noiseMultiplier: Self.noise)
        let epsilon = try SkellamAccountant.epsilon([step: 2], on: lattice, delta: 1e-5) * 1.001
        let conversation = try conversation(rounds: 9, epsilon: epsilon)
        #expect(conversation.link.run(limitSeconds: 10_000) { (try? conversation.keys.control().request) == .pause })
        let cause = try #require(try conversation.keys.control().cause)
        #expect(cause.contains("would overspend privacy budgets") && cause.contains("after 2 rounds each"))
        let report = try #require(try PrivacyReport(ledger: conversation.keys))
        #expect(report.publishedRounds == 2 && report.epsilonSpent <= epsilon && report.stepsLeft == 0)
        // The promise outlives the process.
        conversation.killCoordinator()
        try conversation.startCoordinator()
        let kept = try #require(try conversation.keys.privacyTerms()?.lattice)
        #expect(abs(kept.norm / lattice.norm - 1) < 1e-9 && kept.dimension == 14)
    }

    @Test("a worker of an earlier release is turned away: it would add no noise")
    func oldWorker() throws {
        let conversation = try conversation(rounds: 1)
        try conversation.allow(["old"])
        let service = try #require(conversation.service)
        var answers: [Message] = []
        conversation.link.watch = { envelope, isUp in if !isUp { answers.append(envelope.message) } }
        let hello = Hello(
            software: "old", features: [Feature.roundRecords, Feature.privateUpdates, Feature.maskedUpdates],
            codecs: [CodecName(name: "dense")], cores: 1, memoryBytes: 1, baseModel: nil, knownRecord: nil)
        service.receive(
            Envelope(id: 1, message: .hello(hello)), payload: nil,
            from: Peer(connection: [1], role: .worker(Conversation.name("old"))), at: Instant(nanoseconds: 0))
        let refusal = answers.compactMap { if case .refused(let refused) = $0 { refused } else { nil } }.first
        #expect(refusal?.code == .unsupportedVersion && refusal?.reason.contains("share noise") == true)
    }
}
