import GRDB

/// What a run's owner, or the run itself, has asked for; it goes on unless somebody said otherwise.
public struct RunControl: Hashable, Sendable {
    public enum Request: String, Hashable, Sendable {
        case run
        /// Nothing is offered until somebody resumes the run.
        case pause
        /// The run has ended for good before its last round.
        case stop
    }

    public var request: Request
    /// When it was asked for; `nil` if nobody ever asked. Unit: seconds since 1970.
    public var since: Int64?
    /// Why the run paused by itself; `nil` when its owner asked.
    public var cause: String?

    public init(request: Request = .run, since: Int64? = nil, cause: String? = nil) {
        self.request = request
        self.since = since
        self.cause = cause
    }
}

/// One line of a run's event log.
public struct LedgerEvent: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case paused, resumed, stopped, finished, recovered
        case rolledBack = "rolled-back"
        /// Some of a simulation's workers were made to attack the run: its adapter is for study alone.
        case attacked
    }

    /// Unit: seconds since 1970.
    public var at: Int64
    public var kind: Kind
    /// A sentence for people.
    public var detail: String
}

/// The owner's requests. Another process may make them while a coordinator runs on the same ledger: it looks every
/// second.
extension Ledger {
    public func control() throws(LedgerError) -> RunControl {
        try read { try control($0) }
    }

    /// Asks for a pause, an end, or for a paused run to go on. Asking again for what holds already changes nothing.
    ///
    /// - Parameter cause: Why the run pauses by itself.
    /// - Returns: Whether anything changed.
    @discardableResult
    public func ask(for request: RunControl.Request, cause: String? = nil) throws(LedgerError) -> Bool {
        try write { database in
            guard let isFinished = try Bool.fetchOne(database, sql: "SELECT isFinished FROM run") else {
                throw LedgerError.noRun
            }
            let current = try control(database)
            guard current.request != request else { return false }
            guard current.request != .stop else { throw LedgerError.runStopped(at: current.since ?? 0) }
            guard !isFinished else { throw LedgerError.runFinished }
            try database.execute(
                sql: "INSERT OR REPLACE INTO control (only, request, since, cause) VALUES (1, ?, ?, ?)",
                arguments: [request.rawValue, wallClock(), cause])
            let (kind, detail): (LedgerEvent.Kind, String) =
                switch request {
                case .run: (.resumed, "the run was resumed")
                case .pause: (.paused, cause ?? "the run was paused by its owner")
                case .stop: (.stopped, "the run was stopped by its owner")
                }
            try note(database, kind, detail)
            return true
        }
    }

    public func note(_ kind: LedgerEvent.Kind, _ detail: String) throws(LedgerError) {
        try write { try note($0, kind, detail) }
    }

    func note(_ database: Database, _ kind: LedgerEvent.Kind, _ detail: String) throws {
        try database.execute(
            sql: "INSERT INTO event (at, kind, detail) VALUES (?, ?, ?)",
            arguments: [wallClock(), kind.rawValue, detail])
    }

    /// The newest events, oldest first.
    public func events(last count: Int) throws(LedgerError) -> [LedgerEvent] {
        try read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT at, kind, detail FROM event ORDER BY id DESC LIMIT ?", arguments: [count])
            return try rows.reversed().map { row in
                guard let kind = LedgerEvent.Kind(rawValue: row["kind"]) else {
                    throw LedgerError.damaged(what: "an event")
                }
                return LedgerEvent(at: row["at"], kind: kind, detail: row["detail"])
            }
        }
    }

    private func control(_ database: Database) throws -> RunControl {
        guard let row = try Row.fetchOne(database, sql: "SELECT request, since, cause FROM control") else {
            return RunControl()
        }
        guard let request = RunControl.Request(rawValue: row["request"]) else {
            throw LedgerError.damaged(what: "a request")
        }
        return RunControl(request: request, since: row["since"], cause: row["cause"])
    }
}

extension Ledger {
    static let controlTables = """
        CREATE TABLE control (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            request TEXT NOT NULL, since INTEGER NOT NULL, cause TEXT
        ) STRICT;
        CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL
        ) STRICT;
        """
}
