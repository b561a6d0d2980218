import Federation
import GRDB

/// When an update passed each step, as its coordinator saw it: what a round's time went into. Unit: seconds since the round
/// that it counts in was opened; negative where an asynchronous run asked for it before that.
public struct UpdateCourse: Hashable, Sendable {
    /// The offer left for its worker.
    public var offered: Double
    /// The worker's first sign that it had the offer; `nil`: another process of the coordinator saw it.
    public var answered: Double?
    /// The update, or its announcement, began to arrive.
    public var sent: Double?
    /// It was durable.
    public var recorded: Double

    public init(offered: Double, answered: Double?, sent: Double?, recorded: Double) {
        self.offered = offered
        self.answered = answered
        self.sent = sent
        self.recorded = recorded
    }

    /// `nil` where the row holds none.
    init?(_ row: Row) {
        guard let offered: Double = row["offered"], let recorded: Double = row["recorded"] else { return nil }
        self.init(offered: offered, answered: row["answered"], sent: row["sent"], recorded: recorded)
    }
}

extension Ledger {
    static let courseTables = """
        CREATE TABLE course (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL,
            offered REAL NOT NULL, answered REAL, sent REAL, recorded REAL NOT NULL,
            PRIMARY KEY (round, attempt, worker),
            FOREIGN KEY (round, attempt, worker) REFERENCES updates (round, attempt, worker)
        ) STRICT, WITHOUT ROWID;
        """

    func insert(
        _ database: Database, _ course: UpdateCourse, of worker: WorkerName, round: Int, attempt: Int
    ) throws {
        try database.cachedStatement(sql: "INSERT INTO course VALUES (?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                round, attempt, worker.text, course.offered, course.answered, course.sent, course.recorded,
            ])
    }
}
