import Federation
import FineTuning
import LanguageModel
import Recipe
import RunFile
import Simulation

/// Held-out losses of each worker's own text under three adapters: none, the federated one, and the worker's own.
struct Comparison {
    struct Row {
        let worker: WorkerName
        let base: Double
        let federated: Double
        /// The worker's own adapter on its own text; `nil` unless `--compare-local`.
        let local: Double?
    }

    let rows: [Row]
    /// Mean over workers of the loss of their own adapters on everybody's held-out text.
    let localOnAll: Double?
    /// Steps that local adapters were trained, `300` or, with passes over texts of different sizes, `30 to 300`; `nil`
    /// without any.
    let localStepsText: String?

    /// - Parameter trainsLocal: Whether to train each worker's own adapter (as many steps as it took in the run).
    init(
        _ prepared: PreparedRun, _ base: PretrainedModel, workers: SimulatedWorkers, heldOut: TokenBlocks,
        federated: LowRankAdapter,
        trainsLocal: Bool, progress: (Int, Int) -> Void
    ) throws {
        let configuration = prepared.configuration
        let model = base.model
        let baseline = LocalBaseline(
            model: model, initial: prepared.adapter(values: prepared.initialValues),
            options: configuration.training, seed: configuration.federation.seed)
        let mean = { (blocks: TokenBlocks, adapter: LowRankAdapter?) in
            BlockLosses(try LossEvaluation.losses(of: blocks, model: model, adapter: adapter)).mean
        }
        var rows: [Row] = []
        var onAll: [Double] = []
        var localSteps: [Int] = []
        for (index, worker) in workers.workers.enumerated() {
            progress(index, workers.workers.count)
            let packed = try base.blocks(
                of: .rows(worker.rows), length: configuration.training.sequenceLength,
                chatTemplate: configuration.training.chatTemplate)
            let participant = LocalBaseline.Participant(
                worker: worker.name, train: packed.joined(.train), test: packed.joined(.test))
            var own: LowRankAdapter?
            if trainsLocal {
                let steps = LocalBaseline.steps(
                    configuration.training, items: participant.train.count, rounds: configuration.federation.rounds,
                    workersPerRound: configuration.federation.workersPerRound, workers: workers.workers.count)
                own = try baseline.adapter(of: participant, steps: steps)
                localSteps.append(steps)
                onAll.append(try mean(heldOut, own))
            }
            guard participant.test.count > 0 else { continue }
            rows.append(
                Row(
                    worker: worker.name, base: try mean(participant.test, nil),
                    federated: try mean(participant.test, federated),
                    local: try own.map { try mean(participant.test, $0) }))
        }
        self.rows = rows
        let steps = Set(localSteps).sorted()
        localStepsText = steps.first.map { steps.count > 1 ? "\($0) to \(steps[steps.count - 1])" : "\($0)" }
        localOnAll = onAll.isEmpty ? nil : onAll.reduce(0, +) / Double(onAll.count)
    }

    /// A table of at most `limit` workers: all of them, or those whose text gained most and least.
    func lines(limit: Int = 16) -> [String] {
        var table = TextTable()
        let hasLocal = rows.contains { $0.local != nil }
        table.add("own held-out text", "base", "federated", "change", hasLocal ? "alone" : "")
        for row in shown(limit) {
            table.add(
                row.worker.text, Quantity.loss(row.base), Quantity.loss(row.federated),
                Quantity.fixed(100 * (row.federated / row.base - 1), digits: 1) + " %",
                row.local.map(Quantity.loss) ?? "")
        }
        var lines = table.lines
        if rows.count > limit { lines.append("  (the \(limit) of \(rows.count) workers that gained least and most)") }
        return lines
    }

    private func shown(_ limit: Int) -> [Row] {
        guard rows.count > limit else { return rows }
        let byGain = rows.sorted { $0.federated - $0.base > $1.federated - $1.base }
        return Array(byGain.prefix(limit / 2) + byGain.suffix(limit - limit / 2))
    }
}
