import GRDB

/// An attack that was tried on a run's adapter, and what came of it.
public struct AuditRecord: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case canaries, membership
    }

    public var kind: Kind
    /// A sentence for people.
    public var finding: String
    /// What the attack proves of epsilon at the least; `nil` where it says nothing of it.
    public var epsilonAtLeast: Double?
    /// Unit: seconds since 1970.
    public var at: Int64

    public init(kind: Kind, finding: String, epsilonAtLeast: Double? = nil, at: Int64) {
        self.kind = kind
        self.finding = finding
        self.epsilonAtLeast = epsilonAtLeast
        self.at = at
    }
}

extension Ledger {
    /// Attacks are only ever added: one that succeeded is not forgotten.
    static let auditTables = """
        CREATE TABLE audit (
            number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, finding TEXT NOT NULL,
            epsilonAtLeast REAL
        ) STRICT;
        CREATE TRIGGER auditStays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'an audit stays'); END;
        CREATE TRIGGER auditHolds BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'an audit stays'); END;
        """

    public func record(_ audit: AuditRecord) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO audit (at, kind, finding, epsilonAtLeast) VALUES (?, ?, ?, ?)",
                arguments: [audit.at, audit.kind.rawValue, audit.finding, audit.epsilonAtLeast])
        }
    }

    /// In the order they were made.
    public func audits() throws(LedgerError) -> [AuditRecord] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM audit ORDER BY number").map { row in
                guard let kind = AuditRecord.Kind(rawValue: row["kind"]) else {
                    throw LedgerError.damaged(what: "an audit")
                }
                return AuditRecord(
                    kind: kind, finding: row["finding"], epsilonAtLeast: row["epsilonAtLeast"], at: row["at"])
            }
        }
    }
}
