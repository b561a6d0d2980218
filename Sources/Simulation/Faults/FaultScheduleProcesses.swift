internal import Coordinator
internal import Federation
internal import ModelFiles
internal import Randomness
internal import Recipe
internal import SecureAggregation
internal import Wire
internal import Worker

/// The coordinator's and the workers' processes: their start, their end, and a look at them after every event.
extension FaultSchedule {
    /// After every event: ends what has crashed or given up, and looks at what was published.
    func lookAfterMachines() {
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

    func look(_ check: () throws -> Void) {
        do { try check() } catch let error as Violation { violation = error } catch {
            // A machine that failed meanwhile is looked after at the next event.
            guard machines[0].disk.isDown || machines[0].disk.failures > 0 else {
                violation = Violation("the coordinator's state cannot be read: \(error)")
                return
            }
        }
    }

    func buryCoordinator() {
        machines[0].isRunning = false
        link.detachCoordinator()
        (service, ledger, store) = (nil, nil, nil)
        bury(machines[0]) { [unowned self] in startCoordinator() }
    }

    func buryWorker(_ worker: Int) {
        machines[worker + 1].isRunning = false
        link.detach(ends[worker])
        workers[worker] = nil
        bury(machines[worker + 1]) { [unowned self] in startWorker(worker) }
    }

    func startCoordinator() {
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
        if plan.invitesWorkers {
            try FaultTemplate.inviteWorkers(ledger)
        } else if plan.startsBlank {
            try FaultTemplate.allowWorkers(ledger)
        }
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
        settings.downlink = plan.downlink
        switch plan.kind {
        case .plain: break
        case .controlled: settings.strategy = .scaffold(learningRate: 1, workers: plan.workers)
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

    func startWorker(_ worker: Int) {
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
            signingKey: identity.publicKey, hasInvitation: plan.invitesWorkers,
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
                    if task.values != observed.versions[task.round - 1].values {
                        violation = Violation(
                            "worker \(worker) trains from another adapter than version \(task.round - 1)")
                    }
                }),
            backoff: StreamKey(seed: plan.seed, worker: name.text, purpose: .backoff).generator(),
            observer: { [unowned self] event in
                note("worker \(worker): \(event)")
                switch event {
                case .residualDropped(let reason):
                    violation = Violation("worker \(worker) lost its residual: \(reason)")
                case .enrolled: observed.enrolled.insert(worker)
                default: break
                }
            })
        workers[worker] = service
        link.attach(service, to: ends[worker], keys: plan.invitesWorkers && !state.isEnrolled ? .invitation : .own)
    }

    func coordinatorSent(_ envelope: Envelope, payload: [UInt8]?, to peer: Peer) {
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
}
