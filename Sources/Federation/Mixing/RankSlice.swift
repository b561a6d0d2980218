public import ModelFiles

extension AdapterFactors {
    /// The part of an adapter that a worker of lower rank trains: the first rows of each A, the first columns of each B.
    ///
    /// B is scaled by the ratio of the scales, so that what is kept computes the same at the worker's own scale α/r. After
    /// an aggregation by singular values these are the leading ones (FlexLoRA); else it is HetLoRA's truncation.
    ///
    /// - Parameters:
    ///   - values: This adapter's, `[parameterCount]`.
    ///   - worker: The same layers, no rank above this adapter's.
    /// - Returns: `[worker.parameterCount]`.
    public func slice(_ values: [Float], for worker: AdapterFactors) -> [Float] {
        precondition(values.count == parameterCount && layers.count == worker.layers.count, "another adapter")
        if self == worker { return values }
        var result = [Float](repeating: 0, count: worker.parameterCount)
        for (from, to) in zip(layers, worker.layers) {
            precondition(from.name == to.name && to.rank <= from.rank, "\(to.name) of rank \(to.rank)")
            result.replaceSubrange(to.a, with: values[from.a.lowerBound...].prefix(to.rank * to.inputs))
            let ratio = from.scale / to.scale
            for row in 0..<to.outputs {
                for column in 0..<to.rank {
                    let value = values[from.b.lowerBound + row * from.rank + column]
                    result[to.b.lowerBound + row * to.rank + column] = Float(Double(value) * ratio)
                }
            }
        }
        for (from, to) in zip(others, worker.others) { result.replaceSubrange(to, with: values[from]) }
        return result
    }
}
