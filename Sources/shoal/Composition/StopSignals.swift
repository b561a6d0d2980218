import Dispatch
import Glibc
import Synchronization

/// Turns SIGINT and SIGTERM into a call, so that what runs can end in order; a second one ends the program at once.
final class StopSignals {
    private var sources: [any DispatchSourceSignal] = []

    /// - Parameter stop: Called once, on a queue of its own.
    init(_ stop: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "signals")
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            var isFirst = true
            source.setEventHandler {
                guard isFirst else { _exit(CommandFailure.interruptedCode) }
                isFirst = false
                stop()
            }
            source.resume()
            sources.append(source)
        }
    }

    /// Signals end the program again: what comes after a run must not be deaf to Ctrl-C.
    deinit {
        for source in sources { source.cancel() }
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
    }
}

/// Says across threads that somebody wants an end.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}
