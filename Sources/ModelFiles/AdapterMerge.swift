extension AdapterResidual {
    /// Adapter and residual as one plain adapter, `[A; A_res]` and `[B  B_res/s]`: base + residual + adapter in PEFT's
    /// terms.
    ///
    /// Each layer keeps its scale s; as its rank grows, its α does, too.
    ///
    /// - Parameters:
    ///   - values: The adapter's, `[layout.parameterCount]`.
    ///   - configuration: The adapter's, without magnitudes.
    public func merged(
        into values: [Float], layout: AdapterLayout, configuration: AdapterConfiguration
    ) throws -> (configuration: AdapterConfiguration, layout: AdapterLayout, values: [Float]) {
        precondition(!configuration.isWeightDecomposed, "magnitudes belong to the weight without the residual")
        let adapter = try AdapterFactors(layout, configuration)
        let own = factors
        for layer in own.layers where !adapter.layers.contains(where: { $0.matches(layer) }) {
            throw AdapterResidualError.unknownLayer(layer.name)
        }
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        var ranks: [String: Int] = [:]
        for layer in adapter.layers {
            let extra = own.layers.first { $0.name == layer.name }
            let rank = layer.rank + (extra?.rank ?? 0)
            ranks[layer.name] = rank
            var a = Array(values[layer.a])
            var b: [Float] = []
            if let extra { a += self.values[extra.a] }
            for row in 0..<layer.outputs {
                b += values[layer.b][(layer.b.lowerBound + row * layer.rank)...].prefix(layer.rank)
                guard let extra else { continue }
                let part = self.values[extra.b][(extra.b.lowerBound + row * extra.rank)...].prefix(extra.rank)
                b += part.map { Float(Double($0) / layer.scale) }
            }
            tensors.append((AdapterTensorName(layer: layer.name, factor: .a).description, [rank, layer.inputs], a))
            tensors.append((AdapterTensorName(layer: layer.name, factor: .b).description, [layer.outputs, rank], b))
        }
        for entry in layout.entries where AdapterTensorName(entry.name) == nil {
            tensors.append((entry.name, entry.shape, Array(values[entry.range])))
        }
        let merged = AdapterLayout(tensors.map { ($0.name, $0.shape) })
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.values) })
        return (
            configuration.withRanks(ranks, scales: adapter), merged, merged.entries.flatMap { byName[$0.name] ?? [] }
        )
    }
}

extension AdapterFactors.Layer {
    fileprivate func matches(_ other: AdapterFactors.Layer) -> Bool {
        name == other.name && inputs == other.inputs && outputs == other.outputs
    }
}

extension AdapterConfiguration {
    /// Gives every layer its own rank at the scale it had: as defaults where all agree, else layer by layer.
    package func withRanks(_ ranks: [String: Int], scales: AdapterFactors) -> AdapterConfiguration {
        var result = self
        let alphas = scales.layers.map { layer in
            let rank = Double(ranks[layer.name] ?? layer.rank)
            return layer.scale * (isRankStabilised ? rank.squareRoot() : rank)
        }
        guard let rank = ranks.values.max(), let alpha = alphas.max() else { return self }
        result.rank = rank
        result.alpha = alpha
        // A whole path is an expression that matches itself alone: its dots stand where dots are.
        result.rankPattern = ranks.filter { $0.value != rank }
        result.alphaPattern = [:]
        for (layer, own) in zip(scales.layers, alphas) where own != alpha { result.alphaPattern[layer.name] = own }
        return result
    }
}
