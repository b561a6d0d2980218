internal import Federation
internal import Randomness
internal import Wire

/// When to say something again that was not answered: exponential, with jitter so that a fleet does not come in step.
struct Retry {
    /// How long the waits are.
    struct Pace: Hashable {
        /// Unit: seconds.
        let first: Double
        /// Unit: seconds.
        let last: Double

        /// For control messages.
        static let control = Pace(first: 1, last: 10)
        /// For megabytes on their way over a link that may be slow: asking again too early sends them all again.
        static let bulk = Pace(first: 10, last: 60)
    }

    private(set) var due: Instant
    private let pace: Pace
    private var doublings = 0

    /// The first wait begins now.
    init(_ pace: Pace, at now: Instant, random: inout CounterRandom) {
        self.pace = pace
        due = now
        wait(from: now, random: &random)
    }

    /// Puts the next attempt off, longer each time.
    mutating func wait(from now: Instant, random: inout CounterRandom) {
        let full = min(pace.first * Double(1 << doublings), pace.last)
        doublings = min(doublings + 1, 10)
        due = now.advanced(bySeconds: full * (0.5 + 0.5 * random.uniformDouble()))
    }

    /// An answer came: the next silence starts from the shortest wait.
    mutating func restart(at now: Instant, random: inout CounterRandom) {
        self = Retry(pace, at: now, random: &random)
    }
}

/// A message that is sent again, with the same id, until it is answered.
struct Outstanding {
    let envelope: Envelope
    var retry: Retry
}
