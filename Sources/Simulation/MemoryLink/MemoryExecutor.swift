import Synchronization
public import Wire

/// Collects closures for the memory link's loop, in the order posted.
public final class MemoryExecutor: LoopExecutor {
    private let posted = Mutex<[@Sendable () -> Void]>([])

    public init() {}

    public func post(_ work: @escaping @Sendable () -> Void) {
        posted.withLock { $0.append(work) }
    }

    /// Runs what was posted so far; whether there was anything.
    func drain() -> Bool {
        let work = posted.withLock { posted in
            defer { posted = [] }
            return posted
        }
        for closure in work { closure() }
        return !work.isEmpty
    }
}
