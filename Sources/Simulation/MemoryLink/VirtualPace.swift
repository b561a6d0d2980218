public import Worker

/// Makes a worker's training take virtual time: `secondsPerStep` for each step of the task.
///
/// The work itself is done when its time is over, so a task that is given up in between costs nothing.
public final class VirtualPace: TaskRunning {
    private let runner: any TaskRunning
    private let link: MemoryLink
    private let secondsPerStep: Double
    private let items: Int
    /// Of each lease's latest start: one that was cancelled and offered again is another task.
    private var ticketOfLease: [UInt64: UInt64] = [:]
    private var lastTicket: UInt64 = 0

    /// - Parameters:
    ///   - runner: Reports before its `start` returns, as all runners under a virtual clock.
    ///   - link: Has the clock.
    ///   - items: Blocks or examples that the worker trains on: they decide how many steps it takes where a round asks for
    ///     passes over them.
    public init(_ runner: any TaskRunning, on link: MemoryLink, secondsPerStep: Double, items: Int) {
        self.runner = runner
        self.link = link
        self.secondsPerStep = secondsPerStep
        self.items = items
    }

    public func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        let seconds = secondsPerStep * Double(task.steps(items: items))
        guard task.kind == .train, seconds > 0 else { return runner.start(task, report: report) }
        lastTicket += 1
        let ticket = lastTicket
        ticketOfLease[task.lease] = ticket
        link.schedule(afterSeconds: seconds) { [weak self] in
            guard let self, ticketOfLease[task.lease] == ticket else { return }
            ticketOfLease[task.lease] = nil
            runner.start(task, report: report)
        }
    }

    public func cancel(lease: UInt64) {
        ticketOfLease[lease] = nil
        runner.cancel(lease: lease)
    }
}
