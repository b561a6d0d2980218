internal import Glibc

/// What a masked sum must withstand. The coordinator and every worker hold the same assumptions, and a worker checks
/// the graph it is given against its own.
public struct MaskingAssumptions: Hashable, Sendable {
    /// Share of the cohort that may collude with the coordinator, 0 to below 1.
    public let corruptFraction: Double
    /// Share of the cohort that may drop out between its keys and the last step, 0 to below 1.
    public let dropoutFraction: Double
    /// The probability that the graph protects some worker too little is at most 2^−securityBits.
    public let securityBits: Double
    /// The graph follows from a hash of all keys, and a coordinator that has workers of its own, or that leaves some keys
    /// out, may look at many such graphs before it announces one: 2^triesBits of them are counted. Each takes it about 50
    /// microseconds of work, so that 40 bits are more than a year of one core.
    public let triesBits: Double
    /// The probability that an attempt with no more dropouts than assumed cannot be unmasked is at most
    /// 2^−correctnessBits.
    public let correctnessBits: Double

    public init(
        corruptFraction: Double = 0.1, dropoutFraction: Double = 0.1, securityBits: Double = 40,
        triesBits: Double = 40, correctnessBits: Double = 20
    ) {
        precondition(0..<1 ~= corruptFraction && 0..<1 ~= dropoutFraction, "fractions from 0 to below 1")
        precondition(securityBits > 0 && triesBits >= 0 && correctnessBits > 0, "more than 0 bits")
        self.corruptFraction = corruptFraction
        self.dropoutFraction = dropoutFraction
        self.securityBits = securityBits
        self.triesBits = triesBits
        self.correctnessBits = correctnessBits
    }

    /// Rounded up: among four workers, a tenth that colludes is one.
    public func corrupt(of cohort: Int) -> Int { min(cohort - 1, Int(ceil(corruptFraction * Double(cohort) - 1e-9))) }

    func dropped(of cohort: Int) -> Int { min(cohort - 1, Int(floor(dropoutFraction * Double(cohort) + 1e-9))) }
}
