/// Examples for sequence classification, padded on the right to the longest of them.
public struct ClassificationBatch: Sendable {
    /// `[examples, length]` row-major.
    public let tokens: [Int32]
    /// `[examples]`: how many of each row's tokens are the example's own; at least 1. Unit: tokens.
    public let lengths: [Int32]
    /// `[examples]`: class numbers from 0.
    public let labels: [Int32]
    /// Unit: tokens.
    public let length: Int

    public var examples: Int { labels.count }

    /// Rows that are padded already.
    ///
    /// - Precondition: `tokens.count == labels.count * length`; as many lengths as labels, each from 1 to `length`.
    public init(tokens: [Int32], lengths: [Int32], labels: [Int32], length: Int) {
        precondition(!labels.isEmpty && tokens.count == labels.count * length, "\(tokens.count) tokens")
        precondition(
            lengths.count == labels.count && lengths.allSatisfy { $0 >= 1 && Int($0) <= length }, "lengths of rows")
        self.tokens = tokens
        self.lengths = lengths
        self.labels = labels
        self.length = length
    }

    /// - Parameters:
    ///   - examples: Tokens and class of each; at least one token each.
    ///   - padding: What fills the rows; attention must leave it out.
    public init(_ examples: [(tokens: [Int32], label: Int32)], padding: Int32) {
        precondition(!examples.isEmpty && examples.allSatisfy { !$0.tokens.isEmpty }, "an example without tokens")
        let length = examples.reduce(0) { max($0, $1.tokens.count) }
        var tokens: [Int32] = []
        tokens.reserveCapacity(examples.count * length)
        for example in examples {
            tokens += example.tokens
            tokens += repeatElement(padding, count: length - example.tokens.count)
        }
        self.tokens = tokens
        self.length = length
        lengths = examples.map { Int32($0.tokens.count) }
        labels = examples.map(\.label)
    }
}
