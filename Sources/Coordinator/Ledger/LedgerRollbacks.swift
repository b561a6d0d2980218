import GRDB

/// An attempt at a round that the quality gate turned back.
public struct Rollback: Hashable, Sendable, CustomStringConvertible {
    public var round: Int
    public var attempt: Int
    /// The attempt's held-out loss; `nil`: it was not finite. Unit: nats a token.
    public var loss: Double?
    /// That of the last good adapter.
    public var reference: Double
    public var tolerance: Double

    public var description: String {
        "round \(round), attempt \(attempt): held-out loss \(loss.map { "\($0)" } ?? "not finite") after \(reference), "
            + "more than evaluation.gate = \(tolerance) above"
    }
}

extension Ledger {
    static let rollbackTables = """
        CREATE TABLE rolledBack (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, loss REAL, reference REAL NOT NULL,
            tolerance REAL NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (round, attempt),
            FOREIGN KEY (round, attempt) REFERENCES round (number, attempt)
        ) STRICT, WITHOUT ROWID;
        """

    /// Ends an open round's attempt, with its record and a line in the event log, in one step.
    func record(_ rollback: Rollback, record: SignedRecord, counters: RunCounters) throws(LedgerError) {
        try write { database in
            try insert(database, record)
            try database.execute(
                sql: "INSERT INTO rolledBack VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [
                    rollback.round, rollback.attempt, rollback.loss, rollback.reference, rollback.tolerance,
                    wallClock(),
                ])
            try removeMasks(database, round: rollback.round, attempt: rollback.attempt)
            try note(database, .rolledBack, rollback.description)
            try set(database, counters)
        }
    }

    /// In the order of their rounds and attempts.
    public func rollbacks() throws(LedgerError) -> [Rollback] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM rolledBack ORDER BY round, attempt").map { row in
                Rollback(
                    round: row["round"], attempt: row["attempt"], loss: row["loss"], reference: row["reference"],
                    tolerance: row["tolerance"])
            }
        }
    }

    /// 1 for a round of which nothing was rolled back and no masked sum failed.
    func nextAttempt(round: Int) throws(LedgerError) -> Int {
        try read { database in
            let last = try Int.fetchOne(
                database,
                sql: """
                    SELECT MAX(attempt) FROM (SELECT round, attempt FROM rolledBack UNION SELECT round, attempt FROM
                        maskFailure) WHERE round = ?
                    """, arguments: [round])
            return (last ?? 0) + 1
        }
    }
}
