public import Federation
public import ModelFiles

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
