internal import Glibc

/// Finds the noise that keeps a privacy budget.
public enum NoiseCalibration {
    static let largestNoiseMultiplier = 10_000.0

    /// The least noise multiplier, rounded up to four digits, with which `rounds` steps stay within `epsilon` by
    /// ``PrivacyBudget/spent(_:)``.
    /// - Parameters:
    ///   - samplingRate: Share of the enrolled workers that a round's coins choose, above 0 and at most 1.
    ///   - lattice: Where the noise is on integers.
    public static func noiseMultiplier(
        epsilon: Double, delta: Double, samplingRate: Double, rounds: Int, on lattice: NoiseLattice? = nil
    ) throws(PrivacyError) -> Double {
        guard epsilon > 0, epsilon.isFinite else { throw .epsilon(epsilon) }
        let budget = PrivacyBudget(epsilon: epsilon, delta: delta, lattice: lattice)
        func spent(_ noise: Double) throws(PrivacyError) -> Double {
            try budget.spent([SampledGaussian(samplingRate: samplingRate, noiseMultiplier: noise): rounds])
        }
        var low = SampledGaussian.leastNoiseMultiplier
        if try spent(low) <= epsilon { return low }
        var high = 1.0
        while try spent(high) > epsilon {
            low = high
            high *= 2
            guard high <= largestNoiseMultiplier else { throw .unreachable(epsilon: epsilon, delta: delta) }
        }
        while high / low > 1 + 1e-5 {
            let middle = (low * high).squareRoot()
            if try spent(middle) > epsilon { low = middle } else { high = middle }
        }
        // Rounding up keeps the budget: more noise never costs more.
        let unit = pow(10, (log10(high)).rounded(.down) - 3)
        return (high / unit).rounded(.up) * unit
    }
}
