package import Federation
import FoundationEssentials
import GRDB
package import SecureAggregation

/// A worker's message in one step of a masked sum.
package struct MaskMessage: Hashable, Sendable {
    package var step: UnmaskingServer.Step
    package var worker: WorkerName
    /// Of the step's message in `SecureAggregation`.
    package var bytes: [UInt8]
}

// MARK: - Sums under masks
extension Ledger {
    /// Messages and closings of the open attempt; steps are numbered as ``UnmaskingServer/Step`` is. Masked vectors are
    /// updates like any other.
    static let maskTables = """
        CREATE TABLE maskMessage (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, step INTEGER NOT NULL, worker TEXT NOT NULL,
            bytes BLOB NOT NULL,
            PRIMARY KEY (round, attempt, step, worker),
            FOREIGN KEY (round, attempt) REFERENCES round (number, attempt)
        ) STRICT;
        CREATE TABLE maskStep (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, step INTEGER NOT NULL, closedAt INTEGER NOT NULL,
            PRIMARY KEY (round, attempt, step),
            FOREIGN KEY (round, attempt) REFERENCES round (number, attempt)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE maskFailure (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (round, attempt),
            FOREIGN KEY (round, attempt) REFERENCES round (number, attempt)
        ) STRICT, WITHOUT ROWID;
        """

    /// Records messages in one step. After this, and not before, they may be acknowledged.
    func keep(_ messages: [MaskMessage], round: Int, attempt: Int) throws(LedgerError) {
        try write { database in
            for message in messages {
                try database.cachedStatement(sql: "INSERT INTO maskMessage VALUES (?, ?, ?, ?, ?)").execute(
                    arguments: [round, attempt, message.step.rawValue, message.worker.text, Data(message.bytes)])
            }
        }
    }

    /// Records that a step takes no more messages, before anything follows from it.
    func closeMaskStep(_ step: UnmaskingServer.Step, round: Int, attempt: Int) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO maskStep VALUES (?, ?, ?, ?)",
                arguments: [round, attempt, step.rawValue, wallClock()])
        }
    }

    /// In the order of their steps and workers' names.
    package func maskMessages(round: Int, attempt: Int) throws(LedgerError) -> [MaskMessage] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM maskMessage WHERE round = ? AND attempt = ? ORDER BY step, worker",
                arguments: [round, attempt]
            ).map { row in
                guard let step = UnmaskingServer.Step(rawValue: row["step"]) else {
                    throw LedgerError.damaged(what: "a step of masks")
                }
                return MaskMessage(step: step, worker: try worker(row["worker"]), bytes: Array(row["bytes"] as Data))
            }
        }
    }

    /// Of all attempts.
    package func maskMessageCount() throws(LedgerError) -> Int {
        try read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM maskMessage") ?? 0 }
    }

    func closedMaskSteps(round: Int, attempt: Int) throws(LedgerError) -> Set<UnmaskingServer.Step> {
        try read { database in
            Set(
                try Int.fetchAll(
                    database, sql: "SELECT step FROM maskStep WHERE round = ? AND attempt = ?",
                    arguments: [round, attempt]
                ).compactMap { UnmaskingServer.Step(rawValue: $0) })
        }
    }

    /// Ends an attempt that cannot be unmasked, with a line in the event log, in one step.
    func failMasks(
        round: Int, attempt: Int, because reason: String, counters: RunCounters
    ) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO maskFailure VALUES (?, ?, ?, ?)", arguments: [round, attempt, reason, wallClock()])
            try removeMasks(database, round: round, attempt: attempt)
            try note(database, .rolledBack, "round \(round), attempt \(attempt): \(reason)")
            try set(database, counters)
        }
    }

    /// Nothing that workers sent for an attempt's masks is of use once it is over.
    func removeMasks(_ database: Database, round: Int, attempt: Int) throws {
        for table in ["maskMessage", "maskStep"] {
            try database.execute(
                sql: "DELETE FROM \(table) WHERE round = ? AND attempt = ?", arguments: [round, attempt])
        }
    }
}
