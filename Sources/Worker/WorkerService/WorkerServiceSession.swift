public import Federation
import ModelFiles
public import Wire

// MARK: - What the loop calls
extension WorkerService {
    public func connectionChanged(_ state: ConnectionState, at now: Instant) {
        guard !isFinished else { return }
        self.now = now
        switch state {
        case .connected:
            isConnected = true
            refusalCount = 0
            // Whatever session there was belongs to another connection.
            session = nil
            greet()
        case .disconnected(let reason):
            isConnected = false
            loseSession(reason)
        case .refused(let reason):
            isConnected = false
            loseSession(reason)
            handshakeRefused(reason)
        }
    }

    public func receive(_ envelope: Envelope, payload: [UInt8]?, at now: Instant) {
        attempt {
            self.now = now
            session?.lastHeard = now
            switch envelope.message {
            case .enrolled(let enrolled): try receive(enrolled)
            case .welcome(let welcome): try receive(welcome, envelope)
            case .refused(let refused): receive(refused, envelope)
            case .goodbye(let goodbye): receive(goodbye)
            case .offer(let offer): receive(offer, envelope)
            case .objectChunk(let chunk): try receive(chunk, payload ?? [])
            case .updateAck(let ack): receive(ack, envelope)
            case .cancel(let cancel):
                if let task, task.lease == cancel.lease { drop(cancel.reason) }
            default: break  // Heartbeats are heard by arriving.
            }
            try proceed()
        }
    }

    public func receive(malformed error: WireError, at now: Instant) {
        guard !isFinished else { return }
        self.now = now
        observe(.refused(reason: "the coordinator sent what this worker cannot read: \(error)"))
    }

    public func tick(at now: Instant) -> Instant? {
        attempt {
            self.now = now
            if isConnected, let greeting, greeting.due <= now { greet() }
            checkSilence()
            heartbeat()
            retry()
            try proceed()
        }
        guard !isFinished else { return nil }
        return max(nextDue, now.advanced(bySeconds: 0.001))
    }

    private var nextDue: Instant {
        var dues = [now.advanced(bySeconds: 5)]
        if isConnected, let greeting { dues.append(greeting.due) }
        if let session {
            dues.append(session.heartbeatDue)
            if let download { dues.append(download.timer.due) }
            switch task?.phase {
            case .uploading(_, _, let timer), .reporting(_, let timer): dues.append(timer.due)
            default: break
            }
        }
        return dues.min() ?? now
    }
}

// MARK: - Greeting
extension WorkerService {
    /// Says who it is, again and again until answered.
    func greet() {
        var timer = greeting ?? retryTimer()
        timer.tried(at: now, using: &generator)
        greeting = timer
        guard keys == .own else {
            send(.enrol(settings.keys))
            return
        }
        // A downloaded model is exchanged for another; only one that was given can be the wrong one.
        let baseModel: ContentHash? =
            if settings.modelDirectory != nil, case .ready(_, let identity) = model { identity } else { nil }
        send(
            .hello(
                Hello(
                    software: settings.software, features: [],
                    codecs: Codecs.supported.map { CodecName(name: $0) }, cores: settings.cores,
                    memoryBytes: settings.memoryBytes, baseModel: baseModel)))
    }

    private func receive(_ enrolled: Enrolled) throws {
        guard keys == .invitation else { return }
        try folder.markEnrolled(as: enrolled.worker.text)
        observe(.enrolled(enrolled.worker))
        reconnect(with: .own)
    }

    private func reconnect(with keys: WorkerLinkKeys) {
        self.keys = keys
        isConnected = false
        greeting = nil
        link.reconnect(with: keys)
    }

    private func receive(_ welcome: Welcome, _ envelope: Envelope) throws {
        guard keys == .own else { return }
        if envelope.run != run {
            run = envelope.run
            newestOffer = OfferOrder(round: 0, attempt: 0, isEvaluation: false)
            committedLease = 0
        }
        guard session == nil else { return }
        let heartbeatSeconds = max(0.1, Double(welcome.heartbeatMilliseconds) / 1_000)
        session = Session(
            worker: welcome.worker, heartbeatSeconds: heartbeatSeconds, baseModel: welcome.baseModel,
            heartbeatDue: now.advanced(bySeconds: heartbeatSeconds), lastHeard: now)
        greeting = nil
        lastSilence = nil
        observe(.sessionOpened(welcome.worker))
        try settleModel(welcome.baseModel)
        guard !isFinished else { return }
        resumeTransfers()
    }

    /// The session is gone; the task goes on, for the coordinator may come back before its lease ends.
    func loseSession(_ reason: String) {
        let wasOpen = session != nil
        session = nil
        if greeting == nil {
            var timer = retryTimer()
            timer.tried(at: now, using: &generator)
            greeting = timer
        }
        // A coordinator that stays away is reported once, not at every try.
        guard wasOpen || lastSilence != reason else { return }
        lastSilence = reason
        observe(.sessionLost(reason: reason))
    }

    private func handshakeRefused(_ reason: String) {
        refusalCount += 1
        guard refusalCount >= settings.refusalsMax else { return }
        if keys == .invitation {
            // Burned, perhaps by this very worker before it could write that down: its own keys will tell.
            refusalCount = settings.refusalsMax - 1
            return reconnect(with: .own)
        }
        fail(reason)
    }

    private func checkSilence() {
        guard let session else { return }
        let limit = settings.silentHeartbeats * session.heartbeatSeconds
        guard now.seconds(since: session.lastHeard) >= limit else { return }
        loseSession("nothing heard from the coordinator for \(Int(limit)) s")
        // A connection may be half dead without either end noticing.
        reconnect(with: .own)
    }

    private func heartbeat() {
        guard let session, session.heartbeatDue <= now else { return }
        self.session?.heartbeatDue = now.advanced(bySeconds: session.heartbeatSeconds)
        send(task?.heartbeat ?? Heartbeat(phase: download == nil ? .idle : .downloading))
    }

    private func send(_ heartbeat: Heartbeat) {
        send(.heartbeat(heartbeat), round: task?.round ?? 0, attempt: task?.attempt ?? 0)
    }
}

// MARK: - Refusals and goodbyes
extension WorkerService {
    private func receive(_ refused: Refused, _ envelope: Envelope) {
        switch refused.code {
        case .sessionRequired:
            guard session != nil else { return }
            session = nil
            greet()
        case .unknownLease:
            // An answer to a message from before this task says nothing about it.
            guard let task, envelope.inReplyTo >= task.firstMessage else { return }
            drop(refused.reason)
        case .unknownObject:
            guard let download else { return }
            self.download = nil
            if let task, case .preparing(let offer) = task.phase, offer.adapter == download.object {
                return drop(refused.reason)
            }
            fail("the coordinator does not have \(download.name): \(refused.reason)")
        case .baseModelMismatch, .unsupportedVersion, .notEnrolled:
            guard !refused.isTemporary else { return }
            fail(refused.reason)
        case .malformed, .unknownMessage, .tooLarge, .unavailable:
            observe(.refused(reason: refused.reason))
        }
    }

    private func receive(_ goodbye: Goodbye) {
        guard goodbye.isRunFinished else { return loseSession(goodbye.reason) }
        stopTask()
        WorkerFolder.remove(folder.update)
        send(.goodbye(Goodbye(reason: "the run is finished")))
        end(.finished)
    }
}
