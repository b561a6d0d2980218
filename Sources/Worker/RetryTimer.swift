import Federation
import Randomness

/// When to send something again: after twice as long each time, up to a limit, and never two workers in step.
struct RetryTimer {
    private let firstSeconds: Double
    private let maximumSeconds: Double
    private var tries = 0
    private(set) var due: Instant

    /// Due at once.
    init(firstSeconds: Double, maximumSeconds: Double, at now: Instant) {
        self.firstSeconds = firstSeconds
        self.maximumSeconds = maximumSeconds
        due = now
    }

    /// Counts a try and sets the next one, between half and one and a half times the delay from now.
    mutating func tried(at now: Instant, using generator: inout CounterRandom) {
        let delay = min(maximumSeconds, firstSeconds * Double(UInt64(1) << UInt64(min(tries, 16))))
        tries += 1
        due = now.advanced(bySeconds: delay * (0.5 + generator.uniformDouble()))
    }

    /// The other side answered: the next delay is the first again.
    mutating func progressed(at now: Instant, using generator: inout CounterRandom) {
        tries = 0
        tried(at: now, using: &generator)
    }
}
