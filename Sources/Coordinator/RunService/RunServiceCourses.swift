import Federation
import Wire

/// Of one training lease.
struct CourseNotes {
    let lease: UInt64
    let offered: Instant
    var answered: Instant?
    var sent: Instant?
}

// MARK: - How updates come
extension RunService {
    /// Offering the same lease again begins nothing new.
    func noteOffered(_ lease: UInt64, to worker: WorkerName) {
        guard courses[worker]?.lease != lease else { return }
        courses[worker] = CourseNotes(lease: lease, offered: stopwatchTime)
    }

    /// Each sign of life does: the first counts.
    func noteAnswered(_ worker: WorkerName) {
        guard courses[worker] != nil, courses[worker]?.answered == nil else { return }
        courses[worker]?.answered = stopwatchTime
    }

    /// Each part of the update does: the first counts.
    func noteSent(_ worker: WorkerName) {
        guard courses[worker] != nil, courses[worker]?.sent == nil else { return }
        courses[worker]?.sent = stopwatchTime
    }

    /// An arrival's record, with what is known of how it came; call it once the arrival is durable.
    func withCourse(_ arrival: Arrival) -> UpdateRecord {
        var record = arrival.record
        guard let notes = courses[arrival.worker], notes.lease == arrival.lease else { return record }
        courses[arrival.worker] = nil
        // A worker that was asked again had trained before, and then only sends.
        usualUpdate.note(max(stopwatchTime.seconds(since: notes.offered), record.cost?.seconds ?? 0))
        let since = { (time: Instant) in self.roundAge + time.seconds(since: self.roundStart) }
        record.course = UpdateCourse(
            offered: since(notes.offered), answered: notes.answered.map(since), sent: notes.sent.map(since),
            recorded: since(stopwatchTime))
        return record
    }

    /// What updates of the newest published round took from their offers on, for a process that has seen none.
    func earlierUpdateTimes() throws -> [Double] {
        guard let attempt = try ledger.publishedRound(adapter.version)?.attempt else { return [] }
        return try ledger.arrivals(round: adapter.version, attempt: attempt).compactMap { arrival in
            arrival.course.map { max($0.recorded - $0.offered, arrival.trainingSeconds ?? 0) }
        }
    }

    /// How long a round has been open by the clock that survives a restart. Unit: seconds, whole ones.
    func age(of open: OpenRound?) -> Double {
        open.map { Double(max(0, ledger.wallClock() - $0.openedAt)) } ?? 0
    }
}
