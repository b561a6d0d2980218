import Dispatch
import Glibc

/// Notices that the process which started this one is gone: a fleet must not outlive its simulation.
final class ParentWatch {
    private let timer: any DispatchSourceTimer

    /// - Parameter gone: Called once, on a queue of its own.
    init(_ gone: @escaping @Sendable () -> Void) {
        let parent = getppid()
        let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "parent"))
        timer.schedule(deadline: .now() + 1, repeating: 1)
        timer.setEventHandler {
            guard getppid() != parent else { return }
            timer.cancel()
            gone()
        }
        timer.resume()
        self.timer = timer
    }
}
