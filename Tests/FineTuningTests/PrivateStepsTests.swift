import FineTuning
import FixtureFiles
import LanguageModel
import ModelFiles
import Randomness
import Recipe
import Tensor
import Testing

/// Chooses the named examples in every step and adds the same number to each value.
private struct Scripted: PrivateSteps.Source {
    let chosen: Set<Int>
    let count: Int
    var noise = 0.0
    private var coins = 0

    init(_ chosen: Set<Int>, of count: Int, noise: Double = 0) {
        self.chosen = chosen
        self.count = count
        self.noise = noise
    }

    mutating func coin() -> Double {
        defer { coins += 1 }
        return chosen.contains(coins % count) ? 0 : 0.999
    }

    mutating func addNoise(to sum: inout [Double]) {
        for index in sum.indices { sum[index] += noise }
    }
}

@Suite("Training with a bound on every example")
struct PrivateStepsTests {
    private let model: any CausalLanguageModel
    private let plan: AdapterPlan
    private let blocks: TokenBlocks

    init() throws {
        Threads.limit(to: 1)
        model = try ModelDirectory(FixtureFiles.path("llama/gqa")).loadModel()
        plan = try AdapterPlan(options: AdapterOptions(rank: 2, alpha: 8), model: model.linearLayers)
        let tokens = (0..<240).map { (place: Int) -> Int32 in
            let word = (place * place + place / 24) % 7
            return Int32(3 + word)
        }
        blocks = TokenBlocks(tokens: tokens, length: 24)
    }

    /// One step of plain descent at rate 1: what moved is minus the step's gradient.
    private func step(
        _ chosen: Set<Int>, clip: Double, noise: Double = 0, rate: Double = 0.1, frozen: AdapterTensorName.Factor? = nil
    ) throws -> [Double] {
        let options = TrainingOptions(
            localSteps: 1, batchSize: 1, sequenceLength: 24, optimizer: .sgd, learningRate: 1, clipNorm: nil,
            frozenFactor: frozen)
        let start = plan.initialAdapter(random: CounterRandom(key: 9))
        var adapter = start
        let steps = PrivateSteps(
            samplingRate: rate, clip: clip, source: Scripted(chosen, of: blocks.count, noise: noise))
        let summary = try LocalTrainer(
            model: model, options: options, scope: TrainingScope(privateSteps: steps)
        ).train(
            &adapter, on: blocks, after: 0, batches: CounterRandom(key: 1), dropout: CounterRandom(key: 2))
        #expect(summary.tokens == chosen.count * 24 && summary.steps == 1 && summary.weight == blocks.count)
        return start.values.indices.map { Double(start.values[$0]) - Double(adapter.values[$0]) }
    }

    /// Straight from the model, of the block alone.
    private func gradient(_ index: Int) -> [Double] {
        var gradient = [Float](repeating: 0, count: plan.layout.parameterCount)
        _ = model.lossAndGradient(
            blocks.batch([index]), adapter: plan.initialAdapter(random: CounterRandom(key: 9)),
            dropout: CounterRandom(key: 4), gradientScale: 1, gradient: &gradient)
        return gradient.map(Double.init)
    }

    private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    @Test("no example moves a step by more than the clip, and one within it by its own gradient", arguments: 0..<10)
    func bound(_ index: Int) throws {
        let exact = gradient(index)
        for clip in [0.001, 0.3 * norm(exact), 0.999 * norm(exact), 1.001 * norm(exact), 1_000] {
            // Ten blocks at a rate of a tenth: the divisor is 1.
            let moved = try step([index], clip: clip)
            #expect(norm(moved) <= clip * (1 + 1e-4))
            let factor = min(1, clip / norm(exact))
            for (ours, value) in zip(moved, exact) { #expect(abs(ours - factor * value) < 1e-5 + 1e-4 * clip) }
        }
    }

    @Test("a step sums what each example gives by itself, over the number that coins choose on average")
    func sum() throws {
        let clip = 0.5 * norm(gradient(2))
        let parts = try [2, 5, 7].map { try step([$0], clip: clip) }
        let together = try step([2, 5, 7], clip: clip)
        for index in together.indices {
            #expect(abs(together[index] - parts.reduce(0) { $0 + $1[index] }) < 1e-5)
        }
        // Three tenths: the divisor is 3, whoever was chosen.
        for (wide, narrow) in zip(try step([2, 5, 7], clip: clip, rate: 0.3), together) {
            #expect(abs(3 * wide - narrow) < 1e-5)
        }
    }

    @Test("noise is added to the sum once, also where the coins choose nobody")
    func noise() throws {
        #expect(try step([], clip: 1, noise: 0.25, rate: 0.2).allSatisfy { abs($0 - 0.125) < 1e-6 })
        let without = try step([1, 3], clip: 0.1)
        for (noisy, plain) in zip(try step([1, 3], clip: 0.1, noise: 0.25), without) {
            #expect(abs(noisy - plain - 0.25) < 1e-5)
        }
    }

    @Test("the clip is for what is trained: a frozen factor neither counts nor gets noise")
    func frozen() throws {
        let moved = try step([4], clip: 0.05, noise: 0, frozen: .a)
        #expect(abs(norm(moved) - 0.05) < 1e-5)
        let noisy = try step([4], clip: 0.05, noise: 1, frozen: .a)
        for entry in plan.layout.entries where AdapterTensorName(entry.name)?.factor == .a {
            #expect(entry.range.allSatisfy { noisy[$0] == 0 })
        }
    }
}
