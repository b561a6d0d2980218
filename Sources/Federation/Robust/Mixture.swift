/// What a pre-aggregation makes of a round's updates: each new one a linear combination of the old ones.
///
/// As all of them are of this kind, a chain need not form the updates in between: it follows their scalar products
/// (``GramMatrix/mixed(by:)``), and mixes once, at the end.
struct Mixture: Hashable, Sendable {
    let count: Int
    /// `[new, old]`
    private var weights: [Double]

    init(count: Int, weights: [Double]) {
        precondition(weights.count == count * count, "\(weights.count) weights for \(count) updates")
        self.count = count
        self.weights = weights
    }

    /// Each update times a factor of its own.
    init(scaling factors: [Double]) {
        var weights = [Double](repeating: 0, count: factors.count * factors.count)
        for (index, factor) in factors.enumerated() { weights[index * factors.count + index] = factor }
        self.init(count: factors.count, weights: weights)
    }

    subscript(new: Int, old: Int) -> Double { weights[new * count + old] }

    /// The old updates' weights in one new update.
    func row(_ new: Int) -> ArraySlice<Double> { weights[new * count..<(new + 1) * count] }

    /// This mixture of what an earlier one made.
    func after(_ earlier: Mixture) -> Mixture { Mixture(count: count, weights: times(earlier.weights)) }

    /// What a combination of the new updates is in the old ones.
    func combined(_ combination: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: count)
        for new in 0..<count where combination[new] != 0 {
            for old in 0..<count { result[old] += combination[new] * self[new, old] }
        }
        return result
    }

    /// The matrix product with a `[count, count]` matrix.
    func times(_ matrix: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: count * count)
        for row in 0..<count {
            for inner in 0..<count {
                let factor = self[row, inner]
                guard factor != 0 else { continue }
                for column in 0..<count {
                    result[row * count + column] += factor * matrix[inner * count + column]
                }
            }
        }
        return result
    }
}
