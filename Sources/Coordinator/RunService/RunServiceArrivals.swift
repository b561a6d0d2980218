import Federation
import ModelFiles
import SecureAggregation
import Wire

/// An update that was checked and is not durable yet.
struct Arrival {
    let update: ReceivedUpdate
    let record: UpdateRecord
    let lease: UInt64
    /// Whether its worker had to shorten it (differential privacy).
    let isClipped: Bool
    let envelope: Envelope
    let worker: WorkerName
    let peer: Peer
}

// MARK: - Updates made durable together
extension RunService {
    /// Makes the updates that came since the last call durable, all with the same waits for the disk, and only then
    /// acknowledges them.
    ///
    /// The loop calls it after each batch of messages, before anything else can change a round.
    func keepArrivals() throws {
        while !arrivals.isEmpty {
            let batch = try nextBatch()
            guard !batch.isEmpty else { continue }
            try store.keep(batch.map(\.update))
            let countsIn = openRoundNumber ?? 0
            let records = batch.map(withCourse)
            if let plan = round?.plan {
                try ledger.record(
                    records, round: plan.round, attempt: plan.attempt,
                    clipped: batch.filter(\.isClipped).map(\.worker), counters: counters)
            } else {
                let asked = zip(records, batch).map { (update: $0, askedIn: Int($1.envelope.round)) }
                try ledger.record(asked, countsIn: countsIn, counters: counters)
            }
            // Durable: only now may the workers forget them.
            for arrival in batch {
                acknowledge(.committed, arrival.lease, arrival.envelope, arrival.peer, countsIn: countsIn)
                uploads[arrival.worker] = nil
                sessions[arrival.worker]?.hadOfferedAdapter()
                observe(
                    .updateAccepted(round: countsIn, worker: arrival.worker, trainLoss: arrival.record.trainLoss))
            }
            try sumVectors(batch.map(\.record))
            try handle(
                .updatesRecorded(
                    Dictionary(batch.map { ($0.worker, $0.record.object) }, uniquingKeysWith: { first, _ in first })))
        }
    }

    /// As many arrivals as the open round takes before it closes. What happened to their leases since they were checked
    /// may have ended some: those workers are told.
    private func nextBatch() throws -> [Arrival] {
        let room = round?.room(at: now) ?? buffer?.room ?? 1
        var batch: [Arrival] = []
        var taken = 0
        for arrival in arrivals where batch.count < room {
            taken += 1
            if try admits(arrival.lease, arrival.record.object, arrival.envelope, arrival.worker, arrival.peer) {
                batch.append(arrival)
            }
        }
        arrivals.removeFirst(taken)
        return batch
    }
}
