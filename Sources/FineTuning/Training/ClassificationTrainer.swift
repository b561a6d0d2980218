public import LanguageModel
internal import ModelFiles
public import Randomness
public import Recipe

/// Trains an adapter and its classification head on one worker's own examples.
public struct ClassificationTrainer {
    private let model: any SequenceClassifier
    private let options: TrainingOptions
    private let scope: TrainingScope

    public init(model: any SequenceClassifier, options: TrainingOptions, scope: TrainingScope = TrainingScope()) {
        self.model = model
        self.options = options
        self.scope = scope
    }

    /// As ``LocalTrainer/train(_:on:after:batches:dropout:progress:)``; the base model's own dropout is on, as its
    /// configuration says.
    public func train(
        _ adapter: inout LowRankAdapter, on examples: ClassificationExamples, after globalStep: Int,
        batches: CounterRandom, dropout: CounterRandom,
        progress: (LocalTrainer.Progress) -> Bool = { _ in true }
    ) throws(TrainingError) -> LocalTrainer.Summary {
        guard examples.count > 0 else { throw .noExamples }
        var batches = batches
        var dropout = dropout
        var tokens = 0
        let draw = ClassDraw(examples, isBalanced: options.balancesClasses)
        let loop = TrainingLoop(options: options, scope: scope)
        var apart = scope.drawsApart ? draw.apart(stepSize: options.stepSize) : nil
        if let steps = scope.privateSteps {
            let (meanLoss, core) = try loop.runPrivately(
                &adapter, steps, of: examples.count, after: globalStep, progress: progress
            ) { adapter, index, gradient in
                let batch = examples.batch([index], leavingOut: draw.leftOut)
                tokens += batch.tokens.count
                return model.lossAndGradient(
                    batch, adapter: adapter, dropout: CounterRandom(key: dropout.next()), gradientScale: 1,
                    gradient: &gradient)
            }
            return LocalTrainer.Summary(
                weight: examples.count, steps: options.localSteps, tokens: tokens, meanLoss: meanLoss, core: core)
        }
        let (meanLoss, core) = try loop.run(&adapter, after: globalStep, progress: progress) {
            adapter, share, gradient in
            let chosen = (0..<options.batchSize).map { _ in apart?.next(&batches) ?? draw.next(&batches) }
            let batch = examples.batch(chosen, leavingOut: draw.leftOut)
            tokens += batch.tokens.count
            return model.lossAndGradient(
                batch, adapter: adapter, dropout: CounterRandom(key: dropout.next()), gradientScale: Float(share),
                gradient: &gradient)
        }
        return LocalTrainer.Summary(
            weight: draw.effectiveCount, steps: options.localSteps, tokens: tokens, meanLoss: meanLoss, core: core)
    }
}
