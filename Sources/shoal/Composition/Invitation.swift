import Coordinator
import Federation
import Transport
import Wire

/// Invites a worker: a single-use key pair into the ledger and into a join file.
enum Invitation {
    /// - Parameter expiresIn: Unit: seconds.
    static func write(
        worker: WorkerName, endpoint: String, expiresIn: Int64, ledger: Ledger, coordinator: CurveKeyPair,
        next: PublicKey? = nil, to path: String
    ) throws {
        let keys = try CurveKeyPair.generate()
        let expires = WallClock.unixSeconds() + expiresIn
        let id = try ledger.invite(name: worker, key: keys.publicKey, expiresAt: expires)
        var join = JoinFile(
            endpoint: endpoint, coordinatorKey: coordinator.publicKey, worker: worker, invitationID: id,
            invitation: keys, expiresUnixSeconds: expires)
        join.nextCoordinatorKey = next
        try join.write(to: path)
    }

    /// A file for a worker that is enrolled: it says where the coordinator is and which keys it has, and invites nobody.
    static func writeForEnrolled(
        worker: WorkerName, endpoint: String, ledger: Ledger, coordinator: CurveKeyPair, next: PublicKey?,
        to path: String
    ) throws {
        guard try ledger.enrolledWorkers().contains(worker) else {
            throw CommandFailure.badInput("'\(worker)' is not enrolled; leave --enrolled out to invite it")
        }
        // Registered nowhere, so admitted nowhere.
        let keys = try CurveKeyPair.generate()
        var join = JoinFile(
            endpoint: endpoint, coordinatorKey: coordinator.publicKey, worker: worker, invitationID: "enrolled",
            invitation: keys, expiresUnixSeconds: WallClock.unixSeconds())
        join.nextCoordinatorKey = next
        try join.write(to: path)
    }
}

/// A time span as people type it: `90s`, `30m`, `12h`, `7d`.
enum Lifetime {
    /// Seconds; `nil` for anything else, zero, or more than ten years.
    static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count > 0,
            count <= 10 * 366 * 86400 / unit
        else { return nil }
        return count * unit
    }
}
