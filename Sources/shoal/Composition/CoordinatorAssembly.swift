import Coordinator
import Federation
import FineTuning
import Glibc
import LanguageModel
import ModelFiles
import Randomness
import RunFile
import Transport
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
        try ledger.requireSound()
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
    /// The coordinator's own held-out blocks or examples; `nil`: it evaluates nothing.
    let heldOut: TaskItems?
    /// Where evaluations run.
    let compute: LocalTraining.Compute
    /// Workers that must be connected before round 1 opens, and no others come; `nil`: as many as a round needs.
    let minimumConnected: Int?
    /// Times rounds; `nil`: the loop's own clock does.
    var stopwatch: (() -> Instant)?
    /// Where a monitor sees the fleet; `nil`: there is none.
    var board: FleetBoard?
    /// Whether the service goes on after the end of the run, until it is told to stop.
    var staysAfterEnd = false

    func service(
        link: any CoordinatorLink, loop: any LoopExecutor, observe: @escaping (RunEvent) -> Void
    ) throws -> RunService {
        let configuration = prepared.configuration
        let baseModel = Coordinator.BaseModel(manifest: prepared.manifest, directory: prepared.model.path)
        let run = try RunRecord.open(
            ledger: state.ledger, store: state.store, newID: RunID(bits: .random(in: .min ... .max)),
            configuration: configuration, baseModel: baseModel.identity, layout: prepared.layout,
            firstAdapter: { prepared.initialValues })
        let evaluator = heldOut.flatMap { items in
            items.count == 0
                ? nil
                : HeldOutEvaluator(
                    model: prepared.model, adapter: prepared.adapter(values:residual:), items: items, compute: compute)
        }
        var settings = RunSettings(configuration, minimumConnected: minimumConnected, software: shoalVersion)
        settings.isFleetComplete = minimumConnected != nil
        settings.staysAfterEnd = staysAfterEnd
        // Only a simulation has a fleet that is complete.
        settings.hasSeededPrivacy = minimumConnected != nil
        return try RunService(
            settings: settings, run: run,
            baseModel: baseModel,
            adapterConfiguration: prepared.plan.configuration(baseModel: configuration.model.path),
            layout: prepared.layout,
            fixedFactors: prepared.core.map {
                FixedFactors(layout: $0.plan.layout, values: $0.fixed, adapter: $0.expanded)
            },
            resources: RunService.Resources(
                ledger: state.ledger, store: state.store, state: state.directory, link: link, loop: loop,
                evaluator: evaluator, stopwatch: stopwatch, board: board, observe: observe))
    }
}

extension CoordinatorTransport {
    /// Drives the service on a thread of its own, and returns once it is finished.
    func runOnOwnThread(_ service: Handover<RunService>) async {
        await withCheckedContinuation { done in
            let loop = DedicatedThread {
                self.run(service: service.value)
                done.resume()
            }
            withExtendedLifetime(loop) {}
        }
    }
}

extension RunService.Outcome {
    /// Ends the command unless the run is finished.
    func requireFinished() throws {
        switch self {
        case .finished: break
        case .running, .stopped:
            throw CommandFailure.interrupted("stopped; the state is kept, the same command goes on with the run")
        case .failed(let failure as CommandFailure): throw failure
        // A full disk or a missing permission: the person can mend it and go on.
        case .failed(let error) where error is FileError || error is LedgerError:
            throw CommandFailure.badInput("\(error); the state is kept, the same command goes on with the run")
        case .failed(let error): throw CommandFailure.failed("\(error)")
        }
    }
}
