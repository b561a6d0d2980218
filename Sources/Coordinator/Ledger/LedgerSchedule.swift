public import Federation
import GRDB
import ModelFiles

/// One update that counts in a round, and the round it was asked for in: the same one, unless the run is asynchronous.
public struct CountedUpdate: Hashable, Sendable {
    public var record: UpdateRecord
    /// The round that asked its worker.
    public var askedIn: Int
    public var attempt: Int
    /// Versions published between its worker's start and its arrival.
    public var staleness: Int
}

extension Ledger {
    /// What of a run's schedule must survive: offers that came to nothing, and, where updates count in another round
    /// than the one that asked for them, which one and in which order they came.
    static let scheduleTables = """
        CREATE TABLE failure (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL, failedIn INTEGER NOT NULL,
            PRIMARY KEY (round, attempt, worker),
            FOREIGN KEY (round, attempt, worker) REFERENCES selection (round, attempt, worker)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE arrival (
            sequence INTEGER PRIMARY KEY, countsIn INTEGER NOT NULL,
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL,
            UNIQUE (round, attempt, worker),
            FOREIGN KEY (round, attempt, worker) REFERENCES updates (round, attempt, worker)
        ) STRICT;
        CREATE INDEX arrivalRound ON arrival (countsIn);
        """
}

// MARK: - Offers that came to nothing
extension Ledger {
    /// - Parameters:
    ///   - round: The one that asked the workers.
    ///   - open: The one that was open when they failed.
    public func recordFailure(_ workers: [WorkerName], round: Int, attempt: Int, open: Int) throws(LedgerError) {
        try write { database in
            for worker in workers {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?)",
                    arguments: [round, attempt, worker.text, open])
            }
        }
    }

    /// What is known of each worker when a round's attempt opens; nothing that happens in it changes the answer.
    public func history(before round: Int, attempt: Int = 1) throws(LedgerError) -> [WorkerName: WorkerHistory] {
        try read { database in
            var history: [WorkerName: WorkerHistory] = [:]
            let updates = try Row.fetchAll(
                database,
                sql: """
                    SELECT updates.worker, items, COALESCE(countsIn, updates.round) AS counts
                    FROM updates LEFT JOIN arrival USING (round, attempt, worker)
                    WHERE counts < ? OR counts = ? AND updates.round = counts AND updates.attempt < ?
                    ORDER BY counts, updates.round, updates.attempt
                    """, arguments: [round, round, attempt])
            for row in updates {
                let name = try worker(row["worker"])
                history[name, default: WorkerHistory()].completed += 1
                history[name]?.items = UInt64(clamping: row["items"] as Int64)
            }
            let failures = try Row.fetchAll(
                database,
                sql: """
                    SELECT worker, COUNT(*) AS failures FROM failure
                    WHERE (failedIn < ? OR failedIn = ? AND round = failedIn AND attempt < ?)
                    AND NOT EXISTS (
                        SELECT 1 FROM updates WHERE updates.round = failure.round
                        AND updates.attempt = failure.attempt AND updates.worker = failure.worker)
                    GROUP BY worker
                    """, arguments: [round, round, attempt])
            for row in failures {
                history[try worker(row["worker"]), default: WorkerHistory()].failed += row["failures"] as Int
            }
            return history
        }
    }
}

// MARK: - Buffers
extension Ledger {
    /// Asks workers in a round of an asynchronous run, for the first time or again; before any of them gets an offer.
    public func ask(_ workers: [WorkerName], round: Int) throws(LedgerError) {
        try select(workers, round: round, attempt: 1)
        try write { database in
            for worker in workers {
                try database.execute(
                    sql: "DELETE FROM failure WHERE round = ? AND attempt = 1 AND worker = ?",
                    arguments: [round, worker.text])
            }
        }
    }

    /// Records updates whose bytes are on disk, in the round that is open now and in one step. After this, and not
    /// before, they may be acknowledged.
    ///
    /// - Parameter updates: With the round that asked each one's worker.
    public func record(
        _ updates: [(update: UpdateRecord, askedIn: Int)], countsIn: Int, counters: RunCounters
    ) throws(LedgerError) {
        try write { database in
            for (update, askedIn) in updates {
                try insert(database, update, round: askedIn, attempt: 1)
                try database.cachedStatement(
                    sql: "INSERT INTO arrival (countsIn, round, attempt, worker) VALUES (?, ?, 1, ?)"
                ).execute(arguments: [countsIn, askedIn, update.worker.text])
            }
            try set(database, counters)
        }
    }

    /// The round of an asynchronous run that a worker's update counts in; `nil`: there is none of it.
    public func roundOfArrival(askedIn round: Int, of worker: WorkerName) throws(LedgerError) -> Int? {
        try read { database in
            try Int.fetchOne(
                database, sql: "SELECT countsIn FROM arrival WHERE round = ? AND worker = ?",
                arguments: [round, worker.text])
        }
    }

    /// What counts in a round of a run of either schedule.
    public func countedUpdates(in round: Int, attempt: Int) throws(LedgerError) -> [CountedUpdate] {
        let buffered = try countedUpdates(in: round)
        guard buffered.isEmpty else { return buffered }
        return try updates(round: round, attempt: attempt).map {
            CountedUpdate(record: $0, askedIn: round, attempt: attempt, staleness: 0)
        }
    }

    /// What counts in a round of an asynchronous run: in worker-name order, then by the round that asked.
    public func countedUpdates(in round: Int) throws(LedgerError) -> [CountedUpdate] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT updates.*, countsIn FROM arrival JOIN updates USING (round, attempt, worker)
                    WHERE countsIn = ?
                    """, arguments: [round])
            let counted = try rows.map { row in
                let askedIn: Int = row["round"]
                return CountedUpdate(
                    record: try update(row), askedIn: askedIn, attempt: row["attempt"], staleness: round - askedIn)
            }
            return counted.sorted { ($0.record.worker, $0.askedIn) < ($1.record.worker, $1.askedIn) }
        }
    }

    /// Where an asynchronous run stands in a round, for ``BufferedRounds``.
    public func bufferRecord(round: Int) throws(LedgerError) -> BufferedRounds.Record {
        let counted = try countedUpdates(in: round).map { update in
            BufferedRounds.Update(worker: update.record.worker, round: update.askedIn)
        }
        return try read { database in
            let leases = try Row.fetchAll(
                database,
                sql: """
                    SELECT round, worker FROM selection WHERE attempt = 1 AND round <= ?
                    AND NOT EXISTS (
                        SELECT 1 FROM updates WHERE updates.round = selection.round AND updates.attempt = 1
                        AND updates.worker = selection.worker)
                    AND NOT EXISTS (
                        SELECT 1 FROM failure WHERE failure.round = selection.round AND failure.attempt = 1
                        AND failure.worker = selection.worker)
                    ORDER BY round
                    """, arguments: [round])
            var record = BufferedRounds.Record(round: round, counted: counted)
            for row in leases { record.tasks[try worker(row["worker"])] = row["round"] }
            record.asked = try workers(database, in: "selection", round: round)
            record.failed = try workers(database, in: "failure", round: round)
            return record
        }
    }

    private func workers(_ database: Database, in table: String, round: Int) throws -> Set<WorkerName> {
        let sql = "SELECT worker FROM \(table) WHERE round = ? AND attempt = 1"
        return Set(try String.fetchAll(database, sql: sql, arguments: [round]).map(worker))
    }
}
