internal import Synchronization

/// What may be spent on one worker, and whether one more step fits in it.
public struct PrivacyBudget: Hashable, Sendable {
    public let epsilon: Double
    public let delta: Double
    /// Where steps are sums of integers with ``SkellamNoise``; `nil`: they have normal noise.
    public let lattice: NoiseLattice?

    public init(epsilon: Double, delta: Double, lattice: NoiseLattice? = nil) {
        self.epsilon = epsilon
        self.delta = delta
        self.lattice = lattice
    }

    /// Epsilon of steps taken, by ``PrivacyLossAccountant``, or ``SkellamAccountant`` on a lattice; 0 for none.
    public func spent(_ steps: [SampledGaussian: Int]) throws(PrivacyError) -> Double {
        guard !steps.isEmpty else { return 0 }
        let question = Question(steps: steps, delta: delta, lattice: lattice)
        if let known = Self.answers.withLock({ $0[question] }) { return known }
        let answer =
            if let lattice {
                try SkellamAccountant.epsilon(steps, on: lattice, delta: delta)
            } else {
                try PrivacyLossAccountant.epsilon(steps, delta: delta)
            }
        Self.answers.withLock { known in
            if known.count >= Self.mostAnswers { known.removeAll() }
            known[question] = answer
        }
        return answer
    }

    private struct Question: Hashable {
        let steps: [SampledGaussian: Int]
        let delta: Double
        let lattice: NoiseLattice?
    }

    /// To count takes tens of milliseconds, and the same question comes with every start, page and scrape.
    private static let answers = Mutex<[Question: Double]>([:])
    private static let mostAnswers = 1_024

    /// The second opinion on ``spent(_:)``, by ``RenyiAccountant``; on a lattice there is but one.
    public func spentRenyi(_ steps: [SampledGaussian: Int]) throws(PrivacyError) -> Double {
        guard lattice == nil, !steps.isEmpty else { return try spent(steps) }
        return try RenyiAccountant.epsilon(steps, delta: delta)
    }

    /// - Returns: Whether the step can be taken after these without epsilon rising above the budget.
    public func admits(_ step: SampledGaussian, after steps: [SampledGaussian: Int]) throws(PrivacyError) -> Bool {
        try spent(steps.merging([step: 1], uniquingKeysWith: +)) <= epsilon
    }

    /// How many more such steps fit, up to `limit`.
    public func left(
        _ step: SampledGaussian, after steps: [SampledGaussian: Int], limit: Int
    ) throws(PrivacyError) -> Int {
        func fits(_ count: Int) throws(PrivacyError) -> Bool {
            try spent(steps.merging([step: count], uniquingKeysWith: +)) <= epsilon
        }
        // Doubling first: what is far beyond the budget takes longest to count.
        var (fitting, tooMany) = (0, 1)
        while tooMany <= limit, try fits(tooMany) { (fitting, tooMany) = (tooMany, 2 * tooMany) }
        tooMany = min(tooMany, limit + 1)
        while tooMany - fitting > 1 {
            let middle = (fitting + tooMany) / 2
            if try fits(middle) { fitting = middle } else { tooMany = middle }
        }
        return fitting
    }
}
