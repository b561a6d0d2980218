public import LanguageModel
public import Randomness
public import Recipe

/// Trains an adapter on one worker's own blocks: a round's local work, or a whole centralised run.
public struct LocalTrainer {
    /// What a worker reports while it trains.
    public struct Progress: Sendable {
        /// Finished steps of this round.
        public let step: Int
        public let totalSteps: Int
        /// Mean over the finished steps. Unit: nats a token.
        public let meanLoss: Double
    }

    public struct Summary: Sendable {
        /// What the update weighs. Unit: blocks or examples.
        public let weight: Int
        public let steps: Int
        public let tokens: Int
        /// Mean over all steps. Unit: nats a token.
        public let meanLoss: Double
        /// The trained core of a scope that has one (``TrainingScope/core``).
        public let core: [Float]?
    }

    private let model: any CausalLanguageModel
    private let options: TrainingOptions
    private let scope: TrainingScope

    public init(model: any CausalLanguageModel, options: TrainingOptions, scope: TrainingScope = TrainingScope()) {
        self.model = model
        self.options = options
        self.scope = scope
    }

    /// Runs `options.localSteps` optimiser steps with fresh optimiser state.
    ///
    /// - Parameters:
    ///   - adapter: Trained in place.
    ///   - blocks: The worker's training set; batches are drawn from it with replacement, unless the scope says otherwise.
    ///   - globalStep: Steps of the run before this round, for the schedule.
    ///   - batches: Where the batches come from.
    ///   - dropout: Where dropout masks come from.
    ///   - progress: Told after every step; returns whether to go on.
    /// - Throws: ``TrainingError``; the adapter is then half trained and must not be used.
    public func train(
        _ adapter: inout LowRankAdapter, on blocks: TokenBlocks, after globalStep: Int, batches: CounterRandom,
        dropout: CounterRandom, progress: (Progress) -> Bool = { _ in true }
    ) throws(TrainingError) -> Summary {
        guard blocks.count > 0 else { throw .noBlocks(length: blocks.length) }
        guard blocks.length <= model.maximumLength else {
            throw .blocksTooLong(length: blocks.length, maximum: model.maximumLength)
        }
        var batches = batches
        var dropout = dropout
        let loop = TrainingLoop(options: options, scope: scope)
        var apart =
            scope.drawsApart ? StepDraw(groups: [Array(0..<blocks.count)], stepSize: options.stepSize) : nil
        if let steps = scope.privateSteps {
            var tokens = 0
            let (meanLoss, core) = try loop.runPrivately(
                &adapter, steps, of: blocks.count, after: globalStep, progress: progress
            ) { adapter, index, gradient in
                tokens += blocks.length
                return model.lossAndGradient(
                    blocks.batch([index]), adapter: adapter, dropout: CounterRandom(key: dropout.next()),
                    gradientScale: 1, gradient: &gradient)
            }
            return Summary(
                weight: blocks.count, steps: options.localSteps, tokens: tokens, meanLoss: meanLoss, core: core)
        }
        let (meanLoss, core) = try loop.run(&adapter, after: globalStep, progress: progress) {
            adapter, share, gradient in
            let chosen = (0..<options.batchSize).map { _ in
                apart?.next(&batches) ?? batches.index(below: blocks.count)
            }
            return model.lossAndGradient(
                blocks.batch(chosen), adapter: adapter,
                dropout: CounterRandom(key: dropout.next()), gradientScale: Float(share),
                gradient: &gradient)
        }
        return Summary(
            weight: blocks.count, steps: options.localSteps,
            tokens: options.localSteps * options.accumulationSteps * options.batchSize * blocks.length,
            meanLoss: meanLoss, core: core)
    }
}

/// Why local training stopped.
public enum TrainingError: Error, Hashable, Sendable {
    case noBlocks(length: Int)
    case blocksTooLong(length: Int, maximum: Int)
    case noExamples
    case diverged(step: Int)
    case cancelled
}

extension TrainingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noBlocks(let length):
            "the training text is shorter than one block of \(length) tokens; add text or lower training.sequence-length"
        case .noExamples: "there is no labelled example; add rows with a \"text\" and a \"label\""
        case .blocksTooLong(let length, let maximum):
            "training.sequence-length is \(length), but this model's positions end at \(maximum); lower it"
        case .diverged(let step):
            "the loss is not a finite number at step \(step); lower training.learning-rate or training.clip-norm"
        case .cancelled: "training was cancelled"
        }
    }
}
