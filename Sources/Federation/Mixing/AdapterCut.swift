public import ModelFiles

/// A finished adapter at a lower rank: each layer's product by its leading singular values.
public struct AdapterCut: Sendable {
    public let configuration: AdapterConfiguration
    public let layout: AdapterLayout
    /// `[layout.parameterCount]`
    public let values: [Float]
    /// Of all layers together: the Frobenius norm of what was left out, over that of the scaled products.
    public let relativeError: Double

    /// The best approximation with no layer above `rank`; layers keep their scales.
    ///
    /// - Parameters:
    ///   - configuration: Without magnitudes.
    ///   - values: `[layout.parameterCount]`, float32.
    public init(
        _ values: [Float], layout: AdapterLayout, configuration: AdapterConfiguration, rank: Int
    ) throws(ModuleNamePatternError) {
        precondition(!configuration.isWeightDecomposed && rank >= 1, "rank \(rank)")
        let factors = try AdapterFactors(layout, configuration)
        let target = layout.limited(toRank: rank)
        let places = AdapterFactors(target) { _ in 1 }
        var cut = [Float](repeating: 0, count: target.parameterCount)
        var (left, whole) = (0.0, 0.0)
        for (layer, place) in zip(factors.layers, places.layers) {
            var sum = LowRankSum(outputs: layer.outputs, inputs: layer.inputs)
            sum.add(b: values[layer.b].map(Double.init), a: values[layer.a].map(Double.init), weight: layer.scale)
            let parts = sum.decomposed()
            whole += parts.squaredNorm
            guard place.rank < layer.rank else {
                cut.replaceSubrange(place.a, with: values[layer.a])
                cut.replaceSubrange(place.b, with: values[layer.b])
                continue
            }
            left += parts.squaredRemainder(rank: place.rank)
            let (b, a) = parts.factors(rank: place.rank, factorB: 1 / layer.scale)
            cut.replaceSubrange(place.a, with: a)
            cut.replaceSubrange(place.b, with: b)
        }
        for (from, to) in zip(factors.others, places.others) { cut.replaceSubrange(to, with: values[from]) }
        let ranks = Dictionary(places.layers.map { ($0.name, $0.rank) }, uniquingKeysWith: { first, _ in first })
        self.configuration = configuration.withRanks(ranks, scales: factors)
        self.layout = target
        self.values = cut
        relativeError = whole > 0 ? (left / whole).squareRoot() : 0
    }
}
