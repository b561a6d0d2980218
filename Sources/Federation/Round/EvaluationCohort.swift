/// One evaluation by workers as a pure state machine: who was asked, who reported, who fell away.
///
/// Nobody is replaced: whoever does not answer is left out, and a cohort below its minimum gives no result.
public struct EvaluationCohort: Sendable {
    public enum Progress: Hashable, Sendable {
        case asked(until: Instant)
        case reported(HeldOutReport)
        case failed
    }

    /// The adapter's version: the number of rounds behind it.
    public let version: Int
    public private(set) var progress: [WorkerName: Progress]
    private let leaseSeconds: Double
    private let deadline: Instant

    public init(
        version: Int, workers: some Sequence<WorkerName>, leaseSeconds: Double, deadline: Instant, at now: Instant
    ) {
        self.version = version
        self.leaseSeconds = leaseSeconds
        self.deadline = deadline
        let until = now.advanced(bySeconds: leaseSeconds)
        progress = Dictionary(workers.map { ($0, .asked(until: until)) }, uniquingKeysWith: { first, _ in first })
    }

    public func isActive(_ worker: WorkerName) -> Bool {
        if case .asked = progress[worker] { true } else { false }
    }

    public mutating func renew(_ worker: WorkerName, at now: Instant) {
        if isActive(worker) { progress[worker] = .asked(until: now.advanced(bySeconds: leaseSeconds)) }
    }

    /// The first report of a worker counts.
    public mutating func report(_ report: HeldOutReport, from worker: WorkerName) {
        if isActive(worker) { progress[worker] = .reported(report) }
    }

    public mutating func fail(_ worker: WorkerName) {
        if isActive(worker) { progress[worker] = .failed }
    }

    /// Ends leases without a sign of life, and all of them at the deadline.
    public mutating func expire(at now: Instant) {
        for (worker, state) in progress {
            if case .asked(let until) = state, until <= now || deadline <= now { progress[worker] = .failed }
        }
    }

    /// In worker-name order.
    public var reports: [(worker: WorkerName, report: HeldOutReport)] {
        progress.sorted { $0.key < $1.key }.compactMap {
            if case .reported(let report) = $0.value { ($0.key, report) } else { nil }
        }
    }

    public var active: [WorkerName] { progress.keys.filter(isActive).sorted() }
    public var isComplete: Bool { active.isEmpty }
}
