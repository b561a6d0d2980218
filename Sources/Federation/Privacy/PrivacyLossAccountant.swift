internal import Glibc

/// Counts a privacy budget by distributions of the privacy loss: as tight as numbers allow, and not below the
/// truth down to ``leastDelta``.
///
/// Steps of one kind are composed by their count, not one by one: a plan of 30,000 rounds takes no longer than one of ten.
/// - SeeAlso: Koskela et al. 2020 (arXiv:1906.03049); Doroshenko et al. 2022 (arXiv:2207.04380).
public enum PrivacyLossAccountant {
    /// The Fourier transform's rounding errors are of the size of a much smaller delta: counted with 1e-14, a thousand
    /// steps of noise 1 at rate 0.01 would seem to cost 0.7% less than they do.
    public static let leastDelta = 1e-10

    /// Mass that may lie outside the window of losses kept; counted as lost privacy.
    private static let tail = 1e-15
    /// What the transform's rounding may hide of the mass of high losses, a step: 3e-18 was seen. Counted as lost privacy.
    private static let rounding = 1e-17
    private static let finestGap = 1e-4
    /// Losses that spread over more than ``mostLosses`` of this guarantee nothing: epsilon is told as infinite.
    private static let coarsestGap = 1.0
    private static let mostLosses = 1 << 17

    /// Epsilon after all steps together; infinite where no finite one holds.
    /// - Parameter steps: How often each kind of step was taken; each at least once.
    public static func epsilon(_ steps: [SampledGaussian: Int], delta: Double) throws(PrivacyError) -> Double {
        try check(steps, delta: delta)
        let ordered = steps.sorted {
            ($0.key.samplingRate, $0.key.noiseMultiplier) < ($1.key.samplingRate, $1.key.noiseMultiplier)
        }
        // Without sampling both directions are alike.
        let isSampled = ordered.contains { $0.key.samplingRate < 1 }
        let directions = isSampled ? PrivacyLossDistribution.Direction.allCases : [.remove]
        return directions.map { epsilon(ordered.map { ($0.key, $0.value) }, $0, delta: delta) }.max() ?? 0
    }

    static func check(_ steps: [SampledGaussian: Int], delta: Double) throws(PrivacyError) {
        guard delta >= leastDelta, delta < 1 else { throw .delta(delta) }
        for count in steps.values where count < 1 { throw .steps(count) }
    }

    private static func epsilon(
        _ steps: [(step: SampledGaussian, count: Int)], _ direction: PrivacyLossDistribution.Direction, delta: Double
    ) -> Double {
        // A grid that is too fine for one step alone need not be tried: with little noise it has millions of losses.
        let widest = steps.map { PrivacyLossDistribution.width(of: $0.step) / finestGap }.max() ?? 0
        var gap = finestGap * max(1, (widest / Double(mostLosses)).rounded(.up))
        while gap <= coarsestGap {
            let parts = steps.map { (PrivacyLossDistribution($0.step, direction, gap: gap), $0.count) }
            let window = window(of: parts)
            let losses = Int(((window.upperBound - window.lowerBound) / gap).rounded(.up)) + 2
            let largest = max(losses, parts.map { $0.0.masses.count }.max() ?? 0)
            if largest <= mostLosses {
                return compose(parts, from: Int((window.lowerBound / gap).rounded(.down)), losses: losses, gap: gap)
                    .epsilon(delta: delta)
            }
            gap *= (Double(largest) / Double(mostLosses)).rounded(.up)
        }
        return .infinity
    }

    /// Losses between which the sum of all steps' lies, but for ``tail`` (Chernoff's bound).
    private static func window(of parts: [(PrivacyLossDistribution, Int)]) -> ClosedRange<Double> {
        var upper = parts.reduce(0) { $0 + Double($1.0.highest * $1.1) * $1.0.gap }
        var lower = parts.reduce(0) { $0 + Double($1.0.lowest * $1.1) * $1.0.gap }
        let exponents = (-6..<14).map { exp2(Double($0) / 2) }
        let both = exponents + exponents.map { -$0 }
        var totals = [Double](repeating: -log(tail / 2), count: both.count)
        for (part, count) in parts {
            for (index, moment) in part.logMoments(both).enumerated() { totals[index] += moment * Double(count) }
        }
        for (index, t) in exponents.enumerated() {
            upper = min(upper, totals[index] / t)
            lower = max(lower, -totals[index + exponents.count] / t)
        }
        return min(lower, upper)...max(lower, upper)
    }

    /// The sum's distribution: a product of Fourier transforms to the power of their counts. Losses outside the window
    /// fold back into it, which ``tail`` accounts for.
    private static func compose(
        _ parts: [(PrivacyLossDistribution, Int)], from lowest: Int, losses: Int, gap: Double
    ) -> ComposedLosses {
        var size = 1
        while size < losses { size *= 2 }
        let transform = FourierTransform(count: size)
        var logarithms = [Double](repeating: 0, count: size)
        var angles = logarithms
        var (finite, steps) = (0.0, 0)
        for (part, count) in parts {
            var real = [Double](repeating: 0, count: size)
            var imaginary = real
            for index in part.masses.indices { real[wrapped(part.lowest + index, size)] += part.masses[index] }
            transform.transform(&real, &imaginary)
            for index in 0..<size {
                logarithms[index] += Double(count) * log(hypot(real[index], imaginary[index]))
                angles[index] += Double(count) * atan2(imaginary[index], real[index])
            }
            finite += Double(count) * log1p(-part.infinite)
            steps += count
        }
        var real = zip(logarithms, angles).map { exp($0) * cos($1) }
        var imaginary = zip(logarithms, angles).map { exp($0) * sin($1) }
        transform.transform(&real, &imaginary, inverse: true)
        let masses = (0..<size).map { max(0, real[wrapped(lowest + $0, size)] / Double(size)) }
        let infinite = -expm1(finite) + tail + rounding * Double(steps)
        return ComposedLosses(gap: gap, lowest: lowest, masses: masses, infinite: infinite)
    }

    private static func wrapped(_ index: Int, _ size: Int) -> Int { index & (size - 1) }
}

/// The privacy loss of many steps together.
private struct ComposedLosses {
    let gap: Double
    let lowest: Int
    let masses: [Double]
    let infinite: Double

    /// The least epsilon, at least 0, whose hockey-stick divergence `Σ max(0, 1 − e^(ε − loss))·mass` is at most delta.
    func epsilon(delta: Double) -> Double {
        guard infinite <= delta else { return .infinity }
        // From the largest loss down; `weighted` is Σ mass·e^(place − loss) over the losses above.
        var mass = infinite
        var weighted = 0.0
        let decay = exp(-gap)
        for index in masses.indices.reversed() {
            let place = Double(lowest + index) * gap
            if mass - weighted > delta {
                // Between this loss and the next: mass − weighted·e^(ε − place) = delta.
                return max(0, place + log((mass - delta) / weighted))
            }
            guard place > 0 else { break }
            mass += masses[index]
            weighted = (weighted + masses[index]) * decay
        }
        guard mass - weighted > delta, weighted > 0 else { return 0 }
        return max(0, Double(lowest - 1) * gap + log((mass - delta) / weighted))
    }
}
