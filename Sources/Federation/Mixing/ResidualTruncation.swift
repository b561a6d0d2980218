internal import ModelFiles

/// How much of a residual its bound on the rank cost.
public struct ResidualTruncation: Hashable, Sendable {
    /// The largest rank of a layer.
    public var rank: Int
    /// Of all layers together: the Frobenius norm of what was left out this round, over that of the whole.
    public var relativeError: Double

    public init(rank: Int, relativeError: Double) {
        self.rank = rank
        self.relativeError = relativeError
    }

    /// The best residual of bounded rank for what earlier rounds left and this one adds.
    ///
    /// - Parameters:
    ///   - sums: What the round adds, a layer each.
    ///   - rank: The bound for each layer.
    static func next(
        _ sums: [LowRankSum], factors: AdapterFactors, earlier: AdapterResidual?, rank: Int
    ) throws(AggregationError) -> (AdapterResidual?, ResidualTruncation) {
        let before = earlier?.factors
        var tensors: [String: (shape: [Int], values: [Float])] = [:]
        var (largest, left, whole) = (0, 0.0, 0.0)
        for (layer, sum) in zip(factors.layers, sums) {
            var sum = sum
            if let earlier, let known = before?.layers.first(where: { $0.name == layer.name }) {
                sum.add(
                    b: earlier.values[known.b].map(Double.init), a: earlier.values[known.a].map(Double.init), weight: 1)
            }
            guard sum.isFinite else { throw .notFinite }
            let parts = sum.decomposed()
            let kept = min(rank, parts.numericalRank)
            whole += parts.squaredNorm
            left += parts.squaredRemainder(rank: kept)
            largest = max(largest, kept)
            guard kept > 0 else { continue }
            let (b, a) = parts.factors(rank: kept, factorB: 1)
            let name = { AdapterTensorName(layer: layer.name, factor: $0).description }
            tensors[name(.a)] = ([kept, layer.inputs], a)
            tensors[name(.b)] = ([layer.outputs, kept], b)
        }
        let truncation = ResidualTruncation(
            rank: largest, relativeError: whole > 0 ? (left / whole).squareRoot() : 0)
        guard !tensors.isEmpty else { return (nil, truncation) }
        let layout = AdapterLayout(tensors.map { ($0.key, $0.value.shape) })
        let values = layout.entries.flatMap { tensors[$0.name]?.values ?? [] }
        guard values.allSatisfy(\.isFinite) else { throw .notFinite }
        do { return (try AdapterResidual(layout: layout, values: values), truncation) } catch {
            preconditionFailure("\(error)")
        }
    }
}
