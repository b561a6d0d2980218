public import Federation
public import Recipe
public import RunFile
public import SecureAggregation

/// What a coordinator needs to know about its run; the composition root fills it from the run file.
public struct RunSettings: Sendable {
    public enum EvaluationSource: Hashable, Sendable {
        /// The coordinator's own held-out text, through ``Evaluating``.
        case coordinator
        /// The held-out split of every connected worker.
        case workers
        /// The held-out split of so many workers that never train, drawn once from those that connect first.
        case heldOutWorkers(Int)
        /// Nothing: no loss is taken.
        case nobody
    }

    public var seed: UInt64
    public var rounds: Int
    /// Updates that close a round.
    public var workersPerRound: Int
    /// Workers that a round asks, `workersPerRound` or more of them; the first to answer count.
    public var workersAsked: Int
    /// Updates that close it at its deadline.
    public var minimumWorkers: Int
    /// Unit: seconds.
    public var deadlineSeconds: Double?
    /// Workers that must have said `Hello` before the first round opens.
    public var minimumConnected: Int
    /// Whether `minimumConnected` workers are all there will ever be, as in a simulation.
    public var isFleetComplete = false
    public var heartbeatSeconds = 2.0
    /// Unit: seconds.
    public var leaseSeconds = 20.0
    /// How often an unanswered offer is sent again. Unit: seconds.
    public var offerRetrySeconds = 2.0
    /// How long a resumed run waits for `minimumConnected` workers before it goes on with fewer. Unit: seconds.
    public var resumeGatherSeconds = 60.0
    /// How long the end of the run waits for the workers' goodbyes. Unit: seconds.
    public var farewellSeconds = 10.0
    /// Whether the service goes on after the end of the run, until ``RunService/requestStop()``: workers that come late are
    /// told that it is over, and a monitor has something to show.
    public var staysAfterEnd = false
    public var evaluationSource: EvaluationSource = .coordinator
    /// Every so many rounds; the base and the last round always are. `nil`: only these two.
    public var evaluateEvery: Int?
    /// Fewer reports than this give no result.
    public var minimumCohort = 3
    /// How long one evaluation waits for its workers. Unit: seconds.
    public var cohortSeconds = 300.0
    /// By what a round chooses among the connected workers.
    public var selection = SelectionPolicy.uniform
    /// How updates are taken in where the schedule is asynchronous; `nil`: synchronous rounds.
    public var buffering: BufferOptions?
    /// How much a round's held-out loss may be above that of the last good adapter; `nil`: there is no gate. Unit: nats
    /// a token.
    public var gateTolerance: Double?
    /// So many rollbacks in a row pause the run.
    public var gateAttempts = 3
    public var weightCap = WeightCap()
    public var strategy = ServerStrategy.fedAvg
    public var aggregation = FactorAggregation.separate
    /// Rules against bad updates; `nil`: the strategy's mean.
    public var robust: RobustOptions?
    /// ``adapterOptions`` has the largest of them.
    public var ranks: WorkerRanks
    /// The largest rank, in a layer, of what aggregation adds to the base.
    public var residualRank = 64
    /// Whether each worker trains an adapter of its own beside the run's.
    public var hasLocalAdapters = false
    public var adapterOptions: AdapterOptions
    public var training: TrainingOptions
    public var uplink: CodecName
    /// Of what leads from one adapter to the next.
    public var downlink = CodecName.dense
    /// Whether workers keep what `uplink` leaves out and add it to their next update.
    public var errorFeedback = false
    /// What stays of that for each round that was published without an update of theirs.
    public var residualDecay = 1.0
    /// Worker-level differential privacy; `nil`: none.
    public var privacy: PrivacyOptions?
    /// Whether coins and noise come from `seed`, as a simulation's may: it protects nobody.
    public var hasSeededPrivacy = false
    /// Sums under masks; `nil`: updates reach the coordinator in the clear.
    public var masking: MaskingOptions?
    /// So many attempts in a row that could not be unmasked pause the run.
    public var maskAttempts = 10
    /// Whether workers keep their training losses and the size of their text to themselves.
    public var withholdsMetrics = false
    /// What a worker may spend on the run's training before it is not asked again; `nil`: any.
    public var workerLimit = WorkerLimit()
    /// The program's version, for people.
    public var software: String

    public init(
        seed: UInt64, rounds: Int, workersPerRound: Int, minimumWorkers: Int, deadlineSeconds: Double?,
        minimumConnected: Int, adapterOptions: AdapterOptions, training: TrainingOptions, uplink: CodecName,
        software: String
    ) {
        precondition(minimumWorkers >= 1 && minimumWorkers <= workersPerRound, "RunFile refuses such a run")
        self.seed = seed
        self.rounds = rounds
        self.workersPerRound = workersPerRound
        workersAsked = workersPerRound
        self.minimumWorkers = minimumWorkers
        self.deadlineSeconds = deadlineSeconds
        self.minimumConnected = minimumConnected
        self.adapterOptions = adapterOptions
        ranks = .same(adapterOptions.rank)
        self.training = training
        self.uplink = uplink
        self.software = software
    }

    /// The run file's settings.
    ///
    /// - Parameter minimumConnected: `nil` waits for as many workers as a round and its evaluation need.
    public init(_ configuration: RunConfiguration, minimumConnected: Int?, software: String) {
        let federation = configuration.federation
        var heldOut = 0
        if configuration.evaluation.source == .heldOutWorkers { heldOut = configuration.evaluation.heldOutWorkers }
        self.init(
            seed: federation.seed, rounds: federation.rounds, workersPerRound: federation.workersPerRound,
            minimumWorkers: federation.minimumWorkers, deadlineSeconds: federation.deadlineSeconds,
            minimumConnected: minimumConnected ?? (federation.buffering?.size ?? federation.workersPerRound) + heldOut,
            adapterOptions: configuration.adapter, training: configuration.training,
            uplink: configuration.compression.uplink, software: software)
        heartbeatSeconds = configuration.limits.heartbeatSeconds
        leaseSeconds = configuration.limits.leaseSeconds
        workersAsked = federation.workersAsked
        selection = federation.selection
        buffering = federation.buffering
        weightCap = federation.weightCap
        strategy = configuration.serverStrategy
        aggregation = federation.aggregation
        robust = federation.robustOptions
        ranks = configuration.ranks.workerRanks
        residualRank = federation.residualRank ?? residualRank
        hasLocalAdapters = federation.personalisation == .localAdapter
        errorFeedback = configuration.compression.errorFeedback
        residualDecay = configuration.compression.residualDecay ?? 1
        downlink = configuration.compression.downlink
        privacy = configuration.privacyOptions
        masking = configuration.maskingOptions
        withholdsMetrics = configuration.privacy.metrics == .withheld
        gateTolerance = configuration.evaluation.gate
        gateAttempts = configuration.evaluation.gateAttempts
        minimumCohort = configuration.evaluation.minimumCohort
        workerLimit = WorkerLimit(
            seconds: configuration.limits.workerTime.map { $0 / .seconds(1) },
            joules: configuration.limits.workerEnergy)
        evaluateEvery = configuration.evaluation.every > 0 ? configuration.evaluation.every : nil
        evaluationSource =
            switch configuration.evaluation.source {
            case .coordinator: .coordinator
            case .workers: .workers
            case .heldOutWorkers: .heldOutWorkers(heldOut)
            case .nobody: .nobody
            }
    }

    /// What workers keep for themselves.
    var personal: PersonalOptions {
        PersonalOptions(
            ownFactor: aggregation.ownFactor, keepsControl: strategy.keepsControl, hasLocalAdapter: hasLocalAdapters)
    }

    func isEvaluationDue(round: Int) -> Bool {
        round == 0 || round == rounds || evaluateEvery.map { round.isMultiple(of: max(1, $0)) } ?? false
    }
}
