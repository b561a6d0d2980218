import Coordinator
import Federation
import Transport

/// Invites a worker: a single-use key pair into the ledger and into a join file.
enum Invitation {
    /// - Parameter expiresIn: Unit: seconds.
    static func write(
        worker: WorkerName, endpoint: String, expiresIn: Int64, ledger: Ledger, coordinator: CurveKeyPair,
        to path: String
    ) throws {
        let keys = try CurveKeyPair.generate()
        let expires = WallClock.unixSeconds() + expiresIn
        let id = try ledger.invite(name: worker, key: keys.publicKey, expiresAt: expires)
        try JoinFile(
            endpoint: endpoint, coordinatorKey: coordinator.publicKey, worker: worker, invitationID: id,
            invitation: keys, expiresUnixSeconds: expires
        ).write(to: path)
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
