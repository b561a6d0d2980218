public import Federation
import RunFile

/// What happened in a run so far, round by round and worker by worker, read from its ledger: what reports, plots and the
/// monitor show. It can be read beside a running coordinator.
public struct RunHistory: Sendable {
    /// One published round.
    public struct Round: Sendable {
        public var number: Int
        /// The attempt that was published; 2 after one rollback.
        public var attempt: Int
        /// Unit: seconds since 1970.
        public var openedAt: Int64
        public var publishedAt: Int64
        /// From first offer to publication.
        public var seconds: Double
        /// Updates that counted; `nil` where participation is secret.
        public var workers: Int?
        /// Weighted mean of the workers' training losses; `nil` where they are withheld. Unit: nats a token.
        public var trainLoss: Double?
        /// How old its updates were on average. Unit: versions; 0 where the schedule is synchronous.
        public var staleness: Double?
        /// What its workers told of the energy that training took; `nil`: nothing. Unit: joules.
        public var energyJoules: Double?
        /// Whether all of that was read from hardware; otherwise some is an estimate from processor time.
        public var isEnergyMeasured: Bool
        /// Sum over its workers; `nil`: not told. Unit: seconds.
        public var trainingSeconds: Double?
        /// Trained on in this round, as far as its workers told; `nil` where none did, and where participation is secret.
        public var tokens: UInt64?
        /// Cumulative frame bytes before encryption when it was published; `nil` where participation is secret.
        public var uplinkBytes: UInt64?
        public var downlinkBytes: UInt64?
        /// 4 · parameters · accepted updates, cumulative.
        public var denseUplinkBytes: UInt64?
        /// Of the adapter that it published; `nil` when that was not evaluated.
        public var evaluation: Evaluation?
    }

    /// What one worker has given.
    public struct Contribution: Sendable {
        public var worker: WorkerName
        /// Unit: seconds since 1970.
        public var enrolledAt: Int64
        public var revokedAt: Int64?
        /// Recorded updates; 0 where participation is secret, as is everything below then.
        public var updates: Int
        /// Offers that came to nothing.
        public var failures: Int
        /// The most training items that it told.
        public var items: UInt64
        /// Trained on, as far as it told; `nil` where it did not.
        public var tokens: UInt64?
        /// Unit: seconds since 1970.
        public var lastUpdateAt: Int64?
        /// Of its newest update; `nil` where it is withheld. Unit: nats a token.
        public var trainLoss: Double?
        /// Of the first update for which it told one.
        public var firstTrainLoss: Double?
        /// On its own held-out text, with the newest adapter that it evaluated; `nil` where workers do not evaluate. Unit:
        /// nats a token.
        public var heldOut: (version: Int, loss: Double)?
        /// With the first one; version 0 is the model before the first round.
        public var firstHeldOut: (version: Int, loss: Double)?
        /// Over all its updates; `nil`: not told. Unit: joules.
        public var energyJoules: Double?
        /// Whether all of that was read from hardware; otherwise some is an estimate from processor time.
        public var isEnergyMeasured = false
        /// Over all its updates; `nil`: not told. Unit: seconds.
        public var trainingSeconds: Double?
        /// Under robust rules, how far its updates lie from the others'.
        public var suspicion: SuspicionScore?
    }

    /// How an update came.
    public struct Arrival: Sendable {
        public var worker: WorkerName
        /// When it was recorded. Unit: seconds since 1970.
        public var at: Int64
        /// What training took, as its worker told; `nil`: not told. Unit: seconds.
        public var trainingSeconds: Double?
        /// `nil` where nobody looked: updates of earlier releases.
        public var course: UpdateCourse?
    }

    public var id: RunID
    /// Central privacy: who took part, and how many, is in nothing that is shown.
    public var hidesParticipation: Bool
    /// Of the model before the first round.
    public var base: Evaluation?
    public var rounds: [Round]
    public var rollbacks: [Rollback]
    /// In name order.
    public var workers: [Contribution]
    /// The newest round's updates, those that were recorded first before the others; empty where participation is secret.
    public var newestArrivals: [Arrival]

    /// Of all published rounds; `nil`: no worker told any. Unit: joules.
    public var energyJoules: Double? {
        let told = rounds.compactMap(\.energyJoules)
        return told.isEmpty ? nil : told.reduce(0, +)
    }

    /// Whether all of ``energyJoules`` was read from hardware.
    public var isEnergyMeasured: Bool { rounds.allSatisfy { $0.energyJoules == nil || $0.isEnergyMeasured } }

    public init(ledger: Ledger) throws {
        guard let run = try ledger.run() else { throw LedgerError.noRun }
        let configuration = try? RunConfiguration(canonicalJSON: run.configuration)
        let withholdsMetrics = configuration?.privacy.metrics == .withheld
        let isSecret = try ledger.privacyTerms()?.mechanism == .central
        let evaluations = try ledger.evaluations()
        let suspicion = try ledger.suspicion()
        id = run.id
        hidesParticipation = isSecret
        base = evaluations[0]
        rounds = try ledger.publishedRounds(itemsMax: configuration?.federation.weightCap.maximumItems).map { round in
            var round = round
            round.evaluation = evaluations[round.number]
            if withholdsMetrics { round.trainLoss = nil }
            if isSecret { round.hideParticipation() }
            return round
        }
        rollbacks = try ledger.rollbacks()
        workers = try ledger.contributions().map { worker in
            var worker = worker
            worker.suspicion = suspicion[worker.worker]
            if withholdsMetrics { (worker.trainLoss, worker.firstTrainLoss) = (nil, nil) }
            if isSecret { worker.hideParticipation() }
            return worker
        }
        newestArrivals = []
        if !isSecret, let newest = rounds.last {
            newestArrivals = try ledger.arrivals(round: newest.number, attempt: newest.attempt)
        }
    }
}

extension RunHistory.Round {
    fileprivate mutating func hideParticipation() {
        workers = nil
        trainLoss = nil
        energyJoules = nil
        trainingSeconds = nil
        tokens = nil
        uplinkBytes = nil
        downlinkBytes = nil
        denseUplinkBytes = nil
    }
}

extension RunHistory.Contribution {
    fileprivate mutating func hideParticipation() {
        self = RunHistory.Contribution(
            worker: worker, enrolledAt: enrolledAt, revokedAt: revokedAt, updates: 0, failures: 0, items: 0,
            tokens: nil)
    }
}
