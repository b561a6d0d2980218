import Federation
public import Recipe

/// A run, as its file and the overrides on the command line describe it: complete and free of contradictions.
///
/// ``RunSchema`` is the one table of its keys; this type holds their values.
public struct RunConfiguration: Hashable, Sendable {
    public var model: ModelSource
    public var task: TaskKind
    /// ``AdapterOptions/rank`` is the largest of ``ranks``.
    public var adapter: AdapterOptions
    public var ranks: RankOptions
    /// A PEFT directory to start from (`adapter.from`); `nil` starts from a fresh adapter.
    public var adapterFrom: String?
    public var data: DataOptions
    /// ``TrainingOptions/totalSteps`` is rounds · local steps.
    public var training: TrainingOptions
    /// Threads of one worker (`training.threads`); `nil` divides the host's cores among its workers.
    public var trainingThreads: Int?
    /// A program that trains in a simulation's workers (`training.command`), and its arguments; empty: none.
    public var trainerCommand: [String] = []
    public var trainerTimeLimit = Duration.seconds(3_600)
    public var federation: FederationOptions
    public var compression: CompressionOptions
    public var privacy = PrivacySettings()
    public var evaluation: EvaluationOptions
    public var limits: LimitOptions
    public var simulation: SimulationOptions
    var places = KeyPlaces()

    /// The most bytes a run file may have.
    public static let maximumFileBytes = 1_048_576

    /// Reads a run file.
    ///
    /// - Parameters:
    ///   - path: The file; its last component names it in problems.
    ///   - overrides: `key.path=VALUE` each, later ones winning; a VALUE is YAML, but a path is taken as it stands.
    public static func load(path: String, overrides: [String] = []) throws(RunFileError) -> RunConfiguration {
        let text = try BoundedFile.text(path: path, limit: maximumFileBytes)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return try RunConfiguration(yaml: text, name: name, overrides: overrides)
    }

    /// - Parameters:
    ///   - yaml: The run file's text.
    ///   - name: What to call it in problems.
    ///   - overrides: `key.path=VALUE` each, later ones winning.
    public init(yaml: String, name: String = "run.yaml", overrides: [String] = []) throws(RunFileError) {
        var reader = SettingsReader(name: name)
        reader.read(sections: try YAMLDocument.parse(yaml, name: name))
        for override in overrides { reader.read(override: override) }
        self = try reader.configuration()
    }

    /// A value for the schema's table to write into; meaningless until every key is written.
    static let blank = RunConfiguration(
        model: .builtIn, task: .causalLM, adapter: AdapterOptions(),
        ranks: RankOptions(choice: .fixed(8), minimum: nil, maximum: nil), adapterFrom: nil,
        data: DataOptions(path: nil, testPath: nil, partition: .worker, labels: []),
        training: TrainingOptions(), trainingThreads: nil,
        federation: FederationOptions(
            workers: 0, rounds: 0, workersPerRound: 0, minimumWorkers: 0, deadline: nil, strategy: .fedavg,
            strategyOptions: StrategyOptions(), aggregation: .separate, residualRank: nil, seed: 0, overSelection: 1,
            selection: .uniform, schedule: .synchronous, scheduleOptions: ScheduleOptions(), weightCap: .init()),
        compression: CompressionOptions(uplink: .dense, downlink: .dense, errorFeedback: false, residualDecay: nil),
        evaluation: EvaluationOptions(
            every: 0, source: .coordinator, minimumCohort: 0, heldOutWorkers: 0, gate: nil, gateAttempts: 0),
        limits: LimitOptions(lease: .zero, heartbeat: .zero),
        simulation: SimulationOptions(slowShare: 0, slowFactor: 1, stepTime: .zero))

    private init(
        model: ModelSource, task: TaskKind, adapter: AdapterOptions, ranks: RankOptions, adapterFrom: String?,
        data: DataOptions,
        training: TrainingOptions, trainingThreads: Int?, federation: FederationOptions,
        compression: CompressionOptions, evaluation: EvaluationOptions, limits: LimitOptions,
        simulation: SimulationOptions
    ) {
        self.model = model
        self.task = task
        self.adapter = adapter
        self.ranks = ranks
        self.adapterFrom = adapterFrom
        self.data = data
        self.training = training
        self.trainingThreads = trainingThreads
        self.federation = federation
        self.compression = compression
        self.evaluation = evaluation
        self.limits = limits
        self.simulation = simulation
    }
}
