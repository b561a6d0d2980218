internal import Glibc

/// Tails of the hypergeometric distribution: how many of `draws` neighbours, drawn without replacement, are marked.
package enum HypergeometricTail {
    /// P(X ≥ `least`) where `draws` of `population` are drawn and `marked` of them are marked. Summed from the
    /// probabilities themselves rather than bounded: cohorts are small enough.
    package static func atLeast(_ least: Int, population: Int, marked: Int, draws: Int) -> Double {
        precondition(
            0...population ~= marked && 0...population ~= draws,
            "\(draws) draws, \(marked) marked of \(population)")
        let lowest = max(0, least, draws + marked - population)
        let highest = min(draws, marked)
        guard lowest <= highest else { return 0 }
        let all = logChoices(population, draws)
        // Smallest first, for the sum's last bits.
        return min(
            1,
            (lowest...highest).map {
                exp(logChoices(marked, $0) + logChoices(population - marked, draws - $0) - all)
            }.sorted().reduce(0, +))
    }

    /// ln of the binomial coefficient.
    private static func logChoices(_ of: Int, _ taken: Int) -> Double {
        logFactorial(of) - logFactorial(taken) - logFactorial(of - taken)
    }

    private static func logFactorial(_ number: Int) -> Double {
        var sign: Int32 = 0
        // lgamma itself writes a global.
        return lgamma_r(Double(number) + 1, &sign)
    }
}
