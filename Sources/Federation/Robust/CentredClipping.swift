/// Centred clipping: `v ← v + mean((xᵢ − v) · min(1, τ / ‖xᵢ − v‖))`, some times over.
///
/// The paper starts from the last round's aggregate, which workers' momentum makes a good guess; updates here are whole
/// rounds without momentum between them, so it starts from no change at all. Without a radius τ of its own, each
/// iteration takes the median of the distances, which honest updates bound while they are the majority.
///
/// - SeeAlso: Karimireddy et al. 2021, Algorithm 2 (arXiv:2012.10333).
enum CentredClipping {
    private static let iterations = 20

    /// The updates' weights; what is missing to 1 is the weight of no change.
    static func weights(_ gram: GramMatrix, radius: Double?) -> [Double] {
        let count = Double(gram.count)
        var weights = [Double](repeating: 0, count: gram.count)
        for _ in 0..<iterations {
            let distances = gram.distances(to: weights)
            let radius = radius ?? Ranks.median(distances)
            let shares = distances.map { $0 > radius ? radius / $0 : 1 }
            let kept = 1 - shares.reduce(0, +) / count
            for index in weights.indices { weights[index] = kept * weights[index] + shares[index] / count }
        }
        return weights
    }
}
