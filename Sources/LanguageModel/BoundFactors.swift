internal import ModelFiles
internal import Tensor

extension LowRankAdapter? {
    /// The adapter's factors by the place of their layers, valid for the length of `body`.
    ///
    /// - Parameters:
    ///   - positions: Places of the model's linear layers.
    ///   - gradient: `[parameterCount]`, where gradients are added; `nil`: none are wanted.
    func withFactors<Result>(
        at positions: [String: Int], gradient: UnsafeMutablePointer<Float>?, _ body: ([LowRankFactors?]) -> Result
    ) -> Result {
        guard let adapter = self, !adapter.targets.isEmpty else { return body([]) }
        return adapter.withValues { base, frozen in
            var factors = [LowRankFactors?](repeating: nil, count: positions.count)
            for target in adapter.targets {
                guard let position = positions[target.layer] else {
                    preconditionFailure("adapter target \(target.layer) is no layer of this model")
                }
                factors[position] = LowRankFactors(
                    rank: target.rank, scale: target.scale, a: base + target.offsetA, b: base + target.offsetB,
                    gradientA: gradient.map { $0 + target.offsetA }, gradientB: gradient.map { $0 + target.offsetB },
                    magnitude: target.magnitudeOffset.map { base + $0 },
                    gradientMagnitude: target.magnitudeOffset.flatMap { offset in gradient.map { $0 + offset } },
                    frozen: frozen.flatMap { frozen in
                        adapter.frozen?.layers[target.layer].map { layer in
                            LowRankFactors.Frozen(
                                rank: layer.rank, a: frozen + layer.a.lowerBound, b: frozen + layer.b.lowerBound)
                        }
                    })
            }
            return body(factors)
        }
    }
}

extension LowRankAdapter {
    /// The adapter's values and those of its frozen products, valid for the length of `body`.
    fileprivate func withValues<Result>(
        _ body: (UnsafePointer<Float>, _ frozen: UnsafePointer<Float>?) -> Result
    ) -> Result {
        values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { preconditionFailure("an adapter with targets has values") }
            guard let frozen else { return body(base, nil) }
            return frozen.values.withUnsafeBufferPointer { body(base, $0.baseAddress) }
        }
    }
}
