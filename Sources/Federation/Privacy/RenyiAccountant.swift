internal import Glibc

/// Counts a privacy budget by Rényi divergences: quick and simple, and above the truth.
///
/// - SeeAlso: Mironov et al. 2019 (arXiv:1908.10530) for the sampled Gaussian mechanism; Canonne et al. 2020
///   (arXiv:2004.00010), Proposition 12, for the way to epsilon.
public enum RenyiAccountant {
    /// Fractional ones too: whole orders alone give up to 5% more epsilon.
    static let orders: [Double] =
        (1..<100).map { 1 + Double($0) / 10 } + (11..<64).map(Double.init) + [128, 256, 512, 1024]

    /// The Rényi divergence of one step, of the given order.
    ///
    /// `ln E[r(z)^α] / (α − 1)` over `z ~ N(0, σ²)` with `r` the likelihood ratio, by the trapezoidal rule, whose error
    /// vanishes exponentially for such an integrand. As `E[r] = 1`, what is summed is `r^α − 1 − α(r − 1)`, so that
    /// nothing is lost where the divergence is tiny.
    /// - Parameter order: Above 1.
    public static func divergence(_ step: SampledGaussian, order: Double) -> Double {
        let noise = step.noiseMultiplier
        if step.samplingRate == 1 { return order / (2 * noise * noise) }
        let width = min(noise / 16, noise * noise / 2)
        let first = -12 * noise
        let count = Int(((order + 12 * noise) - first) / width)
        let overflows = order * step.privacyLoss(at: order + 12 * noise) > 600
        var sum = 0.0
        var largest = -Double.infinity
        for index in 0...count {
            let z = first + Double(index) * width
            let loss = step.privacyLoss(at: z)
            let density = -z * z / (2 * noise * noise)
            if overflows {
                let exponent = order * loss + density
                if exponent > largest {
                    sum = sum * exp(largest - exponent) + 1
                    largest = exponent
                } else {
                    sum += exp(exponent - largest)
                }
            } else {
                sum += exp(density) * (expm1(order * loss) - order * expm1(loss))
            }
        }
        let scale = width / (noise * (2 * Double.pi).squareRoot())
        let logarithm = overflows ? log(sum * scale) + largest : log1p(sum * scale)
        return max(0, logarithm) / (order - 1)
    }

    /// Epsilon after all steps together.
    /// - Parameter steps: How often each kind of step was taken; each at least once.
    public static func epsilon(_ steps: [SampledGaussian: Int], delta: Double) throws(PrivacyError) -> Double {
        try PrivacyLossAccountant.check(steps, delta: delta)
        var least = Double.infinity
        for order in orders {
            // In a fixed order: sums of floating-point numbers depend on it.
            let total = steps.map { divergence($0.key, order: order) * Double($0.value) }.sorted().reduce(0, +)
            least = min(least, total + log1p(-1 / order) - log(delta * order) / (order - 1))
        }
        return max(0, least)
    }
}
