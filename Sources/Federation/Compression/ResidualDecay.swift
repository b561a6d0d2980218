/// How a residual of error feedback ages: it was left out of an adapter that other workers' rounds have changed since.
///
/// Age is counted in published rounds without an update of the worker, so a worker that takes part in every round loses
/// nothing, and the law of ``ErrorFeedback`` holds.
public struct ResidualDecay: Hashable, Sendable {
    /// What stays for each missed round, 0 to 1; 1 keeps all of it for ever.
    public let perRound: Double

    /// - Precondition: `0 <= perRound <= 1`.
    public init(perRound: Double) {
        precondition((0...1).contains(perRound), "a residual decays to \(perRound)")
        self.perRound = perRound
    }

    public static let none = ResidualDecay(perRound: 1)

    /// What stays of a residual.
    ///
    /// - Parameters:
    ///   - round: Of the last update that counted, from 1; `nil`: not known, and nothing is taken off.
    ///   - next: The round of the update that is being made.
    ///   - turns: Once in how many rounds what `next` trains is trained: only those count as missed.
    /// - Precondition: `turns >= 1`.
    public func factor(from round: Int?, to next: Int, turns: Int = 1) -> Float {
        precondition(turns >= 1, "\(turns) turns")
        guard let round, perRound < 1, next > round else { return 1 }
        // By products alone: no machine's power function is another's.
        var (factor, square, missed) = (1.0, perRound, (next - round) / turns - 1)
        while missed > 0 {
            if missed % 2 == 1 { factor *= square }
            square *= square
            missed /= 2
        }
        return Float(factor)
    }
}
