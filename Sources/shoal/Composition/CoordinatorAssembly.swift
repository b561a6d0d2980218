import Coordinator
import Federation
import FineTuning
import Glibc
import LanguageModel
import Randomness
import RunFile
import Wire
import Worker

/// A state directory with its ledger and blobs, held by this process.
struct CoordinatorState {
    let directory: StateDirectory
    let ledger: Ledger
    let store: BlobStore

    init(path: String) throws {
        directory = try StateDirectory(path: path)
        ledger = try Ledger(path: directory.ledger, wallClock: WallClock.unixSeconds)
        store = try BlobStore(directory: path)
    }
}

enum WallClock {
    /// Seconds since 1970.
    @Sendable static func unixSeconds() -> Int64 { Int64(time(nil)) }
}

/// Puts a coordinator's service together from a prepared run.
struct CoordinatorAssembly {
    let prepared: PreparedRun
    let state: CoordinatorState
    /// The coordinator's own held-out blocks.
    let heldOut: TokenBlocks
    /// Where evaluations run.
    let compute: LocalTraining.Compute
    /// Workers that must be connected before round 1 opens.
    let minimumConnected: Int
    /// Workers that never train, when they are what the run is evaluated on.
    let heldOutWorkers: Set<WorkerName>

    func service(
        link: any CoordinatorLink, loop: any LoopExecutor, observe: @escaping (RunEvent) -> Void
    ) throws -> RunService {
        let configuration = prepared.configuration
        let baseModel = Coordinator.BaseModel(manifest: prepared.manifest, directory: prepared.model.path)
        let run = try RunRecord.open(
            ledger: state.ledger, store: state.store, newID: RunID(bits: .random(in: .min ... .max)),
            seed: configuration.federation.seed, configuration: configuration.canonicalJSON,
            baseModel: baseModel.identity, refusedChanges: refusedChanges, layout: prepared.plan.layout,
            firstAdapter: { prepared.initialValues })
        let evaluator = heldOut.count == 0
            ? nil
            : HeldOutEvaluator(
                model: prepared.model.model, plan: prepared.plan, blocks: heldOut, compute: compute)
        return try RunService(
            settings: settings, run: run, baseModel: baseModel,
            adapterConfiguration: prepared.plan.configuration(baseModel: configuration.model.path),
            layout: prepared.plan.layout,
            resources: RunService.Resources(
                ledger: state.ledger, store: state.store, state: state.directory, link: link, loop: loop,
                evaluator: evaluator, observe: observe))
    }

    private func refusedChanges(recorded: String) -> [String] {
        guard let earlier = try? RunConfiguration(canonicalJSON: recorded) else {
            return ["the recorded configuration is unreadable"]
        }
        return prepared.configuration.changes(from: earlier).filter { !$0.mayChange }.map(\.description)
    }

    private var settings: RunSettings {
        let configuration = prepared.configuration
        let federation = configuration.federation
        var settings = RunSettings(
            seed: federation.seed, rounds: federation.rounds, workersPerRound: federation.workersPerRound,
            minimumWorkers: federation.minimumWorkers, deadlineSeconds: federation.deadlineSeconds,
            minimumConnected: minimumConnected, adapterOptions: configuration.adapter,
            training: configuration.training, uplink: configuration.compression.uplink, software: shoalVersion)
        settings.heartbeatSeconds = configuration.limits.heartbeatSeconds
        settings.leaseSeconds = configuration.limits.leaseSeconds
        settings.evaluateEvery = configuration.evaluation.every == 0 ? nil : configuration.evaluation.every
        settings.minimumCohort = configuration.evaluation.minimumCohort
        settings.weightCap = federation.weightCap
        switch configuration.evaluation.source {
        case .coordinator: settings.evaluationSource = .coordinator
        case .workers: settings.evaluationSource = .workers
        case .heldOutWorkers: settings.evaluationSource = .heldOutWorkers(heldOutWorkers)
        }
        return settings
    }
}

extension RunService.Outcome {
    /// Ends the command unless the run is finished.
    func requireFinished(adapter: String) throws {
        switch self {
        case .finished: break
        case .running, .stopped:
            throw CommandFailure.interrupted("stopped; the state is kept, the same command goes on with the run")
        case .failed(let error): throw CommandFailure.failed("\(error)")
        }
    }
}
