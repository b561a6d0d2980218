internal import Glibc

/// Lets the clip follow a quantile of the updates' norms, which it learns from one noisy bit of each worker.
///
/// `C *= exp(−η(b̄ − γ))`, b̄ the noisy part of workers within the clip. A bit is counted as ±½, so that one worker moves
/// the count by ½: with noise σ_b on the count and z_Δ = (z⁻² − (2σ_b)⁻²)^−½ on the updates, both together cost what
/// noise z on the updates alone would. A round's noise goes with the clip that was applied in it, not with the next one.
/// - SeeAlso: Andrew et al. 2021 (arXiv:1905.03871).
public struct AdaptiveClip: Hashable, Sendable {
    /// γ: the part of the updates that shall be within the clip.
    public var quantile: Double
    /// η
    public var rate: Double
    /// σ_b: standard deviation of the noise on the count of workers within the clip.
    public var countNoise: Double

    public init(quantile: Double = 0.5, rate: Double = 0.2, countNoise: Double) {
        precondition(countNoise > 0, "count noise \(countNoise)")
        self.quantile = quantile
        self.rate = rate
        self.countNoise = countNoise
    }

    /// z_Δ, what is left for the updates of a round that costs what noise multiplier z does; `nil` where the count
    /// alone costs more: σ_b must be above z / 2.
    public func updateNoiseMultiplier(total z: Double) -> Double? {
        let left = 1 / (z * z) - 1 / (4 * countNoise * countNoise)
        return left > 0 ? 1 / left.squareRoot() : nil
    }

    /// The next round's clip.
    ///
    /// - Parameters:
    ///   - clip: The one that was applied.
    ///   - centredWithin: ``ClippedSum/centredWithin``.
    ///   - expectedWorkers: qN, the fixed divisor.
    public func next(
        after clip: Double, centredWithin: Double, expectedWorkers: Int, noise: inout some RandomNumberGenerator
    ) -> Double {
        let noisy = NoiseGrid(deviation: countNoise)
            .nearest(to: centredWithin + countNoise * NormalNoise.pair(using: &noise).0)
        let part = noisy / Double(expectedWorkers) + 0.5
        return clip * exp(-rate * (part - quantile))
    }
}
