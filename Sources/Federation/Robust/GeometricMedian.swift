/// The geometric median: the point with the smallest sum of distances to the updates, by Weiszfeld's iteration with
/// smoothed weights, `v ← Σ wᵢxᵢ / Σ wᵢ`, `wᵢ = 1 / max(ν, ‖xᵢ − v‖)`.
///
/// The point stays a combination of the updates, so an iteration costs n², not n times the adapter. ν is 10⁻⁶ of the
/// median over updates of the median distance to all updates: distances of honest ones, while those are the majority. (A
/// ν that bad updates could raise would give them back the weight that smoothing takes from the near ones.)
///
/// - SeeAlso: Pillutla et al. 2019, Algorithm 3 (arXiv:1912.13445).
enum GeometricMedian {
    private static let iterationsMax = 1_000
    /// Weights that all change by a smaller part than this have settled. (By a part: the smallest weights belong to the
    /// farthest updates.)
    private static let tolerance = 1e-8

    /// The updates' weights, which sum to 1.
    static func weights(_ gram: GramMatrix) -> [Double] {
        var weights = [Double](repeating: 1 / Double(gram.count), count: gram.count)
        let reaches = (0..<gram.count).map { index in
            Ranks.median((0..<gram.count).map { gram.squaredDistance(index, $0).squareRoot() })
        }
        let reach = Ranks.median(reaches)
        guard reach > 0 else {
            // A majority of equal updates is the median.
            let place = reaches.firstIndex(of: 0) ?? 0
            return weights.indices.map { $0 == place ? 1 : 0 }
        }
        for _ in 0..<iterationsMax {
            let inverse = gram.distances(to: weights).map { 1 / max(1e-6 * reach, $0) }
            let sum = inverse.reduce(0, +)
            let next = inverse.map { $0 / sum }
            let change = zip(next, weights).map { abs($0 - $1) / $1 }.max() ?? 0
            weights = next
            if change < tolerance { break }
        }
        return weights
    }
}
