internal import Glibc

/// How many neighbours each worker of a cohort has in the graph of masks, and how many of them uncover a secret.
///
/// The analysis of Bell et al. 2020 (SecAgg+, ePrint 2020/704, section 3) for a Harary graph over a random order of n
/// workers, m of them colluding with the coordinator and d dropping out. Three events must be unlikely:
///
/// - **A worker's secrets lie open.** A coordinator that tells some neighbours "dropped" and others "survived" gets one
///   kind of share from each honest neighbour and both from each of the X colluding ones, k + X in all, and
///   uncovers the worker if 2·t of them suffice. So 2·t > k + X must hold for every worker: n · P(X ≥ 2t − k) with X hypergeometric,
///   k draws of n − 1 with m marked. It implies X < t, all that the paper asks of a coordinator that follows the
///   protocol.
/// - **The sum of some of the survivors comes out alone.** In a ring where everyone knows the k/2 next on both sides,
///   that takes two gaps, each of k/2 places without an honest survivor; whom it calls dropped, the coordinator chooses
///   once it has seen the graph. The survivor at a gap's edge has k/2 honest neighbours that reveal its own mask, beside
///   the colluding ones in the gap, and t are needed: at least t − k/2 in each gap. Under one signed set of survivors the
///   sum of a part therefore needs 2t − k colluding workers in some two gaps: n·(n−1)/2 · P(Y ≥ 2t − k), Y as X but of n
///   places. (The paper counts a gap of random dropouts, n · ((m + d)/n)^(k/2); colluding workers in it are needed as
///   well, so this bound covers those too.)
/// - **Too few shares are left.** n · P(Z > k − t) with Z of the k neighbours among the d dropped.
///
/// The first two share 2^−(securityBits + triesBits): whoever draws 2^triesBits graphs finds a bad one with a probability
/// of at most 2^−securityBits. The third has 2^−correctnessBits. A complete graph (k = n − 1) has no gaps, and its X and Z
/// are at most m and d.
public struct MaskingDegree: Hashable, Sendable {
    /// Neighbours of each worker, k: even, or all others.
    public let neighbours: Int
    /// Shares that uncover a secret, t.
    public let threshold: Int

    /// - Precondition: `1...neighbours ~= threshold`.
    package init(neighbours: Int, threshold: Int) {
        precondition(1...max(1, neighbours) ~= threshold, "threshold \(threshold) of \(neighbours)")
        self.neighbours = neighbours
        self.threshold = threshold
    }

    /// The fewest neighbours that `assumptions` allow among `cohort` workers, and the smallest threshold with them.
    public init(cohort: Int, under assumptions: MaskingAssumptions) throws(MaskingError) {
        guard cohort >= 2 else { throw .cohortTooSmall(have: cohort, need: 2) }
        let candidates = stride(from: 2, to: cohort - 1, by: 2).map { $0 } + [cohort - 1]
        for neighbours in candidates {
            guard let threshold = Self.threshold(neighbours, cohort: cohort, under: assumptions) else { continue }
            self.init(neighbours: neighbours, threshold: threshold)
            return
        }
        throw .noDegree(
            cohort: cohort, corrupt: assumptions.corruptFraction, dropout: assumptions.dropoutFraction)
    }

    /// Whether these numbers protect a worker of `cohort` as `assumptions` ask. That enough shares survive is the
    /// coordinator's concern and not checked.
    ///
    /// Two machines' logarithms may differ in their last bits, so a worker checks the bound with a little room rather
    /// than for the very same numbers.
    public func isSecure(cohort: Int, under assumptions: MaskingAssumptions) -> Bool {
        guard neighbours == cohort - 1 || (neighbours.isMultiple(of: 2) && 2..<cohort - 1 ~= neighbours),
            threshold <= neighbours
        else { return false }
        let limit = Self.secureLimit(assumptions) * (1 + 1e-6)
        return Self.partition(neighbours, threshold: threshold, cohort: cohort, under: assumptions) <= limit
            && Self.exposure(neighbours, threshold: threshold, cohort: cohort, under: assumptions) <= limit
    }

    private static func threshold(_ neighbours: Int, cohort: Int, under assumptions: MaskingAssumptions) -> Int? {
        let secure = secureLimit(assumptions)
        guard
            let threshold = (neighbours / 2 + 1...max(neighbours, neighbours / 2 + 1)).first(where: {
                exposure(neighbours, threshold: $0, cohort: cohort, under: assumptions) <= secure
                    && partition(neighbours, threshold: $0, cohort: cohort, under: assumptions) <= secure
            }), threshold <= neighbours
        else { return nil }
        let lost =
            Double(cohort)
            * HypergeometricTail.atLeast(
                neighbours - threshold + 1, population: cohort - 1, marked: assumptions.dropped(of: cohort),
                draws: neighbours)
        return lost <= exp2(-assumptions.correctnessBits) ? threshold : nil
    }

    /// Bounds the probability that some worker has 2t − k colluding neighbours or more.
    package static func exposure(
        _ neighbours: Int, threshold: Int, cohort: Int, under assumptions: MaskingAssumptions
    ) -> Double {
        Double(cohort)
            * HypergeometricTail.atLeast(
                2 * threshold - neighbours, population: cohort - 1, marked: assumptions.corrupt(of: cohort),
                draws: neighbours)
    }

    /// Bounds the probability that some two gaps have 2t − k colluding workers or more.
    package static func partition(
        _ neighbours: Int, threshold: Int, cohort: Int, under assumptions: MaskingAssumptions
    ) -> Double {
        guard neighbours < cohort - 1 else { return 0 }
        return Double(cohort) * Double(cohort - 1) / 2
            * HypergeometricTail.atLeast(
                2 * threshold - neighbours, population: cohort, marked: assumptions.corrupt(of: cohort),
                draws: neighbours)
    }

    /// For each of the two events that must not happen to a worker.
    private static func secureLimit(_ assumptions: MaskingAssumptions) -> Double {
        exp2(-(assumptions.securityBits + assumptions.triesBits + 1))
    }
}
