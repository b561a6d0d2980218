import CZeroMQ
import Glibc
import Synchronization

/// What other threads may tell a transport's loop: closures to run, and to stop. Owns the `eventfd` that wakes it.
final class LoopMailbox: Sendable {
    /// Readable while something waits.
    let descriptor: Int32
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    private let stopped = Atomic<Bool>(false)

    init() throws(TransportError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { throw .last("eventfd") }
    }

    deinit { close(descriptor) }

    func post(_ work: @escaping @Sendable () -> Void) {
        waiting.withLock { $0.append(work) }
        wake()
    }

    /// Only an atomic store and one `write`: may be called from a signal handler.
    func stop() {
        stopped.store(true, ordering: .releasing)
        wake()
    }

    var isStopped: Bool { stopped.load(ordering: .acquiring) }

    /// Runs what was posted until now, in order; what that posts comes with the next call.
    func runPosted() {
        var count: UInt64 = 0
        // Cleared before the closures are taken: one posted in between wakes the loop once more, none is missed.
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
        let works = waiting.withLock { works in
            defer { works = [] }
            return works
        }
        for work in works { work() }
    }

    private func wake() {
        var one: UInt64 = 1
        // EAGAIN means that 2⁶⁴ wake-ups wait already: the loop is awake.
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }
}
