import LanguageModel
import ModelFiles
import Recipe

/// The steps of a round's local work, whatever the task.
struct TrainingLoop {
    let options: TrainingOptions
    var scope = TrainingScope()

    /// Runs `options.localSteps` optimiser steps with fresh optimiser state.
    ///
    /// - Parameter pass: One batch's mean loss; adds its gradient times the given share.
    /// - Returns: The mean loss over all steps, and the trained core of a scope that has one.
    func run(
        _ adapter: inout LowRankAdapter, after globalStep: Int, progress: (LocalTrainer.Progress) -> Bool,
        pass: (_ adapter: LowRankAdapter, _ share: Double, _ gradient: inout [Float]) -> Double
    ) throws(TrainingError) -> (meanLoss: Double, core: [Float]?) {
        let share = 1 / Double(options.accumulationSteps)
        func average(_ adapter: LowRankAdapter, into gradient: inout [Float]) -> Double {
            for index in gradient.indices { gradient[index] = 0 }
            var loss = 0.0
            for _ in 0..<options.accumulationSteps { loss += share * pass(adapter, share, &gradient) }
            return loss
        }
        var whole = [Float](repeating: 0, count: adapter.layout.parameterCount)
        return try steps(&adapter, after: globalStep, progress: progress) { adapter, trained, gradient in
            if trained.isWhole { return average(adapter, into: &gradient) }
            let loss = average(adapter, into: &whole)
            gradient = trained.gradient(of: whole)
            return loss
        }
    }

    /// As ``run(_:after:progress:pass:)`` with the scope's private steps.
    ///
    /// - Parameters:
    ///   - count: Examples to choose from.
    ///   - example: One example's loss; adds its gradient.
    func runPrivately(
        _ adapter: inout LowRankAdapter, _ privately: PrivateSteps, of count: Int, after globalStep: Int,
        progress: (LocalTrainer.Progress) -> Bool,
        example: (_ adapter: LowRankAdapter, _ index: Int, _ gradient: inout [Float]) -> Double
    ) throws(TrainingError) -> (meanLoss: Double, core: [Float]?) {
        var privately = privately
        var whole = [Float](repeating: 0, count: adapter.layout.parameterCount)
        return try steps(&adapter, after: globalStep, progress: progress) { adapter, trained, gradient in
            var (losses, finite) = (0.0, 0)
            var sum = [Double](repeating: 0, count: gradient.count)
            for index in privately.chosen(of: count) {
                for place in whole.indices { whole[place] = 0 }
                let loss = example(adapter, index, &whole)
                privately.add(trained.gradient(of: whole), to: &sum)
                // Whether one example's loss is finite must not stop the training: that would tell of it.
                if loss.isFinite { (losses, finite) = (losses + loss, finite + 1) }
            }
            gradient = privately.finish(sum, of: count)
            return losses / Double(max(1, finite))
        }
    }

    /// What a scope trains of an adapter.
    private struct Trained {
        let part: AdapterPart
        let core: CoreAdapter?

        /// Whether it is the adapter's values as they are.
        var isWhole: Bool { core == nil && part.isWhole }

        /// - Parameter whole: The gradient of all the adapter's values.
        func gradient(of whole: [Float]) -> [Float] {
            if let core { return core.pulledBack(whole) }
            return part.isWhole ? whole : part.gather(whole)
        }
    }

    /// - Parameter pass: A step's loss; writes the gradient of what is trained.
    private func steps(
        _ adapter: inout LowRankAdapter, after globalStep: Int, progress: (LocalTrainer.Progress) -> Bool,
        pass: (_ adapter: LowRankAdapter, _ trained: Trained, _ gradient: inout [Float]) -> Double
    ) throws(TrainingError) -> (meanLoss: Double, core: [Float]?) {
        let schedule = LearningRateSchedule(options)
        let part = scope.part ?? AdapterPart(of: adapter.layout, without: options.frozenFactor)
        var core = scope.core?.values
        let count = core?.count ?? part.count
        precondition(scope.correction.isEmpty || scope.correction.count == count, "a correction of another part")
        let start = options.proximal == nil ? [] : core ?? part.gather(adapter.values)
        var optimizer = makeOptimizer(options, parameterCount: count)
        let trained = Trained(part: part, core: scope.core?.adapter)
        var gradient = [Float](repeating: 0, count: count)
        var lossSum = 0.0
        for step in 1...options.localSteps {
            let loss = pass(adapter, trained, &gradient)
            guard loss.isFinite else { throw .diverged(step: globalStep + step) }
            let rate = schedule.rate(at: globalStep + step)
            if let outer = trained.core, var values = core {
                take(&optimizer, values: &values, gradient: &gradient, start: start, rate: rate)
                adapter.values = outer.expanded(values)
                core = values
            } else if part.isWhole {
                take(&optimizer, values: &adapter.values, gradient: &gradient, start: start, rate: rate)
            } else {
                // A frozen value must not decay either: the optimiser does not see it.
                var values = part.gather(adapter.values)
                take(&optimizer, values: &values, gradient: &gradient, start: start, rate: rate)
                part.scatter(values, into: &adapter.values)
            }
            lossSum += loss
            let isWanted = progress(
                LocalTrainer.Progress(
                    step: step, totalSteps: options.localSteps, meanLoss: lossSum / Double(step)))
            guard isWanted else { throw .cancelled }
        }
        return (lossSum / Double(options.localSteps), core)
    }

    /// One optimiser step.
    ///
    /// - Parameter start: What the proximal term pulls towards; empty without one. Its gradient counts for clipping, its
    ///   value for no reported loss.
    private func take(
        _ optimizer: inout any Optimizer, values: inout [Float], gradient: inout [Float], start: [Float], rate: Double
    ) {
        if let proximal = options.proximal { Proximal.add(proximal, values: values, start: start, to: &gradient) }
        if let limit = options.clipNorm { GradientClipping.clip(&gradient, to: limit) }
        for (index, value) in scope.correction.enumerated() { gradient[index] += value }
        optimizer.step(values: &values, gradient: gradient, learningRate: rate)
    }
}
