public import Federation
public import Wire

/// What an observer (the terminal, `--json`, a log) is told while a run goes on.
public enum RunEvent: Sendable {
    case workerConnected(WorkerName)
    case workerLost(WorkerName)
    case baseEvaluated(Evaluation)
    case roundStarted(round: Int, workers: [WorkerName])
    case progress(round: Int, worker: WorkerName, step: Int, totalSteps: Int, loss: Double?)
    case updateAccepted(round: Int, worker: WorkerName, trainLoss: Double?)
    /// The worker gives no update for this round. The reason may be the worker's own words: untrusted text.
    case workerDeclined(round: Int, worker: WorkerName, reason: String)
    /// The worker tells no loss of this adapter. The reason is the worker's own words: untrusted text.
    case evaluationDeclined(version: Int, worker: WorkerName, reason: String)
    /// A peer's messages were refused: `count` of them since the last time that this was told of the peer, and why the
    /// newest was. At most once a second a peer.
    case refused(PeerRole, kind: String, reason: String, count: Int)
    case roundPublished(RoundSummary)
    /// The quality gate turned a round back: the next attempt starts from the adapter before it.
    case roundRolledBack(Rollback)
    /// Nothing can go on now, and why.
    case waiting(reason: String)
    case finished
    /// The owner has ended the run before its last round.
    case stopped
}

/// The result of one evaluation of the global adapter.
public struct Evaluation: Hashable, Sendable {
    /// Mean over items of the item's mean loss. Unit: nats a token.
    public var loss: Double
    /// Of `loss`.
    public var standardError: Double
    /// Blocks or examples.
    public var items: Int
    /// The part of the examples that were classified rightly; `nil` for language modelling, and where workers evaluate.
    public var accuracy: Double?
    /// Mean over the tenth of the workers, at least one, whose own held-out text it serves worst; `nil` where workers do
    /// not evaluate. Unit: nats a token.
    public var worstDecile: Double?

    public init(
        loss: Double, standardError: Double, items: Int, accuracy: Double? = nil, worstDecile: Double? = nil
    ) {
        self.loss = loss
        self.standardError = standardError
        self.items = items
        self.accuracy = accuracy
        self.worstDecile = worstDecile
    }
}

/// One published round.
public struct RoundSummary: Sendable {
    public var round: Int
    /// `nil` where participation is secret.
    public var workers: Int?
    /// Weighted mean of the workers' training losses; `nil` where they are withheld. Unit: nats a token.
    public var trainLoss: Double?
    /// `nil` when this round was not evaluated.
    public var evaluation: Evaluation?
    /// Cumulative frame bytes before encryption.
    public var uplinkBytes: UInt64
    public var downlinkBytes: UInt64
    /// 4 · parameters · accepted updates, cumulative.
    public var denseUplinkBytes: UInt64
    /// Behind the run's updates that told; `nil` where none did.
    public var tokensTrained: UInt64?
    /// From first offer to publication; from one publication to the next where the schedule is asynchronous.
    public var seconds: Double
    /// Of what aggregation adds to the base; `nil` for one that adds nothing.
    public var residual: ResidualTruncation?
    /// How old its updates were on average; `nil` where the schedule is synchronous. Unit: versions.
    public var staleness: Double?

    public init(
        round: Int, workers: Int?, trainLoss: Double?, evaluation: Evaluation?, uplinkBytes: UInt64,
        downlinkBytes: UInt64, denseUplinkBytes: UInt64, tokensTrained: UInt64?, seconds: Double,
        residual: ResidualTruncation? = nil, staleness: Double? = nil
    ) {
        self.round = round
        self.workers = workers
        self.trainLoss = trainLoss
        self.evaluation = evaluation
        self.uplinkBytes = uplinkBytes
        self.downlinkBytes = downlinkBytes
        self.denseUplinkBytes = denseUplinkBytes
        self.tokensTrained = tokensTrained
        self.seconds = seconds
        self.residual = residual
        self.staleness = staleness
    }
}
