import Coordinator
import Federation
import ModelFiles
import Recipe
import Simulation
import Testing
import Wire
import Worker

@Suite("Mixing factors over the link")
struct MixingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let aggregation: FactorAggregation
        let ranks: WorkerRanks

        var testDescription: String { "\(aggregation.rawValue), \(ranks)" }
    }

    static let cases = [
        Case(aggregation: .hetLoRA, ranks: .same(2)), Case(aggregation: .hetLoRA, ranks: .dealt([1, 2])),
        Case(aggregation: .flexLoRA, ranks: .same(2)), Case(aggregation: .flexLoRA, ranks: .dealt([1, 2])),
        Case(aggregation: .flexLoRA, ranks: .byResources(1...2)), Case(aggregation: .fedExLoRA, ranks: .same(2)),
        Case(aggregation: .flora, ranks: .same(2)), Case(aggregation: .flora, ranks: .dealt([1, 2])),
    ]

    private func makeConversation(
        _ given: Case, rounds: Int = 3, faults: LinkFaults = .none
    ) throws -> Conversation {
        let conversation = try Conversation(rounds: rounds, workersPerRound: 3, minimumConnected: 3, faults: faults)
        conversation.settings.aggregation = given.aggregation
        conversation.settings.ranks = given.ranks
        conversation.evaluator = FakeEvaluator()
        try conversation.startCoordinator()
        try conversation.allow(["a", "b", "c"])
        for (index, name) in ["a", "b", "c"].enumerated() {
            try conversation.startWorker(
                name, runner: FakeRunner(items: UInt64(index + 1), slope: 0.3 * Double(index + 1)))
        }
        return conversation
    }

    /// The global model: the adapter, and what belongs to it.
    private struct Model: Equatable {
        let values: [Float]
        let residual: AdapterResidual?
    }

    private func finalModel(_ conversation: Conversation) throws -> Model {
        #expect(conversation.runToEnd())
        let service = try #require(conversation.service)
        return Model(values: service.currentAdapter.values, residual: service.currentResidual)
    }

    @Test("the order of arrival changes no bit", arguments: cases)
    func order(_ given: Case) throws {
        let calm = try finalModel(makeConversation(given))
        let faults = LinkFaults(loss: 0.1, duplication: 0.1, delaySeconds: 0.001...1.5)
        #expect(try finalModel(makeConversation(given, faults: faults)) == calm)
        #expect((calm.residual != nil) == given.aggregation.keepsResidual)
    }

    @Test("a coordinator killed in the middle goes on bit for bit", arguments: cases, [9, 31, 52])
    func restart(_ given: Case, messages: Int) throws {
        let expected = try finalModel(makeConversation(given))
        let killed = try makeConversation(given)
        var count = 0
        killed.link.watch = { _, isUp in count += isUp ? 1 : 0 }
        #expect(killed.link.run(limitSeconds: 1_000) { count >= messages })
        killed.killCoordinator()
        _ = killed.link.run(limitSeconds: 5) { false }
        try killed.startCoordinator()
        #expect(try finalModel(killed) == expected)
    }

    @Test("workers get adapters of their rank, send updates of it, and keep it")
    func ranks() throws {
        let conversation = try makeConversation(Case(aggregation: .flexLoRA, ranks: .dealt([1, 2])))
        var announced: [UInt64] = []
        conversation.link.watch = { envelope, _ in
            if case .updateBegin(let begin) = envelope.message { announced.append(begin.totalBytes) }
        }
        _ = try finalModel(conversation)
        let names = ["a", "b", "c"].map(Conversation.name)
        #expect(try conversation.keys.workerRanks() == [names[0]: 1, names[1]: 2, names[2]: 1])
        // 3 inputs and 4 outputs: 7 float32 values a rank.
        #expect(Set(announced) == [28, 56])
        for (name, rank) in [("a", 1), ("b", 2), ("c", 1)] {
            let tasks = conversation.workers[name]?.runner.started ?? []
            #expect(tasks.count == 3)
            for task in tasks {
                #expect(task.adapterOptions.rank == rank && task.layout == conversation.layout.limited(toRank: rank))
                #expect(task.values.count == 7 * rank)
            }
        }
        #expect(conversation.published.last?.denseUplinkBytes == 3 * (28 + 56 + 28))
    }

    @Test("auto follows what each worker says of its host")
    func auto() throws {
        let conversation = try makeConversation(Case(aggregation: .flexLoRA, ranks: .byResources(1...2)))
        _ = try finalModel(conversation)
        // Each says 1 core and 1 GiB: 4, but at most 2.
        #expect(Set(try conversation.keys.workerRanks().values) == [2])
    }

    @Test("auto gives a slow host less than its cores and memory would")
    func speed() throws {
        let conversation = try Conversation(rounds: 3, workersPerRound: 3, minimumConnected: 3)
        conversation.settings.aggregation = .flexLoRA
        conversation.settings.ranks = .byResources(1...2)
        conversation.evaluator = FakeEvaluator()
        try conversation.startCoordinator()
        try conversation.allow(["a", "b", "c"])
        // By its core and GiB each would take 4; half a unit of speed takes 1.
        for (name, gigaflops) in [("a", Float(8)), ("b", 0), ("c", 100)] {
            conversation.adjustWorker = { $0.gigaflops = gigaflops }
            try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 0.3))
        }
        _ = try finalModel(conversation)
        let names = ["a", "b", "c"].map(Conversation.name)
        #expect(try conversation.keys.workerRanks() == [names[0]: 1, names[1]: 2, names[2]: 2])
    }

    @Test(
        "workers and the evaluator get the residual of the adapter they get",
        arguments: [FactorAggregation.fedExLoRA, .flora])
    func residual(_ aggregation: FactorAggregation) throws {
        let conversation = try makeConversation(Case(aggregation: aggregation, ranks: .same(2)))
        let model = try finalModel(conversation)
        for name in ["a", "b", "c"] {
            let given = (conversation.workers[name]?.runner.started ?? []).map { $0.residual != nil }
            #expect(given == [false, true, true])
        }
        let evaluator = try #require(conversation.evaluator as? FakeEvaluator)
        #expect(evaluator.residuals.last == model.residual && evaluator.residuals.first == .some(nil))
        let reported = conversation.published.compactMap(\.residual)
        #expect(reported.count == 3 && reported.allSatisfy { $0.rank >= 1 && $0.relativeError < 1e-6 })
    }

    /// `scale · B · A` of the one layer, `[4, 3]` row-major, by the definition.
    private func product(_ values: [Float], _ layout: AdapterLayout, scale: Double) -> [Double] {
        let (a, b) = (layout.entries[0], layout.entries[1])
        let rank = a.shape[0]
        return (0..<12).map { place in
            (0..<rank).reduce(0) { sum, index in
                let left = Double(values[b.offset + place / 3 * rank + index])
                return sum + scale * left * Double(values[a.offset + index * 3 + place % 3])
            }
        }
    }

    @Test("the adapter on disk is the whole global model: with FedEx-LoRA the mean product")
    func onDisk() throws {
        let conversation = try makeConversation(Case(aggregation: .fedExLoRA, ranks: .same(2)), rounds: 1)
        let model = try finalModel(conversation)
        // The mean of the three workers' products, from what each of them trained.
        var mean = [Double](repeating: 0, count: 12)
        for name in ["a", "b", "c"] {
            let runner = try #require(conversation.workers[name]?.runner)
            let local = conversation.firstAdapter.indices.map {
                conversation.firstAdapter[$0] + Float(runner.shift($0))
            }
            for (index, value) in product(local, conversation.layout, scale: 8).enumerated() {
                mean[index] += Double(runner.items) / 6 * value
            }
        }
        let stored = try AdapterDirectory.read(conversation.root + "/state/adapter")
        #expect(stored.configuration.rank > 2 && model.residual != nil)
        let found = product(stored.values, stored.layout, scale: stored.configuration.scale)
        let size = mean.map(abs).max() ?? 0
        for (value, expected) in zip(found, mean) { #expect(abs(value - expected) < 1e-5 * size) }
    }

    @Test(
        "the adapter on disk is the mean product where one factor is the same for all",
        arguments: [FactorAggregation.ffaLoRA, .roLoRA])
    func exactOnDisk(_ aggregation: FactorAggregation) throws {
        let rounds = 2
        let conversation = try makeConversation(Case(aggregation: aggregation, ranks: .same(2)), rounds: rounds)
        _ = try finalModel(conversation)
        for round in 1...rounds {
            let number = { (round: Int) in String(String(10_000 + round).suffix(4)) }
            let before = try AdapterDirectory.read(conversation.root + "/state/adapters/" + number(round - 1))
            let after = try AdapterDirectory.read(conversation.root + "/state/adapters/" + number(round))
            let sent = aggregation.part(of: conversation.layout, round: round).ranges.flatMap { $0 }
            var mean = [Double](repeating: 0, count: 12)
            for name in ["a", "b", "c"] {
                let runner = try #require(conversation.workers[name]?.runner)
                var local = before.values
                for index in sent { local[index] += Float(runner.shift(index)) }
                for (index, value) in product(local, conversation.layout, scale: 8).enumerated() {
                    mean[index] += Double(runner.items) / 6 * value
                }
            }
            let size = mean.map(abs).max() ?? 0
            let found = product(after.values, after.layout, scale: after.configuration.scale)
            for (value, expected) in zip(found, mean) { #expect(abs(value - expected) < 1e-5 * size) }
        }
    }
}
