import Federation
import Wire

/// One worker's open session.
struct Session {
    let peer: Peer
    var lastHeard: Instant
    var budget: PeerBudget
    /// Its program's version: the worker's own word, untrusted text.
    let software: String
    /// Of the worker's host, as it says.
    let cores: Int
    /// Unit: bytes.
    let memoryBytes: UInt64
    /// 0: not told.
    let gigaflops: Float
    /// Whether it knows changes that leave out a factor.
    let takesPartialChanges: Bool
    var heartbeat: Heartbeat?
    /// The adapter version that its last task started from, and the newest one that it certainly had.
    var offeredVersion: Int?
    var heldVersion: Int?
    /// Of its last offer.
    var catchUp: CatchUp?
    /// `nil` for a worker that takes no round records.
    var records: RecordsOfSession?

    /// The worker has shown by a result that it had its last task's adapter.
    mutating func hadOfferedAdapter() { heldVersion = offeredVersion }
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
