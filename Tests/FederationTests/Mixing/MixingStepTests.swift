import Federation
import ModelFiles
import Randomness
import Testing

@Suite("Mixing factors of different workers")
struct MixingStepTests {
    // MARK: What one layer computes

    /// One layer of 5 outputs and 6 inputs, and a module that trains whole.
    private static func factors(rank: Int, alpha: Double = 8) -> AdapterFactors {
        AdapterFactors(layout(rank: rank)) { _ in alpha / Double(rank) }
    }

    private static func layout(rank: Int) -> AdapterLayout {
        AdapterLayout([
            ("base_model.model.q.lora_A.weight", [rank, 6]), ("base_model.model.q.lora_B.weight", [5, rank]),
            ("base_model.model.score.bias", [2]),
        ])
    }

    /// `scale · B · A` by the definition, row-major `[5, 6]`.
    private static func product(_ values: [Float], _ factors: AdapterFactors) -> [Double] {
        var result: [Double] = []
        for layer in factors.layers {
            for row in 0..<layer.outputs {
                for column in 0..<layer.inputs {
                    result.append(
                        (0..<layer.rank).reduce(0) { sum, index in
                            let b = Double(values[layer.b.lowerBound + row * layer.rank + index])
                            let a = Double(values[layer.a.lowerBound + index * layer.inputs + column])
                            return sum + layer.scale * b * a
                        })
                }
            }
        }
        return result
    }

    private static func norm(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    private static func random(_ count: Int, key: UInt64, size: Float = 1) -> [Float] {
        var random = CounterRandom(key: key)
        return (0..<count).map { _ in size * random.normal() }
    }

    private static func report(_ weight: Double) -> UpdateReport {
        UpdateReport(weight: weight, steps: 1, trainLoss: 1)
    }

    /// Workers' adapters after training, by rank.
    private struct Local {
        let rank: Int
        let weight: Double
        let values: [Float]

        var factors: AdapterFactors { MixingStepTests.factors(rank: rank) }
        var product: [Double] { MixingStepTests.product(values, factors) }
    }

    private static func locals(_ ranks: [Int]) -> [Local] {
        ranks.enumerated().map { place, rank in
            Local(
                rank: rank, weight: Double(place + 1),
                values: random(factors(rank: rank).parameterCount, key: UInt64(place + 50)))
        }
    }

    private static func weightedMean(_ locals: [Local], weights: [Double]? = nil) -> [Double] {
        let weights = weights ?? locals.map(\.weight)
        let total = weights.reduce(0, +)
        var mean = [Double](repeating: 0, count: 30)
        for (local, weight) in zip(locals, weights) {
            for (index, value) in local.product.enumerated() { mean[index] += weight / total * value }
        }
        return mean
    }

    private static let largest = 4
    private static let global = random(factors(rank: largest).parameterCount, key: 1)

    private static func finish(
        _ aggregation: FactorAggregation, _ locals: [Local], residual: AdapterResidual? = nil, residualRank: Int = 64
    ) throws -> MixingStep.Outcome {
        var step = MixingStep(aggregation, global: global, factors: factors(rank: largest))
        for local in locals {
            let start = factors(rank: largest).slice(global, for: local.factors)
            step.add(
                zip(local.values, start).map { $0 - $1 }, of: local.factors, from: report(local.weight))
        }
        return try step.finish(residual: residual, residualRank: residualRank, random: CounterRandom(key: 2))
    }

    private static func product(of residual: AdapterResidual?) -> [Double] {
        guard let residual else { return [Double](repeating: 0, count: 30) }
        return product(residual.values, residual.factors)
    }

    // MARK: Exactness

    static let methods: [FactorAggregation] = [.hetLoRA, .flexLoRA, .fedExLoRA, .flora]

    @Test("one worker's product is the next one", arguments: methods)
    func alone(_ aggregation: FactorAggregation) throws {
        let local = Self.locals([Self.largest])
        let outcome = try Self.finish(aggregation, local)
        let found = zip(
            Self.product(outcome.values, Self.factors(rank: Self.largest)), Self.product(of: outcome.residual)
        )
        .map { $0 + $1 }
        #expect(largestDifference(found, local[0].product) < 1e-5 * Self.norm(local[0].product))
    }

    @Test(
        "the published factors and the residual give the mean product",
        arguments: [FactorAggregation.fedExLoRA, .flora])
    func exact(_ aggregation: FactorAggregation) throws {
        let locals = Self.locals(aggregation == .flora ? [1, 2, 4] : [4, 4, 4])
        let first = try Self.finish(aggregation, locals)
        let mean = Self.weightedMean(locals)
        let factors = Self.factors(rank: Self.largest)
        let published = zip(Self.product(first.values, factors), Self.product(of: first.residual)).map { $0 + $1 }
        #expect(largestDifference(published, mean) < 1e-5 * Self.norm(mean))
        #expect(first.truncation?.relativeError ?? 1 < 1e-6)
        #expect(first.truncation?.rank == first.residual?.maximumRank)

        // What an earlier round left stays.
        let second = try Self.finish(aggregation, locals, residual: first.residual)
        let change = zip(Self.product(of: second.residual), Self.product(of: first.residual)).map { $0 - $1 }
        let again = zip(Self.product(second.values, factors), change).map { $0 + $1 }
        #expect(largestDifference(again, mean) < 1e-5 * Self.norm(mean))
    }

    @Test("FLoRA starts every round from factors that change nothing")
    func fresh() throws {
        let outcome = try Self.finish(.flora, Self.locals([1, 4]))
        let layer = Self.factors(rank: Self.largest).layers[0]
        #expect(outcome.values[layer.b].allSatisfy { $0 == 0 })
        let bound = 1 / Float(6).squareRoot()
        #expect(outcome.values[layer.a].allSatisfy { abs($0) <= bound })
        #expect(Set(outcome.values[layer.a]).count == layer.a.count && outcome.values[layer.a] != Self.global[layer.a])
    }

    @Test("equal factors leave FedEx-LoRA no residual")
    func noResidual() throws {
        let one = Self.locals([4])[0]
        let outcome = try Self.finish(.fedExLoRA, [one, one, one])
        let size = Self.norm(one.product)
        #expect(Self.norm(Self.product(of: outcome.residual)) < 1e-6 * size)
        #expect(largestDifference(Self.product(outcome.values, one.factors), one.product) < 1e-5 * size)
    }

    // MARK: Singular values

    @Test("FlexLoRA publishes the best approximation of its rank, numpy's", arguments: 1...5)
    func best(_ rank: Int) throws {
        let given = try DecompositionsFixture.load().product
        let names = ["base_model.model.q.lora_A.weight", "base_model.model.q.lora_B.weight"]
        func factors(_ rank: Int) -> AdapterFactors {
            AdapterFactors(
                AdapterLayout([(names[0], [rank, given.inputs]), (names[1], [given.outputs, rank])])
            ) { _ in given.alpha / Double(rank) }
        }
        // The global adapter is 0, so that updates are the workers' factors; its rank is at least every worker's.
        let largest = max(rank, 4)
        var step = MixingStep(
            .flexLoRA, global: [Float](repeating: 0, count: factors(largest).parameterCount), factors: factors(largest))
        for worker in given.workers {
            step.add((worker.a + worker.b).map(Float.init), of: factors(worker.rank), from: Self.report(worker.weight))
        }
        let values = try step.finish(residualRank: 1, random: CounterRandom(key: 1)).values
        // A worker of this rank gets the leading singular values.
        let slice = factors(largest).slice(values, for: factors(rank))
        let expected = try #require(given.best[String(rank)])
        #expect(largestDifference(Self.product(slice, factors(rank)), expected) < 1e-5 * Self.norm(expected))
        let a = slice[factors(rank).layers[0].a].map(Double.init)
        let rows = ColumnMatrix(rows: given.inputs, columns: rank, values: a)
        #expect(rows.departureFromOrthonormal < 1e-6)
    }

    @Test("a residual beyond its bound is cut to the best approximation, and the error is said", arguments: 1...4)
    func truncated(_ rank: Int) throws {
        let locals = Self.locals([4, 4, 4])
        let whole = Self.product(of: try Self.finish(.flora, locals).residual)
        let cut = try Self.finish(.flora, locals, residualRank: rank)
        #expect(cut.residual?.maximumRank == rank && cut.truncation?.rank == rank)
        let left = Self.norm(zip(whole, Self.product(of: cut.residual)).map { $0 - $1 })
        let error = try #require(cut.truncation?.relativeError)
        #expect(abs(error - left / Self.norm(whole)) < 1e-6)
        // No other matrix of the rank is nearer than the singular values beyond it.
        let values = SingularValues(of: ColumnMatrix(rows: 6, columns: 5, values: whole)).values
        let bound = values.dropFirst(rank).reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(left - bound) < 1e-5 * Self.norm(whole))
    }

    // MARK: HetLoRA

    @Test("HetLoRA pads with zeros and weighs by the norm of the scaled product")
    func padded() throws {
        let locals = Self.locals([1, 2, 4])
        let weights = locals.map { Self.norm($0.product) }
        let total = weights.reduce(0, +)
        let outcome = try Self.finish(.hetLoRA, locals)
        let layer = Self.factors(rank: Self.largest).layers[0]
        for index in 0..<Self.largest {
            for column in 0..<6 {
                let expected = zip(locals, weights).reduce(0.0) { sum, given in
                    guard index < given.0.rank else { return sum }
                    let a = given.0.factors.layers[0].a.lowerBound
                    return sum + given.1 / total * Double(given.0.values[a + index * 6 + column])
                }
                #expect(abs(Double(outcome.values[layer.a.lowerBound + index * 6 + column]) - expected) < 1e-5)
            }
            for row in 0..<5 {
                let expected = zip(locals, weights).reduce(0.0) { sum, given in
                    guard index < given.0.rank else { return sum }
                    let own = given.0.factors.layers[0]
                    let value = Double(given.0.values[own.b.lowerBound + row * own.rank + index])
                    return sum + given.1 / total * value * own.scale / layer.scale
                }
                #expect(abs(Double(outcome.values[layer.b.lowerBound + row * 4 + index]) - expected) < 1e-5)
            }
        }
    }

    @Test("workers whose products are all 0 count alike")
    func zeroProducts() throws {
        let locals = Self.locals([4, 4]).map { local in
            var values = local.values
            for index in local.factors.layers[0].b { values[index] = 0 }
            return Local(rank: local.rank, weight: local.weight, values: values)
        }
        let outcome = try Self.finish(.hetLoRA, locals)
        for index in Self.factors(rank: Self.largest).layers[0].a {
            #expect(abs(outcome.values[index] - (locals[0].values[index] + locals[1].values[index]) / 2) < 1e-5)
        }
    }

    // MARK: Ranks that nobody trained

    private static let outer = factors(rank: largest).layers[0]

    private static func row(_ index: Int, ofA values: [Float]) -> [Double] {
        values[outer.a.lowerBound + index * outer.inputs..<outer.a.lowerBound + (index + 1) * outer.inputs]
            .map(Double.init)
    }

    private static func column(_ index: Int, ofB values: [Float]) -> [Float] {
        (0..<outer.outputs).map { values[outer.b.lowerBound + $0 * outer.rank + index] }
    }

    @Test("HetLoRA keeps what it had of ranks above all of a round's workers")
    func keptRanks() throws {
        let outcome = try Self.finish(.hetLoRA, Self.locals([1, 2, 2]))
        for index in 2..<Self.largest {
            #expect(Self.row(index, ofA: outcome.values) == Self.row(index, ofA: Self.global))
            #expect(Self.column(index, ofB: outcome.values) == Self.column(index, ofB: Self.global))
        }
        #expect(Self.row(1, ofA: outcome.values) != Self.row(1, ofA: Self.global))
    }

    @Test("HetLoRA keeps ranks whose only workers weigh nothing, as their product is 0")
    func weightlessRanks() throws {
        var locals = Self.locals([2, 4])
        var values = locals[1].values
        for index in locals[1].factors.layers[0].b { values[index] = 0 }
        locals[1] = Local(rank: 4, weight: 1, values: values)
        let outcome = try Self.finish(.hetLoRA, locals)
        for index in 2..<Self.largest {
            #expect(Self.row(index, ofA: outcome.values) == Self.row(index, ofA: Self.global))
            #expect(Self.column(index, ofB: outcome.values) == Self.column(index, ofB: Self.global))
        }
    }

    @Test("FlexLoRA's ranks beyond the singular values keep directions to train in, and the product is the same")
    func spareDirections() throws {
        let local = Self.locals([1])
        let outcome = try Self.finish(.flexLoRA, local)
        let factors = Self.factors(rank: Self.largest)
        let found = Self.product(outcome.values, factors)
        #expect(largestDifference(found, local[0].product) < 1e-5 * Self.norm(local[0].product))
        let rows = (0..<Self.largest).map { Self.row($0, ofA: outcome.values) }
        let stack = ColumnMatrix(rows: Self.outer.inputs, columns: Self.largest, values: rows.flatMap { $0 })
        #expect(stack.departureFromOrthonormal < 1e-6)
        for index in 1..<Self.largest {
            #expect(Self.column(index, ofB: outcome.values).allSatisfy { $0 == 0 })
            // What the rank had is not lost: it lies in the span of what there is now.
            var rest = Self.row(index, ofA: Self.global)
            for row in rows {
                let product = zip(row, rest).reduce(0) { $0 + $1.0 * $1.1 }
                for place in rest.indices { rest[place] -= product * row[place] }
            }
            #expect(Self.norm(rest) < 1e-5)
        }
    }

    @Test("FlexLoRA draws directions where both factors were lost")
    func drawnDirections() throws {
        let factors = Self.factors(rank: Self.largest)
        var step = MixingStep(
            .flexLoRA, global: [Float](repeating: 0, count: factors.parameterCount), factors: factors)
        let local = Self.locals([2])[0]
        step.add(local.values, of: local.factors, from: Self.report(1))
        let values = try step.finish(residualRank: 1, random: CounterRandom(key: 1)).values
        let rows = ColumnMatrix(rows: 6, columns: Self.largest, values: values[Self.outer.a].map(Double.init))
        #expect(rows.departureFromOrthonormal < 1e-6)
        let again = try step.finish(residualRank: 1, random: CounterRandom(key: 1)).values
        let other = try step.finish(residualRank: 1, random: CounterRandom(key: 2)).values
        #expect(again == values && other != values)
    }

    // MARK: What a worker gets

    @Test(
        "a worker of lower rank gets the first rows and columns, computing the same at its own scale", arguments: 1...4)
    func slice(_ rank: Int) {
        let (whole, part) = (Self.factors(rank: Self.largest), Self.factors(rank: rank))
        var cut = Self.global
        for index in rank..<Self.largest {
            for column in 0..<6 { cut[whole.layers[0].a.lowerBound + index * 6 + column] = 0 }
        }
        let slice = whole.slice(Self.global, for: part)
        #expect(largestDifference(Self.product(slice, part), Self.product(cut, whole)) < 1e-5)
        #expect(slice[part.others[0]] == Self.global[whole.others[0]])
    }

    // MARK: All methods

    @Test("modules that train whole take the weighted mean of their updates", arguments: methods)
    func others(_ aggregation: FactorAggregation) throws {
        let locals = Self.locals([4, 4, 4])
        let weights = aggregation == .hetLoRA ? locals.map { Self.norm($0.product) } : locals.map(\.weight)
        let outcome = try Self.finish(aggregation, locals)
        for index in Self.factors(rank: Self.largest).others[0] {
            let mean = zip(locals, weights).reduce(0) { $0 + $1.1 * Double($1.0.values[index]) } / weights.reduce(0, +)
            #expect(abs(Double(outcome.values[index]) - mean) < 1e-5)
        }
    }

    @Test("nothing, and what is not finite, is refused", arguments: methods)
    func refusals(_ aggregation: FactorAggregation) throws {
        #expect(throws: AggregationError.noUpdates) { try Self.finish(aggregation, []) }
        // Finite updates whose products overflow.
        let factors = Self.factors(rank: Self.largest)
        var step = MixingStep(aggregation, global: Self.global, factors: factors)
        let huge = [Float](repeating: .greatestFiniteMagnitude, count: factors.parameterCount)
        step.add(huge, of: factors, from: Self.report(1))
        step.add(huge.map { -$0 }, of: factors, from: Self.report(1))
        // HetLoRA publishes means of factors, which are finite.
        guard aggregation != .hetLoRA else { return }
        #expect(throws: AggregationError.notFinite) {
            try step.finish(residualRank: 64, random: CounterRandom(key: 2))
        }
    }
}
