import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import Tensor
import Testing

@Suite("A core between fixed factors")
struct CoreAdapterTests {
    private let model: any CausalLanguageModel
    private let plan: AdapterPlan
    private let blocks: TokenBlocks

    init() throws {
        Threads.limit(to: 1)
        model = try ModelDirectory(FixtureFiles.path("llama/gqa")).loadModel()
        plan = try AdapterPlan(
            options: AdapterOptions(rank: 3, alpha: 6, rankPattern: ["q_proj": 2]), model: model.linearLayers)
        blocks = TokenBlocks(tokens: (0..<240).map { Int32(3 + ($0 + $0 / 24) % 6) }, length: 24)
    }

    private func core() throws -> CoreAdapter {
        try CoreAdapter(
            plan: plan,
            fixed: CoreAdapter.fixedFactors(plan, weight: model.weight, random: CounterRandom(key: 3)))
    }

    /// Vectors of length 1 at right angles, `[count][size]`.
    private func basis(_ count: Int, _ size: Int, key: UInt64) -> [[Double]] {
        var random = CounterRandom(key: key)
        var basis: [[Double]] = []
        for _ in 0..<count {
            var vector = (0..<size).map { _ in Double(random.normal()) }
            for _ in 0..<2 {
                for other in basis {
                    let product = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    vector = zip(vector, other).map { $0 - product * $1 }
                }
            }
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            basis.append(vector.map { $0 / length })
        }
        return basis
    }

    @Test(
        "the fixed factors are the singular vectors that a weight was made of", arguments: [(9, 14), (14, 9), (12, 12)])
    func singularVectors(outputs: Int, inputs: Int) throws {
        let values = [8, 5, 3, 1, 0.5, 0.1]
        let (left, right) = (basis(6, outputs, key: 1), basis(6, inputs, key: 2))
        var weight = [Float](repeating: 0, count: outputs * inputs)
        for row in 0..<outputs {
            for column in 0..<inputs {
                weight[row * inputs + column] = Float(
                    (0..<6).reduce(0.0) { $0 + values[$1] * left[$1][row] * right[$1][column] })
            }
        }
        let plan = try AdapterPlan(
            options: AdapterOptions(rank: 4),
            model: [LinearLayer(name: "layer", inputs: inputs, outputs: outputs)])
        let fixed = try CoreAdapter.fixedFactors(plan, weight: { _ in weight }, random: CounterRandom(key: 5))
        let target = try #require(plan.targets.first)
        for index in 0..<4 {
            // A sign is free, but the same on both sides.
            var (a, b) = (0.0, 0.0)
            for column in 0..<inputs {
                a += Double(fixed[target.offsetA + index * inputs + column]) * right[index][column]
            }
            for row in 0..<outputs { b += Double(fixed[target.offsetB + row * 4 + index]) * left[index][row] }
            #expect(abs(abs(a) - 1) < 1e-5 && abs(a - b) < 1e-5)
        }
    }

    @Test("a weight with less than the rank in it still gives orthonormal factors")
    func deficient() throws {
        let plan = try AdapterPlan(
            options: AdapterOptions(rank: 3), model: [LinearLayer(name: "layer", inputs: 4, outputs: 5)])
        let weight: [Float] = (0..<20).map { (place: Int) -> Float in
            let (row, column) = (place / 4, place % 4)
            return Float((1 + row) * (1 + column))
        }
        let fixed = try CoreAdapter.fixedFactors(plan, weight: { _ in weight }, random: CounterRandom(key: 5))
        let target = try #require(plan.targets.first)
        let factorA = Array(fixed[target.offsetA..<target.offsetA + 12])
        let factorB = Array(fixed[target.offsetB..<target.offsetB + 15])
        for first in 0..<3 {
            for second in 0..<3 {
                var (a, b): (Float, Float) = (0, 0)
                for column in 0..<4 { a += factorA[first * 4 + column] * factorA[second * 4 + column] }
                for row in 0..<5 { b += factorB[row * 3 + first] * factorB[row * 3 + second] }
                let wanted: Float = first == second ? 1 : 0
                #expect(abs(a - wanted) < 1e-5 && abs(b - wanted) < 1e-5)
            }
        }
    }

    @Test("the mean of products is the product of the mean core")
    func exact() throws {
        let core = try core()
        #expect(core.layout.parameterCount == plan.targets.reduce(0) { $0 + $1.rank * $1.rank })
        var random = CounterRandom(key: 6)
        let cores = (0..<3).map { _ in (0..<core.layout.parameterCount).map { _ in random.normal() } }
        let mean = (0..<core.layout.parameterCount).map { index in cores.reduce(0) { $0 + $1[index] } / 3 }
        let products = cores.map(core.expanded)
        let ofMean = core.expanded(mean)
        for (layer, target) in zip(plan.layers, plan.targets) {
            for row in 0..<layer.outputs {
                for column in 0..<layer.inputs {
                    let product = { (values: [Float]) in
                        (0..<target.rank).reduce(0.0) { sum, inner in
                            sum + Double(values[target.offsetB + row * target.rank + inner])
                                * Double(values[target.offsetA + inner * layer.inputs + column])
                        }
                    }
                    let wanted = products.reduce(0) { $0 + product($1) } / 3
                    #expect(abs(product(ofMean) - wanted) < 1e-5)
                }
            }
        }
    }

    @Test("the gradient by the core is the loss's slope along it")
    func gradient() throws {
        let core = try core()
        var random = CounterRandom(key: 7)
        let values = (0..<core.layout.parameterCount).map { _ in 0.2 * random.normal() }
        let batch = blocks.batch([0, 1, 2])
        let loss = { (values: [Float]) in
            var gradient = [Float](repeating: 0, count: self.plan.layout.parameterCount)
            let loss = self.model.lossAndGradient(
                batch, adapter: self.plan.adapter(values: core.expanded(values)), dropout: nil, gradientScale: 1,
                gradient: &gradient)
            return (loss, core.pulledBack(gradient))
        }
        let (_, gradient) = loss(values)
        let direction = (0..<values.count).map { _ in random.normal() }
        let step: Float = 3e-3
        let ahead = loss(zip(values, direction).map { $0 + step * $1 }).0
        let behind = loss(zip(values, direction).map { $0 - step * $1 }).0
        let slope = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs((ahead - behind) / Double(2 * step) - slope) < 0.01 * abs(slope) + 1e-3)
    }

    @Test("training changes the core alone, and lowers the loss")
    func training() throws {
        let core = try core()
        let start = [Float](repeating: 0, count: core.layout.parameterCount)
        var adapter = plan.adapter(values: core.expanded(start))
        let before = BlockLosses(try LossEvaluation.losses(of: blocks, model: model, adapter: nil)).mean
        let options = TrainingOptions(localSteps: 20, batchSize: 4, sequenceLength: 24, learningRate: 0.05)
        let summary = try LocalTrainer(
            model: model, options: options, scope: TrainingScope(core: (core, start))
        ).train(&adapter, on: blocks, after: 0, batches: CounterRandom(key: 1), dropout: CounterRandom(key: 2))
        let trained = try #require(summary.core)
        #expect(adapter.values == core.expanded(trained))
        let after = BlockLosses(try LossEvaluation.losses(of: blocks, model: model, adapter: adapter)).mean
        #expect(after < 0.95 * before)
    }

    @Test("more vectors than a layer has, and magnitudes, are refused")
    func refused() throws {
        let small = [LinearLayer(name: "layer", inputs: 4, outputs: 2)]
        let sizes = [LinearLayer(name: "wide", inputs: 4, outputs: 3)] + small
        let wide = try AdapterPlan(options: AdapterOptions(rank: 5), model: sizes)
        let error = #expect(throws: AdapterPlanError.rankAboveWidth(layer: "layer", rank: 5, width: 2)) {
            try CoreAdapter.fixedFactors(wide, weight: { _ in [] }, random: CounterRandom(key: 1))
        }
        #expect(error?.description.contains("set adapter.rank to at most 2") == true)
        #expect(error?.keys == ["adapter.rank", "federation.aggregation"])
        let dora = try AdapterPlan(options: AdapterOptions(method: .dora, rank: 1), model: small)
        #expect(throws: AdapterPlanError.self) {
            try CoreAdapter(plan: dora, fixed: [Float](repeating: 0, count: dora.layout.parameterCount))
        }
    }
}
