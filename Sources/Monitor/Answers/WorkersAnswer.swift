import Coordinator
import Federation

/// `GET /api/v1/workers?search=&state=&sort=&order=&offset=&limit=`: a page of the fleet.
package struct WorkersAnswer: Codable, Hashable, Sendable {
    package struct Worker: Codable, Hashable, Sendable {
        package struct Suspicion: Codable, Hashable, Sendable {
            /// In 0...1; 0.5 is the middle. How far its updates lie from the others', which is no verdict.
            package var score: Double
            /// Rounds behind it.
            package var rounds: Int
        }

        package var worker: String
        package var isConnected: Bool
        /// Of its last message, or when its connection was lost; absent if it has not been seen since the coordinator
        /// began, and for connected workers where participation is secret.
        package var lastSeen: String?
        /// `idle`, `downloading`, `training`, `evaluating` or `uploading`.
        package var phase: String?
        package var step: Int?
        package var totalSteps: Int?
        /// Its machine has no room for the task yet.
        package var waitsForSlot: Bool?
        /// Why the run waits for it.
        package var late: String?
        /// As the worker says.
        package var software: String?
        package var cores: Int?
        package var memoryBytes: UInt64?
        /// Of the adapter that it trains.
        package var rank: Int?
        package var enrolledAt: String
        package var revokedAt: String?
        /// Absent where participation is secret, as is everything below.
        package var updates: Int?
        /// Offers that came to nothing.
        package var failures: Int?
        package var tokens: UInt64?
        package var lastUpdate: String?
        package var trainLoss: Double?
        /// On its own held-out text, with the newest adapter that it evaluated and with the first; absent where workers do
        /// not evaluate.
        package var heldOutLoss: Double?
        package var firstHeldOutLoss: Double?
        /// Over all its updates, as it told. Units: joules, seconds.
        package var energyJoules: Double?
        /// Whether all of that was read from hardware; otherwise some is an estimate from processor time.
        package var energyIsMeasured: Bool?
        package var trainingSeconds: Double?
        package var suspicion: Suspicion?
    }

    package var participationIsSecret: Bool
    /// Enrolled workers, revoked ones left out.
    package var total: Int
    /// Those that the search found, of which `workers` are some.
    package var matching: Int
    package var offset: Int
    package var workers: [Worker]

    init(_ snapshot: RunSnapshot, _ query: WorkersQuery) {
        let members = Dictionary(uniqueKeysWithValues: (snapshot.fleet?.members ?? []).map { ($0.worker, $0) })
        let late = Dictionary(
            snapshot.late.map { ($0.worker, $0.reason) }, uniquingKeysWith: { first, _ in first })
        participationIsSecret = snapshot.isSecret
        total = snapshot.enrolled
        let all = snapshot.history.workers.map {
            Worker($0, member: members[$0.worker], late: late[$0.worker.text], snapshot)
        }
        let found = query.sorted(all.filter(query.admits))
        matching = found.count
        offset = min(max(0, query.offset), found.count)
        workers = Array(found.dropFirst(offset).prefix(min(max(0, query.limit), WorkersQuery.limitMax)))
    }
}

extension WorkersAnswer.Worker {
    fileprivate init(
        _ history: RunHistory.Contribution, member: FleetMember?, late: String?, _ snapshot: RunSnapshot
    ) {
        let isSecret = snapshot.isSecret
        worker = history.worker.text
        isConnected = member != nil
        if let member {
            lastSeen = member.silentSeconds.map { CalendarTime.text(snapshot.now - Int64($0)) }
        } else {
            lastSeen = (snapshot.lostAt[history.worker] ?? history.lastUpdateAt).map(CalendarTime.text)
        }
        phase = member?.phase?.label
        if let member, member.totalSteps > 0, phase == "training" {
            step = member.step
            totalSteps = member.totalSteps
        }
        waitsForSlot = isSecret ? nil : member?.waitsForSlot
        self.late = late
        software = member?.software
        cores = member?.cores
        memoryBytes = member?.memoryBytes
        rank = member?.rank
        enrolledAt = CalendarTime.text(history.enrolledAt)
        revokedAt = history.revokedAt.map(CalendarTime.text)
        guard !isSecret else { return }
        updates = history.updates
        failures = history.failures
        tokens = history.tokens
        lastUpdate = history.lastUpdateAt.map(CalendarTime.text)
        trainLoss = history.trainLoss
        heldOutLoss = history.heldOut?.loss
        firstHeldOutLoss = history.firstHeldOut?.loss
        energyJoules = history.energyJoules
        energyIsMeasured = energyJoules.map { _ in history.isEnergyMeasured }
        trainingSeconds = history.trainingSeconds
        suspicion = history.suspicion.map { Suspicion(score: $0.value, rounds: $0.rounds) }
    }
}
