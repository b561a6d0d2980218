public import Federation
public import ModelFiles
public import Recipe

/// c→w: a leased task.
public struct Offer: Hashable, Sendable {
    public enum Task: Hashable, Sendable {
        case train
        /// Report the loss of the worker's own held-out split.
        case evaluate
    }

    public var lease: UInt64
    public var task: Task
    /// The lease ends unless a heartbeat renews it within this time. Unit: milliseconds.
    public var leaseMilliseconds: UInt32
    /// Time left until the round closes; `nil` if it has no deadline. Unit: milliseconds.
    public var deadlineMilliseconds: UInt32?
    public var baseModel: ContentHash
    /// The global adapter: a safetensors object to request.
    public var adapter: ContentHash
    public var adapterOptions: AdapterOptions
    public var training: TrainingOptions
    public var uplink: CodecName
    /// Keys every random stream of the task.
    public var seed: UInt64
    /// Whether the worker keeps what the codec leaves out and adds it to its next update.
    public var errorFeedback: Bool
    /// What stays of that for each round published without an update of the worker; 0 to 1.
    public var residualDecay = 1.0
    /// Once in how many rounds what this round trains is trained (``Federation/FactorAggregation/turns``).
    public var residualTurns = 1
    /// What earlier rounds added to the base for good: a safetensors object to request; `nil`: nothing.
    public var residual: ContentHash?
    /// SCAFFOLD's global control variate: a safetensors object to request; `nil` while it is zero, and without one.
    public var control: ContentHash?
    /// The fixed factors around the core that the adapter object holds (Fed-SB): a safetensors object to request; `nil`
    /// where the adapter is whole.
    public var fixedFactors: ContentHash?
    /// A shorter way to the adapter for a worker that holds an earlier one.
    public var catchUp: CatchUp?
    /// What the worker is to do to its update before it leaves; `nil`: nothing.
    public var privacy: UpdatePrivacy?
    /// The newest attempts that the quality gate turned back: what was acknowledged in them does not count after all. At
    /// most ``WireLimits/rolledBackCount``.
    public var rolledBack: [RoundAttempt] = []
    /// What the update is to be hidden with; `nil`: it travels in the clear.
    public var masking: UpdateMasking?

    public init(
        lease: UInt64, task: Task, leaseMilliseconds: UInt32, deadlineMilliseconds: UInt32?, baseModel: ContentHash,
        adapter: ContentHash, adapterOptions: AdapterOptions, training: TrainingOptions, uplink: CodecName,
        seed: UInt64, errorFeedback: Bool = false, residual: ContentHash? = nil
    ) {
        self.lease = lease
        self.task = task
        self.leaseMilliseconds = leaseMilliseconds
        self.deadlineMilliseconds = deadlineMilliseconds
        self.baseModel = baseModel
        self.adapter = adapter
        self.adapterOptions = adapterOptions
        self.training = training
        self.uplink = uplink
        self.seed = seed
        self.errorFeedback = errorFeedback
        self.residual = residual
    }
}

/// One attempt at a round.
public struct RoundAttempt: Hashable, Sendable {
    public var round: UInt32
    public var attempt: UInt32

    public init(round: UInt32, attempt: UInt32) {
        self.round = round
        self.attempt = attempt
    }
}

/// How an earlier adapter becomes the offered one (``Offer/adapter``).
public struct CatchUp: Hashable, Sendable {
    /// `AdapterChanges`, an object to request.
    public var object: ContentHash
    /// The earlier adapter.
    public var base: ContentHash
    /// Of ``base``.
    public var version: Int
    /// Of the changes.
    public var codec: CodecName
    /// For each change, the factor that it leaves out and that stays as it was; none: every change holds all tensors.
    public var frozenFactors: [AdapterTensorName.Factor?] = []

    public init(object: ContentHash, base: ContentHash, version: Int, codec: CodecName) {
        self.object = object
        self.base = base
        self.version = version
        self.codec = codec
    }
}

/// w→c: the worker takes the task.
public struct Accept: Hashable, Sendable {
    public var lease: UInt64
    /// Above 0, the worker also asks for the offer's adapter, from its start: an ``ObjectRequest``'s length.
    /// Unit: bytes.
    public var adapterCredit: UInt32
    /// Whether the credit is for the offer's ``CatchUp`` instead.
    public var catchesUp: Bool

    public init(lease: UInt64, adapterCredit: UInt32 = 0, catchesUp: Bool = false) {
        self.lease = lease
        self.adapterCredit = adapterCredit
        self.catchesUp = catchesUp
    }
}

/// w→c: the worker does not take the task, or gives it up.
public struct Decline: Hashable, Sendable {
    public var lease: UInt64
    public var reason: String

    public init(lease: UInt64, reason: String) {
        self.lease = lease
        self.reason = reason
    }
}

/// w→c: losses of the worker's held-out blocks.
public struct Report: Hashable, Sendable {
    public var lease: UInt64
    /// Blocks (causal) or examples (classification) evaluated.
    public var items: UInt64
    /// Sum over items of the item's mean loss, and of its square. Unit: nats a token.
    public var lossSum: Double
    public var squaredLossSum: Double

    public init(lease: UInt64, items: UInt64, lossSum: Double, squaredLossSum: Double) {
        self.lease = lease
        self.items = items
        self.lossSum = lossSum
        self.squaredLossSum = squaredLossSum
    }
}

/// c→w: the lease is withdrawn.
public struct Cancel: Hashable, Sendable {
    public var lease: UInt64
    public var reason: String

    public init(lease: UInt64, reason: String) {
        self.lease = lease
        self.reason = reason
    }
}
