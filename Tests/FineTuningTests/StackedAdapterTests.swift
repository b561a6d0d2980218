import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import Tensor
import Testing

@Suite("A local adapter beside another")
struct StackedAdapterTests {
    private let model: any CausalLanguageModel
    private let blocks: TokenBlocks

    init() throws {
        Threads.limit(to: 1)
        model = try ModelDirectory(FixtureFiles.path("llama/gqa")).loadModel()
        blocks = TokenBlocks(tokens: (0..<240).map { Int32(3 + ($0 + $0 / 24) % 6) }, length: 24)
    }

    private func plan(_ scaling: AdapterOptions.Scaling = .standard) throws -> AdapterPlan {
        var options = AdapterOptions(rank: 2, alpha: 6, scaling: scaling)
        options.rankPattern = ["q_proj": 3]
        options.alphaPattern = ["v_proj": 5]
        return try AdapterPlan(options: options, model: model.linearLayers)
    }

    private func stacked(_ single: AdapterPlan) throws -> StackedAdapter {
        try StackedAdapter(of: single) { options throws(AdapterPlanError) in
            try AdapterPlan(options: options, model: model.linearLayers)
        }
    }

    private func random(_ plan: AdapterPlan, key: UInt64) -> [Float] {
        var random = CounterRandom(key: key)
        return (0..<plan.layout.parameterCount).map { _ in 0.3 * random.normal() }
    }

    /// `scale · B · A` of one layer, `[out · in]`, from PEFT's definition.
    private func product(_ plan: AdapterPlan, _ index: Int, _ values: [Float]) -> [Double] {
        let (layer, target) = (plan.layers[index], plan.targets[index])
        var product = [Double](repeating: 0, count: layer.outputs * layer.inputs)
        for row in 0..<layer.outputs {
            for column in 0..<layer.inputs {
                for inner in 0..<target.rank {
                    product[row * layer.inputs + column] +=
                        Double(target.scale) * Double(values[target.offsetB + row * target.rank + inner])
                        * Double(values[target.offsetA + inner * layer.inputs + column])
                }
            }
        }
        return product
    }

    @Test("adds the two products in every layer", arguments: AdapterOptions.Scaling.allCases)
    func products(_ scaling: AdapterOptions.Scaling) throws {
        let single = try plan(scaling)
        let stacked = try stacked(single)
        let (global, local) = (random(single, key: 1), random(single, key: 2))
        let both = stacked.adapter(global: global, local: local).values
        for index in single.layers.indices {
            let expected = zip(product(single, index, global), product(single, index, local)).map { $0 + $1 }
            for (actual, wanted) in zip(product(stacked.plan, index, both), expected) {
                #expect(abs(actual - wanted) < 1e-5)
            }
        }
        #expect(stacked.local(of: both) == local)
        #expect(stacked.localPart.gather(both).sorted() == local.sorted())
    }

    @Test("is an ordinary PEFT adapter on disk, with the same loss")
    func directory() throws {
        let single = try plan()
        let stacked = try stacked(single)
        let both = stacked.adapter(global: random(single, key: 1), local: random(single, key: 2))
        let folder = ScratchFolder()
        try AdapterDirectory.write(
            configuration: stacked.plan.configuration(baseModel: "base"), layout: both.layout, values: both.values,
            to: folder.file("adapter"))
        let stored = try AdapterDirectory.read(folder.file("adapter"))
        #expect(stored.configuration.rank == 4 && stored.configuration.alpha == 12)
        let loaded = try LowRankAdapter(
            binding: stored.layout, values: stored.values, configuration: stored.configuration, to: model.linearLayers)
        let losses = try LossEvaluation.losses(of: blocks, model: model, adapter: loaded)
        #expect(try losses == LossEvaluation.losses(of: blocks, model: model, adapter: both))
    }

    @Test("trains by itself: the adapter under it stays, and the loss falls")
    func training() throws {
        let single = try plan()
        let stacked = try stacked(single)
        let global = random(single, key: 1).map { $0 / 3 }
        let fresh = single.initialAdapter(random: CounterRandom(key: 4)).values
        var adapter = stacked.adapter(global: global, local: fresh)
        let before = BlockLosses(try LossEvaluation.losses(of: blocks, model: model, adapter: adapter)).mean
        // B of a fresh adapter is zero: beside it the other one is alone.
        let alone = try LossEvaluation.losses(of: blocks, model: model, adapter: single.adapter(values: global))
        #expect(abs(BlockLosses(alone).mean - before) < 1e-5)
        let options = TrainingOptions(
            localSteps: 15, batchSize: 4, sequenceLength: 24, learningRate: 0.02, weightDecay: 0.1)
        _ = try LocalTrainer(model: model, options: options, scope: TrainingScope(part: stacked.localPart)).train(
            &adapter, on: blocks, after: 0, batches: CounterRandom(key: 1), dropout: CounterRandom(key: 2))
        let local = stacked.local(of: adapter.values)
        #expect(adapter.values == stacked.adapter(global: global, local: local).values)
        #expect(local != fresh)
        let after = BlockLosses(try LossEvaluation.losses(of: blocks, model: model, adapter: adapter)).mean
        #expect(after < 0.9 * before)
    }

    @Test("a correction is added to every clipped gradient")
    func correction() throws {
        let plan = try plan()
        let options = TrainingOptions(
            localSteps: 1, batchSize: 4, sequenceLength: 24, optimizer: .sgd, learningRate: 0.25, clipNorm: 1e-3)
        let correction = random(plan, key: 3)
        func train(_ scope: TrainingScope) throws -> [Float] {
            var adapter = plan.initialAdapter(random: CounterRandom(key: 4))
            _ = try LocalTrainer(model: model, options: options, scope: scope).train(
                &adapter, on: blocks, after: 0, batches: CounterRandom(key: 1), dropout: CounterRandom(key: 2))
            return adapter.values
        }
        let (plain, corrected) = (try train(TrainingScope()), try train(TrainingScope(correction: correction)))
        for index in plain.indices {
            #expect(abs(corrected[index] - (plain[index] - 0.25 * correction[index])) < 1e-6)
        }
    }

    @Test("magnitudes stand beside no other adapter")
    func dora() throws {
        let single = try AdapterPlan(options: AdapterOptions(method: .dora), model: model.linearLayers)
        #expect(throws: AdapterPlanError.self) { try stacked(single) }
    }
}
