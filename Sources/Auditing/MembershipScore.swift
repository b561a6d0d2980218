/// What tells that a text was trained on: each rule's score is higher for texts that look to have been.
public enum MembershipScore: String, Hashable, Sendable, CaseIterable {
    /// The text's loss (Yeom et al. 2018, arXiv:1709.01604).
    case loss
    /// The loss beside the base model's: what every model finds easy is no sign (Carlini et al. 2022, arXiv:2112.03570,
    /// with the base as the one reference model).
    case lossRatio = "loss-ratio"
    /// The mean over the fifth of the tokens that surprise most (Shi et al. 2024, arXiv:2310.16789).
    case minK = "min-k"

    /// The part of the tokens that ``minK`` looks at.
    public static let leastLikelyPart = 0.2

    /// - Parameters:
    ///   - tuned: Loss of each token under the adapter; at least one. Unit: nats.
    ///   - base: The same without the adapter.
    public func score(tuned: [Double], base: [Double]) -> Double {
        switch self {
        case .loss: -Self.mean(tuned[...])
        // A difference of logarithms of probabilities: the logarithm of the likelihood ratio, a token.
        case .lossRatio: Self.mean(base[...]) - Self.mean(tuned[...])
        case .minK:
            -Self.mean(tuned.sorted(by: >).prefix(max(1, Int(Double(tuned.count) * Self.leastLikelyPart))))
        }
    }

    private static func mean(_ values: ArraySlice<Double>) -> Double {
        precondition(!values.isEmpty, "a text without tokens")
        return values.reduce(0, +) / Double(values.count)
    }
}

/// Membership inference on one adapter: each score's curve over texts that were trained on and texts that were not.
public struct MembershipAttack: Sendable {
    /// Losses of a text's tokens, with and without the adapter. Unit: nats.
    public struct Text: Sendable {
        public var tuned: [Double]
        public var base: [Double]

        public init(tuned: [Double], base: [Double]) {
            self.tuned = tuned
            self.base = base
        }
    }

    public let curves: [(score: MembershipScore, curve: OperatingCurve)]

    public init(members: [Text], others: [Text]) {
        curves = MembershipScore.allCases.map { score in
            let value = { (text: Text) in score.score(tuned: text.tuned, base: text.base) }
            return (score, OperatingCurve(members: members.map(value), others: others.map(value)))
        }
    }
}
