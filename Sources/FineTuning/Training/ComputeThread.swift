internal import Foundation

/// One thread that runs jobs in the order they were posted.
///
/// Training and evaluation run here: they would starve the cooperative pool, and they share one pool of kernel threads,
/// so a process has one of these.
public final class ComputeThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isStopping = false
    }

    /// Jobs and the thread's wake-up share one lock, so that a post between check and wait is never missed.
    private let shared: Shared

    private final class Shared: @unchecked Sendable {
        // `state` is touched only while `condition` is locked.
        let condition = NSCondition()
        var state = State()
    }

    public init(name: String = "compute") {
        let shared = Shared()
        self.shared = shared
        let thread = Thread {
            while let job = Self.next(shared) { job() }
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit {
        shared.condition.lock()
        shared.state.isStopping = true
        shared.condition.signal()
        shared.condition.unlock()
    }

    /// Runs `job` after those posted before it; returns at once.
    public func post(_ job: @escaping @Sendable () -> Void) {
        shared.condition.lock()
        shared.state.jobs.append(job)
        shared.condition.signal()
        shared.condition.unlock()
    }

    /// The next job; `nil` once the thread's owner is gone and every job has run.
    private static func next(_ shared: Shared) -> (@Sendable () -> Void)? {
        shared.condition.lock()
        defer { shared.condition.unlock() }
        while shared.state.jobs.isEmpty {
            if shared.state.isStopping { return nil }
            shared.condition.wait()
        }
        return shared.state.jobs.removeFirst()
    }
}
