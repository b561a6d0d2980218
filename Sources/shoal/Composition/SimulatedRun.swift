import Coordinator
import Federation
import FineTuning
import Foundation
import LanguageModel
import Logging
import ModelFiles
import Randomness
import RunFile
import Simulation
import Tensor
import Transport
import Wire
import Worker

/// A prepared run with its state and its workers on this machine.
struct SimulatedRun {
    let prepared: PreparedRun
    let state: CoordinatorState
    let workers: SimulatedWorkers
    /// `nil`: all workers are honest.
    let attack: SimulatedAttack?
    /// Where a monitor sees the fleet; `nil`: there is none.
    var board: FleetBoard?
    private let heldOut: TaskItems

    init(_ prepared: PreparedRun, state path: String, attack: String? = nil) throws {
        self.prepared = prepared
        let workers = try SimulatedWorkers(prepared)
        self.workers = workers
        self.attack = try attack.map { try SimulatedAttack($0, prepared, workers: workers.names) }
        heldOut = try prepared.items(of: workers.workers.flatMap(\.rows).filter { $0.split == .test }).test
        guard heldOut.count > 0 || prepared.configuration.evaluation.source != .coordinator else {
            throw CommandFailure.badInput(
                "the data has no held-out text; add rows with \"split\": \"test\" or a data.test-path, or set "
                    + "evaluation.source to none")
        }
        state = try CoordinatorState(path: path)
        // Whoever finds this state later must not take its adapter for an honest one.
        if let attack = self.attack {
            try state.ledger.note(
                .attacked, "a simulation made \(attack.bad.names.count) workers bad: \(attack.plan)")
        }
    }

    /// How long workers may take to leave by themselves after the run.
    private static let farewellSeconds = 30

    var hasHeldOutText: Bool { heldOut.count > 0 }

    private var folders: WorkerFolders { WorkerFolders(state: state.directory.path) }

    private func assembly(compute: @escaping LocalTraining.Compute) -> CoordinatorAssembly {
        var assembly = CoordinatorAssembly(
            prepared: prepared, state: state, heldOut: heldOut, compute: compute,
            minimumConnected: workers.workers.count)
        assembly.board = board
        return assembly
    }

    /// Runs every worker as a process of its own; returns once the run ended or was stopped.
    func runProcesses(
        logger: Logger, log: LogOptions, observe: @escaping (RunEvent) -> Void
    ) async throws -> RunService {
        let (transport, service, keys) = try usingInput {
            let keys = try CoordinatorKeys.readOrCreate(in: state.directory.path)
            let transport = try CoordinatorTransport(
                bindingTo: "tcp://127.0.0.1:0", security: .curve(keys), admission: state.ledger, logger: logger)
            let compute = ComputeThread()
            return (
                transport,
                try assembly(compute: compute.post).service(link: transport, loop: transport, observe: observe), keys
            )
        }
        try usingInput {
            try workers.writeFolders(
                folders, endpoint: transport.boundEndpoint, ledger: state.ledger, coordinator: keys)
        }
        let members = workers.members(
            folders, model: prepared.model.path, threads: prepared.configuration.trainingThreads ?? 1,
            logLevel: log.logLevel.rawValue)
        let workerFolders = folders
        let fleet = Fleet(program: ProgramPath.own)
        let stopping = Handover(service)
        let running = Task {
            await fleet.run(members) { worker, ending in
                // A worker that is stopped with the run ends like this, too.
                guard ending != .exited(code: 0), ending != .exited(code: CommandFailure.interruptedCode) else {
                    return
                }
                let path = workerFolders.log(worker)
                logger.warning(
                    "worker ended", metadata: ["worker": "\(worker)", "ending": "\(ending)", "log": "\(path)"])
                transport.post {
                    // The first round waits for everybody; later ones go on without those that fell away.
                    guard !stopping.value.hasConnected(worker) else { return }
                    stopping.value.fail(
                        CommandFailure.failed("worker \(worker) could not start (\(ending)); its log is \(path)"))
                }
            }
            transport.post {
                stopping.value.everyWorkerHasEnded(
                    CommandFailure.failed("every worker's process has ended; their logs: \(workerFolders.allLogs)"))
            }
        }
        let signals = StopSignals { transport.post { stopping.value.requestStop() } }
        await transport.runOnOwnThread(stopping)
        withExtendedLifetime(signals) {}
        // A worker that does not hear of the end must not hold up everybody.
        let patience = Task {
            if case .finished = stopping.value.outcome { try await Task.sleep(for: .seconds(Self.farewellSeconds)) }
            running.cancel()
        }
        await running.value
        patience.cancel()
        return service
    }

    /// Runs coordinator and workers on this thread, over a link in memory: tasks run one after the other.
    func runInProcess(observe: @escaping (RunEvent) -> Void) throws -> RunService {
        try usingInput {
            let link = MemoryLink(admission: state.ledger, seed: prepared.configuration.federation.seed)
            var assembly = assembly(compute: { $0() })
            // With slow workers rounds are told in the link's virtual time, which says who held up whom.
            if prepared.configuration.simulation.slowShare == 0 { assembly.stopwatch = MonotonicClock.now }
            let service = try assembly.service(link: link.coordinator, loop: link.executor, observe: observe)
            link.attach(service)
            let held = HeldModel(path: prepared.model.path, identity: prepared.manifest.identity)
            for worker in workers.workers {
                try PrivateAccess.makeFolder(folders.path(worker.name))
                let identity = try WorkerIdentity(folder: folders.state(worker.name))
                let keys = try KeyFile.readOrCreate(folders.state(worker.name) + "/worker.key")
                try state.ledger.allow(name: worker.name, key: keys.publicKey, signingKey: identity.publicKey)
                let end = link.addWorker(keys: [.own: keys.publicKey])
                var settings = WorkerSettings(
                    software: shoalVersion, cores: 1, memoryBytes: ProcessInfo.processInfo.physicalMemory,
                    curveKey: keys.publicKey, signingKey: identity.publicKey, hasInvitation: false, model: held)
                settings.gigaflops =
                    WorkerRanks.gigaflopsPerUnit / Float(workers.slow.factor(of: worker.name))
                settings.identity = identity
                // Nothing leaves a simulation.
                settings.metricsMinimumExamples = 0
                let rows = attack?.rows(of: worker) ?? worker.rows
                let training = LocalTraining(data: .rows(rows), model: prepared.model, compute: { $0() })
                let runner = VirtualPace(
                    attack?.runner(training, of: worker.name) ?? training, on: link,
                    secondsPerStep: prepared.configuration.simulation.stepSeconds * workers.slow.factor(of: worker.name)
                        * (attack?.factor(of: worker.name) ?? 1),
                    items: attack == nil
                        ? worker.trainingItems : try prepared.items(of: rows.filter { $0.split == .train }).train.count)
                let backoff = StreamKey(seed: 0, worker: worker.name.text, purpose: .backoff).generator()
                link.attach(
                    WorkerService(
                        settings: settings, state: try WorkerState(folder: folders.state(worker.name)), link: end,
                        loop: link.executor, runner: runner, backoff: backoff, observer: { _ in }),
                    to: end, keys: .own)
            }
            let stop = StopFlag()
            let signals = StopSignals { stop.set() }
            let isDone = link.run(limitSeconds: 1e9) {
                if stop.isSet { service.requestStop() }
                // Virtual time would run on for ever, or as fast as it can until the owner resumes the run.
                if service.isPaused { usleep(20_000) }
                if let cause = service.pauseCause { service.fail(CommandFailure.failed("the run paused: \(cause)")) }
                return service.isFinished
            }
            withExtendedLifetime(signals) {}
            precondition(isDone, "a link without faults always comes to the end of its run")
            return service
        }
    }

    /// The closing comparison of base, federated and (if asked) each worker's own adapter.
    ///
    /// - Returns: `nil` for classification, which has none, without held-out text, and where no model is whole without a
    ///   worker's own factor.
    func compare(federated: LowRankAdapter, trainsLocal: Bool, view: RunView) throws -> Comparison? {
        guard case .language(let base) = prepared.model, case .blocks(let heldOut) = heldOut, heldOut.count > 0,
            prepared.configuration.federation.aggregation.ownFactor == nil
        else { return nil }
        defer { view.clearProgress() }
        if trainsLocal { view.showLine("training each worker's own adapter, alone, for comparison") }
        return try Comparison(
            prepared, base, workers: workers, heldOut: heldOut, federated: federated, trainsLocal: trainsLocal
        ) { done, total in
            if trainsLocal { view.showBusy("training each worker's own adapter for comparison: \(done)/\(total)") }
        }
    }
}

/// Where this program lies, to start more of it.
enum ProgramPath {
    static var own: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}
