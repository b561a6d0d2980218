package import LanguageModel
internal import Glibc

/// How sure a model is of an answer: the mean probability that it gave to the tokens it drew, over the first of them.
///
/// The probabilities are the model's own, before temperature and top-p, an end token's included.
package struct AnswerConfidence: Hashable, Sendable {
    private var sum = 0.0
    private var count = 0

    package init() {}

    /// - Parameter token: One drawn with probabilities.
    package mutating func add(_ token: DrawnToken) {
        guard let logProbability = token.logProbability else { return }
        add(probability: exp(logProbability))
    }

    package mutating func add(probability: Double) {
        sum += probability
        count += 1
    }

    /// From 0 to 1; 0 without a token.
    package var value: Double { count > 0 ? sum / Double(count) : 0 }
}
