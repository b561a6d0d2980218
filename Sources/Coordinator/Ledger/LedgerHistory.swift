import Federation
import GRDB

extension Ledger {
    /// What had travelled when each round was published; everything else of a run's past stands in the other tables.
    static let historyTables = """
        CREATE TABLE traffic (
            round INTEGER PRIMARY KEY, uplinkBytes INTEGER NOT NULL, downlinkBytes INTEGER NOT NULL,
            denseUplinkBytes INTEGER NOT NULL
        ) STRICT;
        """

    func insertTraffic(
        _ database: Database, round: Int, _ counters: RunCounters, denseUplinkBytes: UInt64
    ) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO traffic VALUES (?, ?, ?, ?)",
            arguments: [
                round, Int64(clamping: counters.uplinkBytes), Int64(clamping: counters.downlinkBytes),
                Int64(clamping: denseUplinkBytes),
            ])
    }

    /// The published rounds in order, participation and losses included, whoever may see them.
    ///
    /// - Parameter itemsMax: The most training items of one worker that count (`federation.weight-cap`).
    func publishedRounds(itemsMax: Int?) throws(LedgerError) -> [RunHistory.Round] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    WITH counted AS (
                        SELECT COALESCE(countsIn, updates.round) AS number, updates.attempt AS attempt,
                            COUNT(*) AS workers, SUM(tokens) AS tokens,
                            AVG(COALESCE(countsIn, updates.round) - updates.round) AS staleness,
                            SUM(MIN(items, :cap) * trainLoss)
                                / SUM(CASE WHEN trainLoss IS NOT NULL THEN MIN(items, :cap) END) AS trainLoss,
                            SUM(joules) AS joules, SUM(updates.seconds) AS trainingSeconds,
                            MIN(isMeasured) AS isMeasured
                        FROM updates LEFT JOIN arrival USING (round, attempt, worker) GROUP BY 1, 2)
                    SELECT round.number, round.attempt, openedAt, publishedAt, seconds, workers, tokens, staleness,
                        trainLoss, uplinkBytes, downlinkBytes, denseUplinkBytes, joules, trainingSeconds, isMeasured
                    FROM round JOIN adapter ON version = round.number
                        LEFT JOIN counted USING (number, attempt) LEFT JOIN traffic ON traffic.round = round.number
                    WHERE state = 'published' ORDER BY round.number
                    """, arguments: ["cap": itemsMax ?? Int.max])
            return rows.map { row in
                RunHistory.Round(
                    number: row["number"], attempt: row["attempt"], openedAt: row["openedAt"],
                    publishedAt: row["publishedAt"], seconds: row["seconds"] ?? 0, workers: row["workers"],
                    trainLoss: row["trainLoss"], staleness: row["staleness"],
                    energyJoules: row["joules"], isEnergyMeasured: row["isMeasured"] ?? false,
                    trainingSeconds: row["trainingSeconds"],
                    tokens: UpdateTotals.tokens(row["tokens"], updates: row["workers"] ?? 0),
                    uplinkBytes: (row["uplinkBytes"] as Int64?).map { UInt64(clamping: $0) },
                    downlinkBytes: (row["downlinkBytes"] as Int64?).map { UInt64(clamping: $0) },
                    denseUplinkBytes: (row["denseUplinkBytes"] as Int64?).map { UInt64(clamping: $0) })
            }
        }
    }

    /// What each enrolled or revoked worker has given to the run, in name order.
    func contributions() throws(LedgerError) -> [RunHistory.Contribution] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    WITH given AS (
                        SELECT worker, COUNT(*) AS updates, SUM(tokens) AS tokens, MAX(acceptedAt) AS lastUpdateAt,
                            MAX(items) AS items, SUM(joules) AS joules, SUM(seconds) AS seconds,
                            MIN(isMeasured) AS isMeasured
                        FROM updates GROUP BY worker),
                    -- SQLite takes the other columns from the row that holds the maximum.
                    newest AS (
                        SELECT worker, trainLoss, MAX(round * 1000000 + attempt) FROM updates GROUP BY worker),
                    earliest AS (
                        SELECT worker, trainLoss AS firstLoss, MIN(round * 1000000 + attempt) FROM updates
                        WHERE trainLoss IS NOT NULL GROUP BY worker),
                    failed AS (SELECT worker, COUNT(*) AS failures FROM failure GROUP BY worker),
                    tested AS (
                        SELECT worker, MIN(version) AS firstTested, MAX(version) AS tested FROM workerEvaluation
                        GROUP BY worker)
                    SELECT name, enrolledAt, revokedAt, updates, tokens, lastUpdateAt, given.items AS items, joules,
                        isMeasured, seconds, trainLoss, firstLoss, failures, tested, own.loss AS heldOut, firstTested,
                        firstOwn.loss AS firstHeldOut
                    FROM worker LEFT JOIN given ON given.worker = name LEFT JOIN newest ON newest.worker = name
                        LEFT JOIN earliest ON earliest.worker = name LEFT JOIN failed ON failed.worker = name
                        LEFT JOIN tested ON tested.worker = name
                        LEFT JOIN workerEvaluation AS own ON own.version = tested AND own.worker = name
                        LEFT JOIN workerEvaluation AS firstOwn ON firstOwn.version = firstTested
                            AND firstOwn.worker = name
                    """)
            return try rows.map { row in
                var contribution = RunHistory.Contribution(
                    worker: try worker(row["name"]), enrolledAt: row["enrolledAt"], revokedAt: row["revokedAt"],
                    updates: row["updates"] ?? 0, failures: row["failures"] ?? 0,
                    items: UInt64(clamping: (row["items"] as Int64?) ?? 0),
                    tokens: UpdateTotals.tokens(row["tokens"], updates: row["updates"] ?? 0),
                    lastUpdateAt: row["lastUpdateAt"], trainLoss: row["trainLoss"], energyJoules: row["joules"],
                    trainingSeconds: row["seconds"])
                contribution.isEnergyMeasured = row["isMeasured"] ?? false
                contribution.firstTrainLoss = row["firstLoss"]
                if let version = row["tested"] as Int?, let first = row["firstTested"] as Int? {
                    contribution.heldOut = (version, row["heldOut"])
                    contribution.firstHeldOut = (first, row["firstHeldOut"])
                }
                return contribution
            }.sorted { $0.worker < $1.worker }
        }
    }

    /// When the run's first adapter and its newest one were published. Unit: seconds since 1970.
    func publicationTimes() throws(LedgerError) -> (first: Int64?, newest: Int64?) {
        try read { database in
            try Row.fetchOne(
                database, sql: "SELECT MIN(publishedAt) AS began, MAX(publishedAt) AS newest FROM adapter"
            ).map { ($0["began"], $0["newest"]) } ?? (nil, nil)
        }
    }

    /// The updates that count in a round's attempt, those that were recorded first before the others.
    func arrivals(round: Int, attempt: Int) throws(LedgerError) -> [RunHistory.Arrival] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT worker, acceptedAt, seconds, offered, answered, sent, recorded FROM updates
                        LEFT JOIN arrival USING (round, attempt, worker) LEFT JOIN course USING (round, attempt, worker)
                    WHERE COALESCE(countsIn, round) = ? AND attempt = ? ORDER BY acceptedAt, recorded, worker
                    """, arguments: [round, attempt]
            ).map { row in
                RunHistory.Arrival(
                    worker: try worker(row["worker"]), at: row["acceptedAt"], trainingSeconds: row["seconds"],
                    course: UpdateCourse(row))
            }
        }
    }
}
