import Coordinator
import FineTuning
import ModelFiles
import Worker

/// Evaluates the global adapter on the coordinator's own text, away from the coordinator's loop.
final class HeldOutEvaluator: Evaluating {
    private let compute: LocalTraining.Compute
    private let work: Work

    // Made on one thread, then touched by jobs of `compute` alone.
    private struct Work: @unchecked Sendable {
        let model: TaskModel
        let plan: AdapterPlan
        let items: TaskItems
    }

    /// - Parameter model: Handed over: nobody else may use it while the run goes on.
    init(model: TaskModel, plan: AdapterPlan, items: TaskItems, compute: @escaping LocalTraining.Compute) {
        self.compute = compute
        work = Work(model: model, plan: plan, items: items)
    }

    func evaluate(
        adapter values: [Float], residual: AdapterResidual?,
        completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) {
        compute { [work] in
            completion(
                Result {
                    let adapter = try work.plan.adapter(values: values, residual: residual)
                    let (losses, accuracy) = try work.model.measure(work.items, adapter: adapter)
                    return Evaluation(
                        loss: losses.mean, standardError: losses.standardError, items: losses.items,
                        accuracy: accuracy)
                })
        }
    }
}
