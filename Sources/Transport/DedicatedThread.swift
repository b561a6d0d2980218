import Glibc

/// A thread of its own for work that blocks, such as a transport's loop: it may not hold one of the few threads that
/// Swift's tasks share.
public final class DedicatedThread: Sendable {
    private let thread: pthread_t

    /// Starts the thread, which runs `body` once and ends.
    public init(_ body: @escaping @Sendable () -> Void) {
        final class Start {
            let body: @Sendable () -> Void

            init(body: @escaping @Sendable () -> Void) {
                self.body = body
            }
        }
        let start = Unmanaged.passRetained(Start(body: body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        precondition(code == 0, "no thread could be started: \(code)")
        self.thread = thread
    }

    /// Waits until the thread has ended. Call it once, from another thread.
    public func join() {
        pthread_join(thread, nil)
    }
}
