import Coordinator
import FineTuning
import LanguageModel
import ModelFiles
import Worker

/// Evaluates the global adapter on the coordinator's own text, away from the coordinator's loop.
final class HeldOutEvaluator: Evaluating {
    private let compute: LocalTraining.Compute
    private let work: Work

    // Made on one thread, then touched by jobs of `compute` alone.
    private struct Work: @unchecked Sendable {
        let model: TaskModel
        let adapter: ([Float], AdapterResidual?) throws -> LowRankAdapter
        let items: TaskItems
    }

    /// - Parameters:
    ///   - model: Handed over: nobody else may use it while the run goes on.
    ///   - adapter: Makes an adapter of the run's values and their residual.
    init(
        model: TaskModel, adapter: @escaping ([Float], AdapterResidual?) throws -> LowRankAdapter, items: TaskItems,
        compute: @escaping LocalTraining.Compute
    ) {
        self.compute = compute
        work = Work(model: model, adapter: adapter, items: items)
    }

    func evaluate(
        adapter values: [Float], residual: AdapterResidual?,
        completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) {
        compute { [work] in
            completion(
                Result {
                    let adapter = try work.adapter(values, residual)
                    let (losses, accuracy) = try work.model.measure(work.items, adapter: adapter)
                    return Evaluation(
                        loss: losses.mean, standardError: losses.standardError, items: losses.items,
                        accuracy: accuracy)
                })
        }
    }
}
