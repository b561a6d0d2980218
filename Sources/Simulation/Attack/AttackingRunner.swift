internal import Federation
internal import Recipe
internal import Synchronization
public import Worker

/// A worker of an attacked simulation: an honest one whose updates the bad ones see, or a bad one.
///
/// Whatever it sends goes on through the worker's own service: codec, residual and signatures are those of any worker.
public final class AttackingRunner: TaskRunning {
    private let runner: any TaskRunning
    private let conspiracy: Conspiracy
    private let isBad: Bool

    /// Events of a task that reports before its `start` returns.
    private final class Reported: Sendable {
        private let events = Mutex<[TaskEvent]>([])
        func add(_ event: TaskEvent) { events.withLock { $0.append(event) } }
        func take() -> [TaskEvent] { events.withLock { $0 } }
    }

    /// - Parameter runner: Reports before its `start` returns, as all runners under a virtual clock.
    public init(_ runner: any TaskRunning, isBad: Bool, conspiracy: Conspiracy) {
        self.runner = runner
        self.isBad = isBad
        self.conspiracy = conspiracy
    }

    public func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        guard task.kind == .train else { return runner.start(task, report: report) }
        if isBad { conspiracy.witness(adapter: task.values, of: task) }
        guard !isBad || conspiracy.trains else { return report(freeRide(task)) }
        let reported = Reported()
        runner.start(task) { reported.add($0) }
        for event in reported.take() { report(changed(event, task)) }
    }

    public func cancel(lease: UInt64) { runner.cancel(lease: lease) }

    private func changed(_ event: TaskEvent, _ task: LocalTask) -> TaskEvent {
        guard case .trained(let values, let items, let steps, let tokens, let meanLoss, let local, let cost) = event
        else {
            return event
        }
        let delta = zip(values, task.values).map { $0 - $1 }
        guard isBad else {
            conspiracy.witness(delta, of: task)
            return event
        }
        return .trained(
            values: sum(task, conspiracy.falsify(delta, of: task)), trainingItems: items, steps: steps, tokens: tokens,
            meanLoss: meanLoss, local: local, cost: cost)
    }

    /// An update that nothing stands behind, with a report that says otherwise.
    private func freeRide(_ task: LocalTask) -> TaskEvent {
        let nothing = [Float](repeating: 0, count: task.values.count)
        let (steps, batch) = (task.training.localSteps, task.training.batchSize)
        return .trained(
            values: sum(task, conspiracy.falsify(nothing, of: task)), trainingItems: steps * batch, steps: steps,
            tokens: steps * batch * task.training.sequenceLength, meanLoss: 1)
    }

    private func sum(_ task: LocalTask, _ change: [Float]) -> [Float] { zip(task.values, change).map { $0 + $1 } }
}
