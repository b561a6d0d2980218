internal import Glibc

/// How the privacy loss `ln(P(x)/Q(x))` of one step is distributed under P, on a grid of losses.
///
/// Each cell's mass goes to the cell's two ends such that both its P mass and its Q mass stay: the divergence is exact at
/// the grid's losses and a little above the truth between them.
/// - SeeAlso: Doroshenko et al. 2022, "Connect the Dots" (arXiv:2207.04380).
struct PrivacyLossDistribution {
    /// Which of two neighbouring data sets P comes from.
    enum Direction: CaseIterable {
        /// P holds the worker, Q does not.
        case remove
        case add
    }

    /// Between neighbouring losses of the grid. Unit: nats.
    let gap: Double
    /// The first loss is `lowest · gap`.
    let lowest: Int
    let masses: [Double]
    /// Mass of an infinite loss.
    let infinite: Double

    var highest: Int { lowest + masses.count - 1 }

    /// The losses that one step is followed through. Beyond ten standard deviations lies less than 1e-23.
    private static func range(of step: SampledGaussian) -> ClosedRange<Double> {
        let reach = 10 * step.noiseMultiplier
        return step.privacyLoss(at: -reach)...step.privacyLoss(at: 1 + reach)
    }

    /// How far they lie apart. Unit: nats.
    static func width(of step: SampledGaussian) -> Double {
        let range = range(of: step)
        return range.upperBound - range.lowerBound
    }

    init(_ step: SampledGaussian, _ direction: Direction, gap: Double) {
        let range = Self.range(of: step)
        let losses = direction == .remove ? range : -range.upperBound ... -range.lowerBound
        let lowest = Int((losses.lowerBound / gap).rounded(.down))
        let cells = max(1, Int((losses.upperBound / gap).rounded(.up)) - lowest)
        var masses = [Double](repeating: 0, count: cells + 1)
        let ends = (0...cells).map { index in
            let loss = Double(lowest + index) * gap
            return direction == .remove ? step.place(ofLoss: loss) : step.place(ofLoss: -loss)
        }
        let shrink = -expm1(-gap)
        var finite = 0.0
        for cell in 0..<cells {
            let (from, to) = direction == .remove ? (ends[cell], ends[cell + 1]) : (ends[cell + 1], ends[cell])
            let without = Self.normalMass(from, to, step.noiseMultiplier)
            let with =
                (1 - step.samplingRate) * without
                + step.samplingRate * Self.normalMass(from - 1, to - 1, step.noiseMultiplier)
            let (p, q) = direction == .remove ? (with, without) : (without, with)
            // upper + lower = p and upper·e^−(loss + gap) + lower·e^−loss = q
            let matched = q > 0 ? q * exp(Double(lowest + cell) * gap) : 0  // The power may overflow, 0 times it not.
            let upper = min(p, max(0, (p - matched) / shrink))
            masses[cell] += p - upper
            masses[cell + 1] += upper
            finite += p
        }
        // What the grid does not reach: above it counts as infinite, below it as its lowest loss.
        let above: Double
        switch direction {
        case .remove:
            let tail = ends[cells]
            above =
                (1 - step.samplingRate) * Self.normalMass(tail, .infinity, step.noiseMultiplier)
                + step.samplingRate * Self.normalMass(tail - 1, .infinity, step.noiseMultiplier)
        case .add: above = Self.normalMass(-.infinity, ends[cells], step.noiseMultiplier)
        }
        masses[0] += max(0, 1 - finite - above)
        self.gap = gap
        self.lowest = lowest
        self.masses = masses
        infinite = above
    }

    /// The normal distribution's mass between two places, precise in both tails.
    private static func normalMass(_ from: Double, _ to: Double, _ deviation: Double) -> Double {
        guard from < to else { return 0 }
        let a = from / (deviation * 2.0.squareRoot())
        let b = to / (deviation * 2.0.squareRoot())
        if a > 0 { return (erfc(a) - erfc(b)) / 2 }
        if b < 0 { return (erfc(-b) - erfc(-a)) / 2 }
        return (erf(b) - erf(a)) / 2
    }

    /// `ln E[e^(t·loss)]` over finite losses, for each `t`.
    func logMoments(_ exponents: [Double]) -> [Double] {
        let terms = masses.indices.filter { masses[$0] > 0 }.map {
            (loss: Double(lowest + $0) * gap, logMass: log(masses[$0]))
        }
        return exponents.map { t in
            var top = -Double.infinity
            for term in terms { top = max(top, term.logMass + t * term.loss) }
            var sum = 0.0
            for term in terms { sum += exp(term.logMass + t * term.loss - top) }
            return log(sum) + top
        }
    }
}
