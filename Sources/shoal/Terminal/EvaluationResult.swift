import FineTuning
import Foundation

/// What `shoal evaluate` says of one adapter, or of the model alone.
struct EvaluationResult: Encodable {
    /// Only among several.
    var adapter: String?
    let loss: Double
    let standardError: Double
    let perplexity: Double
    let tokens: Int
    let blocks: Int
    /// Of classification only, as `examples`.
    let accuracy: Double?
    let examples: Int?

    init(losses: BlockLosses, length: Int) {
        self.init(losses: losses, tokens: losses.items * length, accuracy: nil, examples: nil)
    }

    init(losses: BlockLosses, tokens: Int, accuracy: Double?, examples: Int?) {
        loss = losses.mean
        standardError = losses.standardError
        perplexity = exp(losses.mean)
        blocks = losses.items
        self.tokens = tokens
        self.accuracy = accuracy
        self.examples = examples
    }

    /// A line for a person.
    var text: String {
        let start = adapter.map { $0 + ": " } ?? ""
        let loss = "loss \(Quantity.loss(loss)) ± \(Quantity.loss(standardError))"
        guard let accuracy else {
            return start + "\(loss)   perplexity \(Quantity.fixed(perplexity, digits: 2))   "
                + "\(Quantity.count(tokens)) tokens in \(Quantity.count(blocks)) blocks"
        }
        return start + "accuracy \(Quantity.fixed(accuracy, digits: 4))   \(loss)   \(Quantity.count(blocks)) examples"
    }
}
