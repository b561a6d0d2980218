internal import Federation
public import ModelFiles
public import Wire

/// A base model that this machine already holds.
public struct HeldModel: Hashable, Sendable {
    /// The directory, as the person named it.
    public var path: String
    /// The identity of its manifest.
    public var identity: ContentHash

    public init(path: String, identity: ContentHash) {
        self.path = path
        self.identity = identity
    }
}

/// What a worker says about itself, and how it connects.
public struct WorkerSettings {
    /// The program's version, for people.
    public var software: String
    /// Processor cores the worker may use.
    public var cores: Int
    /// Unit: bytes.
    public var memoryBytes: UInt64
    /// Speed of float32 matrix products on all ``cores``; 0 does not tell it. Unit: GFLOP/s.
    public var gigaflops: Float = 0
    /// The public halves of the worker's own keys, which enrolment registers.
    public var curveKey: PublicKey
    public var signingKey: PublicKey
    /// Signs what this worker has seen of a run's records; `nil` signs nothing.
    public var identity: WorkerIdentity?
    /// CURVE public key that the coordinator proved, Z85, which a rotation changes; `nil` where the link proves none.
    public var coordinator: () -> String? = { nil }
    /// Whether the link can connect with an invitation's keys.
    public var hasInvitation: Bool
    /// Which keys the coordinator may have; `nil`: one, for ever.
    public var coordinatorKeys: (any CoordinatorKeyMemory)?
    /// `nil`: the base model comes from the coordinator.
    public var model: HeldModel?
    /// Whether it waits for the coordinator's next run once one has ended, instead of ending itself.
    public var staysAfterEnd = false
    /// With fewer blocks or examples behind them no metrics are told, where no owner's policy says otherwise.
    public var metricsMinimumExamples = 10
    /// Under masks, this worker's update is summed with at least so many in all, whatever the run asks for.
    public var minimumMaskedCohort = 2
    /// Under masks, at least this part of a cohort is taken to collude with the coordinator. Unit: fraction.
    public var masksAgainst = 0.0
    /// Makes the secret of an attempt's masks, 32 bytes.
    package var maskSecret: @Sendable () -> [UInt8] = SecretStream.randomKey
    /// Size of an update's chunks. Unit: bytes, at most `WireLimits.payloadBytes`.
    package var chunkBytes = WireLimits.payloadBytes

    public init(
        software: String, cores: Int, memoryBytes: UInt64, curveKey: PublicKey, signingKey: PublicKey,
        hasInvitation: Bool, model: HeldModel?
    ) {
        self.software = software
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.curveKey = curveKey
        self.signingKey = signingKey
        self.hasInvitation = hasInvitation
        self.model = model
    }
}
