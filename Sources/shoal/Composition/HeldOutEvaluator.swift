import Coordinator
import FineTuning
import LanguageModel
import Worker

/// Evaluates the global adapter on the coordinator's own text, away from the coordinator's loop.
final class HeldOutEvaluator: Evaluating {
    private let compute: LocalTraining.Compute
    private let work: Work

    // Made on one thread, then touched by jobs of `compute` alone.
    private struct Work: @unchecked Sendable {
        let model: any CausalLanguageModel
        let plan: AdapterPlan
        let blocks: TokenBlocks
    }

    /// - Parameter model: Handed over: nobody else may use it while the run goes on.
    init(
        model: any CausalLanguageModel, plan: AdapterPlan, blocks: TokenBlocks, compute: @escaping LocalTraining.Compute
    ) {
        self.compute = compute
        work = Work(model: model, plan: plan, blocks: blocks)
    }

    func evaluate(
        adapter values: [Float], completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) {
        compute { [work] in
            completion(
                Result {
                    let adapter = work.plan.adapter(values: values)
                    let losses = BlockLosses(
                        try LossEvaluation.losses(of: work.blocks, model: work.model, adapter: adapter))
                    return Evaluation(loss: losses.mean, standardError: losses.standardError, items: losses.items)
                })
        }
    }
}
