internal import Federation
public import FineTuning
public import LanguageModel
internal import ModelFiles
internal import Randomness
internal import Recipe
internal import Synchronization
internal import Wire

/// Carries out a worker's tasks: with the native trainer, or with a program of the owner's where he names one.
///
/// The private text stays in this object: what leaves it is the adapter, counts and losses.
public final class LocalTraining: TaskRunning {
    private let data: DataSource
    private let notice: @Sendable (String) -> Void
    private let compute: Compute
    private let cache: WeightCache?
    private let slowdown: Slowdown?
    private let idle: Idleness?
    private let trainer: ExternalTrainer?
    private let meter: EnergyMeter
    private let desk: Desk
    private let wanted = WantedTasks()

    /// Runs jobs one after the other: on the process's compute thread, or at once on the caller's.
    public typealias Compute = @Sendable (@escaping @Sendable () -> Void) -> Void

    /// What a process does that mostly waits: it computes only while its machine has room, and keeps little in between.
    public struct Idleness: Sendable {
        /// `nil`: computes whenever a task comes.
        var slots: SlotWait?
        /// Gives memory back to the system; called on the compute thread after each task.
        var giveBack: @Sendable () -> Void

        public init(slots: SlotWait?, giveBack: @escaping @Sendable () -> Void) {
            self.slots = slots
            self.giveBack = giveBack
        }
    }

    /// A worker's text as blocks or examples, for tasks that want it alike.
    fileprivate struct Packed {
        let length: Int
        let template: ChatTemplateName?
        let classNames: [String]
        let train: TaskItems
        let test: TaskItems
        /// What was left out, in sentences for people.
        let warnings: [String]

        var tokenCount: Int { train.tokenCount + test.tokenCount }

        func fits(_ options: TrainingOptions) -> Bool {
            length == options.sequenceLength && template == options.chatTemplate && classNames == options.classNames
        }
    }

    /// The loaded model and packed text, kept between tasks.
    fileprivate final class Desk: @unchecked Sendable {
        // Touched by jobs of `compute` alone, which never run at the same time.
        var base: TaskModel?
        var packed: Packed?

        init(base: TaskModel?) {
            self.base = base
        }

        /// Lets go of what the next task can make again. Packed text stays while it is small: making it again takes the
        /// longest.
        func clear() {
            base = nil
            if let kept = packed, kept.tokenCount > Self.keptTokensMax { packed = nil }
        }

        /// About 8 MiB with labels.
        private static let keptTokensMax = 1 << 20
    }

    /// Tasks whose work is still wanted; the loop's thread cancels, the compute thread asks.
    ///
    /// A lease that was cancelled and offered again is another task: each start has a ticket of its own.
    private final class WantedTasks: Sendable {
        private struct State {
            var ticketOfLease: [UInt64: UInt64] = [:]
            var lastTicket: UInt64 = 0
        }

        private let state = Mutex(State())

        func add(lease: UInt64) -> UInt64 {
            state.withLock { state in
                state.lastTicket += 1
                state.ticketOfLease[lease] = state.lastTicket
                return state.lastTicket
            }
        }

        func cancel(lease: UInt64) {
            state.withLock { _ = $0.ticketOfLease.removeValue(forKey: lease) }
        }

        func contains(_ ticket: UInt64, lease: UInt64) -> Bool {
            state.withLock { $0.ticketOfLease[lease] == ticket }
        }

        /// The task with this ticket is done; a later start of the same lease stays.
        func remove(_ ticket: UInt64, lease: UInt64) {
            state.withLock { if $0.ticketOfLease[lease] == ticket { $0.ticketOfLease[lease] = nil } }
        }
    }

    /// - Parameters:
    ///   - data: The worker's private text, both splits.
    ///   - model: Already loaded, where a whole fleet shares one; `nil` loads the task's model on first use.
    ///   - notice: Told once, in sentences for people, how the text was read; from the compute thread.
    ///   - cache: Keeps bfloat16 copies of weights of other types; `nil` converts them in memory.
    ///   - slowdown: Makes training take longer, for simulations.
    ///   - trainer: A program that trains in place of the native trainer; `nil`: none. It evaluates nothing.
    ///   - idle: `nil` keeps the model from task to task and never waits for room.
    ///   - wattsPerCore: Power of a busy core where the machine counts no energy; `nil` takes a usual one. Unit: watts.
    ///   - compute: Shared by all that computes in this process.
    public init(
        data: DataSource, model: TaskModel? = nil, notice: @escaping @Sendable (String) -> Void = { _ in },
        cache: WeightCache? = nil, slowdown: Slowdown? = nil, idle: Idleness? = nil, trainer: TrainerCommand? = nil,
        wattsPerCore: Double? = nil, compute: @escaping Compute
    ) {
        self.data = data
        self.notice = notice
        self.compute = compute
        self.cache = cache
        self.slowdown = slowdown
        self.idle = idle
        self.trainer = trainer.map(ExternalTrainer.init)
        meter = EnergyMeter(wattsPerCore: wattsPerCore ?? EnergyMeter.wattsPerCore)
        desk = Desk(base: model)
    }

    public func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        let ticket = wanted.add(lease: task.lease)
        compute { [data, notice, desk, wanted, cache, slowdown, idle, trainer, meter] in
            guard wanted.contains(ticket, lease: task.lease) else { return }
            defer { wanted.remove(ticket, lease: task.lease) }
            let isWanted = { @Sendable in wanted.contains(ticket, lease: task.lease) }
            let outcome: TaskEvent?
            do {
                let slot = try idle?.slots.map { try Self.place(task, $0, notice, isWanted, report) }
                // The place comes free before the answer is under way, and only once the memory has.
                defer {
                    idle?.clear(desk)
                    withExtendedLifetime(slot) {}
                }
                let before = meter.read()
                outcome = try Self.carryOut(task, data, desk, cache, slowdown, trainer, notice, isWanted, report)
                    .adding(meter.cost(since: before))
            } catch TrainingError.cancelled {
                // Nobody waits for the answer any more.
                outcome = nil
            } catch let error as DataError {
                outcome = .unsuitable(reason: TaskReason(error))
            } catch {
                outcome = .failed(reason: TaskReason(error))
            }
            if let outcome { report(outcome) }
        }
    }

    /// Waits for room on this machine. Where that cannot be arranged the task goes on all the same.
    private static func place(
        _ task: LocalTask, _ slots: SlotWait, _ notice: (String) -> Void, _ isWanted: () -> Bool,
        _ report: (TaskEvent) -> Void
    ) throws -> TrainingSlot? {
        let bytes = TrainingMemory.bytes(
            modelPath: task.modelPath, options: task.training, adapterValues: task.layout.parameterCount,
            trains: task.kind == .train)
        var hasWaited = false
        let slot: TrainingSlot?
        do {
            slot = try slots.take(bytes: bytes, while: isWanted) {
                hasWaited = true
                report(.waitsForSlot)
            }
        } catch {
            notice("computes without a training slot: \(error)")
            return nil
        }
        guard slot != nil else { throw TrainingError.cancelled }
        if hasWaited { report(.tookSlot) }
        return slot
    }

    public func cancel(lease: UInt64) {
        wanted.cancel(lease: lease)
    }

    private static func carryOut(
        _ task: LocalTask, _ data: DataSource, _ desk: Desk, _ cache: WeightCache?, _ slowdown: Slowdown?,
        _ trainer: ExternalTrainer?, _ notice: @escaping @Sendable (String) -> Void,
        _ isWanted: @escaping @Sendable () -> Bool, _ report: @escaping @Sendable (TaskEvent) -> Void
    ) throws -> TaskEvent {
        let base =
            try desk.base.flatMap { $0.fits(path: task.modelPath, options: task.training) ? $0 : nil }
            ?? TaskModel(path: task.modelPath, options: task.training, cache: cache)
        desk.base = base
        let packed = try pack(data, for: task.training, base, desk, notice)
        let plan = try base.adapterPlan(task.adapterOptions)
        let core = try task.fixedFactors.map { fixed in try CoreAdapter(plan: plan, fixed: fixed.values) }
        guard (core?.layout ?? plan.layout) == task.layout, plan.layout == task.fixedFactors?.layout ?? plan.layout
        else {
            throw AdapterPlanError.shapeMismatch(
                "the coordinator's adapter has other tensors than this base model gives")
        }
        var adapter = try plan.adapter(
            values: core?.expanded(task.values) ?? task.values, residual: task.residual)
        var own = try OwnModel(task, base, plan)
        let items = task.kind == .train ? packed.train.count : packed.test.count
        if let refusal = task.refusal?(items, task.kind) { return .failed(reason: TaskReason(refusal)) }
        switch task.kind {
        case .evaluate:
            try own.write(global: adapter.values)
            let (losses, _) = try base.measure(packed.test, adapter: own.adapter(global: adapter.values))
            return .evaluated(items: losses.items, lossSum: losses.lossSum, squaredLossSum: losses.squaredLossSum)
        case .train:
            guard packed.train.count > 0 else {
                guard task.training.classNames.isEmpty else {
                    return .unsuitable(reason: "this worker has no labelled training example; give it some")
                }
                if let warning = packed.warnings.first {
                    return .unsuitable(
                        reason: TaskReason(
                            told: "this worker's training text has nothing to learn; its own log says more",
                            own: warning))
                }
                let length = task.training.sequenceLength
                return .unsuitable(
                    reason: TaskReason(
                        told: "this worker's training text is less than one block (training.sequence-length)",
                        own: "this worker's training text is less than one block of \(length) tokens; give it more "
                            + "text, or lower training.sequence-length in the run file"))
            }
            if trainer != nil, task.training.exampleClip != nil {
                return .failed(
                    reason: "the run asks for noise on single examples, which this worker's own program does not add")
            }
            if trainer != nil, base.configuration.quantisation != nil {
                return .failed(
                    reason: "the run's base model is quantised, which this worker's own training program cannot read")
            }
            let (privateSteps, refusal) = try PrivateSteps.paid(task, count: packed.train.count)
            if let refusal { return .failed(reason: refusal) }
            if let trainer {
                return try train(task, trainer, plan, on: packed.train, notice, isWanted, report)
            }
            let before = (task.round - 1) * task.training.localSteps
            var steps = slowdown?.steps()
            var options = task.training
            options.localSteps = task.steps(items: packed.train.count)
            let summary = try base.train(
                &adapter, on: packed.train, options: options, after: before,
                scope: TrainingScope(
                    correction: task.correction, core: core.map { ($0, task.values) }, privateSteps: privateSteps,
                    drawsApart: task.ownSeed != nil),
                batches: task.stream(.batches), dropout: task.stream(.dropout)
            ) { progress in
                report(
                    .progress(
                        step: progress.step, totalSteps: progress.totalSteps, loss: progress.meanLoss,
                        items: packed.train.count))
                steps?.stepEnded(while: isWanted)
                return isWanted()
            }
            let ownTokens = try own.train(on: packed.train, after: before, isWanted: isWanted)
            try own.write(global: adapter.values)
            return .trained(
                values: summary.core ?? adapter.values, trainingItems: summary.weight,
                steps: summary.steps, tokens: summary.tokens + ownTokens, meanLoss: summary.meanLoss, local: own.local)
        }
    }
}

extension LocalTraining {
    /// The same by a program of the owner's.
    private static func train(
        _ task: LocalTask, _ trainer: ExternalTrainer, _ plan: AdapterPlan, on items: TaskItems,
        _ notice: @escaping @Sendable (String) -> Void, _ isWanted: @escaping @Sendable () -> Bool,
        _ report: @escaping @Sendable (TaskEvent) -> Void
    ) throws -> TaskEvent {
        let progress = { @Sendable (step: Int, totalSteps: Int, loss: Double) in
            report(.progress(step: step, totalSteps: totalSteps, loss: loss, items: items.count))
        }
        guard
            let outcome = try trainer.train(
                task, plan, on: items, isWanted: isWanted, progress: progress, notice: notice)
        else { throw TrainingError.cancelled }
        return .trained(
            values: outcome.values, trainingItems: outcome.weight, steps: outcome.metrics.steps,
            tokens: outcome.metrics.tokens, meanLoss: outcome.metrics.trainLoss, local: nil,
            cost: TaskCost(seconds: 0, joules: outcome.metrics.joules))
    }

    private static func pack(
        _ data: DataSource, for options: TrainingOptions, _ base: TaskModel, _ desk: Desk, _ notice: (String) -> Void
    ) throws(DataError) -> Packed {
        if let packed = desk.packed, packed.fits(options) { return packed }
        let (train, test, grouped) = try base.items(of: data, options: options)
        for line in grouped?.notices ?? [] { notice(line) }
        let skipped = grouped?.skipped.filter { $0.split == .train && $0.tokens >= $0.length } ?? []
        let packed = Packed(
            length: options.sequenceLength, template: options.chatTemplate, classNames: options.classNames,
            train: train, test: test, warnings: skipped.map(\.description))
        desk.packed = packed
        return packed
    }
}

extension LocalTraining.Idleness {
    fileprivate func clear(_ desk: LocalTraining.Desk) {
        desk.clear()
        giveBack()
    }
}

extension TaskEvent {
    /// Of a training that is done, with what it told of its own beside.
    fileprivate func adding(_ cost: TaskCost) -> TaskEvent {
        guard case .trained(let values, let items, let steps, let tokens, let loss, let local, let own) = self else {
            return self
        }
        var cost = cost
        if let own {
            // A program that tells nothing may have used what no counter here sees, such as a graphics card.
            cost.isMeasured = cost.isMeasured && own.joules != nil
            cost.joules = cost.joules.map { $0 + (own.joules ?? 0) } ?? own.joules
        }
        return .trained(
            values: values, trainingItems: items, steps: steps, tokens: tokens, meanLoss: loss, local: local, cost: cost
        )
    }
}

extension LocalTask {
    func stream(_ purpose: StreamKey.Purpose) -> CounterRandom {
        let seed = ownSeed ?? seed
        return StreamKey(seed: seed, round: round, attempt: attempt, worker: worker.text, purpose: purpose).generator()
    }
}
