public import ModelFiles
public import Randomness

/// A closed round's way from updates to the next global adapter where the factors of different workers are mixed:
/// ``FactorAggregation/mixesFactors``.
///
/// Each worker's factors are the part of the global adapter that it was given (``ModelFiles/AdapterFactors/slice(_:for:)``)
/// plus its update, at its own rank and scale. Everything is computed in Double, in the order of the calls: add updates in
/// worker-name order. Methods by products keep stacks of factors, so memory is O(workers · adapter) until a stack outgrows
/// its product, and O(product) from there on.
public struct MixingStep: Sendable {
    /// What a round publishes.
    public struct Outcome: Sendable {
        /// `[parameterCount]`
        public var values: [Float]
        /// `nil` for methods without one, and while there is nothing in it.
        public var residual: AdapterResidual?
        /// Of the residual; `nil` for methods without one.
        public var truncation: ResidualTruncation?
    }

    private let aggregation: FactorAggregation
    private let global: [Float]
    private let factors: AdapterFactors
    private var totalWeight = 0.0
    private var means: [FactorMean] = []
    private var products: [LowRankSum] = []
    /// Of the tensors that are no factors, one after the other.
    private var others: [Double]

    /// - Parameters:
    ///   - global: The adapter that the round began with, `[factors.parameterCount]`.
    ///   - factors: Of the largest rank.
    public init(_ aggregation: FactorAggregation, global: [Float], factors: AdapterFactors) {
        precondition(aggregation.mixesFactors && global.count == factors.parameterCount, "\(aggregation)")
        self.aggregation = aggregation
        self.global = global
        self.factors = factors
        others = [Double](repeating: 0, count: factors.others.reduce(0) { $0 + $1.count })
        if aggregation == .hetLoRA || aggregation == .fedExLoRA { means = factors.layers.map(FactorMean.init) }
        if aggregation != .hetLoRA {
            products = factors.layers.map { LowRankSum(outputs: $0.outputs, inputs: $0.inputs) }
        }
    }

    /// Adds one worker's update, in worker-name order.
    ///
    /// - Parameters:
    ///   - update: Adapter delta, `[worker.parameterCount]`, float32; ``UpdateCheck`` let it pass.
    ///   - worker: The layers at the worker's rank and scale.
    public mutating func add(_ update: [Float], of worker: AdapterFactors, from report: UpdateReport) {
        precondition(update.count == worker.parameterCount, "\(update.count) values for \(worker.parameterCount)")
        let start = factors.slice(global, for: worker)
        let local = zip(start, update).map { Double($0) + Double($1) }
        let layers = worker.layers.map { (a: Array(local[$0.a]), b: Array(local[$0.b])) }
        var weight = report.weight
        if aggregation == .hetLoRA {
            let squares = zip(worker.layers, layers).reduce(0) { sum, layer in
                sum + layer.0.scale * layer.0.scale
                    * ProductNorm.squared(b: layer.1.b, a: layer.1.a, rank: layer.0.rank)
            }
            // While all products are 0, all workers count alike.
            weight = max(squares.squareRoot(), 1e-30)
        }
        totalWeight += weight
        for index in layers.indices {
            let (a, b) = layers[index]
            let layer = worker.layers[index]
            if !means.isEmpty {
                means[index].add(a: a, b: b, rank: layer.rank, scale: layer.scale, weight: weight)
            }
            if !products.isEmpty { products[index].add(b: b, a: a, weight: weight * layer.scale) }
        }
        var next = 0
        for range in worker.others {
            for index in range {
                others[next] += weight * Double(update[index])
                next += 1
            }
        }
    }

    /// - Parameters:
    ///   - residual: Of the rounds before.
    ///   - residualRank: The largest rank that the next one may have in a layer.
    ///   - random: Where FLoRA's fresh factors come from, and FlexLoRA's where nothing earlier is left.
    /// - Throws: ``AggregationError``, also where a value is not finite.
    public func finish(
        residual: AdapterResidual? = nil, residualRank: Int, random: CounterRandom
    ) throws(AggregationError) -> Outcome {
        guard totalWeight > 0 else { throw .noUpdates }
        guard totalWeight.isFinite, products.allSatisfy(\.isFinite) else { throw .notFinite }
        var values = global
        var next = 0
        for range in factors.others {
            for index in range {
                values[index] = Float(Double(values[index]) + others[next] / totalWeight)
                next += 1
            }
        }
        var outcome: Outcome
        switch aggregation {
        case .hetLoRA:
            for (layer, mean) in zip(factors.layers, means) { mean.write(layer, to: &values) }
            outcome = Outcome(values: values)
        case .flexLoRA:
            var random = random
            for (layer, product) in zip(factors.layers, products) {
                var parts = product.decomposed().factors(rank: layer.rank, factorB: 1 / (totalWeight * layer.scale))
                SpareRows.fill(&parts.a, earlier: values[layer.a], inputs: layer.inputs, random: &random)
                values.replaceSubrange(layer.a, with: parts.a)
                values.replaceSubrange(layer.b, with: parts.b)
            }
            outcome = Outcome(values: values)
        case .fedExLoRA:
            var sums = products
            for (index, layer) in factors.layers.enumerated() {
                means[index].write(layer, to: &values)
                // Less the product of the factors as they are published.
                sums[index].scale(by: 1 / totalWeight)
                sums[index].add(
                    b: values[layer.b].map(Double.init), a: values[layer.a].map(Double.init), weight: -layer.scale)
            }
            outcome = Outcome(values: values)
            try outcome.keep(sums, factors: factors, earlier: residual, rank: residualRank)
        case .flora:
            var random = random
            var sums = products
            for (index, layer) in factors.layers.enumerated() {
                sums[index].scale(by: 1 / totalWeight)
                let bound = 1 / Float(layer.inputs).squareRoot()
                for place in layer.a { values[place] = bound * (2 * random.uniform() - 1) }
                for place in layer.b { values[place] = 0 }
            }
            outcome = Outcome(values: values)
            try outcome.keep(sums, factors: factors, earlier: residual, rank: residualRank)
        case .separate, .ffaLoRA, .roLoRA, .fedSA, .fedSB: preconditionFailure("\(aggregation) mixes no factors")
        }
        guard outcome.values.allSatisfy(\.isFinite) else { throw .notFinite }
        return outcome
    }
}

extension MixingStep.Outcome {
    init(values: [Float]) {
        self.init(values: values, residual: nil, truncation: nil)
    }

    fileprivate mutating func keep(
        _ sums: [LowRankSum], factors: AdapterFactors, earlier: AdapterResidual?, rank: Int
    ) throws(AggregationError) {
        (residual, truncation) = try ResidualTruncation.next(sums, factors: factors, earlier: earlier, rank: rank)
    }
}
