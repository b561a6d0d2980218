internal import Glibc

/// The binomial distribution, exact to the last digits that doubles hold.
enum BinomialTail {
    /// ln P[X = k] of X ~ Binomial(n, p); −∞ where that cannot be.
    static func logMass(_ k: Int, of n: Int, _ p: Double) -> Double {
        guard (0...n).contains(k) else { return -.infinity }
        if p <= 0 { return k == 0 ? 0 : -.infinity }
        if p >= 1 { return k == n ? 0 : -.infinity }
        return logChoose(n, k) + Double(k) * log(p) + Double(n - k) * log1p(-p)
    }

    /// P[X ≥ k] of X ~ Binomial(n, p).
    static func atLeast(_ k: Int, of n: Int, _ p: Double) -> Double {
        if k <= 0 { return 1 }
        if k > n { return 0 }
        // From the smallest terms up, so that none is lost.
        var sum = 0.0
        for mass in (k...n).map({ exp(logMass($0, of: n, p)) }).sorted() { sum += mass }
        return min(1, sum)
    }

    private static func logChoose(_ n: Int, _ k: Int) -> Double {
        lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
    }
}
