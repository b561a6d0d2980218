import Coordinator
import FineTuning
import LanguageModel

/// Evaluates the global adapter on the coordinator's own text, on the process's compute thread.
final class HeldOutEvaluator: Evaluating {
    private let compute: ComputeThread
    private let work: Work

    // Made on one thread, then touched by jobs of the compute thread alone.
    private struct Work: @unchecked Sendable {
        let model: any CausalLanguageModel
        let plan: AdapterPlan
        let blocks: TokenBlocks
    }

    /// - Parameter model: Handed over: nobody else may use it while the run goes on.
    init(model: any CausalLanguageModel, plan: AdapterPlan, blocks: TokenBlocks, compute: ComputeThread) {
        self.compute = compute
        work = Work(model: model, plan: plan, blocks: blocks)
    }

    func evaluate(
        adapter values: [Float], completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) {
        compute.post { [work] in
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
