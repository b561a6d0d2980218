public import Federation
import GRDB

// MARK: - Evaluations of the global adapter
extension Ledger {
    /// Evaluations by workers: each one's own, and how they spread.
    static let workerEvaluationTables = """
        ALTER TABLE evaluation ADD COLUMN worstDecile REAL;
        CREATE TABLE workerEvaluation (
            version INTEGER NOT NULL REFERENCES adapter (version), worker TEXT NOT NULL, loss REAL NOT NULL,
            items INTEGER NOT NULL,
            PRIMARY KEY (version, worker)
        ) STRICT, WITHOUT ROWID;
        """

    /// - Parameter reports: What each worker found, where workers evaluate and may be told apart.
    public func record(
        _ evaluation: Evaluation, of reports: [(worker: WorkerName, report: HeldOutReport)] = [], version: Int
    ) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO evaluation (version, loss, standardError, items, accuracy, worstDecile)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    version, evaluation.loss, evaluation.standardError.isNaN ? nil : evaluation.standardError,
                    evaluation.items, evaluation.accuracy, evaluation.worstDecile,
                ])
            try database.execute(sql: "DELETE FROM workerEvaluation WHERE version = ?", arguments: [version])
            for (worker, report) in reports {
                try database.cachedStatement(sql: "INSERT INTO workerEvaluation VALUES (?, ?, ?, ?)")
                    .execute(arguments: [version, worker.text, report.mean, Int64(clamping: report.items)])
            }
        }
    }

    /// By adapter version (0: before the first round).
    public func evaluations() throws(LedgerError) -> [Int: Evaluation] {
        try read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM evaluation")
            return Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    let evaluation = Evaluation(
                        loss: row["loss"], standardError: row["standardError"] ?? .nan, items: row["items"],
                        accuracy: row["accuracy"], worstDecile: row["worstDecile"])
                    return (row["version"] as Int, evaluation)
                })
        }
    }

    /// Workers that evaluate and never train, drawn once a run.
    public func heldOutWorkers() throws(LedgerError) -> Set<WorkerName> {
        try read { Set(try String.fetchAll($0, sql: "SELECT name FROM heldOutWorker").map(worker)) }
    }

    public func recordHeldOut(_ workers: [WorkerName]) throws(LedgerError) {
        try write { database in
            for worker in workers {
                try database.execute(sql: "INSERT INTO heldOutWorker VALUES (?)", arguments: [worker.text])
            }
        }
    }
}
