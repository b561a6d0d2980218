internal import Coordinator
internal import Federation
internal import Glibc
internal import ModelFiles
internal import Randomness
internal import Recipe
internal import SecureAggregation
internal import Wire
internal import Worker

/// One seeded schedule: a real coordinator and real workers, each on a machine with a simulated disk, over a simulated
/// link and a virtual clock. Things go wrong for a while; then nothing does any more, and the run must come to its end.
///
/// What must hold is in `FaultInvariants.swift`.
final class FaultSchedule {
    /// What must hold did not.
    struct Violation: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    /// A machine with one process of Shoal's on it.
    final class Machine {
        let disk: SimulatedDisk
        let name: String
        var crashesLeft: Int
        /// Counts processes.
        var process = 0
        var isRunning = false

        init(name: String, disk: SimulatedDisk, crashesLeft: Int) {
            self.name = name
            self.disk = disk
            self.crashesLeft = crashesLeft
        }
    }

    /// Virtual time that a run may take once nothing goes wrong any more.
    static let patienceSeconds = 900.0
    static let layout = AdapterLayout([
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", [2, 3]),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", [4, 2]),
    ])
    static let firstAdapter: [Float] = (0..<layout.parameterCount).map { Float($0) / 8 }
    static let run = RunID(bits: 42)
    /// One of four workers may drop out; what ``KnownTrainer`` gives lies within the clip.
    static let masking = MaskingOptions(
        clip: 1, levels: 4_000, weightLimit: FaultTemplate.workersMax, minimumCohort: 3,
        assumptions: MaskingAssumptions(corruptFraction: 0, dropoutFraction: 0.25), stepSeconds: 8)

    let plan: FaultPlan
    let link: MemoryLink
    let codec: any UpdateCodec
    let machines: [Machine]
    var random: CounterRandom
    var isCalm = false
    var violation: Violation?
    var observed = ObservedRun()
    /// Told what happens, line by line.
    var trace: ((String) -> Void)?
    private(set) var crashes = 0

    // The coordinator's process
    var service: RunService?
    var ledger: Ledger?
    var store: BlobStore?

    // The workers' processes
    let ends: [MemoryWorkerLink]
    var workers: [WorkerService?]

    init(_ plan: FaultPlan, mount: String) throws {
        self.plan = plan
        codec = try Codecs.make(plan.codec)
        random = StreamKey(seed: plan.seed, worker: "course", purpose: .faults).generator()
        let names = (0..<plan.workers).map(Self.name)
        link = MemoryLink(
            admission: KnownWorkers(
                roles: Dictionary(
                    uniqueKeysWithValues: names.map { (Self.connectionKey($0), PeerRole.worker($0)) })),
            seed: plan.seed, faults: plan.link)
        machines = (0...plan.workers).map { index in
            let name = index == 0 ? "coordinator" : names[index - 1].text
            let disk = SimulatedDisk(mount: "\(mount)-\(name)", name: name, seed: plan.seed)
            return Machine(name: name, disk: disk, crashesLeft: plan.crashes[index])
        }
        ends = names.map { [link] name in link.addWorker(keys: [.own: Self.connectionKey(name)]) }
        workers = Array(repeating: nil, count: plan.workers)
    }

    static func name(_ worker: Int) -> WorkerName {
        guard let name = WorkerName("w\(worker)") else { preconditionFailure("a worker's name") }
        return name
    }

    static func connectionKey(_ name: WorkerName) -> PublicKey {
        guard let key = PublicKey(bytes: ContentHash(of: Array("connect \(name)".utf8)).bytes) else {
            preconditionFailure("a key has 32 bytes")
        }
        return key
    }

    /// Runs to the end, or to the first violation.
    func runToEnd() {
        for machine in machines { DiskTable.mount(machine.disk, as: machine.disk.mount) }
        defer {
            // The link holds services, and their trainers and evaluators the link.
            for index in workers.indices {
                link.detach(ends[index])
                workers[index] = nil
            }
            link.detachCoordinator()
            (service, ledger, store) = (nil, nil, nil)
            for machine in machines { DiskTable.unmount(machine.disk.mount) }
        }
        do {
            for (index, machine) in machines.enumerated() {
                machine.disk.copy(try FaultTemplate.disk(index, isBlank: plan.startsBlank))
            }
            scheduleTroubles()
            startCoordinator()
            for worker in workers.indices { startWorker(worker) }
            let ended = link.run(limitSeconds: plan.calmSeconds + Self.patienceSeconds) {
                lookAfterMachines()
                return violation != nil || isOver
            }
            if let violation { throw violation }
            guard ended else { throw Violation("no progress: \(standing)") }
            try checkEnd()
        } catch let error as Violation {
            violation = error
        } catch {
            violation = Violation("unexpected: \(error)")
        }
    }

    private var isOver: Bool {
        guard let service, machines[0].isRunning else { return false }
        if case .finished = service.outcome { return true }
        return isCalm && isBudgetSpent
    }

    private var standing: String {
        let workers = workers.enumerated().map {
            "\($0): \($1.map { "\($0.outcome.map { "\($0)" } ?? "runs")" } ?? "down")"
        }
        return "round \(service?.currentAdapter.version ?? -1) of \(plan.rounds), coordinator "
            + "\(service.map { "\($0.outcome)" } ?? "down"), workers \(workers.joined(separator: ", ")), last said: "
            + observed.lastWait
    }

    private func scheduleTroubles() {
        for trouble in plan.troubles {
            link.schedule(afterSeconds: trouble.from) { [unowned self] in
                link.faultsOfWorker[Self.name(trouble.worker)] = trouble.faults
            }
            link.schedule(afterSeconds: trouble.until) { [unowned self] in
                link.faultsOfWorker[Self.name(trouble.worker)] = nil
            }
        }
        for crash in plan.timedCrashes {
            link.schedule(afterSeconds: crash.at) { [unowned self] in
                for machine in crash.machine.map({ [machines[$0]] }) ?? machines where machine.isRunning {
                    machine.disk.crash(crash.kind)
                }
            }
        }
        link.schedule(afterSeconds: plan.calmSeconds) { [unowned self] in
            isCalm = true
            link.faults = .none
            link.faultsOfWorker = [:]
            for machine in machines { machine.disk.faults = quietFaults }
        }
    }

    private var quietFaults: DiskFaults {
        var faults = DiskFaults()
        faults.plantedBugs = plan.plantedBugs
        return faults
    }

    /// What is wrong with a machine's disk until its next start.
    private func drawFaults(_ machine: Machine) -> DiskFaults {
        var faults = quietFaults
        guard !isCalm else { return faults }
        faults.failure = plan.diskFailure
        faults.shortWrite = plan.shortWrite
        if machine.crashesLeft > 0 {
            machine.crashesLeft -= 1
            // As often early as late: the logarithm is uniform.
            let most = machine === machines[0] ? 1_500.0 : 100
            faults.crashCountdown = Int(pow(most, random.uniformDouble()))
            faults.crash = random.uniformDouble() < 0.3 ? .kill : .powerCut
        }
        return faults
    }

    /// Begins a process; it ends with ``bury(_:)``.
    private func boot(_ machine: Machine) -> () -> Bool {
        machine.disk.restart()
        machine.disk.faults = drawFaults(machine)
        machine.process += 1
        machine.isRunning = true
        let process = machine.process
        note(
            "\(machine.name) starts, crash after \(machine.disk.faults.crashCountdown.map(String.init) ?? "no") writes")
        return { machine.isRunning && machine.process == process && !machine.disk.isDown }
    }

    private func bury(_ machine: Machine, _ restart: @escaping () -> Void) {
        machine.isRunning = false
        crashes += 1
        note("\(machine.name) ends; \(machine.disk.isDown ? "its machine is down" : "its process gave up")")
        link.schedule(afterSeconds: 0.1 + 6 * random.uniformDouble(), restart)
    }

    private static func summary(of envelope: Envelope) -> String {
        let detail =
            switch envelope.message {
            case .updateAck(let ack): " \(ack.state)"
            case .decline(let decline): " \(decline.reason)"
            case .cancel(let cancel): " \(cancel.reason)"
            case .refused(let refused): " \(refused.reason)"
            case .maskStep(let step): " \(step.step)"
            default: ""
            }
        return "\(envelope.message.kind) \(envelope.round)/\(envelope.attempt)\(detail)"
    }

    func note(_ text: @autoclosure () -> String) {
        guard let trace else { return }
        trace("\(Double(link.now.nanoseconds / 1_000_000) / 1_000) s: \(text())")
    }

    // MARK: - Processes

    /// After every event: ends what has crashed or given up, and looks at what was published.
    private func lookAfterMachines() {
        if machines[0].isRunning, let service {
            let hasCrashed = machines[0].disk.isDown
            if !hasCrashed, case .failed(let error) = service.outcome, machines[0].disk.failures == 0 {
                violation = Violation("the coordinator gave up on a sound machine: \(error)")
            }
            var hasFailed = false
            if case .failed = service.outcome { hasFailed = true }
            if hasCrashed || hasFailed { buryCoordinator() } else { look { try checkPublications() } }
        }
        for worker in workers.indices where machines[worker + 1].isRunning {
            let machine = machines[worker + 1]
            guard let outcome = workers[worker]?.outcome, !machine.disk.isDown else {
                if machine.disk.isDown { buryWorker(worker) }
                continue
            }
            guard case .failed(let reason) = outcome else { continue }
            if machine.disk.failures == 0 {
                violation = Violation("worker \(worker) gave up on a sound machine: \(reason)")
            }
            buryWorker(worker)
        }
    }

    private func look(_ check: () throws -> Void) {
        do { try check() } catch let error as Violation { violation = error } catch {
            // A machine that failed meanwhile is looked after at the next event.
            guard machines[0].disk.isDown || machines[0].disk.failures > 0 else {
                violation = Violation("the coordinator's state cannot be read: \(error)")
                return
            }
        }
    }

    private func buryCoordinator() {
        machines[0].isRunning = false
        link.detachCoordinator()
        (service, ledger, store) = (nil, nil, nil)
        bury(machines[0]) { [unowned self] in startCoordinator() }
    }

    private func buryWorker(_ worker: Int) {
        machines[worker + 1].isRunning = false
        link.detach(ends[worker])
        workers[worker] = nil
        bury(machines[worker + 1]) { [unowned self] in startWorker(worker) }
    }

    private func startCoordinator() {
        let machine = machines[0]
        let isAlive = boot(machine)
        do {
            try openCoordinator(machine, isAlive)
        } catch let error as Violation {
            violation = error
        } catch {
            if !machine.disk.isDown, machine.disk.failures == 0 {
                violation = Violation("the coordinator cannot start: \(error)")
            }
            buryCoordinator()
        }
    }

    private func openCoordinator(_ machine: Machine, _ isAlive: @escaping () -> Bool) throws {
        let state = try StateDirectory(path: machine.disk.path + "/state")
        let ledger = try Ledger(path: state.ledger, wallClock: { 1_000 })
        try ledger.requireSound()
        if plan.startsBlank { try FaultTemplate.allowWorkers(ledger) }
        let store = try BlobStore(directory: state.path)
        let model = try FaultTemplate.model(in: machine.disk.path + "/model")
        let record = try RunRecord.open(
            ledger: ledger, store: store, newID: Self.run, seed: plan.seed, configuration: "faults",
            baseModel: model.identity, refusedChanges: { _ in ["everything"] }, layout: Self.layout,
            firstAdapter: { Self.firstAdapter })
        (self.ledger, self.store) = (ledger, store)
        try checkAcknowledged()
        try checkBudget()
        link.coordinator.resetCounters()
        let service = try RunService(
            settings: settings(), run: record, baseModel: model,
            adapterConfiguration: AdapterConfiguration(
                rank: 2, alpha: 16, targetModules: .named(["q_proj"]), baseModel: "none"), layout: Self.layout,
            resources: RunService.Resources(
                ledger: ledger, store: store, state: state,
                link: MortalCoordinatorLink(link.coordinator, isAlive: isAlive) { [unowned self] in
                    coordinatorSent($0, payload: $1, to: $2)
                },
                loop: link.executor, evaluator: plan.hasGate ? KnownEvaluator(link: link, isAlive: isAlive) : nil,
                observe: { [unowned self] event in
                    note("\(event)")
                    if case .waiting(let reason) = event { observed.lastWait = reason }
                }))
        self.service = service
        try checkPublications()
        guard plan.plantedBugs.contains(.doubleCount) else { return link.attach(service) }
        link.attach(
            DoubleCounting(service, workers: (0..<plan.workers).map(Self.name)) { [unowned self] object in
                observed.sent[object]
            })
    }

    private func settings() throws -> RunSettings {
        var settings = RunSettings(
            seed: plan.seed, rounds: plan.rounds, workersPerRound: plan.workersPerRound,
            minimumWorkers: plan.minimumWorkers, deadlineSeconds: plan.deadlineSeconds,
            minimumConnected: plan.workersPerRound, adapterOptions: AdapterOptions(rank: 2),
            training: TrainingOptions(), uplink: plan.codec, software: "simulation")
        settings.workersAsked = plan.workersAsked
        settings.heartbeatSeconds = 1
        settings.leaseSeconds = 5
        settings.offerRetrySeconds = 1
        settings.resumeGatherSeconds = 10
        settings.farewellSeconds = 2
        settings.errorFeedback = plan.keepsResiduals
        switch plan.kind {
        case .plain: break
        case .masked, .maskedNoise:
            settings.masking = plan.masking
            settings.privacy = try plan.privacy
            settings.withholdsMetrics = true
            settings.weightCap = WeightCap(maximumItems: plan.masking.weightLimit)
            // Machines that keep going down end attempts, which is no reason to ask a person.
            settings.maskAttempts = 100_000
        case .noised:
            settings.privacy = try plan.privacy
            settings.hasSeededPrivacy = true
            settings.withholdsMetrics = true
        case .buffered:
            settings.buffering = BufferOptions(
                size: plan.workersPerRound, maximumStaleness: plan.maximumStaleness, concurrency: plan.workers)
        }
        if plan.hasMomentum { settings.strategy = .fedAvgM(learningRate: 1, momentum: ObservedRun.momentum) }
        if plan.hasGate {
            settings.evaluateEvery = 1
            settings.gateAttempts = 1_000
            if !plan.plantedBugs.contains(.noGate) { settings.gateTolerance = KnownEvaluator.tolerance }
        }
        return settings
    }

    private func startWorker(_ worker: Int) {
        let machine = machines[worker + 1]
        let isAlive = boot(machine)
        do {
            try openWorker(worker, machine, isAlive)
        } catch {
            if !machine.disk.isDown, machine.disk.failures == 0 {
                violation = Violation("worker \(worker) cannot start: \(error)")
            }
            buryWorker(worker)
        }
    }

    private func openWorker(_ worker: Int, _ machine: Machine, _ isAlive: @escaping () -> Bool) throws {
        let name = Self.name(worker)
        let folder = machine.disk.path + "/worker"
        let state = try WorkerState(folder: folder)
        let identity = try WorkerIdentity(folder: folder)
        let model = machine.disk.path + "/model"
        var settings = WorkerSettings(
            software: "simulation", cores: 1, memoryBytes: 1 << 30, curveKey: Self.connectionKey(name),
            signingKey: identity.publicKey, hasInvitation: false,
            model: plan.downloadsModel
                ? nil : HeldModel(path: model, identity: try FaultTemplate.model(in: model).identity))
        settings.identity = identity
        settings.chunkBytes = plan.chunkBytes
        settings.metricsMinimumExamples = 0
        // The course must not depend on the machine that it runs on.
        let secrets = "masks \(plan.seed) \(worker) \(machine.process)"
        settings.maskSecret = { SecretStream.key(from: Array(secrets.utf8), for: "simulation") }
        let service = WorkerService(
            settings: settings, state: state,
            link: MortalWorkerLink(ends[worker], isAlive: isAlive) { [unowned self] envelope, payload in
                note("worker \(worker) sends \(Self.summary(of: envelope))")
                observed.workerSent(worker, envelope, payload: payload)
                if plan.isMasked { look { try checkMasks(worker, envelope, payload) } }
            },
            loop: link.executor,
            runner: KnownTrainer(
                worker: worker, link: link, secondsPerStep: plan.secondsPerStep, isAlive: isAlive,
                check: { [unowned self] task in
                    if let problem = FaultTemplate.problem(ofModel: task.modelPath), !machine.disk.isDown {
                        violation = Violation("worker \(worker) trains on another model: \(problem)")
                    }
                }),
            backoff: StreamKey(seed: plan.seed, worker: name.text, purpose: .backoff).generator(),
            observer: { [unowned self] event in
                note("worker \(worker): \(event)")
                if case .residualDropped(let reason) = event {
                    violation = Violation("worker \(worker) lost its residual: \(reason)")
                }
            })
        workers[worker] = service
        link.attach(service, to: ends[worker], keys: .own)
    }

    private func coordinatorSent(_ envelope: Envelope, payload: [UInt8]?, to peer: Peer) {
        note("coordinator sends \(Self.summary(of: envelope)) to \(peer.role)")
        look {
            try checkSent(envelope, to: peer)
            if plan.isMasked { try checkMasksSent(envelope, payload ?? [], to: peer) }
        }
        guard case .updateAck(let ack) = envelope.message, case .committed = ack.state else { return }
        observed.acknowledgements += 1
        if !isCalm, observed.acknowledgements == plan.crashAfterAcknowledgement {
            machines[0].disk.crash(random.uniformDouble() < 0.3 ? .kill : .powerCut)
        }
    }
}
