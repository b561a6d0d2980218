internal import Glibc

/// One step of the Gaussian mechanism on a Poisson sample: each worker takes part by a secret coin, its update is clipped
/// to norm C, and normal noise of standard deviation `noiseMultiplier` · C is added to the sum.
///
/// What a step costs is counted under adding or removing one worker with all its data.
/// - SeeAlso: Abadi et al. 2016 (arXiv:1607.00133); McMahan et al. 2018 (arXiv:1710.06963).
public struct SampledGaussian: Hashable, Sendable {
    /// The coin's probability, above 0 and at most 1.
    public let samplingRate: Double
    /// Standard deviation of the noise over the clip. Below 0.05 no epsilon worth the name comes out.
    public let noiseMultiplier: Double

    public static let leastNoiseMultiplier = 0.05

    public init(samplingRate: Double, noiseMultiplier: Double) throws(PrivacyError) {
        guard samplingRate > 0, samplingRate <= 1 else { throw .samplingRate(samplingRate) }
        guard noiseMultiplier >= Self.leastNoiseMultiplier, noiseMultiplier.isFinite else {
            throw .noiseMultiplier(noiseMultiplier)
        }
        self.samplingRate = samplingRate
        self.noiseMultiplier = noiseMultiplier
    }

    /// The logarithm of the likelihood ratio at `z` of a sample with the worker to one without, noise and sum in units
    /// of the clip: `ln(1 − q + q·exp((2z − 1) / 2σ²))`; grows with `z`.
    func privacyLoss(at z: Double) -> Double {
        Self.mixed(exponent: (2 * z - 1) / (2 * noiseMultiplier * noiseMultiplier), samplingRate)
    }

    /// `ln(1 − q + q·eᵘ)` without overflow and without loss near 0.
    private static func mixed(exponent u: Double, _ q: Double) -> Double {
        if q == 1 { return u }
        return u < 30 ? log1p(q * expm1(u)) : u + log(q) + log1p((1 - q) / q * exp(-u))
    }

    /// Where ``privacyLoss(at:)`` is `loss`; −∞ for losses that it never falls to.
    func place(ofLoss loss: Double) -> Double {
        let variance = noiseMultiplier * noiseMultiplier
        if samplingRate == 1 { return variance * loss + 0.5 }
        // eᵘ = (e^loss − 1 + q) / q
        let above = expm1(loss) / samplingRate + 1
        guard above > 0 else { return -.infinity }
        let u = loss < 600 ? log(above) : loss - log(samplingRate)
        return variance * u + 0.5
    }
}
