public import Federation
import GRDB
public import ModelFiles
import Wire

// MARK: - The run
extension Ledger {
    public func run() throws(LedgerError) -> RunRecord? {
        try read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM run") else { return nil }
            guard let id = RunID(row["id"] as String), let seed = UInt64(row["seed"] as String) else {
                throw LedgerError.damaged(what: "a run")
            }
            return RunRecord(
                id: id, seed: seed, configuration: row["configuration"], baseModel: try hash(row["baseModel"]),
                isFinished: row["isFinished"])
        }
    }

    /// Records a new run with its first adapter (version 0) in one step.
    public func begin(_ run: RunRecord, firstAdapter: ContentHash) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO run (only, id, seed, configuration, baseModel) VALUES (1, ?, ?, ?, ?)",
                arguments: [run.id.text, String(run.seed), run.configuration, run.baseModel.description])
            try insertAdapter(database, version: 0, object: firstAdapter)
        }
    }

    public func finishRun(_ counters: RunCounters) throws(LedgerError) {
        try write { database in
            try database.execute(sql: "UPDATE run SET isFinished = 1 WHERE isFinished = 0")
            if database.changesCount > 0 { try note(database, .finished, "the last round is published") }
            try set(database, counters)
        }
    }

    /// A run whose configuration may change (more rounds, say) goes on with the new text.
    public func replaceConfiguration(_ text: String) throws(LedgerError) {
        try write { database in
            try database.execute(sql: "UPDATE run SET configuration = ?, isFinished = 0", arguments: [text])
        }
    }

    public func counters() throws(LedgerError) -> RunCounters {
        try read { database in
            let value = { (name: String) in
                try UInt64(
                    bitPattern: Int64.fetchOne(
                        database, sql: "SELECT value FROM counter WHERE name = ?", arguments: [name])
                        ?? 0)
            }
            return RunCounters(uplinkBytes: try value("uplinkBytes"), downlinkBytes: try value("downlinkBytes"))
        }
    }

    public func save(_ counters: RunCounters) throws(LedgerError) {
        try write { try set($0, counters) }
    }

    func set(_ database: Database, _ counters: RunCounters) throws {
        for (name, value) in [("uplinkBytes", counters.uplinkBytes), ("downlinkBytes", counters.downlinkBytes)] {
            try database.execute(
                sql: "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                arguments: [name, Int64(bitPattern: value)])
        }
    }
}

// MARK: - Rounds and updates
extension Ledger {
    /// Opens a round, or adds workers to the open one; before any of them gets an offer.
    public func select(_ workers: [WorkerName], round: Int, attempt: Int) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql:
                    "INSERT INTO round (number, attempt, state, openedAt) VALUES (?, ?, 'open', ?) ON CONFLICT DO NOTHING",
                arguments: [round, attempt, wallClock()])
            for worker in workers {
                try database.cachedStatement(sql: "INSERT INTO selection VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                    .execute(arguments: [round, attempt, worker.text])
            }
        }
    }

    public func openRound() throws(LedgerError) -> OpenRound? {
        try read { database in
            guard
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT number, attempt, openedAt FROM round WHERE state = 'open' AND NOT EXISTS
                            (SELECT 1 FROM rolledBack WHERE rolledBack.round = number AND rolledBack.attempt = round.attempt)
                        AND NOT EXISTS
                            (SELECT 1 FROM maskFailure AS failed WHERE failed.round = number AND failed.attempt = round.attempt)
                        ORDER BY number, attempt DESC
                        """)
            else { return nil }
            let (number, attempt): (Int, Int) = (row["number"], row["attempt"])
            let names = try String.fetchAll(
                database, sql: "SELECT worker FROM selection WHERE round = ? AND attempt = ? ORDER BY worker",
                arguments: [number, attempt])
            return OpenRound(
                number: number, attempt: attempt, openedAt: row["openedAt"], selected: try names.map(worker),
                updates: try updates(database, round: number, attempt: attempt))
        }
    }

    /// Records updates whose bytes are on disk, in one step. After this, and not before, they may be acknowledged.
    ///
    /// - Parameter clipped: Those of their workers that had to shorten theirs.
    public func record(
        _ updates: [UpdateRecord], round: Int, attempt: Int, clipped: [WorkerName] = [], counters: RunCounters
    ) throws(LedgerError) {
        try write { database in
            for worker in clipped { try noteClipped(database, worker, round: round, attempt: attempt) }
            for update in updates { try insert(database, update, round: round, attempt: attempt) }
            try set(database, counters)
        }
    }

    func insert(_ database: Database, _ update: UpdateRecord, round: Int, attempt: Int) throws {
        try database.cachedStatement(
            sql: "INSERT INTO updates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(
            arguments: [
                round, attempt, update.worker.text, update.object.description, Int64(clamping: update.items),
                update.steps, update.tokens.map { Int64(clamping: $0) }, update.trainLoss, wallClock(),
                update.cost?.seconds, update.cost?.joules, update.cost?.isMeasured,
            ])
        if let course = update.course {
            try insert(database, course, of: update.worker, round: round, attempt: attempt)
        }
    }

    /// Takes back an update whose bytes are lost, so that its worker may send one again.
    func forget(_ worker: WorkerName, round: Int, attempt: Int, because text: String) throws(LedgerError) {
        try write { database in
            for table in ["course", "updates"] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE round = ? AND attempt = ? AND worker = ?",
                    arguments: [round, attempt, worker.text])
            }
            try note(database, .recovered, text)
        }
    }

    /// In worker-name order.
    public func updates(round: Int, attempt: Int) throws(LedgerError) -> [UpdateRecord] {
        try read { try updates($0, round: round, attempt: attempt) }
    }

    public func totals() throws(LedgerError) -> UpdateTotals {
        try read { database in
            let row = try Row.fetchOne(database, sql: "SELECT COUNT(*) AS updates, SUM(tokens) AS tokens FROM updates")
            let updates: Int = row?["updates"] ?? 0
            return UpdateTotals(updates: updates, tokens: UpdateTotals.tokens(row?["tokens"], updates: updates))
        }
    }

    private func updates(_ database: Database, round: Int, attempt: Int) throws -> [UpdateRecord] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM updates WHERE round = ? AND attempt = ?", arguments: [round, attempt])
        return try rows.map(update).sorted { $0.worker < $1.worker }
    }

    func update(_ row: Row) throws -> UpdateRecord {
        UpdateRecord(
            worker: try worker(row["worker"]), object: try hash(row["object"]),
            items: UInt64(clamping: row["items"] as Int64), steps: row["steps"],
            tokens: UpdateTotals.tokens(row["tokens"], updates: 1), trainLoss: row["trainLoss"],
            cost: (row["seconds"] as Double?).map {
                TaskCost(seconds: $0, joules: row["joules"], isMeasured: row["isMeasured"] ?? false)
            })
    }
}

// MARK: - Adapters and evaluations
extension Ledger {
    /// Makes a round's adapter the current one, and the server optimiser's state with it: the step that publishes a
    /// round.
    ///
    /// - Parameters:
    ///   - optimizerState: `nil` for a strategy without one.
    ///   - residual: `nil` for an aggregation that keeps none.
    ///   - distances: How far each worker's update lies from the round's aggregate, where a robust rule tells.
    ///   - denseUplinkBytes: What all updates so far would have been as float32.
    ///   - record: What the chain keeps of it.
    ///   - noise: Where it is correlated over rounds, blobs of what the next rounds depend on, by round.
    ///   - nextClip: Under central privacy, what the next round clips to; its noise counts as released then.
    public func publish(
        round: Int, attempt: Int, object: ContentHash, optimizerState: ContentHash?, residual: ResidualRecord? = nil,
        distances: [(WorkerName, Double)] = [], seconds: Double, counters: RunCounters, denseUplinkBytes: UInt64,
        record: SignedRecord, nextClip: Double? = nil, noise: [Int: ContentHash]? = nil
    ) throws(LedgerError) {
        try write { database in
            try insert(database, record)
            try insertAdapter(database, version: round, object: object, optimizerState: optimizerState)
            if let residual { try insertResidual(database, version: round, residual) }
            try insertDistances(database, round: round, distances)
            try removeMasks(database, round: round, attempt: attempt)
            if let nextClip { try release(database, round: round, nextClip: nextClip) }
            if let noise { try keepPublishedNoise(database, noise, through: round) }
            try database.execute(
                sql: "UPDATE round SET state = 'published', seconds = ? WHERE number = ? AND attempt = ?",
                arguments: [seconds, round, attempt])
            try set(database, counters)
            try insertTraffic(database, round: round, counters, denseUplinkBytes: denseUplinkBytes)
        }
    }

    /// When a round was published: which attempt, and how long it took. Unit: seconds.
    public func publishedRound(_ number: Int) throws(LedgerError) -> (attempt: Int, seconds: Double)? {
        try read { database in
            try Row.fetchOne(
                database, sql: "SELECT attempt, seconds FROM round WHERE number = ? AND state = 'published'",
                arguments: [number]
            ).map { ($0["attempt"], $0["seconds"]) }
        }
    }

    /// The newest version: the number of published rounds.
    ///
    /// - Returns: Also the state that the server optimiser had after it; `nil` before the first round and for a strategy
    ///   without one.
    public func currentAdapter() throws(LedgerError) -> (
        version: Int, object: ContentHash, optimizerState: ContentHash?
    )? {
        try read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM adapter ORDER BY version DESC LIMIT 1")
                .map { ($0["version"], try hash($0["object"]), try ($0["optimizerState"] as String?).map(hash)) }
        }
    }

    /// The adapter of one version, with the server optimiser's state after it.
    public func publishedAdapter(
        version: Int
    ) throws(LedgerError) -> (object: ContentHash, optimizerState: ContentHash?)? {
        try read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM adapter WHERE version = ?", arguments: [version])
                .map { (try hash($0["object"]), try ($0["optimizerState"] as String?).map(hash)) }
        }
    }

    public func adapter(version: Int) throws(LedgerError) -> ContentHash? {
        try read { database in
            try String.fetchOne(database, sql: "SELECT object FROM adapter WHERE version = ?", arguments: [version])
                .map(hash)
        }
    }

    private func insertAdapter(
        _ database: Database, version: Int, object: ContentHash, optimizerState: ContentHash? = nil
    ) throws {
        try database.execute(
            sql: "INSERT INTO adapter VALUES (?, ?, ?, ?)",
            arguments: [version, object.description, wallClock(), optimizerState?.description])
    }

    private func hash(_ text: String) throws(LedgerError) -> ContentHash {
        guard let hash = ContentHash(text) else { throw .damaged(what: "a hash") }
        return hash
    }

    func worker(_ text: String) throws(LedgerError) -> WorkerName {
        guard let name = WorkerName(text) else { throw .damaged(what: "a worker's name") }
        return name
    }
}
