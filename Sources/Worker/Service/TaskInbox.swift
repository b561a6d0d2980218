internal import Synchronization
internal import Wire

/// Carries what a task reports, from whatever thread, to the service's next `tick`.
final class TaskInbox: Sendable {
    private let waiting = Mutex<[(lease: UInt64, event: TaskEvent)]>([])
    private let loop: any LoopExecutor

    init(loop: any LoopExecutor) {
        self.loop = loop
    }

    func deliver(_ event: TaskEvent, lease: UInt64) {
        waiting.withLock { $0.append((lease, event)) }
        // The loop calls `tick` after whatever was posted, so waking it is all there is to do.
        loop.post {}
    }

    func takeAll() -> [(lease: UInt64, event: TaskEvent)] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
