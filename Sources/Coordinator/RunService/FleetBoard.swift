public import Federation
import Synchronization
public import Wire

/// One worker as its coordinator knows it at one moment.
public struct FleetMember: Hashable, Sendable {
    public var worker: WorkerName
    /// The worker's own word: untrusted text.
    public var software: String
    /// Of its host, as it says.
    public var cores: Int
    /// Unit: bytes.
    public var memoryBytes: UInt64
    /// Of the adapter that it trains.
    public var rank: Int
    /// Since its last message; `nil` where participation is secret, as is everything below: workers with a task beat
    /// faster than those without.
    public var silentSeconds: Double?
    public var phase: Heartbeat.Phase?
    /// Of `totalSteps`, which is 0 for a task that tells none.
    public var step: Int
    public var totalSteps: Int
    /// Its machine has no room for the task yet.
    public var waitsForSlot: Bool

    public init(
        worker: WorkerName, software: String, cores: Int, memoryBytes: UInt64, rank: Int, silentSeconds: Double? = nil,
        phase: Heartbeat.Phase? = nil, step: Int = 0, totalSteps: Int = 0, waitsForSlot: Bool = false
    ) {
        self.worker = worker
        self.software = software
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.rank = rank
        self.silentSeconds = silentSeconds
        self.phase = phase
        self.step = step
        self.totalSteps = totalSteps
        self.waitsForSlot = waitsForSlot
    }
}

/// A coordinator's fleet at one moment.
public struct FleetSnapshot: Sendable {
    /// Workers with an open session, in name order.
    public var members: [FleetMember]
    /// What is waited for, and who is late.
    public var standing: RunStanding
    /// `nil` where participation is secret.
    public var counters: RunCounters?
    /// Offers that workers declined since the process began; `nil` where participation is secret.
    public var declined: Int?
    /// False once the run takes its leave, unless the coordinator stays to tell late workers.
    public var acceptsWorkers: Bool

    public init(
        members: [FleetMember], standing: RunStanding, counters: RunCounters?, declined: Int?, acceptsWorkers: Bool
    ) {
        self.members = members
        self.standing = standing
        self.counters = counters
        self.declined = declined
        self.acceptsWorkers = acceptsWorkers
    }
}

/// Where a service's loop leaves its newest ``FleetSnapshot`` for other threads, at most once a second.
public final class FleetBoard: Sendable {
    private struct Posted {
        var snapshot: FleetSnapshot?
        var at: ContinuousClock.Instant?
    }

    private let posted = Mutex(Posted())

    public init() {}

    /// The newest snapshot and how old it is; `nil` before the first.
    public var newest: (snapshot: FleetSnapshot, age: Duration)? {
        posted.withLock { posted in
            guard let snapshot = posted.snapshot, let at = posted.at else { return nil }
            return (snapshot, ContinuousClock.now - at)
        }
    }

    /// Whether the newest is a second old: by the clock on the wall, whatever time the service lives in.
    var isDue: Bool {
        posted.withLock { posted in
            guard let at = posted.at else { return true }
            return ContinuousClock.now - at >= .seconds(1)
        }
    }

    public func post(_ snapshot: FleetSnapshot) {
        posted.withLock { $0 = Posted(snapshot: snapshot, at: .now) }
    }
}
