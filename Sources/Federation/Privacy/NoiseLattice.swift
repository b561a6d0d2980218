internal import Glibc

/// What one worker's integers in a sum under masks are bounded by: on them, and not on the values behind them, rests the
/// promise of noise that workers share.
public struct NoiseLattice: Hashable, Sendable {
    /// Δ₂: the largest L2 norm of one worker's integers. Unit: steps.
    public let norm: Double
    /// Values in an update.
    public let dimension: Int

    public init(norm: Double, dimension: Int) {
        precondition(norm > 0 && norm.isFinite && dimension >= 1, "a norm of \(norm) over \(dimension) values")
        self.norm = norm
        self.dimension = dimension
    }

    /// With the norm that rounding up or down at random may give to an update of norm `clip`: at least four in ten
    /// roundings stay within it (1 − β), and the others are drawn again.
    ///
    /// - Parameter clip: Of the update before it is rounded. Unit: steps.
    /// - SeeAlso: Kairouz et al. 2021 (arXiv:2102.06387), the conditional rounding with β = e^−½.
    public init(clip: Double, dimension: Int) {
        let root = Double(dimension).squareRoot()
        let likely = (clip * clip + Double(dimension) / 4 + clip + root / 2).squareRoot()
        self.init(norm: min(clip + root, likely), dimension: dimension)
    }

    /// Δ₁: the largest L1 norm. Integers are no larger than their squares.
    public var sumNorm: Double { min(Double(dimension).squareRoot() * norm, norm * norm) }

    /// Integers whose norms differ by less than this are alike: `norm` is a double.
    public func holds(squaredNorm: Double) -> Bool { squaredNorm <= norm * norm * (1 + 1e-12) }
}
