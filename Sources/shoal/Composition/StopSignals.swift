import Dispatch
import Glibc

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
}
