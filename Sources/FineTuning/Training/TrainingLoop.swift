import LanguageModel
import ModelFiles
import Recipe

/// The steps of a round's local work, whatever the task.
struct TrainingLoop {
    let options: TrainingOptions

    /// Runs `options.localSteps` optimiser steps with fresh optimiser state.
    ///
    /// - Parameter pass: One batch's mean loss; adds its gradient times the given share.
    /// - Returns: The mean loss over all steps.
    func run(
        _ adapter: inout LowRankAdapter, after globalStep: Int, progress: (LocalTrainer.Progress) -> Bool,
        pass: (_ adapter: LowRankAdapter, _ share: Double, _ gradient: inout [Float]) -> Double
    ) throws(TrainingError) -> Double {
        let schedule = LearningRateSchedule(options)
        var optimizer = makeOptimizer(options, parameterCount: adapter.layout.parameterCount)
        var gradient = [Float](repeating: 0, count: adapter.layout.parameterCount)
        let share = 1 / Double(options.accumulationSteps)
        var lossSum = 0.0
        for step in 1...options.localSteps {
            for index in gradient.indices { gradient[index] = 0 }
            var loss = 0.0
            for _ in 0..<options.accumulationSteps { loss += share * pass(adapter, share, &gradient) }
            guard loss.isFinite else { throw .diverged(step: globalStep + step) }
            if let limit = options.clipNorm { GradientClipping.clip(&gradient, to: limit) }
            optimizer.step(
                values: &adapter.values, gradient: gradient, learningRate: schedule.rate(at: globalStep + step))
            lossSum += loss
            let isWanted = progress(
                LocalTrainer.Progress(
                    step: step, totalSteps: options.localSteps, meanLoss: lossSum / Double(step)))
            guard isWanted else { throw .cancelled }
        }
        return lossSum / Double(options.localSteps)
    }
}
