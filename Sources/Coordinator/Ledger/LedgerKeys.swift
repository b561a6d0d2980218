public import Federation
import GRDB
public import Wire

/// One line of `shoal keys list`.
public struct KeyRecord: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// Unit: seconds since 1970.
        case invited(expiresAt: Int64)
        case expired
        case enrolled(at: Int64)
        case revoked(at: Int64)
    }

    public var name: WorkerName
    public var curveKey: PublicKey
    public var state: State
}

/// Who may connect. Another process may call all of this while a coordinator runs on the same ledger.
extension Ledger {
    /// How long a used invitation may still connect, to hear again that it worked. Unit: seconds.
    static let enrolmentGraceSeconds: Int64 = 600

    /// Lets the holder of the private half of `key` enrol once, as `name`, until `expiresAt`.
    ///
    /// An open invitation of the same name ends; a revoked name may be invited anew.
    ///
    /// - Parameter expiresAt: Unit: seconds since 1970.
    /// - Returns: The invitation's identifier.
    @discardableResult
    public func invite(name: WorkerName, key: PublicKey, expiresAt: Int64) throws(LedgerError) -> String {
        try write { database in
            let enrolled = try Bool.fetchOne(
                database, sql: "SELECT 1 FROM worker WHERE name = ? AND revokedAt IS NULL", arguments: [name.text])
            guard enrolled == nil else { throw LedgerError.nameTaken(name) }
            try refuseTakenKey(database, key, except: nil)
            try database.execute(
                sql: "UPDATE invitation SET revokedAt = ? WHERE name = ? AND usedAt IS NULL",
                arguments: [wallClock(), name.text])
            let id = String(key.hexadecimal.prefix(16))
            try database.execute(
                sql: "INSERT INTO invitation (id, name, curveKey, expiresAt) VALUES (?, ?, ?, ?)",
                arguments: [id, name.text, key.hexadecimal, expiresAt])
            return id
        }
    }

    /// Admits a worker's own key directly, without an invitation; replaces the key of a revoked worker.
    public func allow(name: WorkerName, key: PublicKey, signingKey: PublicKey? = nil) throws(LedgerError) {
        try write { database in
            let current = try String.fetchOne(
                database, sql: "SELECT curveKey FROM worker WHERE name = ? AND revokedAt IS NULL",
                arguments: [name.text])
            if let current, current != key.hexadecimal { throw LedgerError.nameTaken(name) }
            try register(database, name: name, curveKey: key, signingKey: signingKey)
        }
    }

    /// Ends a worker's admission and any open invitation of its name.
    public func revoke(name: WorkerName) throws(LedgerError) {
        try write { database in
            let now = wallClock()
            try database.execute(
                sql: "UPDATE worker SET revokedAt = ? WHERE name = ? AND revokedAt IS NULL",
                arguments: [now, name.text])
            var changes = database.changesCount
            try database.execute(
                sql: "UPDATE invitation SET revokedAt = ? WHERE name = ? AND revokedAt IS NULL",
                arguments: [now, name.text])
            changes += database.changesCount
            guard changes > 0 else { throw LedgerError.unknownWorker(name) }
        }
    }

    /// Workers and open or expired invitations, by name.
    public func list() throws(LedgerError) -> [KeyRecord] {
        try read { database in
            let workers = try Row.fetchAll(database, sql: "SELECT * FROM worker").map { row in
                let enrolled: Int64 = row["enrolledAt"]
                return KeyRecord(
                    name: try worker(row["name"]), curveKey: try key(row["curveKey"]),
                    state: (row["revokedAt"] as Int64?).map { .revoked(at: $0) } ?? .enrolled(at: enrolled))
            }
            let invitations = try Row.fetchAll(
                database, sql: "SELECT * FROM invitation WHERE usedAt IS NULL AND revokedAt IS NULL"
            ).map { row in
                let expires: Int64 = row["expiresAt"]
                return KeyRecord(
                    name: try worker(row["name"]), curveKey: try key(row["curveKey"]),
                    state: expires > wallClock() ? .invited(expiresAt: expires) : .expired)
            }
            return (workers + invitations).sorted { $0.name < $1.name }
        }
    }

    /// Registers the keys that came with an invitation and burns it, in one step. The same keys again are no error:
    /// the answer may have been lost.
    public func enrol(invitation id: String, keys: Enrol) throws(LedgerError) -> WorkerName {
        try write { database in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM invitation WHERE id = ? AND revokedAt IS NULL", arguments: [id])
            else { throw LedgerError.unknownInvitation(id: id) }
            let name = try worker(row["name"])
            if row["usedAt"] as Int64? != nil {
                let isSame = try Bool.fetchOne(
                    database,
                    sql:
                        "SELECT 1 FROM worker WHERE name = ? AND curveKey = ? AND signingKey = ? AND revokedAt IS NULL",
                    arguments: [name.text, keys.curveKey.hexadecimal, keys.signingKey.hexadecimal])
                guard isSame != nil else { throw LedgerError.invitationUsed(id: id) }
                return name
            }
            guard row["expiresAt"] > wallClock() else { throw LedgerError.invitationExpired(id: id) }
            guard keys.curveKey.hexadecimal != row["curveKey"] else { throw LedgerError.keyTaken(name) }
            try register(database, name: name, curveKey: keys.curveKey, signingKey: keys.signingKey)
            try database.execute(sql: "UPDATE invitation SET usedAt = ? WHERE id = ?", arguments: [wallClock(), id])
            return name
        }
    }

    /// Workers whose admission ended.
    public func revokedWorkers() throws(LedgerError) -> Set<WorkerName> {
        try read { database in
            Set(try String.fetchAll(database, sql: "SELECT name FROM worker WHERE revokedAt IS NOT NULL").map(worker))
        }
    }

    /// Workers that may connect, in name order.
    public func enrolledWorkers() throws(LedgerError) -> [WorkerName] {
        try read { database in
            try String.fetchAll(database, sql: "SELECT name FROM worker WHERE revokedAt IS NULL").map(worker).sorted()
        }
    }

    private func register(_ database: Database, name: WorkerName, curveKey: PublicKey, signingKey: PublicKey?) throws {
        try refuseTakenKey(database, curveKey, except: name)
        try database.execute(
            sql: """
                INSERT INTO worker (name, curveKey, signingKey, enrolledAt) VALUES (?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET curveKey = excluded.curveKey, signingKey = excluded.signingKey,
                    enrolledAt = excluded.enrolledAt, revokedAt = NULL
                """,
            arguments: [name.text, curveKey.hexadecimal, signingKey?.hexadecimal, wallClock()])
    }

    private func refuseTakenKey(_ database: Database, _ key: PublicKey, except name: WorkerName?) throws {
        let owner =
            try String.fetchOne(
                database, sql: "SELECT name FROM worker WHERE curveKey = ?", arguments: [key.hexadecimal])
            ?? String.fetchOne(
                database, sql: "SELECT name FROM invitation WHERE curveKey = ?", arguments: [key.hexadecimal])
        if let owner, owner != name?.text { throw LedgerError.keyTaken(try worker(owner)) }
    }

    private func key(_ text: String) throws(LedgerError) -> PublicKey {
        guard let key = PublicKey(hexadecimal: text) else { throw .damaged(what: "a key") }
        return key
    }
}

extension Ledger: Admission {
    /// Asked on the transport's thread at every handshake.
    public func role(of key: PublicKey) throws(LedgerError) -> PeerRole? {
        try read { database in
            let name = try String.fetchOne(
                database, sql: "SELECT name FROM worker WHERE curveKey = ? AND revokedAt IS NULL",
                arguments: [key.hexadecimal])
            if let name { return .worker(try worker(name)) }
            let now = wallClock()
            let id = try String.fetchOne(
                database,
                sql: """
                    SELECT id FROM invitation WHERE curveKey = ? AND revokedAt IS NULL
                    AND ((usedAt IS NULL AND expiresAt > ?) OR usedAt > ?)
                    """,
                arguments: [key.hexadecimal, now, now - Self.enrolmentGraceSeconds])
            return id.map { .invitation(id: $0) }
        }
    }
}
