public import FineTuning
internal import Glibc
public import LanguageModel

/// Token losses of single texts, as a training row of that text has them.
public struct TextLosses {
    private let base: PretrainedModel
    private let encoder: RowEncoder
    private let limit: Int

    /// - Parameter limit: Tokens behind which a text is cut; at least 2.
    public init(_ base: PretrainedModel, limit: Int) {
        precondition(limit >= 2, "texts of \(limit) tokens")
        self.base = base
        self.limit = min(limit, base.model.maximumLength)
        encoder = base.rowEncoder()
    }

    /// The loss of every token that the row's training would count, in order. Unit: nats.
    ///
    /// - Returns: `nil` for a row without any such token: shorter than two, or all prompt within the limit.
    public func losses(of row: DataRow, adapter: LowRankAdapter?) throws(DataError) -> [Double]? {
        let (tokens, labels) = try encoder.labelled(row)
        let count = min(tokens.count, limit)
        guard count >= 2 else { return nil }
        let batch = TokenBatch(
            tokens: Array(tokens[..<count]), labels: Array(labels[..<count]), blocks: 1, length: count)
        let logits = base.model.logits(batch, adapter: adapter)
        let width = base.model.vocabularySize
        let losses = (1..<count).compactMap { place -> Double? in
            guard labels[place] != TokenBatch.ignoredLabel else { return nil }
            return Self.loss(logits[(place - 1) * width..<place * width], of: Int(labels[place]))
        }
        return losses.isEmpty ? nil : losses
    }

    private static func loss(_ logits: ArraySlice<Float>, of token: Int) -> Double {
        let highest = logits.max() ?? 0
        // Sums of at most a few hundred thousand floats between 0 and 1, in doubles.
        let total = logits.reduce(0.0) { $0 + Double(expf($1 - highest)) }
        return Double(highest) + log(total) - Double(logits[logits.startIndex + token])
    }
}
