public import Federation
internal import ModelFiles
public import Wire

// MARK: - Connection
extension WorkerService {
    private func connect(with keys: WorkerLinkKeys) {
        self.keys = keys
        isLinkUp = false
        session = .down
        link.reconnect(with: keys)
    }

    public func connectionChanged(_ state: ConnectionState, at now: Instant) {
        self.now = now
        guard outcome == nil else { return }
        switch state {
        case .connected:
            isLinkUp = true
            lastHeard = now
            if keys == .invitation { enrol() } else { greet() }
        case .disconnected(let reason):
            isLinkUp = false
            session = .down
            observer(.disconnected(reason: reason))
        case .refused(let reason):
            isLinkUp = false
            session = .down
            refusedConnection(reason)
        }
    }

    /// An invitation may be refused because enrolment has succeeded and only its answer was lost: then the own keys
    /// are admitted, so they are tried once before giving up.
    private func refusedConnection(_ reason: String) {
        guard keys == .invitation else {
            return fail(invitationRefusal.map { "the invitation was refused: \($0)" } ?? reason)
        }
        invitationRefusal = reason
        connect(with: .own)
    }
}

// MARK: - Enrolment
extension WorkerService {
    private func enrol() {
        let enrol = Enrol(curveKey: settings.curveKey, signingKey: settings.signingKey)
        session = .enrolling(sendRepeatedly(.enrol(enrol)))
    }

    func take(_ enrolled: Enrolled) {
        guard case .enrolling = session else { return }
        guard remember({ () throws(WorkerStateError) in try state.enrolled(as: enrolled.worker) }) else { return }
        observer(.enrolled(enrolled.worker))
        connect(with: .own)
    }

    /// Changes the state on disk; a failure (a full disk) ends the worker.
    func remember(_ change: () throws(WorkerStateError) -> Void) -> Bool {
        do {
            try change()
            return true
        } catch {
            fail("\(error)")
            return false
        }
    }
}

// MARK: - Session
extension WorkerService {
    /// Says `Hello`, and again until it is answered.
    func greet(afterPause: Bool = false) {
        restUntil = nil
        var hello = Hello(
            software: settings.software, features: features,
            codecs: Codecs.supported.map { CodecName(name: $0) }, cores: UInt32(clamping: settings.cores),
            memoryBytes: settings.memoryBytes, baseModel: settings.model?.identity,
            knownRecord: knownRecord)
        hello.gigaflops = settings.gigaflops
        session = .down  // Hello belongs to no run.
        session = .greeting(sendRepeatedly(.hello(hello), afterPause: afterPause))
    }

    private var features: [String] {
        [
            Feature.roundRecords, Feature.privateUpdates, Feature.partialChanges, Feature.privateExamples,
            Feature.residualTurns,
        ] + (settings.identity == nil ? [] : [Feature.maskedUpdates, Feature.sharedNoise])
    }

    func take(_ welcome: Welcome, _ envelope: Envelope) {
        guard case .greeting = session else { return }
        guard let run = RunID(envelope.run) else {
            return fail("the coordinator names no run in its Welcome; install the same Shoal release on both sides")
        }
        if let held = settings.model, held.identity != welcome.baseModel {
            return fail(
                "the run's base model is \(welcome.baseModel), but \(held.path) holds \(held.identity); give --model "
                    + "the directory the coordinator was started with, or leave --model out to download the model")
        }
        if let before = state.run, before != run { forgetTask(because: "the coordinator now conducts another run") }
        let worker = welcome.worker
        // The run's name before its newest record: without it, a restart could not say which record it remembers, and
        // would take the coordinator's next one for another history.
        guard remember({ () throws(WorkerStateError) in try state.joined(run, as: worker) }) else { return }
        guard let head = meetRecords(welcome, of: run) else { return }
        for store in ownStores {
            if let reason = store.drop(unless: run) { reportDrop(of: store, because: reason) }
        }
        invitationRefusal = nil
        session = .open(
            OpenSession(
                worker: worker, run: run, baseModel: welcome.baseModel,
                heartbeatSeconds: Double(max(welcome.heartbeatMilliseconds, 1)) / 1_000,
                isFrugal: welcome.features.contains(Feature.frugalUplink), features: Set(welcome.features)))
        if endedRun != run { observer(.connected(worker, run: run)) }
        if let head { countersign(head) }
        nextHeartbeat = now
        if ownerAllows(baseModel: welcome.baseModel) { obtainModel(welcome.baseModel) }
        resumeDownload()
        resumeTransfer()
        sayMaskStep()
    }

    func take(_ refused: Refused, _ envelope: Envelope) {
        if refused.isTemporary { return takeTemporary(refused) }
        switch refused.code {
        case .notEnrolled where keys == .invitation: refusedConnection(refused.reason)
        case .baseModelMismatch: fail((settings.model.map { "\($0.path): " } ?? "") + refused.reason)
        case .notEnrolled, .unsupportedVersion: fail(refused.reason)
        case .unknownLease: leaseEnded(refused.reason, answering: envelope.inReplyTo)
        case .unknownObject: objectRefused(refused.reason, answering: envelope.inReplyTo)
        default:
            if isGreeting(envelope.inReplyTo) { return fail(refused.reason) }
            if !dropTransfer(answering: envelope.inReplyTo, reason: refused.reason) {
                observer(.warning("the coordinator refused a message: \(refused.reason)"))
            }
        }
    }

    private func isGreeting(_ id: UInt64) -> Bool {
        switch session {
        case .enrolling(let outstanding), .greeting(let outstanding): outstanding.envelope.id == id
        case .down, .open: false
        }
    }

    /// An open session that the coordinator does not know (any more) is opened anew; any other wait just goes on.
    private func takeTemporary(_ refused: Refused) {
        if case .open = session, refused.code == .sessionRequired { greet() }
    }

    func take(_ goodbye: Goodbye) {
        if goodbye.isRunFinished {
            // It is said more than once.
            guard restUntil == nil else { return }
            sayGoodbye(reason: "the run is finished")
            pendingStore.remove()
            forgetMasks()
            guard settings.staysAfterEnd else {
                end(.finished)
                return observer(.runFinished)
            }
            return rest()
        }
        guard case .open = session else { return }
        observer(.disconnected(reason: goodbye.reason))
        // The coordinator will be back, or another in its place.
        greet(afterPause: true)
    }

    /// Waits for the coordinator's next run.
    private func rest() {
        forgetTask(because: "the run is finished")
        session = .down
        restUntil = now.advanced(bySeconds: Self.restSeconds)
        guard endedRun != state.run else { return }
        endedRun = state.run
        observer(.runFinished)
    }
}

// MARK: - What is due
extension WorkerService {
    func silenceEnd(of open: OpenSession) -> Instant {
        // What the coordinator says to a worker without a task are answers to its few heartbeats.
        lastHeard.advanced(
            bySeconds: open.heartbeatSeconds * Self.silentHeartbeatsMax * (task == nil ? Heartbeat.idleIntervals : 1))
    }

    func tickSession() {
        switch session {
        case .down: if isLinkUp, let restUntil, restUntil <= now { greet() }
        case .enrolling(var outstanding):
            repeatIfDue(&outstanding)
            session = .enrolling(outstanding)
        case .greeting(var outstanding):
            repeatIfDue(&outstanding)
            session = .greeting(outstanding)
        case .open(let open):
            guard silenceEnd(of: open) > now else {
                observer(.disconnected(reason: "the coordinator is silent; trying again"))
                return greet()
            }
            guard nextHeartbeat <= now else { return }
            if task == nil, waitsForMoment, owner?.allowsMoment != false {
                // Whoever says Hello is asked again.
                waitsForMoment = false
                lastDecline = nil
                return greet()
            }
            nextHeartbeat = now.advanced(bySeconds: open.heartbeatSeconds * (task == nil ? Heartbeat.idleIntervals : 1))
            send(.heartbeat(heartbeat), of: task)
            askForUnsettledUpdate()
        }
    }

    func repeatIfDue(_ outstanding: inout Outstanding) {
        guard outstanding.retry.due <= now, isLinkUp else { return }
        link.send(outstanding.envelope, payload: nil)
        outstanding.retry.wait(from: now, random: &random)
    }

    private var heartbeat: Heartbeat {
        guard let task else {
            var heartbeat = Heartbeat(phase: modelDownload == nil ? .idle : .downloading)
            heartbeat.nextKey = keptNextKey
            return heartbeat
        }
        var heartbeat = Heartbeat(
            phase: task.phase, lease: task.offer.lease, step: UInt32(clamping: task.step),
            totalSteps: UInt32(clamping: task.totalSteps),
            loss: task.told.map { Float($0.loss) })
        heartbeat.waitsForSlot = task.waitsForSlot
        heartbeat.nextKey = keptNextKey
        return heartbeat
    }
}
