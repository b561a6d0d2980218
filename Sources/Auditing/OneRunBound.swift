internal import Glibc

/// A lower bound on the epsilon of a single training run: some canaries were put in by fair coins, a guesser said of some
/// of them which way their coins fell, and no (ε, δ)-private algorithm lets it be right so often.
///
/// - SeeAlso: Steinke, Nasr, Jagielski 2023 (arXiv:2305.08846), Theorem 5.2 and Appendix D.
public enum OneRunBound {
    /// The largest epsilon that these guesses refute; 0 where they refute none.
    ///
    /// - Parameters:
    ///   - canaries: Coins tossed.
    ///   - guesses: Canaries that a guess was made of, chosen without looking at the coins.
    ///   - correct: Right guesses.
    ///   - delta: Of the guarantee that is tested.
    ///   - confidence: Probability that the bound is no more than the true epsilon; below 1.
    public static func epsilon(
        canaries: Int, guesses: Int, correct: Int, delta: Double, confidence: Double = 0.95
    ) -> Double {
        precondition((0...guesses).contains(correct) && guesses <= canaries, "\(correct) of \(guesses) of \(canaries)")
        precondition(confidence > 0 && confidence < 1 && delta >= 0 && delta < 1, "confidence \(confidence), \(delta)")
        let failure = 1 - confidence
        func isRefuted(_ epsilon: Double) -> Bool {
            likelihood(canaries: canaries, guesses: guesses, correct: correct, epsilon: epsilon, delta: delta) < failure
        }
        guard isRefuted(0) else { return 0 }
        var (low, high) = (0.0, 1.0)
        while isRefuted(high), high < 1_024 { (low, high) = (high, 2 * high) }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if isRefuted(middle) { low = middle } else { high = middle }
        }
        return low
    }

    /// The most probable that so many right guesses, or more, can be under (ε, δ)-differential privacy.
    static func likelihood(canaries: Int, guesses: Int, correct: Int, epsilon: Double, delta: Double) -> Double {
        let rightWithoutDelta = 1 / (1 + exp(-epsilon))
        let tail = BinomialTail.atLeast(correct, of: guesses, rightWithoutDelta)
        guard delta > 0 else { return tail }
        var (sum, worst) = (0.0, 0.0)
        for step in 1...max(1, correct) {
            sum += exp(BinomialTail.logMass(correct - step, of: guesses, rightWithoutDelta))
            worst = max(worst, sum / Double(step))
        }
        return min(1, tail + 2 * Double(canaries) * delta * worst)
    }
}

/// Guesses which canaries were put in: the highest scores, and as many of the lowest which were left out.
public struct CanaryGuesses: Hashable, Sendable {
    public let guesses: Int
    public let correct: Int

    /// - Parameters:
    ///   - canaries: Each one's score, higher where training looks to have seen it, and how its coin fell. Among equal
    ///     scores the order given decides, which must not depend on the coins.
    ///   - count: How many to guess, half of them on each side; an odd one is guessed to be in.
    public init(of canaries: [(score: Double, isInserted: Bool)], count: Int) {
        precondition((0...canaries.count).contains(count), "\(count) guesses of \(canaries.count)")
        let order = canaries.indices.sorted {
            canaries[$0].score != canaries[$1].score ? canaries[$0].score > canaries[$1].score : $0 < $1
        }
        let inside = order.prefix((count + 1) / 2)
        let outside = order.suffix(count / 2)
        guesses = count
        correct = inside.count { canaries[$0].isInserted } + outside.count { !canaries[$0].isInserted }
    }
}

/// The best bound over several numbers of guesses, all fixed before anybody looked: the chance to err is divided among them.
public struct CanaryBound: Hashable, Sendable {
    public let epsilon: Double
    public let canaries: Int
    public let best: CanaryGuesses
    public let confidence: Double

    /// Shares of all canaries that are guessed: sure guesses are few, and all are many.
    public static let shares = [1.0, 0.5, 0.2]

    public init(of canaries: [(score: Double, isInserted: Bool)], delta: Double, confidence: Double = 0.95) {
        var best: (epsilon: Double, guesses: CanaryGuesses)?
        let each = 1 - (1 - confidence) / Double(Self.shares.count)
        for share in Self.shares {
            let guesses = CanaryGuesses(of: canaries, count: Int((share * Double(canaries.count)).rounded()))
            let epsilon = OneRunBound.epsilon(
                canaries: canaries.count, guesses: guesses.guesses, correct: guesses.correct, delta: delta,
                confidence: each)
            if epsilon > best?.epsilon ?? -1 { best = (epsilon, guesses) }
        }
        epsilon = best?.epsilon ?? 0
        self.best = best?.guesses ?? CanaryGuesses(of: [], count: 0)
        self.canaries = canaries.count
        self.confidence = confidence
    }
}
