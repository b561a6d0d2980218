import Randomness

/// The rounds of an asynchronous run as a pure state machine: events and the time go in, actions come out.
///
/// Round v is the buffer whose updates become version v. `concurrency` workers train at once, each from the version that
/// was current when it was asked; as soon as one is done another is asked. An update belongs to the round that its worker
/// was asked in and counts in the round that it arrives in; the difference is its staleness. A worker is asked at most
/// once a round, so (round asked in, worker) names its update. Leases outlive rounds. Actions are to be carried out in
/// the order given.
///
/// - SeeAlso: FedBuff (Nguyen et al. 2022, arXiv:2106.06639).
public struct BufferedRounds: Sendable {
    public enum Action: Hashable, Sendable {
        /// Makes durable that these workers are asked in this round.
        case recordSelection([WorkerName], round: Int)
        case offer(WorkerName, round: Int)
        case withdraw(WorkerName, round: Int, because: String)
        /// Makes durable that this offer came to nothing.
        case recordFailure(WorkerName, round: Int)
        /// The buffer is full: publish, then call ``published(selector:at:)``. In worker-name order, then by round.
        case publish([Update])
        case wait(because: WaitReason)
    }

    /// Names an update: its worker, and the round that asked it. Its base version is `round − 1`.
    public struct Update: Hashable, Sendable, Comparable {
        public var worker: WorkerName
        public var round: Int

        public init(worker: WorkerName, round: Int) {
            self.worker = worker
            self.round = round
        }

        public static func < (left: Update, right: Update) -> Bool {
            (left.worker, left.round) < (right.worker, right.round)
        }
    }

    /// A lease.
    public struct Task: Hashable, Sendable {
        /// The round that it was offered in.
        public var round: Int
        var until: Instant
    }

    /// What became of a worker in the round that is open.
    public enum Standing: Hashable, Sendable {
        case asked
        /// May be asked again if nobody else is left.
        case lapsed
        /// May be asked again once it says `Hello`.
        case declined
    }

    /// What of the rounds is durable.
    public struct Record: Hashable, Sendable {
        /// The round that is open.
        public var round: Int
        /// Leases that have not ended, with the rounds they were offered in.
        public var tasks: [WorkerName: Int]
        /// What counts in the open round.
        public var counted: [Update]
        /// Whom the open round has asked.
        public var asked: Set<WorkerName>
        /// Those of them whose offers came to nothing.
        public var failed: Set<WorkerName>

        public init(
            round: Int, tasks: [WorkerName: Int] = [:], counted: [Update] = [], asked: Set<WorkerName> = [],
            failed: Set<WorkerName> = []
        ) {
            self.round = round
            self.tasks = tasks
            self.counted = counted
            self.asked = asked
            self.failed = failed
        }
    }

    public let options: BufferOptions
    private let seed: UInt64
    private let leaseSeconds: Double
    /// The open one.
    public private(set) var round: Int
    public private(set) var tasks: [WorkerName: Task]
    /// In the open round.
    public private(set) var counted: [Update]
    public private(set) var standing: [WorkerName: Standing]
    private var selector: Selector
    private var available: Set<WorkerName>
    /// Between ``Action/publish(_:)`` and ``published(selector:at:)``.
    private var isFull = false
    private var lastReason: WaitReason?

    /// Goes on from what is durable; ``start(at:)`` gives the first actions.
    ///
    /// - Parameters:
    ///   - seed: Keys the selection's randomness.
    ///   - leaseSeconds: How long an offer stands without a sign of life from its worker.
    ///   - selector: With the history of the rounds before `record.round`.
    ///   - available: Connected workers that may train.
    public init(
        _ record: Record, options: BufferOptions, seed: UInt64, leaseSeconds: Double, selector: Selector,
        available: Set<WorkerName>, at now: Instant
    ) {
        self.options = options
        self.seed = seed
        self.leaseSeconds = leaseSeconds
        self.selector = selector
        self.available = available
        round = record.round
        counted = record.counted
        // A restart gives everybody a new lease to come back in.
        let until = now.advanced(bySeconds: leaseSeconds)
        tasks = record.tasks.mapValues { Task(round: $0, until: until) }
        standing = [:]
        for worker in record.asked { standing[worker] = record.failed.contains(worker) ? .lapsed : .asked }
    }

    public mutating func start(at now: Instant) -> [Action] {
        withdrawStale() + settle(at: now)
    }

    public mutating func handle(_ event: Round.Event, at now: Instant) -> [Action] {
        var actions: [Action] = []
        let leaseEnd = leaseEnd(from: now)
        switch event {
        case .workerAvailable(let worker):
            available.insert(worker)
            if let task = tasks[worker] {
                // It may have restarted and lost the offer.
                tasks[worker]?.until = leaseEnd
                actions.append(.offer(worker, round: task.round))
            } else if standing[worker] == .declined {
                // What kept it from taking part may be over.
                standing[worker] = .lapsed
            }
        case .workerLost(let worker):
            available.remove(worker)
            actions += fail(worker, as: .lapsed)
        case .renewed(let worker):
            tasks[worker]?.until = leaseEnd
            // Nothing else follows from it, and it comes with every message.
            return []
        case .declined(let worker): actions += fail(worker, as: .declined)
        case .updatesRecorded(let updates):
            for worker in updates.keys.sorted() {
                guard let task = tasks.removeValue(forKey: worker) else { continue }
                counted.append(Update(worker: worker, round: task.round))
            }
        case .timePassed: break
        case .clockStalled:
            for worker in tasks.keys { tasks[worker]?.until = leaseEnd }
        }
        return actions + settle(at: now)
    }

    /// The version of the full buffer is published, and the next round opens.
    /// - Parameter selector: With the history of the rounds so far.
    public mutating func published(selector: Selector, at now: Instant) -> [Action] {
        precondition(isFull, "round \(round) was published before it was full")
        self.selector = selector
        round += 1
        counted = []
        standing = [:]
        isFull = false
        return withdrawStale() + settle(at: now)
    }
}

// MARK: - What others may ask
extension BufferedRounds {
    /// What is to be done with an update that a worker announces or commits, and that is not recorded yet.
    ///
    /// - Parameter round: The one that asked the worker.
    public func verdict(from worker: WorkerName, round: Int) -> Round.Verdict {
        if tasks[worker]?.round == round { return .take }
        let staleness = self.round - round
        guard staleness <= options.maximumStaleness else {
            return .refuse(reason: Self.staleReason(staleness, options))
        }
        return .refuse(reason: "the lease for round \(round) has ended")
    }

    /// How many more updates the open round takes.
    public var room: Int { max(1, options.size - counted.count) }

    /// Updates that the open round lacks and nobody is at work on.
    public var unfilled: Int { max(0, options.size - counted.count - tasks.count) }

    /// When ``Round/Event/timePassed`` will next change something; `nil` when only other events can.
    public var nextDue: Instant? { tasks.values.map(\.until).min() }

    private static func staleReason(_ staleness: Int, _ options: BufferOptions) -> String {
        "the version it started from is \(staleness) versions old, and federation.maximum-staleness is "
            + "\(options.maximumStaleness)"
    }
}

// MARK: - Transitions
extension BufferedRounds {
    private func leaseEnd(from now: Instant) -> Instant { now.advanced(bySeconds: leaseSeconds) }

    /// Ends a lease without an update.
    private mutating func fail(_ worker: WorkerName, as standing: Standing) -> [Action] {
        guard let task = tasks.removeValue(forKey: worker) else { return [] }
        if task.round == round { self.standing[worker] = standing }
        return [.recordFailure(worker, round: task.round)]
    }

    private mutating func withdraw(_ workers: [WorkerName], because reason: String) -> [Action] {
        var actions: [Action] = []
        for worker in workers {
            guard let task = tasks[worker] else { continue }
            actions.append(.withdraw(worker, round: task.round, because: reason))
            actions += fail(worker, as: .lapsed)
        }
        return actions
    }

    /// Whatever could only be refused need not be trained to its end.
    private mutating func withdrawStale() -> [Action] {
        let stale = tasks.filter { round - $0.value.round > options.maximumStaleness }
        return stale.keys.sorted().flatMap { worker in
            withdraw([worker], because: Self.staleReason(round - (tasks[worker]?.round ?? round), options))
        }
    }

    private mutating func settle(at now: Instant) -> [Action] {
        guard !isFull else { return [] }
        let expired = tasks.filter { $0.value.until <= now }.keys.sorted()
        var actions = withdraw(expired, because: "no sign of life for \(leaseSeconds) s")
        if counted.count >= options.size {
            isFull = true
            return actions + [.publish(counted.sorted())]
        }
        actions += fill(at: now)
        let active = tasks.keys.sorted()
        let reason: WaitReason =
            active.isEmpty
            ? .forMoreWorkers(
                round: round, recorded: counted.count, target: options.size, minimum: options.size)
            : .forUpdates(
                round: round, recorded: counted.count, target: options.size,
                from: Array(active.prefix(WaitReason.namesMax)),
                others: max(0, active.count - WaitReason.namesMax), isPastDeadline: false)
        if reason != lastReason {
            lastReason = reason
            actions.append(.wait(because: reason))
        }
        return actions
    }

    /// Asks as many more workers as there are places.
    private mutating func fill(at now: Instant) -> [Action] {
        let missing = options.concurrency - tasks.count
        guard missing > 0 else { return [] }
        let free = available.filter { tasks[$0] == nil }
        var chosen = draw(missing, from: free.filter { standing[$0] == nil })
        if chosen.count < missing {
            chosen += draw(missing - chosen.count, from: free.filter { standing[$0] == .lapsed })
        }
        guard !chosen.isEmpty else { return [] }
        for worker in chosen {
            standing[worker] = .asked
            tasks[worker] = Task(round: round, until: leaseEnd(from: now))
        }
        return [.recordSelection(chosen, round: round)] + chosen.map { .offer($0, round: round) }
    }

    /// Keyed by how many workers the round has asked so far, which a restart finds in the record.
    private func draw(_ count: Int, from workers: Set<WorkerName>) -> [WorkerName] {
        guard !workers.isEmpty else { return [] }
        let key = StreamKey(
            seed: seed, round: round, attempt: 1, worker: standing.isEmpty ? "" : "after \(standing.count)",
            purpose: .selection)
        return selector.draw(count, from: Array(workers), key: key)
    }
}
