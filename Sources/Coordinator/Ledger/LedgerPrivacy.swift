public import Federation
import GRDB
public import ModelFiles

/// What a run promised when it began; nothing changes it afterwards.
public struct PrivacyTerms: Hashable, Sendable {
    public var mechanism: PrivacyOptions.Mechanism
    public var epsilon: Double
    public var delta: Double
    public var noiseMultiplier: Double
    public var samplingRate: Double
    /// N
    public var workers: Int
    /// qN
    public var expectedWorkers: Int
    /// Of the first round.
    public var clip: Double
    public var isClipAdaptive: Bool
    /// Whether coins and noise came from the run's seed: a simulation, which protects nobody.
    public var isSeeded: Bool
    /// Where noise is correlated over rounds: how long a worker rests, and how far the correlation reaches. Unit: rounds.
    public var separation: Int
    public var bands: Int
    /// Where workers share noise: the integers it is added to, and how many honest shares make it whole.
    public var lattice: NoiseLattice?
    public var minimumHonest = 0

    var budget: PrivacyBudget { PrivacyBudget(epsilon: epsilon, delta: delta, lattice: lattice) }
}

/// One entry of the privacy ledger: what may have been released, whether or not it was.
public struct PrivacyEntry: Hashable, Sendable {
    public var round: Int
    public var attempt: Int
    /// `nil`: every worker of the run pays.
    public var worker: WorkerName?
    public var step: SampledGaussian
    public var clip: Double
    /// Of the updates that the noise was drawn for; `nil` where the worker adds it.
    public var content: ContentHash?
    /// Unit: seconds since 1970.
    public var at: Int64
    public var isReleased: Bool
}

extension Ledger {
    /// Entries are only ever added: the triggers stop every statement that would take one back.
    static let privacyTables = """
        CREATE TABLE privacyTerms (
            only INTEGER PRIMARY KEY CHECK (only = 1), mechanism TEXT NOT NULL, epsilon REAL NOT NULL,
            delta REAL NOT NULL, noiseMultiplier REAL NOT NULL, samplingRate REAL NOT NULL, workers INTEGER NOT NULL,
            expectedWorkers INTEGER NOT NULL, clip REAL NOT NULL, isClipAdaptive INTEGER NOT NULL,
            isSeeded INTEGER NOT NULL, separation INTEGER NOT NULL, bands INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE privacyEntry (
            number INTEGER PRIMARY KEY AUTOINCREMENT, round INTEGER NOT NULL, attempt INTEGER NOT NULL,
            worker TEXT NOT NULL, samplingRate REAL NOT NULL, noiseMultiplier REAL NOT NULL, clip REAL NOT NULL,
            content TEXT, noiseKey TEXT, at INTEGER NOT NULL, releasedAt INTEGER,
            UNIQUE (round, attempt, worker, content)
        ) STRICT;
        CREATE TRIGGER privacyEntryStays BEFORE DELETE ON privacyEntry
            BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END;
        CREATE TRIGGER privacyEntryHolds BEFORE UPDATE OF round, attempt, worker, samplingRate, noiseMultiplier, content
            ON privacyEntry BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END;
        CREATE TRIGGER privacyTermsStay BEFORE DELETE ON privacyTerms
            BEGIN SELECT RAISE(ABORT, 'a promise stays'); END;
        CREATE TRIGGER privacyTermsHold BEFORE UPDATE ON privacyTerms
            BEGIN SELECT RAISE(ABORT, 'a promise stays'); END;
        CREATE TABLE correlatedNoise (
            number INTEGER PRIMARY KEY AUTOINCREMENT, round INTEGER NOT NULL, attempt INTEGER NOT NULL,
            content TEXT NOT NULL, noiseKey TEXT NOT NULL, UNIQUE (round, attempt, content)
        ) STRICT;
        CREATE TABLE privacyClip (round INTEGER PRIMARY KEY, clip REAL NOT NULL) STRICT;
        CREATE TABLE clippedUpdate (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL,
            PRIMARY KEY (round, attempt, worker)
        ) STRICT, WITHOUT ROWID;
        """

    static let sharedNoiseColumns = """
        ALTER TABLE privacyTerms ADD COLUMN latticeNorm REAL;
        ALTER TABLE privacyTerms ADD COLUMN latticeDimension INTEGER;
        ALTER TABLE privacyTerms ADD COLUMN minimumHonest INTEGER NOT NULL DEFAULT 0;
        """

    /// `nil` for a run without differential privacy.
    public func privacyTerms() throws(LedgerError) -> PrivacyTerms? {
        try read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM privacyTerms") else { return nil }
            guard let mechanism = PrivacyOptions.Mechanism(rawValue: row["mechanism"]) else {
                throw LedgerError.damaged(what: "a privacy mechanism")
            }
            return PrivacyTerms(
                mechanism: mechanism, epsilon: row["epsilon"], delta: row["delta"],
                noiseMultiplier: row["noiseMultiplier"], samplingRate: row["samplingRate"], workers: row["workers"],
                expectedWorkers: row["expectedWorkers"], clip: row["clip"], isClipAdaptive: row["isClipAdaptive"],
                isSeeded: row["isSeeded"], separation: row["separation"], bands: row["bands"],
                lattice: try lattice(row),
                minimumHonest: row["minimumHonest"])
        }
    }

    func begin(_ terms: PrivacyTerms) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO privacyTerms VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    terms.mechanism.rawValue, terms.epsilon, terms.delta, terms.noiseMultiplier, terms.samplingRate,
                    terms.workers, terms.expectedWorkers, terms.clip, terms.isClipAdaptive, terms.isSeeded,
                    terms.separation, terms.bands, terms.lattice?.norm, terms.lattice?.dimension, terms.minimumHonest,
                ])
        }
    }

    private func lattice(_ row: Row) throws -> NoiseLattice? {
        guard let norm = row["latticeNorm"] as Double?, let dimension = row["latticeDimension"] as Int? else {
            return nil
        }
        guard norm > 0, norm.isFinite, dimension >= 1 else { throw LedgerError.damaged(what: "a privacy promise") }
        return NoiseLattice(norm: norm, dimension: dimension)
    }

    /// All entries in the order they were made.
    public func privacyEntries() throws(LedgerError) -> [PrivacyEntry] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM privacyEntry ORDER BY number").map { row in
                let text: String = row["worker"]
                return PrivacyEntry(
                    round: row["round"], attempt: row["attempt"], worker: text.isEmpty ? nil : try worker(text),
                    step: try step(row), clip: row["clip"],
                    content: (row["content"] as String?).flatMap { ContentHash($0) }, at: row["at"],
                    isReleased: (row["releasedAt"] as Int64?) != nil)
            }
        }
    }

    /// What every worker of the run has paid.
    public func privacySpent() throws(LedgerError) -> [SampledGaussian: Int] {
        try privacySpentByWorker()[nil] ?? [:]
    }

    /// What each worker has paid beyond ``privacySpent()``, which stands under `nil`.
    public func privacySpentByWorker() throws(LedgerError) -> [WorkerName?: [SampledGaussian: Int]] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT worker, samplingRate, noiseMultiplier, COUNT(*) AS steps FROM privacyEntry
                    GROUP BY worker, samplingRate, noiseMultiplier
                    """)
            return try rows.reduce(into: [:]) { spent, row in
                let text: String = row["worker"]
                spent[text.isEmpty ? nil : try worker(text), default: [:]][try step(row)] = row["steps"]
            }
        }
    }

    /// The secret key of the noise that a round's attempt drew for exactly these updates and has not released yet.
    func noiseKey(round: Int, attempt: Int, content: ContentHash) throws(LedgerError) -> [UInt8]? {
        try read { database in
            try String.fetchOne(
                database,
                sql: """
                    SELECT noiseKey FROM privacyEntry
                    WHERE round = ? AND attempt = ? AND worker = '' AND content = ?
                    """,
                arguments: [round, attempt, content.description]
            ).flatMap { Hexadecimal.read($0, count: SecretStream.keyBytes) }
        }
    }

    /// Spends a step of every worker's budget. After this, and not before, what it pays for may be released.
    func spend(
        _ step: SampledGaussian, round: Int, attempt: Int, clip: Double, content: ContentHash, noiseKey: [UInt8]
    ) throws(LedgerError) {
        try write { database in
            try spend(
                step, round: round, attempt: attempt, clip: clip, content: content, noiseKey: noiseKey, in: database)
        }
    }

    func spend(
        _ step: SampledGaussian, round: Int, attempt: Int, clip: Double, content: ContentHash, noiseKey: [UInt8],
        in database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO privacyEntry
                    (round, attempt, worker, samplingRate, noiseMultiplier, clip, content, noiseKey, at)
                VALUES (?, ?, '', ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                round, attempt, step.samplingRate, step.noiseMultiplier, clip, content.description,
                Hexadecimal.write(noiseKey), wallClock(),
            ])
    }

    /// Spends a step of these workers' own budgets, once a round's attempt. Before any of them gets an offer.
    ///
    /// However often the attempt asks a worker: it keeps its noisy update until the attempt is over, and sends that again.
    func spend(
        _ step: SampledGaussian, of workers: [WorkerName], round: Int, attempt: Int, clip: Double
    ) throws(LedgerError) {
        try write { database in
            for worker in workers {
                try database.execute(
                    sql: """
                        INSERT INTO privacyEntry
                            (round, attempt, worker, samplingRate, noiseMultiplier, clip, content, at, releasedAt)
                        VALUES (?, ?, ?, ?, ?, ?, '', ?, ?) ON CONFLICT DO NOTHING
                        """,
                    arguments: [
                        round, attempt, worker.text, step.samplingRate, step.noiseMultiplier, clip, wallClock(),
                        wallClock(),
                    ])
            }
        }
    }

    /// Part of a round's publication: its noise is out, and nobody needs the key again.
    func release(_ database: Database, round: Int, nextClip: Double) throws {
        try database.execute(
            sql: "UPDATE privacyEntry SET noiseKey = NULL, releasedAt = ? WHERE round = ? AND worker = ''",
            arguments: [wallClock(), round])
        try database.execute(sql: "INSERT INTO privacyClip VALUES (?, ?)", arguments: [round, nextClip])
    }

    /// The clip that the round after this one applies; `nil` before the first.
    public func clip(after round: Int) throws(LedgerError) -> Double? {
        try read { database in
            try Double.fetchOne(database, sql: "SELECT clip FROM privacyClip WHERE round = ?", arguments: [round])
        }
    }

    private func step(_ row: Row) throws -> SampledGaussian {
        guard
            let step = try? SampledGaussian(samplingRate: row["samplingRate"], noiseMultiplier: row["noiseMultiplier"])
        else { throw LedgerError.damaged(what: "a privacy entry") }
        return step
    }
}

// MARK: - What the clip cut
extension Ledger {
    /// Notes that a worker had to shorten its update.
    func noteClipped(_ database: Database, _ worker: WorkerName, round: Int, attempt: Int) throws {
        try database.execute(
            sql: "INSERT INTO clippedUpdate VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            arguments: [round, attempt, worker.text])
    }

    func clippedWorkers(round: Int, attempt: Int) throws(LedgerError) -> Set<WorkerName> {
        try read { database in
            Set(
                try String.fetchAll(
                    database, sql: "SELECT worker FROM clippedUpdate WHERE round = ? AND attempt = ?",
                    arguments: [round, attempt]
                ).map(worker))
        }
    }
}
