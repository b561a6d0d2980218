internal import Glibc
public import LanguageModel

/// Evaluates a classifier without training it.
public enum ClassificationEvaluation {
    /// Examples in one forward pass.
    private static let examplesAtOnce = 64

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
        // Examples of a length together, so that little is padding.
        let lengths = (0..<examples.count).map { examples[$0].tokens.count }
        let order = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
        var losses = [Double](repeating: 0, count: examples.count)
        var correct = 0
        for start in stride(from: 0, to: order.count, by: examplesAtOnce) {
            let chosen = order[start..<min(start + examplesAtOnce, order.count)]
            let batch = examples.batch(chosen, padding: model.paddingToken)
            let logits = model.logits(batch, adapter: adapter)
            for (row, example) in chosen.enumerated() {
                let own = logits[row * model.classCount..<(row + 1) * model.classCount]
                let label = own.startIndex + Int(batch.labels[row])
                losses[example] = crossEntropy(own, label: label)
                if own.allSatisfy({ $0 <= own[label] }) { correct += 1 }
            }
        }
        return Outcome(losses: losses, correct: correct)
    }

    private static func crossEntropy(_ logits: ArraySlice<Float>, label: Int) -> Double {
        let highest = Double(logits.max() ?? 0)
        let total = logits.reduce(0.0) { $0 + exp(Double($1) - highest) }
        return highest + log(total) - Double(logits[label])
    }
}
