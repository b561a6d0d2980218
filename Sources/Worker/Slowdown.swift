public import Federation

/// Makes this machine train like a slower one, for simulations: after each step it waits until the step has taken
/// `factor` times as long as it did.
public struct Slowdown: Sendable {
    private let factor: Double
    private let now: @Sendable () -> Instant
    private let sleep: @Sendable (_ seconds: Double) -> Void

    /// A wait looks this often whether the task is still wanted. Unit: seconds.
    private static let slice = 0.05

    /// - Parameters:
    ///   - factor: At least 1.
    ///   - sleep: Blocks the training thread.
    public init(
        factor: Double, now: @escaping @Sendable () -> Instant, sleep: @escaping @Sendable (_ seconds: Double) -> Void
    ) {
        precondition(factor >= 1, "a slowdown by \(factor)")
        self.factor = factor
        self.now = now
        self.sleep = sleep
    }

    /// The steps of one task; its first step begins now.
    package func steps() -> Steps { Steps(slowdown: self, begun: now()) }

    package struct Steps {
        fileprivate let slowdown: Slowdown
        fileprivate var begun: Instant

        /// A step has ended: waits for the rest of its time, or until the task is given up.
        package mutating func stepEnded(while isWanted: () -> Bool) {
            let end = slowdown.now()
            var left = (slowdown.factor - 1) * end.seconds(since: begun)
            while left > 0, isWanted() {
                slowdown.sleep(min(left, Slowdown.slice))
                left -= Slowdown.slice
            }
            begun = slowdown.now()
        }
    }
}
