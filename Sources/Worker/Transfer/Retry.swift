internal import Federation
internal import Randomness
internal import Wire

/// When to say something again that was not answered: exponential, with jitter so that a fleet does not come in step.
struct Retry {
    /// Unit: seconds.
    static let firstSeconds = 1.0
    /// Unit: seconds.
    static let lastSeconds = 10.0

    private(set) var due: Instant
    private var doublings = 0

    /// The first wait begins now.
    init(at now: Instant, random: inout CounterRandom) {
        due = now
        wait(from: now, random: &random)
    }

    /// Puts the next attempt off, longer each time.
    mutating func wait(from now: Instant, random: inout CounterRandom) {
        let full = min(Self.firstSeconds * Double(1 << doublings), Self.lastSeconds)
        doublings = min(doublings + 1, 10)
        due = now.advanced(bySeconds: full * (0.5 + 0.5 * random.uniformDouble()))
    }

    /// An answer came: the next silence starts from the shortest wait.
    mutating func restart(at now: Instant, random: inout CounterRandom) {
        self = Retry(at: now, random: &random)
    }
}

/// A message that is sent again, with the same id, until it is answered.
struct Outstanding {
    let envelope: Envelope
    var retry: Retry
}
