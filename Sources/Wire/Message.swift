public import Federation
public import ModelFiles
public import Recipe

/// What crosses the link: one envelope frame, and for chunks one payload frame behind it.
public struct Envelope: Hashable, Sendable {
    public static let currentVersion: UInt32 = 1

    public var version: UInt32
    /// Unique per sender; a retransmission keeps it, an answer carries it in `inReplyTo`.
    public var id: UInt64
    /// The message this one answers; 0 if none.
    public var inReplyTo: UInt64
    /// The run's identifier; empty before `Welcome`, and where the sender's session says which run it is.
    public var run: String
    public var round: UInt32
    public var attempt: UInt32
    public var message: Message

    public init(
        version: UInt32 = Envelope.currentVersion, id: UInt64, inReplyTo: UInt64 = 0, run: String = "",
        round: UInt32 = 0, attempt: UInt32 = 0, message: Message
    ) {
        self.version = version
        self.id = id
        self.inReplyTo = inReplyTo
        self.run = run
        self.round = round
        self.attempt = attempt
        self.message = message
    }
}

/// Every message of protocol version 1; `proto/shoal.proto` documents each field.
public enum Message: Hashable, Sendable {
    case enrol(Enrol)
    case enrolled(Enrolled)
    case hello(Hello)
    case welcome(Welcome)
    case refused(Refused)
    case heartbeat(Heartbeat)
    case offer(Offer)
    case accept(Accept)
    case decline(Decline)
    case objectRequest(ObjectRequest)
    case objectChunk(ObjectChunk)
    case updateBegin(UpdateBegin)
    case updateChunk(UpdateChunk)
    case updateCommit(UpdateCommit)
    /// Begin, the one chunk and commit of an update that fits one chunk.
    case updateWhole(UpdateCommit)
    case updateAck(UpdateAck)
    case report(Report)
    case recordHead(RecordHead)
    case countersign(Countersign)
    case maskStep(MaskStep)
    case cancel(Cancel)
    case goodbye(Goodbye)
}

/// w→c, with the invitation's key: registers the worker's own keys.
public struct Enrol: Hashable, Sendable {
    /// CURVE public key, 32 bytes.
    public var curveKey: PublicKey
    /// Ed25519 public key, 32 bytes.
    public var signingKey: PublicKey

    public init(curveKey: PublicKey, signingKey: PublicKey) {
        self.curveKey = curveKey
        self.signingKey = signingKey
    }
}

/// c→w: the keys are registered and the invitation is burned.
public struct Enrolled: Hashable, Sendable {
    public var worker: WorkerName

    public init(worker: WorkerName) {
        self.worker = worker
    }
}

/// w→c: opens a session.
public struct Hello: Hashable, Sendable {
    /// The program's version, for people.
    public var software: String
    public var features: [String]
    public var codecs: [CodecName]
    public var cores: UInt32
    /// Unit: bytes.
    public var memoryBytes: UInt64
    /// Speed of float32 matrix products on all ``cores``; 0: not told. Unit: GFLOP/s.
    public var gigaflops: Float = 0
    /// The base model the worker holds; `nil` when it must be downloaded.
    public var baseModel: ContentHash?
    /// The newest round record that the worker remembers of the run it was last in.
    public var knownRecord: KnownRecord?

    public init(
        software: String, features: [String], codecs: [CodecName], cores: UInt32, memoryBytes: UInt64,
        baseModel: ContentHash?, knownRecord: KnownRecord? = nil
    ) {
        self.knownRecord = knownRecord
        self.software = software
        self.features = features
        self.codecs = codecs
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.baseModel = baseModel
    }
}

/// c→w: the session is open.
public struct Welcome: Hashable, Sendable {
    public var software: String
    public var features: [String]
    public var worker: WorkerName
    /// How often the worker must say that it lives. Unit: milliseconds.
    public var heartbeatMilliseconds: UInt32
    /// The manifest of the run's base model, an object to request.
    public var baseModel: ContentHash
    /// Length of the blocks the run trains on. Unit: tokens.
    public var sequenceLength: UInt32
    /// Ed25519, signs the heads of round records; `nil` from a coordinator that keeps none.
    public var recordKey: PublicKey?
    /// The newest record, or a step towards it; `nil` before the first.
    public var recordHead: RecordHead?

    public init(
        software: String, features: [String], worker: WorkerName, heartbeatMilliseconds: UInt32,
        baseModel: ContentHash, sequenceLength: UInt32, recordKey: PublicKey? = nil, recordHead: RecordHead? = nil
    ) {
        self.recordKey = recordKey
        self.recordHead = recordHead
        self.software = software
        self.features = features
        self.worker = worker
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.baseModel = baseModel
        self.sequenceLength = sequenceLength
    }
}

/// Both ways: a message was not accepted, why, and what to do about it.
public struct Refused: Hashable, Sendable {
    public enum Code: UInt32, Sendable, CaseIterable {
        case malformed = 1
        case unsupportedVersion = 2
        case unknownMessage = 3
        case baseModelMismatch = 4
        case unknownObject = 5
        case unknownLease = 6
        case tooLarge = 7
        case notEnrolled = 8
        case unavailable = 9
        case sessionRequired = 10
    }

    public var code: Code
    /// A sentence a person can act on.
    public var reason: String
    /// Whether trying again later can succeed.
    public var isTemporary: Bool

    public init(code: Code, reason: String, isTemporary: Bool = false) {
        self.code = code
        self.reason = reason
        self.isTemporary = isTemporary
    }
}

/// Both ways: liveness, and from a worker its progress. Renews the lease it names.
public struct Heartbeat: Hashable, Sendable {
    public enum Phase: UInt32, Sendable, CaseIterable {
        case idle = 1
        case downloading = 2
        case training = 3
        case evaluating = 4
        case uploading = 5
    }

    public var phase: Phase
    /// A worker without a task beats once in so many of `Welcome`'s intervals.
    public static let idleIntervals = 4.0

    /// 0 when no lease is held.
    public var lease: UInt64
    public var step: UInt32
    public var totalSteps: UInt32
    /// Mean loss so far; `nil` before the first step. Unit: nats a token.
    public var loss: Float?
    /// The task waits until its machine has room for it; ``phase`` is the one that comes then.
    public var waitsForSlot = false
    /// The coordinator announces its next key, or the worker says which one it keeps.
    public var nextKey: NextKey?

    public init(phase: Phase, lease: UInt64 = 0, step: UInt32 = 0, totalSteps: UInt32 = 0, loss: Float? = nil) {
        self.phase = phase
        self.lease = lease
        self.step = step
        self.totalSteps = totalSteps
        self.loss = loss
    }
}

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

/// w→c: asks for a part of an object; the length is the credit the sender may use before the next request.
public struct ObjectRequest: Hashable, Sendable {
    public var object: ContentHash
    /// Unit: bytes.
    public var offset: UInt64
    /// Unit: bytes.
    public var length: UInt32

    public init(object: ContentHash, offset: UInt64, length: UInt32) {
        self.object = object
        self.offset = offset
        self.length = length
    }
}

/// c→w: a part of an object; the bytes are the payload frame.
public struct ObjectChunk: Hashable, Sendable {
    public var object: ContentHash
    public var offset: UInt64
    /// Size of the whole object. Unit: bytes.
    public var totalBytes: UInt64

    public init(object: ContentHash, offset: UInt64, totalBytes: UInt64) {
        self.object = object
        self.offset = offset
        self.totalBytes = totalBytes
    }
}

/// w→c: announces an encoded update. Sent again after a reconnect: the answer says where to go on.
public struct UpdateBegin: Hashable, Sendable {
    public var lease: UInt64
    /// SHA-256 of the whole encoded update.
    public var object: ContentHash
    public var totalBytes: UInt64
    public var codec: CodecName

    public init(lease: UInt64, object: ContentHash, totalBytes: UInt64, codec: CodecName) {
        self.lease = lease
        self.object = object
        self.totalBytes = totalBytes
        self.codec = codec
    }
}

/// w→c: a part of the update; the bytes are the payload frame.
public struct UpdateChunk: Hashable, Sendable {
    public var lease: UInt64
    public var offset: UInt64

    public init(lease: UInt64, offset: UInt64) {
        self.lease = lease
        self.offset = offset
    }
}

/// w→c: the update is whole; what it weighs. Alone after the chunks, or with the bytes as its payload frame.
public struct UpdateCommit: Hashable, Sendable {
    public var lease: UInt64
    public var object: ContentHash
    /// Size of the worker's training set. Unit: blocks (causal) or examples (classification).
    public var trainingItems: UInt64
    public var steps: UInt32
    /// `nil`: not told.
    public var tokensTrained: UInt64?
    /// Mean over the round's steps; 0: not told. Unit: nats a token.
    public var trainLoss: Float
    /// Whether the update was longer than ``UpdatePrivacy/clip``.
    public var isClipped = false
    /// `nil`: not told.
    public var cost: TaskCost?

    public init(
        lease: UInt64, object: ContentHash, trainingItems: UInt64, steps: UInt32, tokensTrained: UInt64?,
        trainLoss: Float
    ) {
        self.lease = lease
        self.object = object
        self.trainingItems = trainingItems
        self.steps = steps
        self.tokensTrained = tokensTrained
        self.trainLoss = trainLoss
    }
}

/// c→w: answers begin, chunk and commit.
public struct UpdateAck: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// Bytes before this offset are held; send from here. Unit: bytes.
        case receivedThrough(UInt64)
        /// The update is durable: it counts exactly once.
        case committed
        /// The update will not count; do not send it again.
        case rejected(reason: String)
    }

    public var lease: UInt64
    public var state: State
    /// Beside ``State/committed``: the round that the update counts in, if not the one that asked for it.
    public var countsIn: Int?

    public init(lease: UInt64, state: State, countsIn: Int? = nil) {
        self.lease = lease
        self.state = state
        self.countsIn = countsIn
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

/// Both ways: an orderly leave.
public struct Goodbye: Hashable, Sendable {
    public var reason: String
    /// c→w: the run is over and the worker may end.
    public var isRunFinished: Bool

    public init(reason: String, isRunFinished: Bool = false) {
        self.reason = reason
        self.isRunFinished = isRunFinished
    }
}
