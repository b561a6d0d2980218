internal import Glibc

/// Poisson numbers of one mean, from any generator of random bits.
///
/// By transformed rejection for means of 10 and more (Hörmann 1993, PTRS), whose time does not grow with the mean, and by
/// inversion below. The probabilities it accepts by are computed as Loader 2000 does, without the cancellation that
/// `k·ln λ − λ − ln k!` has at means of billions: they are right to about fourteen digits.
struct PoissonNumbers: Hashable, Sendable {
    let mean: Double
    // Hörmann's a, b, 1/alpha and v_r.
    private let a, b, inverseAlpha, sureBelow: Double
    private static let inversionBelow = 10.0

    /// - Parameter mean: From 0 to 2⁵⁰, so that numbers are exact in double precision.
    init(mean: Double) {
        precondition(mean >= 0 && mean <= 0x1p50, "Poisson numbers of mean \(mean)")
        self.mean = mean
        b = 0.931 + 2.53 * mean.squareRoot()
        a = -0.059 + 0.02483 * b
        inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
        sureBelow = 0.9277 - 3.6224 / (b - 2)
    }

    func next(using generator: inout some RandomNumberGenerator) -> Int64 {
        if mean < Self.inversionBelow { return inverted(Self.uniform(&generator)) }
        while true {
            let u = Self.uniform(&generator) - 0.5
            let v = Self.uniform(&generator)
            let us = 0.5 - abs(u)
            let k = ((2 * a / us + b) * u + mean + 0.43).rounded(.down)
            if us >= 0.07, v <= sureBelow { return Int64(k) }
            if k < 0 || us < 0.013 && v > us { continue }
            if log(v * inverseAlpha / (a / (us * us) + b)) <= logProbability(k) { return Int64(k) }
        }
    }

    private func inverted(_ uniform: Double) -> Int64 {
        var (probability, number) = (exp(-mean), 0.0)
        var below = probability
        // The sum may end a rounding error below 1.
        while uniform >= below, number < 200 {
            number += 1
            probability *= mean / number
            below += probability
        }
        return Int64(number)
    }

    /// `ln(e^−λ λ^k / k!)`, k ≥ 0.
    func logProbability(_ k: Double) -> Double {
        guard k > 0 else { return -mean }
        return -Self.stirlingError(k) - Self.deviance(k, mean) - 0.5 * log(2 * Double.pi * k)
    }

    /// `ln k! − (k + ½) ln k + k − ½ ln 2π`
    private static func stirlingError(_ k: Double) -> Double {
        guard k > 15 else {
            let logFactorial = k < 2 ? 0 : (2...Int(k)).reduce(0) { $0 + log(Double($1)) }
            return logFactorial - (k + 0.5) * log(k) + k - 0.5 * log(2 * Double.pi)
        }
        let square = k * k
        let fourth = 1.0 / 1_260 - (1.0 / 1_680 - 1 / (1_188 * square)) / square
        return (1.0 / 12 - (1.0 / 360 - fourth / square) / square) / k
    }

    /// `x ln(x/λ) + λ − x`, exact where both are near.
    private static func deviance(_ x: Double, _ mean: Double) -> Double {
        guard abs(x - mean) < 0.1 * (x + mean) else { return x * log(x / mean) + mean - x }
        let ratio = (x - mean) / (x + mean)
        var sum = (x - mean) * ratio
        var power = 2 * x * ratio
        for order in 1..<1_000 {
            power *= ratio * ratio
            let next = sum + power / Double(2 * order + 1)
            if next == sum { break }
            sum = next
        }
        return sum
    }

    /// From 0 to below 1, 53 bits.
    private static func uniform(_ generator: inout some RandomNumberGenerator) -> Double {
        Double(generator.next() >> 11) * 0x1p-53
    }
}
