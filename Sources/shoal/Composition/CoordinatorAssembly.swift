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
    /// Workers that must be connected before round 1 opens; `nil`: as many as a round needs.
    let minimumConnected: Int?

    func service(
        link: any CoordinatorLink, loop: any LoopExecutor, observe: @escaping (RunEvent) -> Void
    ) throws -> RunService {
        let configuration = prepared.configuration
        let baseModel = Coordinator.BaseModel(manifest: prepared.manifest, directory: prepared.model.path)
        let run = try RunRecord.open(
            ledger: state.ledger, store: state.store, newID: RunID(bits: .random(in: .min ... .max)),
            configuration: configuration, baseModel: baseModel.identity, layout: prepared.plan.layout,
            firstAdapter: { prepared.initialValues })
        let evaluator =
            heldOut.count == 0
            ? nil
            : HeldOutEvaluator(
                model: prepared.model.model, plan: prepared.plan, blocks: heldOut, compute: compute)
        return try RunService(
            settings: RunSettings(configuration, minimumConnected: minimumConnected, software: shoalVersion), run: run,
            baseModel: baseModel,
            adapterConfiguration: prepared.plan.configuration(baseModel: configuration.model.path),
            layout: prepared.plan.layout,
            resources: RunService.Resources(
                ledger: state.ledger, store: state.store, state: state.directory, link: link, loop: loop,
                evaluator: evaluator, observe: observe))
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
