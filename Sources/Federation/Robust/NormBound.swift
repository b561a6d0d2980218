/// Norm bounding: an update longer than a bound is shortened to it, `x · min(1, B / ‖x‖)`.
///
/// Without a bound of its own it takes the round's median norm, which lies between honest norms while fewer than half of
/// the updates are bad.
///
/// - SeeAlso: Sun et al. 2019, "Can you really backdoor federated learning?" (arXiv:1911.07963).
enum NormBound {
    /// Each update's factor.
    static func factors(_ gram: GramMatrix, bound: Double?) -> [Double] {
        let norms = (0..<gram.count).map(gram.norm)
        let bound = bound ?? Ranks.median(norms)
        return norms.map { $0 > bound ? bound / $0 : 1 }
    }
}

/// Order statistics of a few numbers.
enum Ranks {
    /// The middle number, or the mean of the two in the middle.
    static func median(_ values: [Double]) -> Double {
        precondition(!values.isEmpty, "the median of no numbers")
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
