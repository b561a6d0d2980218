internal import Glibc

/// Counts a privacy budget that is spent on sums of integers with ``SkellamNoise``.
///
/// What a step costs is counted between a worker's integers and none, with its share of the noise there in both.
/// - SeeAlso: Agarwal et al. 2021 (arXiv:2110.04995), Theorem 3.5 and Corollary 3.6; Canonne et al. 2020
///   (arXiv:2004.00010), Proposition 12, for the way to epsilon.
public enum SkellamAccountant {
    /// Between whole ones by convexity; see ``divergence(_:noiseMultiplier:order:)``.
    static let orders: [Double] =
        (1..<100).map { 1 + Double($0) / 10 } + (11..<64).map(Double.init) + [80, 96, 128, 192, 256, 384, 512, 1024]

    /// An upper bound on the Rényi divergence of one step, of the given order.
    ///
    /// With μ the noise's variance and whole orders α > 1, `αΔ₂²/2μ + min(((2α − 1)Δ₂² + 6Δ₁)/4μ², 3Δ₁/2μ)`. In between,
    /// (α − 1)·D_α is convex in α and 0 at 1, so that the chord between its neighbours bounds it.
    /// - Parameters:
    ///   - noiseMultiplier: Standard deviation of all noise in the sum over Δ₂.
    ///   - order: Above 1.
    public static func divergence(_ lattice: NoiseLattice, noiseMultiplier: Double, order: Double) -> Double {
        let lower = order.rounded(.down)
        guard lower < order else { return wholeOrder(lattice, noiseMultiplier, order) }
        let share = order - lower
        let below = lower > 1 ? (lower - 1) * wholeOrder(lattice, noiseMultiplier, lower) : 0
        return ((1 - share) * below + share * lower * wholeOrder(lattice, noiseMultiplier, lower + 1)) / (order - 1)
    }

    private static func wholeOrder(_ lattice: NoiseLattice, _ noiseMultiplier: Double, _ order: Double) -> Double {
        let square = lattice.norm * lattice.norm
        let variance = noiseMultiplier * noiseMultiplier * square
        let correction = min(
            ((2 * order - 1) * square + 6 * lattice.sumNorm) / (4 * variance * variance),
            3 * lattice.sumNorm / (2 * variance))
        return order * square / (2 * variance) + correction
    }

    /// Epsilon after all steps together.
    /// - Parameter steps: How often each kind of step was taken, by its noise; each at least once. None is sampled.
    public static func epsilon(
        _ steps: [SampledGaussian: Int], on lattice: NoiseLattice, delta: Double
    ) throws(PrivacyError) -> Double {
        try PrivacyLossAccountant.check(steps, delta: delta)
        for step in steps.keys where step.samplingRate < 1 { throw .samplingRate(step.samplingRate) }
        var least = Double.infinity
        for order in orders {
            let total = steps.map { step, count in
                divergence(lattice, noiseMultiplier: step.noiseMultiplier, order: order) * Double(count)
            }.sorted().reduce(0, +)
            least = min(least, total + log1p(-1 / order) - log(delta * order) / (order - 1))
        }
        return max(0, least)
    }
}
