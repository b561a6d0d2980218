public import Federation
import GRDB
public import ModelFiles

/// A published version's residual, or that there is nothing in it.
public struct ResidualRecord: Hashable, Sendable {
    /// `nil` while nothing is in it.
    public var object: ContentHash?
    public var truncation: ResidualTruncation

    public init(object: ContentHash?, truncation: ResidualTruncation) {
        self.object = object
        self.truncation = truncation
    }
}

extension Ledger {
    static let mixingTables = """
        CREATE TABLE workerRank (name TEXT PRIMARY KEY, rank INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE residual (
            version INTEGER PRIMARY KEY REFERENCES adapter (version),
            object TEXT, rank INTEGER NOT NULL, relativeError REAL NOT NULL
        ) STRICT;
        """

    /// The ranks that workers were given.
    public func workerRanks() throws(LedgerError) -> [WorkerName: Int] {
        try read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM workerRank")
            return Dictionary(
                uniqueKeysWithValues: try rows.map { (try worker($0["name"]), $0["rank"] as Int) })
        }
    }

    /// Gives a worker its rank for the run.
    public func record(rank: Int, of worker: WorkerName) throws(LedgerError) {
        try write { database in
            try database.execute(sql: "INSERT INTO workerRank VALUES (?, ?)", arguments: [worker.text, rank])
        }
    }

    /// Recorded updates of the whole run, by worker.
    public func updateCounts() throws(LedgerError) -> [WorkerName: Int] {
        try read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT worker, COUNT(*) AS count FROM updates GROUP BY worker")
            return Dictionary(
                uniqueKeysWithValues: try rows.map { (try worker($0["worker"]), $0["count"] as Int) })
        }
    }

    /// The residual that belongs to an adapter; `nil` for methods that keep none.
    public func residual(version: Int) throws(LedgerError) -> ResidualRecord? {
        try read { database in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM residual WHERE version = ?", arguments: [version])
            else { return nil }
            let text: String? = row["object"]
            let object = text.flatMap { ContentHash($0) }
            guard (text == nil) == (object == nil) else { throw LedgerError.damaged(what: "a hash") }
            return ResidualRecord(
                object: object,
                truncation: ResidualTruncation(rank: row["rank"], relativeError: row["relativeError"]))
        }
    }

    func insertResidual(_ database: Database, version: Int, _ record: ResidualRecord) throws {
        try database.execute(
            sql: "INSERT INTO residual VALUES (?, ?, ?, ?)",
            arguments: [version, record.object?.description, record.truncation.rank, record.truncation.relativeError])
    }
}
