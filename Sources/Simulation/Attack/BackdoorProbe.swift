public import FineTuning
public import LanguageModel

/// How well a backdoor took: what the model makes of held-out text with the trigger in it.
public struct BackdoorProbe {
    /// One measurement.
    public struct Success: Hashable, Sendable {
        /// Of the attacked completion (or label) after the trigger. Unit: nats a token (an example).
        public var loss: Double
        /// The part of other classes' examples that are taken for the target; `nil` for language modelling.
        public var rate: Double?
    }

    private let model: TaskModel
    private let items: TaskItems

    /// Held-out texts looked at, at most.
    private static let textsMax = 64
    /// Tokens of a held-out text before the trigger.
    private static let contextTokens = 24

    /// - Parameters:
    ///   - rows: Held-out rows.
    ///   - options: Of the run.
    /// - Returns: `nil` if no row is long enough, or the trigger and its completion fill a whole block.
    public init?(_ backdoor: Attack.Backdoor, rows: [DataRow], model: TaskModel, length: Int) throws {
        self.model = model
        switch model {
        case .classification(let base):
            let others = rows.filter { $0.label != nil && $0.label != backdoor.target }
                .map { PoisonedText.triggered($0, by: backdoor) }
            guard !others.isEmpty else { return nil }
            items = .examples(try base.examples(of: .rows(others), length: length))
        case .language(let base):
            let trigger = base.tokenizer.encode(" " + backdoor.trigger)
            let target = base.tokenizer.encode(" " + backdoor.target)
            let begin = base.configuration.beginToken.map { [$0] } ?? []
            let context = min(Self.contextTokens, length - begin.count - trigger.count - target.count)
            guard context >= 1, !target.isEmpty else { return nil }
            var (tokens, labels): ([Int32], [Int32]) = ([], [])
            var count = 0
            for row in rows where count < Self.textsMax {
                let text = base.tokenizer.encode(row.text)
                guard text.count >= context else { continue }
                let before = begin + text.prefix(context) + trigger
                tokens += before + target
                labels += before.map { _ in TokenBatch.ignoredLabel } + target
                count += 1
            }
            guard count > 0 else { return nil }
            items = .blocks(TokenBlocks(tokens: tokens, labels: labels, length: tokens.count / count))
        }
    }

    /// - Parameter adapter: `nil` measures the base model.
    public func measure(_ adapter: LowRankAdapter?) throws(TrainingError) -> Success {
        let (losses, accuracy) = try model.measure(items, adapter: adapter)
        return Success(loss: losses.mean, rate: accuracy)
    }
}
