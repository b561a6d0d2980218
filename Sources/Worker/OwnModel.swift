internal import Federation
internal import FineTuning
internal import LanguageModel
internal import ModelFiles
internal import Randomness
internal import Recipe

/// A worker's own model in one task: the run's adapter, or that with a local adapter beside it.
///
/// The local adapter trains after the global one's steps, for as many of its own and on top of the global adapter that
/// the task came with, which stays as it is: the run gets bit for bit what it would get without local adapters, and the
/// local one learns what the shared one lacks for this worker. It is evaluated on top of the newest global adapter.
/// (Ditto, arXiv:2012.04221, parts personal and global objective in this way; here the personal part is low-rank.)
struct OwnModel {
    /// The local adapter, `[layout.parameterCount]`; `nil` without one.
    private(set) var local: [Float]?
    private let task: LocalTask
    private let base: TaskModel
    private let plan: AdapterPlan
    private let stacked: StackedAdapter?

    init(_ task: LocalTask, _ base: TaskModel, _ plan: AdapterPlan) throws {
        self.task = task
        self.base = base
        self.plan = plan
        guard task.training.personal.hasLocalAdapter else {
            stacked = nil
            return
        }
        stacked = try StackedAdapter(of: plan) { options throws(AdapterPlanError) in try base.adapterPlan(options) }
        let fresh = StreamKey(seed: task.seed, worker: task.worker.text, purpose: .localAdapter)
        local = task.localAdapter ?? plan.initialAdapter(random: fresh.generator()).values
    }

    /// What the worker's own text is evaluated with.
    /// - Parameter global: `[layout.parameterCount]`
    func adapter(global: [Float]) -> LowRankAdapter {
        guard let stacked, let local else { return plan.adapter(values: global) }
        return stacked.adapter(global: global, local: local)
    }

    /// Trains the local adapter, if there is one.
    ///
    /// - Returns: Tokens trained on.
    mutating func train(on items: TaskItems, after globalStep: Int, isWanted: () -> Bool) throws -> Int {
        guard let stacked else { return 0 }
        var options = task.training
        options.localSteps = task.steps(items: items.count)
        // The run's rules for what travels; nothing of this does.
        options.proximal = nil
        options.frozenFactor = nil
        var adapter = adapter(global: task.values)
        let summary = try base.train(
            &adapter, on: items, options: options, after: globalStep,
            scope: TrainingScope(part: stacked.localPart, drawsApart: task.ownSeed != nil),
            batches: task.stream(.localBatches), dropout: task.stream(.localDropout)
        ) { _ in isWanted() }
        local = stacked.local(of: adapter.values)
        return summary.tokens
    }

    /// Writes the worker's own model as a PEFT directory, where the task names one.
    ///
    /// - Parameter global: The adapter after the task's training; beside a local adapter the one it came with is written.
    func write(global: [Float]) throws {
        guard let folder = task.modelFolder else { return }
        let adapter = adapter(global: stacked == nil ? global : task.values)
        try AdapterDirectory.write(
            configuration: (stacked?.plan ?? plan).configuration(baseModel: base.path), layout: adapter.layout,
            values: adapter.values, labels: task.training.classNames, to: folder)
    }
}
