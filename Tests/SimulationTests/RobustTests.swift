import Coordinator
import Federation
import ModelFiles
import Simulation
import Testing
import Worker

@Suite("Robust rules over the link")
struct RobustTests {
    private static let names = ["a", "b", "c", "d", "e"]

    private func makeConversation(
        _ rules: [RobustRule]?, f: Int = 1, bad: [String: Double] = [:], aggregation: FactorAggregation = .separate,
        faults: LinkFaults = .none
    ) throws -> Conversation {
        let conversation = try Conversation(rounds: 4, workersPerRound: 5, minimumConnected: 5, faults: faults)
        conversation.settings.aggregation = aggregation
        conversation.settings.robust = try rules.map {
            RobustOptions(chain: try #require(RobustChain($0)), f: f)
        }
        try conversation.startCoordinator()
        try conversation.allow(Self.names)
        for (index, name) in Self.names.enumerated() {
            let slope = bad[name] ?? 0.1 + 0.01 * Double(index)
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: slope))
        }
        return conversation
    }

    private func finalAdapter(_ conversation: Conversation) throws -> [Float] {
        #expect(conversation.runToEnd())
        return try #require(conversation.service?.currentAdapter.values)
    }

    private static let chains: [[RobustRule]] = [
        [.trimmedMean], [.arc, .nnm, .trimmedMean], [.krum], [.geometricMedian], [.normBound, .median],
        [.centredClipping],
    ]

    @Test("a worker that sends a million times as much moves the mean, and no robust rule", arguments: chains)
    func outlier(_ rules: [RobustRule]) throws {
        let honest = try finalAdapter(makeConversation([.median]))
        let robust = try finalAdapter(makeConversation(rules, bad: ["c": -1e5]))
        let plain = try finalAdapter(makeConversation(nil, bad: ["c": -1e5]))
        let first = try makeConversation(rules).firstAdapter
        for index in honest.indices {
            let change = Double(honest[index] - first[index])
            #expect(abs(Double(robust[index] - first[index]) - change) < 0.75 * abs(change) + 1e-3)
            #expect(abs(Double(plain[index] - first[index])) > 100 * abs(change))
        }
    }

    @Test("the trimmed mean of known updates is the closed form, whatever the sizes of workers' data")
    func closedForm() throws {
        let conversation = try makeConversation([.trimmedMean], bad: ["e": 50])
        let values = try finalAdapter(conversation)
        // Slopes 0.10 to 0.13 and 50: without the least and the largest 0.11, 0.12, 0.13.
        for (index, value) in values.enumerated() {
            let expected = Double(conversation.firstAdapter[index]) + 4 * 0.12 * Double(index + 1) / 16
            #expect(abs(Double(value) - expected) < 1e-4)
        }
    }

    @Test("the order of arrival changes no bit", arguments: chains)
    func order(_ rules: [RobustRule]) throws {
        let calm = try finalAdapter(makeConversation(rules, bad: ["b": 3]))
        let faults = LinkFaults(loss: 0.1, duplication: 0.1, delaySeconds: 0.001...1.5)
        #expect(try finalAdapter(makeConversation(rules, bad: ["b": 3], faults: faults)) == calm)
    }

    @Test(
        "a coordinator killed in the middle goes on bit for bit, and counts every distance once",
        arguments: [9, 40, 75])
    func restart(messages: Int) throws {
        let rules: [RobustRule] = [.arc, .nnm, .trimmedMean]
        let whole = try makeConversation(rules, bad: ["d": -4], aggregation: .roLoRA)
        let expected = try finalAdapter(whole)
        let killed = try makeConversation(rules, bad: ["d": -4], aggregation: .roLoRA)
        var count = 0
        killed.link.watch = { _, isUp in count += isUp ? 1 : 0 }
        #expect(killed.link.run(limitSeconds: 1_000) { count >= messages })
        killed.killCoordinator()
        _ = killed.link.run(limitSeconds: 5) { false }
        try killed.startCoordinator()
        #expect(try finalAdapter(killed) == expected)
        #expect(try killed.keys.suspicion() == whole.keys.suspicion())
    }

    @Test("the bad worker is the most suspicious one, and the ledger says of how many rounds")
    func suspicion() throws {
        let conversation = try makeConversation([.trimmedMean], bad: ["b": -2])
        _ = try finalAdapter(conversation)
        let scores = try conversation.keys.suspicion()
        #expect(Set(scores.keys.map(\.text)) == Set(Self.names))
        #expect(scores.values.allSatisfy { $0.rounds == 4 })
        let most = scores.max { $0.value.value < $1.value.value }
        #expect(most?.key.text == "b")
        // Farthest in four rounds: 1 − 0.5 · 0.8⁴.
        #expect(abs((most?.value.value ?? 0) - 0.7952) < 1e-12)
        let plain = try makeConversation(nil)
        _ = try finalAdapter(plain)
        #expect(try plain.keys.suspicion().isEmpty)
    }

    @Test("a round with too few updates for its rule ends the run and says what to do")
    func tooFew() throws {
        let conversation = try makeConversation([.bulyan], f: 1)
        #expect(conversation.runToEnd())
        guard case .failed(let error)? = conversation.service?.outcome else {
            Issue.record("the run went on")
            return
        }
        #expect("\(error)".contains("bulyan needs 7") && "\(error)".contains("lower federation.robust-f"))
    }
}
