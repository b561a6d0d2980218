import Federation
import Wire

/// One worker's open session.
struct Session {
    let peer: Peer
    var lastHeard: Instant
    var budget: PeerBudget
    /// Of the worker's host, as it says.
    let cores: Int
    /// Unit: bytes.
    let memoryBytes: UInt64
    var heartbeat: Heartbeat?
    /// `nil` for a worker that takes no round records.
    var records: RecordsOfSession?
}

/// How many messages a peer may send: a bucket that refills, so that nobody can keep the one loop busy.
struct PeerBudget {
    /// A burst; an update of 4 GiB in chunks of 1 MiB fits.
    static let capacity = 8_192.0
    static let refillPerSecond = 2_048.0

    private var tokens = Self.capacity
    private var filledAt: Instant

    init(at now: Instant) {
        filledAt = now
    }

    /// Whether a message may still be served; `cost` 1 is a small one.
    mutating func spend(_ cost: Double, at now: Instant) -> Bool {
        tokens = min(Self.capacity, tokens + Self.refillPerSecond * max(0, now.seconds(since: filledAt)))
        filledAt = now
        guard tokens >= cost else { return false }
        tokens -= cost
        return true
    }
}
