internal import Glibc

/// How many bad workers a round may get: the tail of drawing workers without replacement.
///
/// A rule that withstands a fifth of bad workers in the fleet must withstand more than a fifth of bad updates in some
/// rounds: few are drawn, and chance is not fair to each draw.
public struct BadWorkerTail: Hashable, Sendable {
    /// N: workers that may train.
    public let workers: Int
    /// Bad ones among them.
    public let bad: Int
    /// n: workers drawn for a round.
    public let drawn: Int

    /// - Precondition: `0 ≤ bad ≤ workers`, `0 ≤ drawn ≤ workers`.
    public init(workers: Int, bad: Int, drawn: Int) {
        precondition((0...max(0, workers)).contains(bad) && (0...max(0, workers)).contains(drawn), "\(bad), \(drawn)")
        self.workers = workers
        self.bad = bad
        self.drawn = drawn
    }

    /// - Parameter share: The part of the workers that is bad; a part of a worker counts as a whole one.
    public init(workers: Int, share: Double, drawn: Int) {
        let bad = Int((share * Double(workers) - 1e-9).rounded(.up))
        self.init(workers: workers, bad: max(0, min(workers, bad)), drawn: min(workers, drawn))
    }

    /// The probability that a round has more than `f` bad workers (hypergeometric).
    public func probability(above f: Int) -> Double {
        let most = min(bad, drawn)
        guard f < most else { return 0 }
        let all = Self.logChoices(workers, drawn)
        var sum = 0.0
        // From the far end: the smallest terms first.
        for count in stride(from: most, through: max(f + 1, drawn - (workers - bad)), by: -1) {
            sum += exp(Self.logChoices(bad, count) + Self.logChoices(workers - bad, drawn - count) - all)
        }
        return min(1, sum)
    }

    /// The smallest f that a round exceeds with a probability of at most `bound`.
    public func smallestF(bound: Double) -> Int {
        var f = 0
        while probability(above: f) > bound { f += 1 }
        return f
    }

    private static func logChoices(_ n: Int, _ k: Int) -> Double {
        lgamma(Double(n) + 1) - lgamma(Double(k) + 1) - lgamma(Double(n - k) + 1)
    }
}
