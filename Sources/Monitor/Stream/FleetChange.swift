import Coordinator
import Federation
import Wire

/// The stream's `fleet` events: the fleet looks otherwise than before; a page that shows workers asks for them again.
package struct FleetChange: Codable, Hashable, Sendable {
    package var workersConnected: Int
    package var workersEnrolled: Int
    /// Absent where participation is secret.
    package var lateCount: Int?
    /// Another number: something changed.
    package var revision: Int

    init(_ snapshot: RunSnapshot) {
        workersConnected = snapshot.fleet?.members.count ?? 0
        workersEnrolled = snapshot.enrolled
        lateCount = snapshot.isSecret ? nil : snapshot.lateCount
        var hasher = Hasher()
        for member in snapshot.fleet?.members ?? [] {
            hasher.combine(member.worker)
            hasher.combine(member.phase)
            hasher.combine(member.step)
            hasher.combine(member.waitsForSlot)
        }
        hasher.combine(snapshot.overview.totals)
        // A number that JavaScript holds exactly.
        revision = hasher.finalize() & 0xFFFF_FFFF
        if snapshot.isSecret { revision = workersConnected }
    }
}
