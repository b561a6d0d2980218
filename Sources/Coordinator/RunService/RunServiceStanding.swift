import Federation
import SecureAggregation
import Wire

/// What a service remembers between two notes of its standing.
struct StandingNotes {
    /// What is waited for, and since when. Unit: seconds since 1970.
    var wait: (reason: String, since: Int64)?
    var nextDue = Instant(nanoseconds: .min)
    var written: RunStanding?
}

// MARK: - What `shoal run show` is told
extension RunService {
    func noteWait(_ reason: String?) {
        guard standing.wait?.reason != reason else { return }
        standing.wait = reason.map { ($0, ledger.wallClock()) }
    }

    /// At most once a second, and only what changed.
    func noteStanding() {
        guard standing.nextDue <= now else { return }
        standing.nextDue = now.advanced(bySeconds: 1)
        var note = presentStanding
        guard note != standing.written else { return }
        standing.written = note
        note.writtenAt = ledger.wallClock()
        note.write(in: state.path)
    }

    /// Not written yet, so without a time.
    var presentStanding: RunStanding {
        let late = lateWorkers
        return RunStanding(
            writtenAt: 0, waitingFor: standing.wait?.reason, waitingSince: standing.wait?.since,
            late: Array(late.prefix(RunStanding.lateCountMax)), lateCount: late.count, connected: sessions.count,
            refusals: refusals.counts.isEmpty ? nil : refusals.counts)
    }

    /// Who the run waits for, in name order.
    private var lateWorkers: [RunStanding.Late] {
        if isPaused || farewellUntil != nil || hidesParticipation { return [] }
        if let masked, masked.step != .keys, masked.step != .vectors {
            return masked.missing.map { worker in
                let place = sessions[worker] == nil ? "is not connected" : "is connected"
                return RunStanding.Late(worker: worker.text, reason: "\(place) and has not sent \(masked.step.name)")
            }
        }
        if let round {
            return round.selected.compactMap { worker in
                reason(for: round.progress[worker], worker).map { RunStanding.Late(worker: worker.text, reason: $0) }
            }
        }
        if let cohort {
            return cohort.active.map { RunStanding.Late(worker: $0.text, reason: activity(of: $0)) }
        }
        guard adapter.version < settings.rounds, everConnected.count < settings.minimumConnected else { return [] }
        let enrolled = (try? ledger.enrolledWorkers()) ?? []
        return enrolled.filter { sessions[$0] == nil }
            .map { RunStanding.Late(worker: $0.text, reason: "is enrolled and not connected") }
    }

    private func reason(for progress: Round.Progress?, _ worker: WorkerName) -> String? {
        switch progress {
        case .recorded, nil: nil
        case .offered, .working: activity(of: worker)
        case .lapsed:
            sessions[worker] == nil
                ? "lost its connection; it is asked again when it comes back"
                : "gave no sign of life within limits.lease; it is asked again if nobody else is left"
        case .declined: declineReasons[worker].map { "declined: \($0)" } ?? "declined"
        }
    }

    private func activity(of worker: WorkerName) -> String {
        guard let session = sessions[worker] else { return "is not connected" }
        if pendingOffers[worker] != nil { return "has not answered its offer" }
        if let upload = uploads[worker] {
            return "has sent \(upload.receivedBytes) of \(upload.totalBytes) bytes of its update"
        }
        if session.heartbeat?.waitsForSlot == true { return "waits for a training slot on its machine" }
        switch session.heartbeat?.phase {
        case .downloading: return "is downloading"
        case .training where session.heartbeat?.totalSteps == 0: return "is training"
        case .training:
            return "is training, step \(session.heartbeat?.step ?? 0) of \(session.heartbeat?.totalSteps ?? 0)"
        case .evaluating: return "is evaluating"
        case .uploading: return "is sending its update"
        case .idle, nil: return "has accepted its task"
        }
    }
}
