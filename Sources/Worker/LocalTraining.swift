internal import Federation
public import FineTuning
internal import LanguageModel
internal import Randomness
internal import Recipe
internal import Synchronization

/// Carries out a worker's tasks with the native trainer.
///
/// The private text stays in this object: what leaves it is the adapter, counts and losses.
public final class LocalTraining: TaskRunning {
    private let rows: [DataRow]
    private let compute: Compute
    private let desk: Desk
    private let wanted = WantedLeases()

    /// Runs jobs one after the other: on the process's compute thread, or at once on the caller's.
    public typealias Compute = @Sendable (@escaping @Sendable () -> Void) -> Void

    /// The loaded model and packed text, kept between tasks.
    private final class Desk: @unchecked Sendable {
        // Touched by jobs of `compute` alone, which never run at the same time.
        var base: PretrainedModel?
        var packed: (length: Int, train: TokenBlocks, test: TokenBlocks)?

        init(base: PretrainedModel?) {
            self.base = base
        }
    }

    /// Leases whose work is still wanted; the loop's thread cancels, the compute thread asks.
    private final class WantedLeases: Sendable {
        private let leases = Mutex<Set<UInt64>>([])

        func insert(_ lease: UInt64) { leases.withLock { _ = $0.insert(lease) } }
        func remove(_ lease: UInt64) { leases.withLock { _ = $0.remove(lease) } }
        func contains(_ lease: UInt64) -> Bool { leases.withLock { $0.contains(lease) } }
    }

    /// - Parameters:
    ///   - rows: The worker's private text, both splits.
    ///   - model: Already loaded, where a whole fleet shares one; `nil` loads the task's model on first use.
    ///   - compute: Shared by all that computes in this process.
    public init(rows: [DataRow], model: PretrainedModel? = nil, compute: @escaping Compute) {
        self.rows = rows
        self.compute = compute
        desk = Desk(base: model)
    }

    public func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        wanted.insert(task.lease)
        compute { [rows, desk, wanted] in
            guard wanted.contains(task.lease) else { return }
            defer { wanted.remove(task.lease) }
            do {
                report(try Self.carryOut(task, rows, desk, wanted, report))
            } catch TrainingError.cancelled {
                // Nobody waits for the answer any more.
            } catch {
                report(.failed(reason: "\(error)"))
            }
        }
    }

    public func cancel(lease: UInt64) {
        wanted.remove(lease)
    }

    private static func carryOut(
        _ task: LocalTask, _ rows: [DataRow], _ desk: Desk, _ wanted: WantedLeases,
        _ report: @escaping @Sendable (TaskEvent) -> Void
    ) throws -> TaskEvent {
        let base = try desk.base.flatMap { $0.path == task.modelPath ? $0 : nil } ?? PretrainedModel(path: task.modelPath)
        desk.base = base
        if desk.packed?.length != task.training.sequenceLength {
            let grouped = base.blocks(of: rows, length: task.training.sequenceLength)
            desk.packed = (task.training.sequenceLength, grouped.joined(.train), grouped.joined(.test))
        }
        guard let packed = desk.packed else { preconditionFailure("packed just above") }
        let plan = try AdapterPlan(options: task.adapterOptions, model: base.model.linearLayers)
        guard plan.layout == task.layout else {
            throw AdapterPlanError.shapeMismatch("the coordinator's adapter has other tensors than this base model gives")
        }
        var adapter = plan.adapter(values: task.values)
        switch task.kind {
        case .evaluate:
            let losses = BlockLosses(
                try LossEvaluation.losses(of: packed.test, model: base.model, adapter: adapter))
            return .evaluated(items: losses.items, lossSum: losses.lossSum, squaredLossSum: losses.squaredLossSum)
        case .train:
            let summary = try LocalTrainer(model: base.model, options: task.training).train(
                &adapter, on: packed.train, after: (task.round - 1) * task.training.localSteps,
                batches: task.stream(.batches), dropout: task.stream(.dropout)
            ) { progress in
                report(.progress(step: progress.step, totalSteps: progress.totalSteps, loss: progress.meanLoss))
                return wanted.contains(task.lease)
            }
            return .trained(
                values: adapter.values, trainingItems: packed.train.count, steps: summary.steps,
                tokens: summary.tokens, meanLoss: summary.meanLoss)
        }
    }
}

extension LocalTask {
    fileprivate func stream(_ purpose: StreamKey.Purpose) -> CounterRandom {
        StreamKey(seed: seed, round: round, attempt: attempt, worker: worker.text, purpose: purpose).generator()
    }
}
