public import Federation
import SecureAggregation
public import Wire

// MARK: - What the loop calls
extension RunService {
    public func receive(_ envelope: Envelope, payload: [UInt8]?, from peer: Peer, at now: Instant) {
        attempt {
            start(at: now)
            switch peer.role {
            case .invitation(let id): try receive(envelope, fromInvitation: id, peer)
            case .worker(let name): try receive(envelope, payload, from: name, peer)
            }
            try advance()
        }
    }

    public func receive(malformed error: WireError, from peer: Peer, at now: Instant) {
        attempt {
            start(at: now)
            let (code, id): (Refused.Code, UInt64) =
                switch error {
                case .envelopeTooLarge, .payloadTooLarge: (.tooLarge, 0)
                case .unsupportedVersion: (.unsupportedVersion, 0)
                case .unknownMessage(let id): (.unknownMessage, id)
                case .malformed, .missingPayload, .unexpectedPayload: (.malformed, 0)
                }
            if case .worker(let name) = peer.role, sessions[name]?.peer == peer {
                guard sessions[name]?.budget.spend(1, at: now) == true else { return noteOverBudget(peer) }
            }
            send(.refused(Refused(code: code, reason: error.description)), to: peer, answering: id)
        }
    }

    public func tick(at now: Instant) -> Instant? {
        attempt {
            start(at: now)
            try keepArrivals()
            try keepMaskMessages()
            try pollRevocations()
            try pollControl()
            try pollRotation()
            endSilentSessions()
            try lookAtRound()
            try advanceMasks()
            cohort?.expire(at: now)
            sendDueOffers()
            repeatFarewell()
            try keepCountersignatures()
            clearSomeLeftovers()
            try advance()
        }
        guard !isFinished else {
            RunStanding.remove(in: state.path)
            return nil
        }
        noteStanding()
        postFleet()
        var due = now.advanced(bySeconds: 1)
        due = min(due, pendingOffers.nextDue)
        if let nextRoundLook { due = min(due, nextRoundLook) }
        if let next = masked?.nextDue(after: now) { due = min(due, next) }
        if let leftoversDue { due = min(due, leftoversDue) }
        for peer in dismissed { due = min(due, peer.due) }
        return max(due, now.advanced(bySeconds: 0.001))
    }

    /// When leases and the deadline are to be looked at next.
    private var nextRoundLook: Instant? { round?.nextDue(after: roundLook) ?? buffer?.nextDue }

    private func lookAtRound() throws {
        guard let due = nextRoundLook, due <= now else { return }
        roundLook = now
        try handle(.timePassed)
    }

    /// Takes over the time; the first call also takes up an open round.
    private func start(at now: Instant) {
        let wasStarted = isStarted
        let before = self.now
        self.now = now
        isStarted = true
        guard wasStarted else {
            attempt { try resume() }
            return
        }
        // `tick` asks to be called every second: a longer gap means that this process stood still (publication of a
        // large round, a suspended machine), and signs of life may be waiting unread.
        guard now.seconds(since: before) > 3 else { return }
        for name in sessions.keys { sessions[name]?.lastHeard = now }
        attempt { try handle(.clockStalled) }
    }

    private func resume() throws {
        if isResumed { gatherUntil = now.advanced(bySeconds: settings.resumeGatherSeconds) }
        try leaveUnneeded()
        flushAnnouncements()
        startEvaluation()
        // A paused run stays so across a restart.
        try pollControl()
        if !isPaused { try takeUpOpenRound() }
    }

    /// Goes on with the round that the ledger holds open, if there is one.
    func takeUpOpenRound() throws {
        guard farewellUntil == nil else { return }
        if let buffering = settings.buffering {
            // Leases of earlier rounds go on, whether or not one is open.
            if isResumed, adapter.version < settings.rounds {
                try openBuffer(adapter.version + 1, buffering, age: age(of: ledger.openRound()))
            }
            return
        }
        guard let open = try ledger.openRound() else { return }
        guard try countLocalBudgets(round: open.number, attempt: open.attempt) else { return }
        guard try noteResting(round: open.number) else { return }
        try noteSpent(round: open.number)
        roundStart = stopwatchTime
        roundAge = age(of: open)
        let recorded = Dictionary(
            try soundUpdates(of: open).map { ($0.worker, $0.object) }, uniquingKeysWith: { first, _ in first })
        var round = Round(
            resuming: try resumedPlan(round: open.number, attempt: open.attempt), selected: open.selected,
            recorded: recorded, at: now)
        let actions = round.start(at: now)
        self.round = round
        observe(.roundStarted(round: open.number, workers: open.selected))
        try perform(actions)
        try takeUpMasks(open, updates: recorded)
    }

    /// Starts whatever can be started now.
    private func advance() throws {
        while !isFinished {
            try finishCohort()
            guard farewellUntil == nil, !isPaused, round == nil, buffer == nil, cohort == nil else { return }
            if adapter.version >= settings.rounds && evaluationQueue.isEmpty && announcements.isEmpty && !isEvaluating {
                return try finishRun()
            }
            guard isGathered else { return }
            try drawHeldOut()
            if isEvaluatedByWorkers, let version = evaluationQueue.first {
                try startCohort(version: version)
            } else if adapter.version < settings.rounds {
                if let buffering = settings.buffering {
                    try openBuffer(adapter.version + 1, buffering)
                } else {
                    try openRound(adapter.version + 1)
                }
            } else {
                return
            }
        }
    }

    /// Enough workers have come at least once; a resumed run does not wait for ever for those that stay away.
    private var isGathered: Bool {
        let connected = everConnected.count
        if connected >= settings.minimumConnected { return true }
        if let gatherUntil, gatherUntil <= now, trainers.count >= settings.minimumWorkers { return true }
        wait(.forWorkersToConnect(connected: connected, needed: settings.minimumConnected))
        return false
    }

    func wait(_ reason: WaitReason) {
        var text = reason.description
        if case .forMoreWorkers = reason, let resting = privacy?.resting.count, resting > 0 {
            text += " (\(resting) rest after an earlier round: privacy.separation)"
        }
        if case .forMoreWorkers = reason, !hidesParticipation, declinedCount > 0 {
            text +=
                " (\(declinedCount) declined: shoal run show says why; each is asked again once it connects anew, or its "
                + "owner's schedule allows it)"
        }
        if case .forMoreWorkers = reason, !spent.isEmpty {
            text += " (\(spent.count) have spent what limits.worker-time and limits.worker-energy allow)"
        }
        noteWait(text, isForWorkers: reason.isForWorkers)
        guard text != lastWait else { return }
        if case .forWorkersToConnect = reason {
            guard nextGatherNotice <= now else { return }
            nextGatherNotice = now.advanced(bySeconds: 5)
        }
        lastWait = text
        // Training workers are the normal course of a round, not news.
        if case .forUpdates(_, _, _, _, _, isPastDeadline: false) = reason { return }
        if case .forDeadline = reason { return }
        if case .forMasks = reason { return }
        observe(.waiting(reason: text))
    }
}

// MARK: - The end of the run
extension RunService {
    private func finishRun() throws {
        clearLeftovers()
        try ledger.finishRun(counters)
        beginFarewell(reason: "the run is finished")
        observe(.finished)
        endIfEveryoneLeft()
    }

    func beginFarewell(reason: String) {
        noteWait(nil)
        farewellReason = reason
        farewellUntil = now.advanced(bySeconds: settings.farewellSeconds)
        for worker in sessions.keys.sorted() { sendHead(to: worker) }
        farewell(reason: reason, isRunFinished: true)
        nextFarewell = now.advanced(bySeconds: 1)
    }

    func farewell(reason: String, isRunFinished: Bool) {
        for name in sessions.keys.sorted() {
            guard let session = sessions[name] else { continue }
            send(.goodbye(Goodbye(reason: reason, isRunFinished: isRunFinished)), to: session.peer)
        }
    }

    private func repeatFarewell() {
        guard let farewellUntil else { return }
        if farewellUntil <= now, !settings.staysAfterEnd { return finish() }
        guard nextFarewell <= now else { return }
        farewell(reason: farewellReason, isRunFinished: true)
        nextFarewell = now.advanced(bySeconds: 1)
    }

    func endIfEveryoneLeft() {
        if farewellUntil != nil, sessions.isEmpty, !settings.staysAfterEnd { finish() }
    }

    func finish() {
        attempt {
            try keepCountersignatures(isDue: true)
            clearLeftovers()
        }
        end(.finished)
    }
}
