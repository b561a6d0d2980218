internal import Glibc

/// Whole-number noise that many add up: the difference of two Poisson numbers of the same mean.
///
/// A sum of such numbers is one again, with the sum of the variances: where each of n workers adds variance v to its
/// integers, their sum has noise of variance n·v exactly, which normal noise that is rounded would not.
/// - SeeAlso: Agarwal et al. 2021 (arXiv:2110.04995).
public struct SkellamNoise: Hashable, Sendable {
    /// Unit: steps of the integers, squared.
    public let variance: Double
    private let numbers: PoissonNumbers

    public static let largestVariance = 0x1p51

    /// - Parameter variance: From 0 to ``largestVariance``.
    public init(variance: Double) {
        self.variance = variance
        numbers = PoissonNumbers(mean: variance / 2)
    }

    /// - Parameter generator: A cryptographic one, where the noise protects anybody.
    public func next(using generator: inout some RandomNumberGenerator) -> Int64 {
        numbers.next(using: &generator) - numbers.next(using: &generator)
    }

    /// How far from 0 the noise lies at most, but for a chance of `2^−bits`.
    ///
    /// Chernoff's bound: `P(|X| ≥ t) ≤ 2 exp(v(√(1 + (t/v)²) − 1) − t·asinh(t/v))`.
    public static func reach(variance: Double, failureBits bits: Double) -> Double {
        guard variance > 0 else { return 0 }
        let wanted = (bits + 1) * log(2)
        func exponent(_ t: Double) -> Double {
            let ratio = t / variance
            return t * asinh(ratio) - variance * (ratio * ratio / ((1 + ratio * ratio).squareRoot() + 1))
        }
        var (low, high) = (0.0, variance.squareRoot())
        while exponent(high) < wanted { (low, high) = (high, 2 * high) }
        while high - low > 1e-9 * high {
            let middle = (low + high) / 2
            if exponent(middle) < wanted { low = middle } else { high = middle }
        }
        return high
    }
}
