import Federation
import ModelFiles
import Recipe
import Testing

@Suite("SCAFFOLD")
struct ScaffoldTests {
    private let layout = AdapterLayout([
        ("base_model.model.q.lora_A.weight", [1, 2]), ("base_model.model.q.lora_B.weight", [2, 1]),
    ])
    private let naive = NaiveScaffold(
        curvature: [[1, 2, 0.5, 1], [3, 0.5, 1, 2], [0.25, 1, 2, 0.5], [2, 2, 1, 1]],
        centre: [[1, -1, 2, 0], [-2, 0.5, 1, 1], [4, 2, -1, -3], [0, 1, 1, 2]], rate: 0.1, steps: 5,
        start: [0.5, -0.5, 1, 3])
    /// Two or three of four workers a round.
    private let rounds = [[0, 1], [1, 2, 3], [0, 3], [2, 3], [0, 1, 2], [1, 3], [0, 2], [0, 1]]

    private func training(_ change: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
        var options = TrainingOptions(localSteps: naive.steps, optimizer: .sgd, learningRate: naive.rate)
        change(&options)
        return options
    }

    /// One worker's corrected steps of plain SGD.
    private func train(_ worker: Int, from start: [Float], correction: [Float]) -> [Float] {
        var y = start
        for _ in 0..<naive.steps {
            for place in y.indices {
                let gradient = naive.curvature[worker][place] * (Double(y[place]) - naive.centre[worker][place])
                y[place] -= Float(naive.rate) * (Float(gradient) + correction[place])
            }
        }
        return zip(y, start).map { $0 - $1 }
    }

    /// Runs all rounds; after each, `check` sees the adapter, C and every Cᵢ.
    private func run(
        _ codec: any UpdateCodec = DenseCodec(), rounds: [[Int]],
        check: (_ round: Int, _ x: [Float], _ c: [Float], _ ci: [[Float]]) throws -> Void
    ) throws {
        let strategy = ServerStrategy.scaffold(learningRate: 1, workers: 4)
        var global = naive.x.map { Float($0) }
        var state = strategy.initialState(parameterCount: 4)
        var kept = [[Float]?](repeating: nil, count: 4)
        for (number, chosen) in rounds.enumerated() {
            var step = ServerStep(strategy, part: AdapterPart(of: layout))
            for worker in chosen {
                let variate = ControlVariate(
                    own: kept[worker], global: number == 0 ? nil : state.vectors["control"], count: 4,
                    training: training())
                let delta = train(worker, from: global, correction: variate.correction)
                let change = variate.change(after: delta, rateSum: Double(naive.steps) * naive.rate)
                let bytes = codec.encode(delta + change, seed: UInt64(number))
                let sent = try codec.decode(bytes, count: 8, seed: UInt64(number))
                kept[worker] = variate.own(after: Array(sent.suffix(4)))
                // The weights say that worker 3 has the most data: SCAFFOLD counts all alike.
                step.add(sent, from: UpdateReport(weight: Double(worker + 1), steps: naive.steps, trainLoss: 1))
            }
            try step.apply(to: &global, state: &state)
            let own = kept.map { $0 ?? [0, 0, 0, 0] }
            try check(number, global, try #require(state.vectors["control"]), own)
        }
    }

    @Test("follows the paper's Algorithm 1, workers taking turns")
    func algorithm() throws {
        var naive = naive
        // A variate is kept as how far the round's steps go along it.
        let reach = Double(naive.steps) * naive.rate
        try run(rounds: rounds) { number, x, c, ci in
            naive.round(rounds[number])
            for place in 0..<4 {
                #expect(abs(Double(x[place]) - naive.x[place]) < 1e-5)
                #expect(abs(Double(c[place]) - reach * naive.c[place]) < 1e-5)
                for worker in 0..<4 {
                    #expect(abs(Double(ci[worker][place]) - reach * naive.ci[worker][place]) < 1e-5)
                }
            }
        }
    }

    @Test("comes to where the sum of all losses is least, which averaging alone misses")
    func optimum() throws {
        let optimum = (0..<4).map { place in
            let weighted = (0..<4).reduce(0) { $0 + naive.curvature[$1][place] * naive.centre[$1][place] }
            return weighted / (0..<4).reduce(0) { $0 + naive.curvature[$1][place] }
        }
        var last: [Float] = []
        try run(rounds: [[Int]](repeating: [0, 1, 2, 3], count: 120)) { _, x, _, _ in last = x }
        for place in 0..<4 { #expect(abs(Double(last[place]) - optimum[place]) < 1e-3) }
        var averaged = naive.x.map { Float($0) }
        for _ in 0..<120 {
            let deltas = (0..<4).map { train($0, from: averaged, correction: [0, 0, 0, 0]) }
            for place in 0..<4 { averaged[place] += deltas.reduce(0) { $0 + $1[place] } / 4 }
        }
        #expect((0..<4).contains { abs(Double(averaged[$0]) - optimum[$0]) > 0.05 })
    }

    @Test(
        "the server's variate is the mean of the workers', whatever the codec does",
        arguments: ["dense", "eden:bits=4", "int8"])
    func sumLaw(_ name: String) throws {
        let codec = try Codecs.make(try #require(CodecName(name)))
        try run(codec, rounds: rounds) { _, _, c, ci in
            for place in 0..<4 {
                let mean = ci.reduce(0) { $0 + Double($1[place]) } / 4
                #expect(abs(Double(c[place]) - mean) < 1e-5)
            }
        }
    }

    @Test("with other rates than the peak the variate is still the mean gradient")
    func schedule() {
        // Two steps of gradient 3 at rates 0.05 and 0.15 from a peak of 0.1: Δ = −0.6, c⁺ = 3 and C⁺ = s·3.
        let options = training { $0.localSteps = 2 }
        let variate = ControlVariate(own: nil, global: nil, count: 1, training: options)
        let change = variate.change(after: [-0.6], rateSum: 0.2)
        #expect(abs(change[0] - 0.6) < 1e-6)
        let later = ControlVariate(own: change, global: [0.2], count: 1, training: options)
        // c − cᵢ = 1 − 3.
        #expect(abs(later.correction[0] + 2) < 1e-5)
        #expect(variate.change(after: [0], rateSum: 0) == [0])
    }

    @Test("what does not travel has no variate")
    func part() throws {
        let strategy = ServerStrategy.scaffold(learningRate: 1, workers: 2)
        let part = FactorAggregation.ffaLoRA.part(of: layout, round: 1)
        var state = strategy.initialState(parameterCount: 4)
        var global: [Float] = [1, 1, 1, 1]
        var step = ServerStep(strategy, part: part)
        step.add([2, 4, 8, 16], from: UpdateReport(weight: 1, steps: 1, trainLoss: 1))
        try step.apply(to: &global, state: &state)
        #expect(global == [1, 1, 3, 5])
        // One of two workers: half its change.
        #expect(state.vectors == ["control": [0, 0, 4, 8]])
    }
}
