public import Federation
public import ModelFiles
public import RunFile

extension RunRecord {
    /// Finds the run of a state directory, or begins it there with its first adapter.
    ///
    /// - Parameters:
    ///   - configuration: The run file's canonical text.
    ///   - refusedChanges: Given the recorded text, the keys that differ and must not; empty if all may.
    ///   - firstAdapter: Asked for a new run only.
    public static func open(
        ledger: Ledger, store: BlobStore, newID: RunID, seed: UInt64, configuration: String, baseModel: ContentHash,
        refusedChanges: (String) -> [String], layout: AdapterLayout, firstAdapter: () throws -> [Float]
    ) throws -> RunRecord {
        guard let run = try ledger.run() else {
            let run = RunRecord(id: newID, seed: seed, configuration: configuration, baseModel: baseModel)
            let object = try store.write(AdapterObject.encode(layout: layout, values: try firstAdapter()))
            try ledger.begin(run, firstAdapter: object)
            return run
        }
        guard run.baseModel == baseModel else {
            throw RunError.otherBaseModel(recorded: run.baseModel, given: baseModel)
        }
        if run.configuration != configuration {
            let changes = refusedChanges(run.configuration)
            guard changes.isEmpty else { throw RunError.changedConfiguration(keys: changes) }
            try ledger.replaceConfiguration(configuration)
        }
        guard run.seed == seed else { throw RunError.changedConfiguration(keys: ["federation.seed"]) }
        return try ledger.run() ?? run
    }
}

extension RunRecord {
    /// Finds or begins the run of a run file; one that changed where it must not is refused with the keys' names.
    public static func open(
        ledger: Ledger, store: BlobStore, newID: RunID, configuration: RunConfiguration, baseModel: ContentHash,
        layout: AdapterLayout, firstAdapter: () throws -> [Float]
    ) throws -> RunRecord {
        try open(
            ledger: ledger, store: store, newID: newID, seed: configuration.federation.seed,
            configuration: configuration.canonicalJSON, baseModel: baseModel,
            refusedChanges: { recorded in
                guard let earlier = try? RunConfiguration(canonicalJSON: recorded) else {
                    return ["the whole run file"]
                }
                return configuration.changes(from: earlier).filter { !$0.mayChange }.map(\.description)
            }, layout: layout, firstAdapter: firstAdapter)
    }
}

/// Why a run cannot start or go on.
public enum RunError: Error, Hashable, Sendable, CustomStringConvertible {
    case otherBaseModel(recorded: ContentHash, given: ContentHash)
    case changedConfiguration(keys: [String])
    case adapterDoesNotFit(recorded: Int, given: Int)
    case optimizerStateDoesNotFit
    case aggregateNotFinite(round: Int)
    /// Round 0 is the base model.
    case evaluationNotFinite(round: Int)
    case missingAdapter
    case adapterDamaged(version: Int, blob: String, copy: String)
    case optimizerStateDamaged(round: Int, blob: String)
    case gateWithoutHeldOutText
    /// Everybody else has declined; the last one's reason is untrusted text.
    case roundDeclined(round: Int, workers: Int, last: WorkerName, reason: String)

    public var description: String {
        switch self {
        case .otherBaseModel(let recorded, let given):
            "the state directory belongs to base model \(String(recorded.description.prefix(12))), the given one is "
                + "\(String(given.description.prefix(12))); give the same model or another --state"
        case .changedConfiguration(let keys):
            "the run file changed under an existing state: \(keys.joined(separator: ", ")); restore the values or give "
                + "another --state"
        case .adapterDoesNotFit(let recorded, let given):
            "the state directory's adapter has \(recorded) values, the run's has \(given); give another --state"
        case .optimizerStateDoesNotFit:
            "the state directory's server optimiser state is not of this run's strategy and adapter; restore it or give "
                + "another --state"
        case .aggregateNotFinite(let round):
            "the mean update of round \(round) is not finite; lower training.learning-rate or set training.clip-norm"
        case .evaluationNotFinite(round: 0):
            "the base model's held-out loss is not finite; are its weights whole, and adapter.alpha not extreme?"
        case .evaluationNotFinite(let round):
            "the held-out loss after round \(round) is not finite: training diverged; lower training.learning-rate, "
                + "with another --state"
        case .roundDeclined(let round, let workers, let last, let reason):
            "round \(round) cannot close: \(workers) workers declined it and nobody is left to ask; \(last) said: \(reason)"
        case .adapterDamaged(let version, let blob, let copy):
            "adapter \(version) is damaged or missing in \(blob), and \(copy) does not hold the same one; restore "
                + "either from a backup, or begin a new run with another --state and adapter.from set to an earlier "
                + "adapters/NNNN"
        case .optimizerStateDamaged(let round, let blob):
            "the server optimiser's state after round \(round) is damaged or missing in \(blob); restore it from a "
                + "backup, or begin a new run with another --state and adapter.from set to the newest adapter"
        case .gateWithoutHeldOutText:
            "evaluation.gate needs held-out text at the coordinator; give it, or set it to none"
        case .missingAdapter: "the state directory holds no adapter; restore it or give another --state"
        }
    }
}
