/// Examples for sequence classification: their tokens one after the other, without gaps.
public struct ClassificationBatch: Sendable {
    /// `[Σ lengths]`: the first example's, then the second's, and so on.
    public let tokens: [Int32]
    /// `[examples]`, each at least 1. Unit: tokens.
    public let lengths: [Int32]
    /// `[examples]`: class numbers from 0.
    public let labels: [Int32]

    /// Class numbers that take no part in the loss, as if the head did not have them; no example has such a label.
    public let leftOut: [Int]

    public var examples: Int { labels.count }

    /// - Precondition: There is an example, and every one has a token.
    public init(_ examples: [(tokens: [Int32], label: Int32)], leavingOut leftOut: [Int] = []) {
        precondition(!examples.isEmpty && examples.allSatisfy { !$0.tokens.isEmpty }, "an example without tokens")
        precondition(examples.allSatisfy { !leftOut.contains(Int($0.label)) }, "an example of a class left out")
        self.leftOut = leftOut
        tokens = examples.flatMap(\.tokens)
        lengths = examples.map { Int32($0.tokens.count) }
        labels = examples.map(\.label)
    }
}
