import Coordinator
import Federation
import ModelFiles
import Recipe
import Simulation
import Testing
import Wire
import Worker

@Suite("Workers that keep something for themselves")
struct PersonalTests {
    private static let names = ["a", "b", "c", "d"]

    private func makeConversation(
        rounds: Int, workersPerRound: Int = 2, faults: LinkFaults = .none, _ change: (inout RunSettings) -> Void,
        training: @escaping (_ worker: Int) -> (LocalTask) -> (values: [Float], local: [Float]?)
    ) throws -> Conversation {
        let conversation = try Conversation(
            rounds: rounds, workersPerRound: workersPerRound, minimumConnected: Self.names.count, faults: faults)
        change(&conversation.settings)
        try conversation.startCoordinator()
        try conversation.allow(Self.names)
        for (index, name) in Self.names.enumerated() {
            let runner = FakeRunner(items: UInt64(index + 1), slope: Double(index + 1))
            runner.training = training(index)
            try conversation.startWorker(name, runner: runner)
        }
        return conversation
    }

    private func finalAdapter(_ conversation: Conversation) throws -> [Float] {
        #expect(conversation.runToEnd())
        return try #require(conversation.service?.currentAdapter.values)
    }

    /// Kills a worker each time a round is published, and starts it again on its folder.
    private func restartWorkers(_ conversation: Conversation) throws {
        for (index, name) in (Self.names + Self.names).enumerated() {
            #expect(
                conversation.link.run(limitSeconds: 1_000) {
                    conversation.isOver || (conversation.service?.currentAdapter.version ?? 0) > index
                })
            if conversation.isOver { return }
            let runner = try #require(conversation.workers[name]?.runner)
            conversation.kill(name)
            try conversation.startWorker(name, runner: runner)
        }
    }

    // MARK: SCAFFOLD

    private static let rate = 0.1
    private static let steps = 2

    /// aᵢ and bᵢ of ½ aᵢ (x − bᵢ)², the same for every value.
    private static func curve(_ worker: Int) -> (curvature: Double, centre: Double) {
        (1 + 0.5 * Double(worker), 3 * Double(worker) - 4)
    }

    private func scaffold(rounds: Int, faults: LinkFaults = .none) throws -> Conversation {
        try makeConversation(rounds: rounds, faults: faults) { settings in
            settings.strategy = .scaffold(learningRate: 1, workers: Self.names.count)
            settings.training = TrainingOptions(
                localSteps: Self.steps, optimizer: .sgd, learningRate: Self.rate, clipNorm: nil)
        } training: { worker in
            let (curvature, centre) = Self.curve(worker)
            return { task in
                var y = task.values
                for _ in 0..<Self.steps {
                    for place in y.indices {
                        let gradient = Float(curvature * (Double(y[place]) - centre))
                        y[place] -= Float(Self.rate) * (gradient + task.correction[place])
                    }
                }
                return (y, nil)
            }
        }
    }

    /// The paper's Algorithm 1, written out in Double with the workers that took part in each round.
    private func expected(_ conversation: Conversation) throws -> [Double] {
        var x = conversation.firstAdapter.map(Double.init)
        var c = [Double](repeating: 0, count: x.count)
        var own = Self.names.map { _ in [Double](repeating: 0, count: x.count) }
        for round in conversation.accepted.keys.sorted() {
            let chosen = try (conversation.accepted[round] ?? []).map { try #require(Self.names.firstIndex(of: $0)) }
            var (next, change) = (x, c)
            for worker in chosen {
                let (curvature, centre) = Self.curve(worker)
                for place in x.indices {
                    var y = x[place]
                    for _ in 0..<Self.steps {
                        y -= Self.rate * (curvature * (y - centre) - own[worker][place] + c[place])
                    }
                    let variate = own[worker][place] - c[place] + (x[place] - y) / (Double(Self.steps) * Self.rate)
                    next[place] += (y - x[place]) / Double(chosen.count)
                    change[place] += (variate - own[worker][place]) / Double(Self.names.count)
                    own[worker][place] = variate
                }
            }
            (x, c) = (next, change)
        }
        return x
    }

    @Test("SCAFFOLD is the paper's algorithm, restarts of workers and coordinator included")
    func scaffold() throws {
        let calm = try scaffold(rounds: 6)
        let values = try finalAdapter(calm)
        for (value, wanted) in zip(values, try expected(calm)) { #expect(abs(Double(value) - wanted) < 1e-4) }

        let disturbed = try scaffold(rounds: 6)
        try restartWorkers(disturbed)
        #expect(try finalAdapter(disturbed) == values)

        let killed = try scaffold(rounds: 6)
        #expect(killed.link.run(limitSeconds: 1_000) { killed.service?.currentAdapter.version == 3 })
        killed.killCoordinator()
        try killed.startCoordinator()
        #expect(try finalAdapter(killed) == values)
    }

    @Test("SCAFFOLD over a link that loses and repeats messages gives the same bits", arguments: [UInt64](1...3))
    func scaffoldWithFaults(seed: UInt64) throws {
        let faults = LinkFaults(loss: 0.1, duplication: 0.1, delaySeconds: 0.001...0.5)
        #expect(try finalAdapter(scaffold(rounds: 5, faults: faults)) == finalAdapter(scaffold(rounds: 5)))
    }

    @Test("an update and its change of variate are twice an update")
    func scaffoldBytes() throws {
        let conversation = try scaffold(rounds: 2)
        var announced: Set<UInt64> = []
        var controls: [Int: Set<ContentHash?>] = [:]
        conversation.link.watch = { envelope, _ in
            if case .updateBegin(let begin) = envelope.message { announced.insert(begin.totalBytes) }
            if case .offer(let offer) = envelope.message {
                controls[Int(envelope.round), default: []].insert(offer.control)
            }
        }
        _ = try finalAdapter(conversation)
        #expect(announced == [UInt64(8 * conversation.layout.parameterCount)])
        #expect(controls[1] == [nil])
        let second = try #require(controls[2]?.first)
        #expect(controls[2]?.count == 1 && second != nil)
    }

    // MARK: FedSA-LoRA

    private func fedSA(rounds: Int, faults: LinkFaults = .none) throws -> Conversation {
        try makeConversation(rounds: rounds, faults: faults) { settings in
            settings.aggregation = .fedSA
            settings.evaluationSource = .workers
            settings.evaluateEvery = 1
        } training: { worker in
            // Every worker moves all of its values by its own amount.
            { task in (task.values.map { $0 + Float(worker + 1) }, nil) }
        }
    }

    @Test("FedSA-LoRA averages A, leaves B where it is, and evaluates each worker with its own")
    func fedSA() throws {
        let conversation = try fedSA(rounds: 5)
        var announced: Set<UInt64> = []
        conversation.link.watch = { envelope, _ in
            if case .updateBegin(let begin) = envelope.message { announced.insert(begin.totalBytes) }
        }
        try restartWorkers(conversation)
        let values = try finalAdapter(conversation)
        // A has 6 values of 4 bytes.
        #expect(announced == [24])
        var shift = 0.0
        for (_, names) in conversation.accepted {
            let ranks = try names.map { try #require(Self.names.firstIndex(of: $0)) + 1 }
            // Worker k has k items.
            shift += Double(ranks.reduce(0) { $0 + $1 * $1 }) / Double(ranks.reduce(0, +))
        }
        for entry in conversation.layout.entries {
            let isA = AdapterTensorName(entry.name)?.factor == .a
            for place in entry.range {
                let first = Double(conversation.firstAdapter[place])
                #expect(abs(Double(values[place]) - (isA ? first + shift : first)) < 1e-4)
            }
        }
        for (index, name) in Self.names.enumerated() {
            let runner = try #require(conversation.workers[name]?.runner)
            let last = try #require(runner.started.last { $0.kind == .evaluate && $0.round == 5 })
            let rounds = conversation.accepted.values.count { $0.contains(name) }
            for entry in conversation.layout.entries where AdapterTensorName(entry.name)?.factor == .b {
                for place in entry.range {
                    #expect(last.values[place] == conversation.firstAdapter[place] + Float(rounds * (index + 1)))
                }
            }
            #expect(Array(last.values[..<6]) == Array(values[..<6]))
        }
        #expect(conversation.published.allSatisfy { $0.evaluation != nil })
    }

    @Test("FedSA-LoRA over a link with faults gives the same bits")
    func fedSAWithFaults() throws {
        let faults = LinkFaults(loss: 0.1, duplication: 0.1, delaySeconds: 0.001...0.5)
        #expect(try finalAdapter(fedSA(rounds: 4, faults: faults)) == finalAdapter(fedSA(rounds: 4)))
    }

    // MARK: Fixed factors

    @Test("fixed factors travel once to each worker, and what is published is made with them")
    func fixedFactors() throws {
        let conversation = try Conversation(rounds: 3, workersPerRound: 2, minimumConnected: 2)
        let outer = conversation.layout
        let fixed = FixedFactors(layout: outer, values: [Float](repeating: 7, count: outer.parameterCount)) { values in
            values.map { 7 * $0 }
        }
        conversation.fixedFactors = fixed
        try conversation.startCoordinator()
        try conversation.allow(["a", "b"])
        for name in ["a", "b"] { try conversation.startWorker(name, runner: FakeRunner(items: 1, slope: 1)) }
        var served = 0
        conversation.link.watch = { envelope, _ in
            if case .objectChunk(let chunk) = envelope.message, chunk.object == fixed.object { served += 1 }
        }
        let values = try finalAdapter(conversation)
        #expect(conversation.matchesClosedForm())
        #expect(served == 2)
        let written = try AdapterDirectory.read(conversation.root + "/state/adapter")
        #expect(written.layout == outer && written.values == values.map { 7 * $0 })
        for runner in conversation.workers.values.map(\.runner) {
            #expect(runner.started.allSatisfy { $0.fixedFactors?.values == [Float](repeating: 7, count: values.count) })
        }
    }

    // MARK: A local adapter

    @Test("a run with local adapters publishes bit for bit what it would without, and every worker keeps its own")
    func localAdapters() throws {
        let run = { (isPersonal: Bool) in
            try self.makeConversation(rounds: 5) { settings in
                settings.hasLocalAdapters = isPersonal
                settings.evaluationSource = .workers
            } training: { worker in
                { task in
                    let local = task.localAdapter ?? [Float](repeating: 0, count: task.values.count)
                    return (
                        task.values.map { $0 + 0.1 * Float(worker) },
                        isPersonal ? local.map { $0 + Float(worker + 1) } : nil
                    )
                }
            }
        }
        let personal = try run(true)
        try restartWorkers(personal)
        #expect(try finalAdapter(personal) == finalAdapter(run(false)))
        for (index, name) in Self.names.enumerated() {
            let tasks = try #require(personal.workers[name]?.runner).started
            let rounds = personal.accepted.values.count { $0.contains(name) }
            let last = try #require(tasks.last { $0.kind == .evaluate })
            let wanted = Float(rounds * (index + 1))
            #expect(rounds == 0 ? last.localAdapter == nil : last.localAdapter?.allSatisfy { $0 == wanted } == true)
        }
    }
}
