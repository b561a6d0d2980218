internal import Glibc
public import LanguageModel

/// Evaluates a classifier without training it.
public enum ClassificationEvaluation {
    /// Tokens in one forward pass: enough for full-speed products, small enough to stay near the processor.
    private static let tokensAtOnce = 1024

    /// What a set of examples came to.
    public struct Outcome: Hashable, Sendable {
        /// Each example's cross-entropy, in the examples' order. Unit: nats.
        public let losses: [Double]
        /// Examples whose largest logit is that of their class.
        public let correct: Int

        /// Not a number without examples.
        public var accuracy: Double { Double(correct) / Double(losses.count) }
    }

    /// Dropout is off.
    public static func outcome(
        of examples: ClassificationExamples, model: any SequenceClassifier, adapter: LowRankAdapter?
    ) throws(TrainingError) -> Outcome {
        guard examples.count > 0 else { throw .noExamples }
        var losses: [Double] = []
        losses.reserveCapacity(examples.count)
        var correct = 0
        while losses.count < examples.count {
            let batch = examples.batch(nextBatch(of: examples, from: losses.count))
            let logits = model.logits(batch, adapter: adapter)
            for row in 0..<batch.examples {
                let own = logits[row * model.classCount..<(row + 1) * model.classCount]
                let label = own.startIndex + Int(batch.labels[row])
                losses.append(crossEntropy(own, label: label))
                if own.allSatisfy({ $0 <= own[label] }) { correct += 1 }
            }
        }
        return Outcome(losses: losses, correct: correct)
    }

    /// As many examples from `first` as ``tokensAtOnce`` allows, at least one.
    private static func nextBatch(of examples: ClassificationExamples, from first: Int) -> Range<Int> {
        var end = first + 1
        var tokens = examples.length(of: first)
        while end < examples.count, tokens + examples.length(of: end) <= tokensAtOnce {
            tokens += examples.length(of: end)
            end += 1
        }
        return first..<end
    }

    private static func crossEntropy(_ logits: ArraySlice<Float>, label: Int) -> Double {
        let highest = Double(logits.max() ?? 0)
        let total = logits.reduce(0.0) { $0 + exp(Double($1) - highest) }
        return highest + log(total) - Double(logits[label])
    }
}
