import Federation
import FineTuning
import Foundation
import Logging
import ModelFiles
import Randomness
import RunFile
import Transport
import Wire
import Worker

/// Puts a worker together: its keys, its state, what carries out its tasks, and its link.
struct WorkerAssembly {
    let join: JoinFile
    let state: String
    let insecure: Bool
    /// The base model that this machine holds; `nil`: it comes from the coordinator.
    let model: HeldModel?
    let runner: any TaskRunning
    /// What the worker's owner lets it do; `nil`: whatever is offered.
    var policy: OwnerPolicy?
    /// Shared by the workers of one process; `nil`: one of its own.
    var context: MessagingContext?
    /// Called once nothing is left to do of a task.
    var afterTask: () -> Void = {}
    /// With fewer blocks or examples behind them no metrics are told, where no policy says otherwise.
    var metricsMinimumExamples: Int?
    /// Whether it waits for the coordinator's next run once one has ended.
    var staysAfterEnd = false
    /// Of products of float32 matrices; 0 does not tell it. Unit: GFLOP/s.
    var gigaflops: Float = 0

    func service(logger: Logger) throws -> (WorkerTransport, WorkerService) {
        let state = try WorkerState(folder: state)
        let keys = try KeyFile.readOrCreate(self.state + "/worker.key")
        let signing = try WorkerIdentity(folder: self.state)
        let known = try CoordinatorKeyStore(
            folder: self.state, joinKey: join.coordinatorKey, announced: join.nextCoordinatorKey)
        let transport = try WorkerTransport(
            connectingTo: join.endpoint, security: insecure ? .insecure : .curve(coordinatorKey: join.coordinatorKey),
            keyMemory: known, own: keys, invitation: join.invitation, first: state.isEnrolled ? .own : .invitation,
            in: context, warn: { logger.warning("\($0)") })
        var settings = WorkerSettings(
            software: shoalVersion, cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: ProcessInfo.processInfo.physicalMemory, curveKey: keys.publicKey,
            signingKey: signing.publicKey, hasInvitation: true, model: model)
        settings.gigaflops = gigaflops
        settings.staysAfterEnd = staysAfterEnd
        settings.identity = signing
        settings.coordinatorKeys = known
        if !insecure { settings.coordinator = { known.keys.first?.z85 } }
        if policy?.required.contains(.masks) == true { settings.masksAgainst = Self.masksAgainst }
        if let cohort = policy?.minimumCohort { settings.minimumMaskedCohort = cohort }
        if let metricsMinimumExamples { settings.metricsMinimumExamples = metricsMinimumExamples }
        let service = WorkerService(
            settings: settings, state: state, link: transport, loop: transport, runner: runner,
            owner: try policy.map { policy throws in
                try OwnerGuard(policy, state: state, moment: HostMoment.now)
            },
            backoff: StreamKey(seed: 0, worker: join.worker.text, purpose: .backoff).generator(),
            observer: {
                WorkerLog.record($0, to: logger)
                if $0.endsTask { afterTask() }
            })
        return (transport, service)
    }

    /// Of a cohort, the part that an owner who requires masks takes to collude with the coordinator, whatever it says.
    private static let masksAgainst = 0.1

    /// The base model behind `--model`.
    static func heldModel(_ name: String) throws -> HeldModel {
        let path = try BuiltInModel.resolve(name)
        return HeldModel(path: path, identity: try ModelManifest(directory: path).identity)
    }
}

extension WorkerEvent {
    fileprivate var endsTask: Bool {
        switch self {
        case .updateAccepted, .updateRejected, .evaluated, .taskDropped: true
        default: false
        }
    }
}

/// A worker's events as log records: counts and losses, never text.
enum WorkerLog {
    static func record(_ event: WorkerEvent, to logger: Logger) {
        switch event {
        case .connected(let worker, let run):
            logger.info("connected", metadata: ["worker": "\(worker)", "run": "\(run)"])
        case .disconnected(let reason): logger.warning("disconnected", metadata: ["reason": "\(reason)"])
        case .keyAnnounced: logger.info("keeps the key that the coordinator will have")
        case .enrolled(let worker): logger.info("enrolled", metadata: ["worker": "\(worker)"])
        case .downloading(let bytes, let total):
            logger.info("downloading the base model", metadata: ["bytes": "\(bytes)", "of": "\(total)"])
        case .trainingStarted(let round): logger.info("training", metadata: ["round": "\(round)"])
        case .evaluationStarted(let round): logger.info("evaluating", metadata: ["round": "\(round)"])
        case .waitingForSlot(let round): logger.info("waiting for a training slot", metadata: ["round": "\(round)"])
        case .progress(let round, let step, let totalSteps, let loss):
            logger.debug(
                "progress",
                metadata: [
                    "round": "\(round)", "step": "\(step)", "of": "\(totalSteps)", "loss": "\(Quantity.loss(loss))",
                ])
        case .updateAccepted(let round): logger.info("update accepted", metadata: ["round": "\(round)"])
        case .updateRejected(let round, let reason):
            logger.warning("update rejected", metadata: ["round": "\(round)", "reason": "\(reason)"])
        case .evaluated(let round, let items, let meanLoss):
            logger.info(
                "evaluated",
                metadata: ["round": "\(round)", "blocks": "\(items)", "loss": "\(Quantity.loss(meanLoss))"])
        case .taskDropped(let round, let reason):
            logger.info("task dropped", metadata: ["round": "\(round)", "reason": "\(reason)"])
        case .residualDropped(let reason):
            logger.warning("residual of earlier updates dropped", metadata: ["reason": "\(reason)"])
        case .ownVectorDropped(let name, let reason):
            logger.warning("\(name) dropped", metadata: ["reason": "\(reason)"])
        case .warning(let text): logger.warning("\(text)")
        case .runFinished: logger.info("the run is finished")
        }
    }
}
