import Coordinator
import Federation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("Strategies over the link")
struct StrategyTests {
    private static let strategies: [ServerStrategy] = [
        .fedAvg, .fedAvgM(learningRate: 0.9, momentum: 0.5), .fedAdam(AdaptiveOptions()), .fedYogi(AdaptiveOptions()),
        .fedAdagrad(AdaptiveOptions()), .diLoCo(learningRate: 0.7, momentum: 0.9), .fedNova(localMomentum: 0.9),
        .qFedAvg(q: 0.2, lipschitz: 1),
    ]

    private func makeConversation(
        _ strategy: ServerStrategy, _ aggregation: FactorAggregation = .separate, rounds: Int = 4,
        faults: LinkFaults = .none
    ) throws -> Conversation {
        let conversation = try Conversation(rounds: rounds, workersPerRound: 3, minimumConnected: 3, faults: faults)
        conversation.settings.strategy = strategy
        conversation.settings.aggregation = aggregation
        try conversation.startCoordinator()
        try conversation.allow(["a", "b", "c"])
        for (index, name) in ["a", "b", "c"].enumerated() {
            try conversation.startWorker(
                name, runner: FakeRunner(items: UInt64(index + 1), slope: 0.3 * Double(index + 1)))
        }
        return conversation
    }

    private func finalAdapter(_ conversation: Conversation) throws -> [Float] {
        #expect(conversation.runToEnd())
        return try #require(conversation.service?.currentAdapter.values)
    }

    @Test("the order of arrival changes no bit", arguments: strategies)
    func order(_ strategy: ServerStrategy) throws {
        let calm = try finalAdapter(makeConversation(strategy))
        let faults = LinkFaults(loss: 0.1, duplication: 0.1, delaySeconds: 0.001...1.5)
        #expect(try finalAdapter(makeConversation(strategy, faults: faults)) == calm)
    }

    @Test("a coordinator killed in the middle goes on bit for bit", arguments: strategies, [9, 31, 52])
    func restart(_ strategy: ServerStrategy, messages: Int) throws {
        let expected = try finalAdapter(makeConversation(strategy, .roLoRA))
        let killed = try makeConversation(strategy, .roLoRA)
        var count = 0
        killed.link.watch = { _, isUp in count += isUp ? 1 : 0 }
        #expect(killed.link.run(limitSeconds: 1_000) { count >= messages })
        killed.killCoordinator()
        _ = killed.link.run(limitSeconds: 5) { false }
        try killed.startCoordinator()
        #expect(try finalAdapter(killed) == expected)
    }

    @Test("the state of the last published round alone is kept, and belongs to its strategy")
    func stored() throws {
        let conversation = try makeConversation(.fedAvgM(learningRate: 1, momentum: 0.5), rounds: 3)
        _ = try finalAdapter(conversation)
        let object = try #require(try conversation.keys.currentAdapter()?.optimizerState)
        let store = try BlobStore(directory: conversation.root + "/state")
        let state = try ServerOptimizerState(decoding: try store.read(object))
        // Every round's mean update is the same Δ, so v = Δ(1 + ½ + ¼).
        let runners = conversation.workers.values.map(\.runner)
        let velocity = try #require(state.vectors["velocity"])
        for (index, value) in velocity.enumerated() {
            let mean = runners.reduce(0) { $0 + Double($1.items) * $1.shift(index) } / 6
            #expect(abs(Double(value) - 1.75 * mean) < 1e-5)
        }
        conversation.killCoordinator()
        conversation.settings.strategy = .fedAdam(AdaptiveOptions())
        #expect(throws: RunError.optimizerStateDoesNotFit) { try conversation.startCoordinator() }
    }

    @Test("FFA-LoRA leaves A as it was and its updates hold B alone")
    func ffaLoRA() throws {
        let conversation = try makeConversation(.fedAvg, .ffaLoRA)
        var announced: Set<UInt64> = []
        conversation.link.watch = { envelope, _ in
            if case .updateBegin(let begin) = envelope.message { announced.insert(begin.totalBytes) }
        }
        let values = try finalAdapter(conversation)
        // A has 6 values and B 8, of 4 bytes each.
        #expect(announced == [32])
        let expected = conversation.expectedAdapter()
        for entry in conversation.layout.entries {
            let isA = AdapterTensorName(entry.name)?.factor == .a
            for index in entry.range {
                let wanted = isA ? Double(conversation.firstAdapter[index]) : expected[index]
                #expect(abs(Double(values[index]) - wanted) < 1e-4)
            }
        }
    }

    @Test("RoLoRA's rounds change B and A in turn, B first")
    func roLoRA() throws {
        let conversation = try makeConversation(.fedAvg, .roLoRA, rounds: 3)
        var announced: [Int: Set<UInt64>] = [:]
        conversation.link.watch = { envelope, _ in
            if case .updateBegin(let begin) = envelope.message {
                announced[Int(envelope.round), default: []].insert(begin.totalBytes)
            }
        }
        _ = try finalAdapter(conversation)
        #expect(announced == [1: [32], 2: [24], 3: [32]])
        let versions = try (0...3).map { version in
            try AdapterDirectory.read(conversation.root + "/state/adapters/000\(version)").values
        }
        for entry in conversation.layout.entries {
            let isA = AdapterTensorName(entry.name)?.factor == .a
            let changed = (1...3).map { Array(versions[$0][entry.range]) != Array(versions[$0 - 1][entry.range]) }
            #expect(changed == [!isA, isA, !isA])
        }
    }
}
