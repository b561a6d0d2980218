import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import Tensor
import Testing

@Suite("Local training")
struct LocalTrainerTests {
    private let model: any CausalLanguageModel
    private let plan: AdapterPlan
    private let blocks: TokenBlocks

    init() throws {
        Threads.limit(to: 1)
        model = try ModelDirectory(FixtureFiles.path("llama/gqa")).loadModel()
        plan = try AdapterPlan(options: AdapterOptions(rank: 2, alpha: 8), model: model.linearLayers)
        // A text that repeats itself: there is something to learn.
        blocks = TokenBlocks(tokens: (0..<240).map { Int32(3 + ($0 + $0 / 24) % 6) }, length: 24)
    }

    private func options(_ change: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
        var options = TrainingOptions(localSteps: 15, batchSize: 4, sequenceLength: 24, learningRate: 0.02)
        change(&options)
        return options
    }

    private func train(
        _ options: TrainingOptions, seed: UInt64 = 1, scope: TrainingScope = TrainingScope()
    ) throws -> (LowRankAdapter, LocalTrainer.Summary) {
        var adapter = plan.initialAdapter(random: CounterRandom(key: 9))
        let summary = try LocalTrainer(model: model, options: options, scope: scope).train(
            &adapter, on: blocks, after: 0, batches: CounterRandom(key: seed), dropout: CounterRandom(key: 2))
        return (adapter, summary)
    }

    @Test("lowers the loss on what it trains on", arguments: [TrainingOptions.Optimizer.adamw, .sgd])
    func learns(optimizer: TrainingOptions.Optimizer) throws {
        let (adapter, summary) = try train(
            options {
                $0.optimizer = optimizer
                if optimizer == .sgd { $0.learningRate = 0.5 }
            })
        let before = BlockLosses(try LossEvaluation.losses(of: blocks, model: model, adapter: nil)).mean
        let after = BlockLosses(try LossEvaluation.losses(of: blocks, model: model, adapter: adapter)).mean
        #expect(after < 0.8 * before)
        #expect(summary.steps == 15 && summary.tokens == 15 * 4 * 24)
        #expect(summary.meanLoss > after && summary.meanLoss < before)
    }

    @Test("gives the same adapter for the same streams, and another for others")
    func deterministic() throws {
        let first = try train(options()).0.values
        #expect(try train(options()).0.values == first)
        #expect(try train(options(), seed: 5).0.values != first)
    }

    @Test("drawn apart, a step of as many blocks as there are takes each once, whatever the stream", arguments: [1, 2])
    func apart(accumulation: Int) throws {
        let options = options {
            ($0.localSteps, $0.batchSize, $0.accumulationSteps) = (3, blocks.count / accumulation, accumulation)
            ($0.optimizer, $0.learningRate) = (.sgd, 0.5)
        }
        let scope = TrainingScope(drawsApart: true)
        let (first, other) = (
            try train(options, scope: scope).0.values, try train(options, seed: 5, scope: scope).0.values
        )
        #expect(zip(first, other).allSatisfy { abs($0 - $1) < 1e-4 })
        // With replacement some come twice, and others not at all.
        let (loose, another) = (try train(options).0.values, try train(options, seed: 5).0.values)
        #expect(zip(loose, another).contains { abs($0 - $1) > 1e-3 })
    }

    @Test("leaves a frozen factor as it was, decay or not", arguments: [AdapterTensorName.Factor.a, .b])
    func frozen(factor: AdapterTensorName.Factor) throws {
        let start = plan.initialAdapter(random: CounterRandom(key: 9)).values
        let trained = try train(
            options {
                $0.frozenFactor = factor
                $0.weightDecay = 0.1
            }
        ).0.values
        for entry in plan.layout.entries {
            let isFrozen = AdapterTensorName(entry.name)?.factor == factor
            let isUnchanged = trained[entry.range] == start[entry.range]
            // With B at 0 and not trained, A has no gradient, but decays.
            #expect(isFrozen == isUnchanged, "\(entry.name)")
        }
    }

    @Test("a proximal term adds its gradient, and holds the adapter near its start the more it weighs")
    func proximal() throws {
        var gradient: [Float] = [1, 1]
        Proximal.add(0.5, values: [3, -1], start: [1, -1], to: &gradient)
        #expect(gradient == [2, 1])
        let start = plan.initialAdapter(random: CounterRandom(key: 9)).values
        let distances = try [nil, 1, 30].map { (weight: Double?) in
            let values = try train(
                options {
                    $0.optimizer = .sgd
                    $0.learningRate = 0.02
                    $0.proximal = weight
                }
            ).0.values
            return zip(values, start).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
        }
        #expect(distances[0] > distances[1] && distances[1] > distances[2] && distances[2] > 0)
    }

    @Test("accumulated passes equal one pass over the same blocks")
    func accumulation() throws {
        let whole = try train(options { $0.localSteps = 3 }).0.values
        let parts = try train(
            options {
                $0.localSteps = 3
                $0.batchSize = 2
                $0.accumulationSteps = 2
            }
        ).0.values
        #expect(zip(whole, parts).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("dropout changes training and leaves evaluation alone")
    func dropout() throws {
        let plain = plan.initialAdapter(random: CounterRandom(key: 9))
        let dropping = LowRankAdapter(layout: plain.layout, targets: plain.targets, dropout: 0.5, values: plain.values)
        var trained = [plain, dropping]
        for index in trained.indices {
            _ = try LocalTrainer(model: model, options: options()).train(
                &trained[index], on: blocks, after: 0, batches: CounterRandom(key: 1), dropout: CounterRandom(key: 2))
        }
        #expect(trained[0].values != trained[1].values)
        let evaluate = { (dropout: Float) in
            try LossEvaluation.losses(
                of: blocks, model: model,
                adapter: LowRankAdapter(
                    layout: plain.layout, targets: plain.targets, dropout: dropout, values: trained[0].values))
        }
        #expect(try evaluate(0) == evaluate(0.5))
    }

    @Test("stops when asked, and refuses what cannot be trained")
    func refusals() throws {
        var adapter = plan.initialAdapter(random: CounterRandom(key: 9))
        let trainer = LocalTrainer(model: model, options: options())
        #expect(throws: TrainingError.cancelled) {
            _ = try trainer.train(
                &adapter, on: blocks, after: 0, batches: CounterRandom(key: 1), dropout: CounterRandom(key: 2)
            ) { $0.step < 4 }
        }
        #expect(throws: TrainingError.noBlocks(length: 24)) {
            _ = try trainer.train(
                &adapter, on: TokenBlocks(tokens: [], length: 24), after: 0, batches: CounterRandom(key: 1),
                dropout: CounterRandom(key: 2))
        }
    }
}
