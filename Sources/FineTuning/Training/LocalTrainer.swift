public import LanguageModel
internal import ModelFiles
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
        public let steps: Int
        public let tokens: Int
        /// Mean over all steps. Unit: nats a token.
        public let meanLoss: Double
    }

    private let model: any CausalLanguageModel
    private let options: TrainingOptions

    public init(model: any CausalLanguageModel, options: TrainingOptions) {
        self.model = model
        self.options = options
    }

    /// Runs `options.localSteps` optimiser steps with fresh optimiser state.
    ///
    /// - Parameters:
    ///   - adapter: Trained in place.
    ///   - blocks: The worker's training set; batches are drawn from it with replacement.
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
        let schedule = LearningRateSchedule(options)
        var optimizer = makeOptimizer(options, parameterCount: adapter.layout.parameterCount)
        var gradient = [Float](repeating: 0, count: adapter.layout.parameterCount)
        var batches = batches
        var dropout = dropout
        var lossSum = 0.0
        for step in 1...options.localSteps {
            let loss = averagedGradient(adapter, blocks, &batches, &dropout, into: &gradient)
            guard loss.isFinite else { throw .diverged(step: globalStep + step) }
            if let limit = options.clipNorm { GradientClipping.clip(&gradient, to: limit) }
            optimizer.step(
                values: &adapter.values, gradient: gradient, learningRate: schedule.rate(at: globalStep + step))
            lossSum += loss
            let isWanted = progress(
                Progress(step: step, totalSteps: options.localSteps, meanLoss: lossSum / Double(step)))
            guard isWanted else { throw .cancelled }
        }
        return Summary(
            steps: options.localSteps,
            tokens: options.localSteps * options.accumulationSteps * options.batchSize * blocks.length,
            meanLoss: lossSum / Double(options.localSteps))
    }

    /// One step's loss and gradient, averaged over the accumulated passes.
    private func averagedGradient(
        _ adapter: LowRankAdapter, _ blocks: TokenBlocks, _ batches: inout CounterRandom,
        _ dropout: inout CounterRandom, into gradient: inout [Float]
    ) -> Double {
        for index in gradient.indices { gradient[index] = 0 }
        let share = 1 / Double(options.accumulationSteps)
        var loss = 0.0
        for _ in 0..<options.accumulationSteps {
            let chosen = (0..<options.batchSize).map { _ in batches.index(below: blocks.count) }
            loss +=
                share
                * model.lossAndGradient(
                    blocks.batch(chosen), adapter: adapter,
                    dropout: adapter.dropout > 0 ? CounterRandom(key: dropout.next()) : nil,
                    gradientScale: Float(share), gradient: &gradient)
        }
        return loss
    }
}

/// Why local training stopped.
public enum TrainingError: Error, Hashable, Sendable {
    case noBlocks(length: Int)
    case blocksTooLong(length: Int, maximum: Int)
    case diverged(step: Int)
    case cancelled
}

extension TrainingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noBlocks(let length):
            "the training text is shorter than one block of \(length) tokens; add text or lower training.sequence-length"
        case .blocksTooLong(let length, let maximum):
            "training.sequence-length is \(length), but this model's positions end at \(maximum); lower it"
        case .diverged(let step):
            "the loss is not a finite number at step \(step); lower training.learning-rate or training.clip-norm"
        case .cancelled: "training was cancelled"
        }
    }
}
