import Federation
import Wire

// MARK: - What a monitor is shown
extension RunService {
    /// Costs nothing without a board.
    func postFleet() {
        guard let board, board.isDue else { return }
        board.post(
            FleetSnapshot(
                members: sessions.sorted { $0.key < $1.key }.map(member), standing: presentStanding,
                counters: hidesParticipation ? nil : counters, declined: hidesParticipation ? nil : declinedOffers,
                acceptsWorkers: !isFinished && (farewellUntil == nil || settings.staysAfterEnd)))
    }

    private func member(_ worker: WorkerName, _ session: Session) -> FleetMember {
        var member = FleetMember(
            worker: worker, software: String(session.software.prefix(64)), cores: session.cores,
            memoryBytes: session.memoryBytes, rank: rank(of: worker))
        guard !hidesParticipation else { return member }
        member.silentSeconds = max(0, now.seconds(since: session.lastHeard))
        // A worker whose task has ended says so with its next idle beat, which may be some seconds away.
        guard let heartbeat = session.heartbeat, heartbeat.lease == 0 || task(of: worker, lease: heartbeat.lease) != nil
        else {
            member.phase = .idle
            return member
        }
        member.phase = uploads[worker] == nil ? heartbeat.phase : .uploading
        member.step = Int(heartbeat.step)
        member.totalSteps = Int(heartbeat.totalSteps)
        member.waitsForSlot = heartbeat.waitsForSlot
        return member
    }
}
