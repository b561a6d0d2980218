public import ModelFiles
import Randomness

/// One round of federated training as a pure state machine: events and the time go in, actions come out.
///
/// A round asks `asked` workers for an update and replaces each one that fails (declined, lost, lease expired) by
/// another connected worker. It closes at its target, or at its deadline with at least its minimum; otherwise it stays
/// open and says why. Actions are to be carried out in the order given: a selection is recorded before its offers.
public struct Round: Sendable {
    public enum Event: Hashable, Sendable {
        /// The worker said `Hello`: for the first time, or again after a break.
        case workerAvailable(WorkerName)
        case workerLost(WorkerName)
        /// Any sign that the worker works under its lease: an acceptance, a heartbeat, a part of its update.
        case renewed(WorkerName)
        case declined(WorkerName)
        /// These workers' updates are on disk and in the ledger.
        case updatesRecorded([WorkerName: ContentHash])
        /// Leases and the deadline are looked at.
        case timePassed
        /// The process itself stood still: leases start anew, for the workers' signs of life may be waiting unread.
        case clockStalled

        /// One worker's update is on disk and in the ledger.
        public static func updateRecorded(_ worker: WorkerName, object: ContentHash) -> Event {
            .updatesRecorded([worker: object])
        }
    }

    public enum Action: Hashable, Sendable {
        /// Makes durable that these workers, too, belong to the round.
        case recordSelection([WorkerName])
        case offer(WorkerName)
        case withdraw(WorkerName, because: String)
        /// Makes durable that these offers came to nothing, for later selections; those that others overtook did not.
        case recordFailure([WorkerName])
        /// The round is closed; in worker-name order. Given exactly once.
        case aggregate([WorkerName])
        case wait(because: WaitReason)
    }

    /// Where one selected worker stands.
    public enum Progress: Hashable, Sendable {
        case offered(until: Instant)
        case working(until: Instant)
        case recorded(ContentHash)
        /// May be asked again once it says `Hello`, or at once if nobody else is left.
        case lapsed
        /// May be asked again once it says `Hello`.
        case declined
    }

    public let plan: RoundPlan
    public private(set) var progress: [WorkerName: Progress] = [:]
    public private(set) var isClosed = false
    // Kept as `progress` changes: in a round of thousands, counting or sorting them at each event would be all it does.
    /// Everyone the round ever selected, in name order.
    public private(set) var selected: [WorkerName] = []
    private var recordedCount = 0
    private var activeCount = 0
    /// No lease ends before; some may have been renewed since.
    private var earliestLeaseEnd: Instant?
    private var available: Set<WorkerName>
    private var deadline: Instant?
    private var replacementCount = 0
    private var lastReason: WaitReason?
    /// Under masks: who takes part, once that is fixed.
    private var cohort: Set<WorkerName>?

    /// A new round; ``start(at:)`` gives its first actions.
    /// - Parameter available: Connected workers that may train.
    public init(plan: RoundPlan, available: Set<WorkerName>) {
        self.plan = plan
        self.available = available
    }

    /// A new round of workers that coins have chosen, connected or not; they are recorded already.
    /// - Parameter available: Connected workers.
    public init(plan: RoundPlan, sampled: [WorkerName], available: Set<WorkerName>) {
        precondition(plan.isSampled && plan.deadlineSeconds != nil, "only a deadline closes a round of coins")
        self.init(plan: plan, available: available)
        for worker in sampled { set(worker, .lapsed) }
        selected = sampled.sorted()
    }

    /// The same round after a restart: nobody is connected yet, and who was selected keeps a lease to come back in.
    public init(resuming plan: RoundPlan, selected: [WorkerName], recorded: [WorkerName: ContentHash], at now: Instant)
    {
        self.init(plan: plan, available: [])
        let until = now.advanced(bySeconds: plan.leaseSeconds)
        for worker in selected { set(worker, .offered(until: until)) }
        for (worker, object) in recorded { set(worker, .recorded(object)) }
        self.selected = progress.keys.sorted()
        replacementCount = max(0, selected.count - plan.asked)
    }

    /// Selects workers, arms the deadline and gives the first actions.
    public mutating func start(at now: Instant) -> [Action] {
        deadline = plan.isMasked ? nil : plan.deadlineSeconds.map { now.advanced(bySeconds: $0) }
        return settle(at: now)
    }

    public mutating func handle(_ event: Event, at now: Instant) -> [Action] {
        guard !isClosed else { return [] }
        var actions: [Action] = []
        switch event {
        case .workerAvailable(let worker):
            available.insert(worker)
            if isActive(worker) {
                // It may have restarted and lost the offer.
                set(worker, .offered(until: leaseEnd(from: now)))
                actions.append(.offer(worker))
            } else if progress[worker] == .declined, cohort == nil {
                // What kept it from taking part may be over.
                set(worker, .lapsed)
            }
        case .workerLost(let worker):
            available.remove(worker)
            if isActive(worker) {
                set(worker, .lapsed)
                actions.append(.recordFailure([worker]))
            }
        case .renewed(let worker):
            if isActive(worker) { set(worker, .working(until: leaseEnd(from: now))) }
            // Nothing else follows from it, and it comes with every message.
            return []
        case .declined(let worker):
            if isActive(worker) {
                set(worker, .declined)
                actions.append(.recordFailure([worker]))
            }
        case .updatesRecorded(let updates):
            for (worker, object) in updates where verdict(on: object, from: worker) == .take {
                set(worker, .recorded(object))
            }
        case .timePassed: break
        case .clockStalled:
            for worker in active { set(worker, .working(until: leaseEnd(from: now))) }
        }
        return actions + settle(at: now)
    }

    private mutating func set(_ worker: WorkerName, _ new: Progress) {
        let old = progress.updateValue(new, forKey: worker)
        if case .recorded? = old { recordedCount -= 1 }
        if case .recorded = new { recordedCount += 1 }
        if old?.leaseEnd != nil { activeCount -= 1 }
        guard let end = new.leaseEnd else { return }
        activeCount += 1
        earliestLeaseEnd = min(earliestLeaseEnd ?? end, end)
    }
}

// MARK: - What others may ask
extension Round {
    /// What is to be done with an update that a worker announces or commits.
    public enum Verdict: Hashable, Sendable {
        case take
        /// The same bytes are recorded: say so again.
        case alreadyRecorded
        case refuse(reason: String)
    }

    public func verdict(on object: ContentHash, from worker: WorkerName) -> Verdict {
        switch progress[worker] {
        case .recorded(object): .alreadyRecorded
        case .recorded: .refuse(reason: "another update of this worker already counts for round \(plan.round)")
        case _ where isClosed: .refuse(reason: "round \(plan.round) is closed")
        case .offered, .working: .take
        case .declined: .refuse(reason: "this worker gave up round \(plan.round)")
        case .lapsed: .refuse(reason: "the lease for round \(plan.round) has ended")
        case nil: .refuse(reason: "this worker is not part of round \(plan.round)")
        }
    }

    /// How many more updates it takes until it closes, or 1 where another one would already be too many.
    public func room(at now: Instant) -> Int {
        if plan.isMasked { return .max }
        return max(1, (isPastDeadline(at: now) ? plan.minimum : plan.target) - recordedCount)
    }

    /// Whether its deadline has passed; false without one.
    public func isPastDeadline(at now: Instant) -> Bool { deadline.map { $0 <= now } ?? false }

    /// Updates that it lacks and nobody is at work on.
    public var unfilled: Int { max(0, plan.target - recordedCount - activeCount) }

    /// Whether the worker holds a lease.
    public func isActive(_ worker: WorkerName) -> Bool {
        !isClosed && progress[worker]?.leaseEnd != nil
    }

    /// In name order.
    public var recorded: [WorkerName] {
        selected.filter { if case .recorded = progress[$0] { true } else { false } }
    }
    /// Workers that hold a lease, in name order.
    public var active: [WorkerName] { selected.filter(isActive) }

    /// ``Event/timePassed`` changes nothing before; `nil` when only other events can.
    public func nextDue(after now: Instant) -> Instant? {
        guard !isClosed else { return nil }
        return [activeCount > 0 ? earliestLeaseEnd : nil, deadline.flatMap { $0 > now ? $0 : nil }]
            .compactMap { $0 }.min()
    }
}

extension Round.Progress {
    /// `nil`: without a lease.
    fileprivate var leaseEnd: Instant? {
        switch self {
        case .offered(let until), .working(let until): until
        case .recorded, .lapsed, .declined: nil
        }
    }
}

// MARK: - Transitions
extension Round {
    private func leaseEnd(from now: Instant) -> Instant { now.advanced(bySeconds: plan.leaseSeconds) }

    private mutating func settle(at now: Instant) -> [Action] {
        var actions = expireLeases(at: now)
        if plan.isMasked { return actions + fill(at: now) }
        let isPastDeadline = isPastDeadline(at: now)
        if isPastDeadline && recordedCount >= plan.minimum || recordedCount >= plan.target && !plan.isSampled {
            let late = active
            isClosed = true
            actions += late.map { .withdraw($0, because: "round \(plan.round) closed without this update") }
            // Where the deadline closes it, they are late; at the target, others were merely faster.
            if recordedCount < plan.target, !late.isEmpty { actions.append(.recordFailure(late)) }
            return actions + [.aggregate(recorded)]
        }
        actions += fill(at: now)
        let reason = waitReason(isPastDeadline: isPastDeadline)
        if reason != lastReason {
            lastReason = reason
            actions.append(.wait(because: reason))
        }
        return actions
    }

    private func waitReason(isPastDeadline: Bool) -> WaitReason {
        if plan.isSampled { return .forDeadline(round: plan.round) }
        guard activeCount > 0 else {
            return .forMoreWorkers(
                round: plan.round, recorded: recordedCount, target: plan.target, minimum: plan.minimum)
        }
        let named = selected.lazy.filter(isActive).prefix(WaitReason.namesMax)
        return .forUpdates(
            round: plan.round, recorded: recordedCount, target: plan.target, from: Array(named),
            others: max(0, activeCount - WaitReason.namesMax), isPastDeadline: isPastDeadline)
    }

    private mutating func expireLeases(at now: Instant) -> [Action] {
        guard let earliestLeaseEnd, earliestLeaseEnd <= now else { return [] }
        self.earliestLeaseEnd = nil
        var expired: [WorkerName] = []
        for worker in selected {
            guard let end = progress[worker]?.leaseEnd else { continue }
            if end <= now {
                set(worker, .lapsed)
                expired.append(worker)
            } else {
                self.earliestLeaseEnd = min(self.earliestLeaseEnd ?? end, end)
            }
        }
        guard !expired.isEmpty else { return [] }
        return expired.map { .withdraw($0, because: "no sign of life for \(plan.leaseSeconds) s") }
            + [.recordFailure(expired)]
    }

    /// Asks as many more workers as there are places without an update or a lease.
    private mutating func fill(at now: Instant) -> [Action] {
        if plan.isSampled || cohort != nil {
            let chosen = available.filter { progress[$0] == .lapsed && cohort?.contains($0) != false }.sorted()
            for worker in chosen { set(worker, .offered(until: leaseEnd(from: now))) }
            return chosen.map { .offer($0) }
        }
        let missing = plan.asked - recordedCount - activeCount
        guard missing > 0 else { return [] }
        let fresh = available.filter { progress[$0] == nil }
        var chosen = draw(missing, from: fresh)
        if chosen.count < missing {
            chosen += draw(missing - chosen.count, from: available.filter { progress[$0] == .lapsed })
        }
        guard !chosen.isEmpty else { return [] }
        let added = chosen.filter { progress[$0] == nil }
        for worker in chosen { set(worker, .offered(until: leaseEnd(from: now))) }
        if !added.isEmpty { selected = (selected + added).sorted() }
        return (added.isEmpty ? [] : [.recordSelection(added)]) + chosen.map { .offer($0) }
    }

    /// The first draw of a round is keyed by (seed, round, attempt) alone; each later one also by its number.
    private mutating func draw(_ count: Int, from workers: Set<WorkerName>) -> [WorkerName] {
        guard !workers.isEmpty else { return [] }
        let isFirst = progress.isEmpty
        if !isFirst { replacementCount += 1 }
        let key = StreamKey(
            seed: plan.seed, round: plan.round, attempt: plan.attempt,
            worker: isFirst ? "" : "replacement \(replacementCount)", purpose: .selection)
        return plan.selector.draw(count, from: Array(workers), key: key)
    }
}

// MARK: - Under masks
extension Round {
    /// Nobody else is asked from here on; who belongs to the cohort and lost its lease is asked again as long as the
    /// round is open.
    public mutating func fixCohort(_ workers: [WorkerName], at now: Instant) -> [Action] {
        precondition(plan.isMasked, "only masks fix a cohort")
        let cohort = Set(workers)
        self.cohort = cohort
        let late = active.filter { !cohort.contains($0) }
        return giveUp(late, because: "the attempt's keys are in without this worker's") + settle(at: now)
    }

    /// These take part no more.
    public mutating func leaveOut(_ workers: [WorkerName], because reason: String) -> [Action] {
        cohort?.subtract(workers)
        return giveUp(workers.filter(isActive), because: reason)
    }

    /// All updates that count are in.
    public mutating func close() -> [Action] {
        guard !isClosed else { return [] }
        let actions = giveUp(active, because: "round \(plan.round) closed without this update")
        isClosed = true
        return actions
    }

    private mutating func giveUp(_ workers: [WorkerName], because reason: String) -> [Action] {
        guard !workers.isEmpty else { return [] }
        for worker in workers { set(worker, .declined) }
        return workers.map { .withdraw($0, because: reason) } + [.recordFailure(workers)]
    }
}
