public import Federation
public import ModelFiles
public import Wire

/// The run that a state directory holds.
public struct RunRecord: Hashable, Sendable {
    public var id: RunID
    public var seed: UInt64
    /// The run file's canonical text.
    public var configuration: String
    public var baseModel: ContentHash
    public var isFinished: Bool

    public init(id: RunID, seed: UInt64, configuration: String, baseModel: ContentHash, isFinished: Bool = false) {
        self.id = id
        self.seed = seed
        self.configuration = configuration
        self.baseModel = baseModel
        self.isFinished = isFinished
    }
}

/// One update that counts.
public struct UpdateRecord: Hashable, Sendable {
    public var worker: WorkerName
    public var object: ContentHash
    /// Unit: blocks or examples.
    public var items: UInt64
    public var steps: UInt32
    /// Trained on; `nil`: not told.
    public var tokens: UInt64?
    /// `nil`: not told. Unit: nats a token.
    public var trainLoss: Double?
    /// `nil`: not told.
    public var cost: TaskCost?
    /// `nil` where nobody looked.
    public var course: UpdateCourse?

    public init(
        worker: WorkerName, object: ContentHash, items: UInt64, steps: UInt32, tokens: UInt64?, trainLoss: Double?,
        cost: TaskCost? = nil
    ) {
        self.worker = worker
        self.object = object
        self.items = items
        self.steps = steps
        self.tokens = tokens
        self.trainLoss = trainLoss
        self.cost = cost
    }

    /// What aggregation goes by.
    /// - Parameter weight: As ``Federation/UpdateReport/weight``.
    func report(weight: Double) -> UpdateReport {
        UpdateReport(weight: weight, steps: Int(steps), trainLoss: trainLoss)
    }
}

/// A round that was opened and not yet published.
public struct OpenRound: Hashable, Sendable {
    public var number: Int
    public var attempt: Int
    /// Unit: seconds since 1970.
    public var openedAt: Int64
    public var selected: [WorkerName]
    public var updates: [UpdateRecord]
}

/// Sums over the whole run, restarts included.
public struct RunCounters: Hashable, Sendable {
    /// Frame bytes before encryption, as the coordinator received and sent them.
    public var uplinkBytes: UInt64 = 0
    public var downlinkBytes: UInt64 = 0

    public init(uplinkBytes: UInt64 = 0, downlinkBytes: UInt64 = 0) {
        self.uplinkBytes = uplinkBytes
        self.downlinkBytes = downlinkBytes
    }
}

/// What all recorded updates add up to.
public struct UpdateTotals: Hashable, Sendable {
    public var updates: Int
    /// Behind those updates that told; `nil` where none did.
    public var tokens: UInt64?

    public init(updates: Int, tokens: UInt64?) {
        self.updates = updates
        self.tokens = tokens
    }

    /// What updates are summed to: their tokens, as far as they told.
    ///
    /// - Parameter sum: In the ledger; `nil` where no update told, and over none.
    static func tokens(_ sum: Int64?, updates: Int) -> UInt64? {
        updates > 0 ? sum.map { UInt64(clamping: $0) } : 0
    }
}
