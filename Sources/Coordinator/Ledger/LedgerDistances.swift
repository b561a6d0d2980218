public import Federation
import GRDB

extension Ledger {
    static let distanceTables = """
        CREATE TABLE distance (
            round INTEGER NOT NULL, worker TEXT NOT NULL, distance REAL NOT NULL, rank REAL NOT NULL,
            PRIMARY KEY (round, worker)
        ) STRICT, WITHOUT ROWID;
        """

    /// Records how far each worker's update lies from its round's aggregate, with the rank that makes of it.
    func insertDistances(_ database: Database, round: Int, _ distances: [(WorkerName, Double)]) throws {
        let ranks = SuspicionScore.ranks(distances.map { $0.1 })
        for ((worker, distance), rank) in zip(distances, ranks) {
            try database.execute(
                sql: "INSERT INTO distance VALUES (?, ?, ?, ?)", arguments: [round, worker.text, distance, rank])
        }
    }

    /// Each worker's score after the published rounds; empty for a run without robust rules.
    public func suspicion() throws(LedgerError) -> [WorkerName: SuspicionScore] {
        try read { database in
            var scores: [WorkerName: SuspicionScore] = [:]
            let rows = try Row.fetchAll(database, sql: "SELECT worker, rank FROM distance ORDER BY round, worker")
            for row in rows { scores[try worker(row["worker"]), default: SuspicionScore()].note(rank: row["rank"]) }
            return scores
        }
    }
}
