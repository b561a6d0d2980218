import Federation
import SecureAggregation
import Wire

/// What a service remembers between two notes of its standing.
struct StandingNotes {
    /// What is waited for, since when (unit: seconds since 1970), and whether that is workers that have yet to come.
    var wait: (reason: String, since: Int64, isForWorkers: Bool)?
    var nextDue = Instant(nanoseconds: .min)
    var written: RunStanding?
}

// MARK: - What `shoal run show` is told
extension RunService {
    func noteWait(_ reason: String?, isForWorkers: Bool = false) {
        guard standing.wait?.reason != reason else { return }
        standing.wait = reason.map { ($0, ledger.wallClock(), isForWorkers) }
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
            waitsForWorkers: standing.wait?.isForWorkers == true,
            late: Array(late.prefix(RunStanding.lateCountMax)), lateCount: late.count, connected: sessions.count,
            refusals: refusals.counts.isEmpty ? nil : refusals.counts)
    }
}

// MARK: - Who is late
extension RunService {
    /// Who holds up the run, in name order: nobody in the normal course of a round, however long it is.
    ///
    /// - SeeAlso: ``RunStanding/Late``
    private var lateWorkers: [RunStanding.Late] {
        if isPaused || farewellUntil != nil || hidesParticipation { return [] }
        if let masked, masked.step != .keys, masked.step != .vectors {
            return masked.missing.map { worker in
                let place = sessions[worker] == nil ? "is not connected" : "is connected"
                return RunStanding.Late(worker: worker.text, reason: "\(place) and has not sent \(masked.step.name)")
            }
        }
        let limit = usualUpdate.lateAfter(floor: settings.leaseSeconds)
        if let round {
            let isPastDeadline = round.isPastDeadline(at: now)
            return round.selected.compactMap { worker in
                let reason: String? =
                    switch round.progress[worker] {
                    case .recorded, nil: nil
                    case .offered, .working:
                        isPastDeadline ? "\(activity(of: worker)), past the round's deadline" : overdue(worker, limit)
                    case .lapsed: lapse(of: worker, unfilled: round.unfilled)
                    case .declined: decline(of: worker, unfilled: round.unfilled)
                    }
                return reason.map { RunStanding.Late(worker: worker.text, reason: $0) }
            }
        }
        if let buffer {
            return Set(buffer.tasks.keys).union(buffer.standing.keys).sorted().compactMap { worker in
                let reason: String? =
                    switch buffer.standing[worker] {
                    case _ where buffer.tasks[worker] != nil: overdue(worker, limit)
                    case .asked, nil: nil
                    case .lapsed: lapse(of: worker, unfilled: buffer.unfilled)
                    case .declined: decline(of: worker, unfilled: buffer.unfilled)
                    }
                return reason.map { RunStanding.Late(worker: worker.text, reason: $0) }
            }
        }
        if let cohort {
            guard let limit = usualReport.lateAfter(floor: settings.leaseSeconds),
                stopwatchTime.seconds(since: cohortStart) > limit
            else { return [] }
            return cohort.active.map {
                RunStanding.Late(worker: $0.text, reason: "\(activity(of: $0)), for twice as long as others took")
            }
        }
        guard adapter.version < settings.rounds, everConnected.count < settings.minimumConnected else { return [] }
        let enrolled = (try? ledger.enrolledWorkers()) ?? []
        return enrolled.filter { sessions[$0] == nil }
            .map { RunStanding.Late(worker: $0.text, reason: "is enrolled and not connected") }
    }

    /// Why a worker with a lease is late; `nil`: it is not.
    ///
    /// - Parameter limit: From its offer on; `nil`: nothing is usual yet. Unit: seconds.
    private func overdue(_ worker: WorkerName, _ limit: Double?) -> String? {
        guard let course = courses[worker], let limit, stopwatchTime.seconds(since: course.offered) > limit else {
            return nil
        }
        return "\(activity(of: worker)), for twice as long as updates usually take"
    }

    /// - Parameter unfilled: Places that nobody has; who left one that was filled is not late.
    private func lapse(of worker: WorkerName, unfilled: Int) -> String? {
        guard unfilled > 0 else { return nil }
        return sessions[worker] == nil
            ? "lost its connection; it is asked again when it comes back"
            : "gave no sign of life within limits.lease; it is asked again if nobody else is left"
    }

    /// Workers that were asked for the open round, or since the newest version, and declined.
    var declinedCount: Int {
        round?.progress.values.count { $0 == .declined } ?? buffer?.standing.values.count { $0 == .declined } ?? 0
    }

    private func decline(of worker: WorkerName, unfilled: Int) -> String? {
        guard unfilled > 0 else { return nil }
        return declineReasons[worker].map { "declined: \($0)" } ?? "declined"
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
