import GRDB

extension Ledger {
    /// Hashes and keys stand as lowercase hexadecimal text, so that `sqlite3` shows what people compare.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(sql: versionOne)
        }
        migrator.registerMigration("2") { database in
            try database.execute(sql: "ALTER TABLE evaluation ADD COLUMN accuracy REAL")
        }
        migrator.registerMigration("ranks and residuals") { database in
            try database.execute(sql: mixingTables)
        }
        migrator.registerMigration("schedule") { database in
            try database.execute(sql: scheduleTables)
        }
        migrator.registerMigration("control") { try $0.execute(sql: controlTables) }
        migrator.registerMigration("records") { try $0.execute(sql: recordTables) }
        migrator.registerMigration("rollbacks") { try $0.execute(sql: rollbackTables) }
        migrator.registerMigration("distances") { try $0.execute(sql: distanceTables) }
        migrator.registerMigration("privacy") { try $0.execute(sql: privacyTables) }
        migrator.registerMigration("masks") { try $0.execute(sql: maskTables) }
        migrator.registerMigration("history") { try $0.execute(sql: historyTables) }
        migrator.registerMigration("costs") { try $0.execute(sql: costColumns) }
        migrator.registerMigration("shared noise") { try $0.execute(sql: sharedNoiseColumns) }
        migrator.registerMigration("worker evaluations") { try $0.execute(sql: workerEvaluationTables) }
        migrator.registerMigration("audits") { try $0.execute(sql: auditTables) }
        migrator.registerMigration("published noise") { try $0.execute(sql: publishedNoiseTables) }
        migrator.registerMigration("courses") { try $0.execute(sql: courseTables) }
        migrator.registerMigration("figures not told") { try $0.execute(sql: untoldFigures) }
        return migrator
    }

    /// Tokens and a training loss that were not told were 0 before.
    private static let untoldFigures = """
        CREATE TABLE updatesAnew (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL,
            object TEXT NOT NULL, items INTEGER NOT NULL, steps INTEGER NOT NULL, tokens INTEGER,
            trainLoss REAL, acceptedAt INTEGER NOT NULL, seconds REAL, joules REAL, isMeasured INTEGER,
            PRIMARY KEY (round, attempt, worker),
            FOREIGN KEY (round, attempt, worker) REFERENCES selection (round, attempt, worker)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO updatesAnew (
            round, attempt, worker, object, items, steps, tokens, trainLoss, acceptedAt, seconds, joules, isMeasured)
            SELECT round, attempt, worker, object, items, steps, NULLIF(tokens, 0), NULLIF(trainLoss, 0), acceptedAt, seconds,
                joules, isMeasured
            FROM updates;
        DROP TABLE updates;
        ALTER TABLE updatesAnew RENAME TO updates;
        """

    private static let versionOne = """
        CREATE TABLE run (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            id TEXT NOT NULL, seed TEXT NOT NULL, configuration TEXT NOT NULL, baseModel TEXT NOT NULL,
            isFinished INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE round (
            number INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'published')),
            openedAt INTEGER NOT NULL, seconds REAL,
            PRIMARY KEY (number, attempt)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE selection (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL,
            PRIMARY KEY (round, attempt, worker),
            FOREIGN KEY (round, attempt) REFERENCES round (number, attempt)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE updates (
            round INTEGER NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL,
            object TEXT NOT NULL, items INTEGER NOT NULL, steps INTEGER NOT NULL, tokens INTEGER NOT NULL,
            trainLoss REAL NOT NULL, acceptedAt INTEGER NOT NULL,
            PRIMARY KEY (round, attempt, worker),
            FOREIGN KEY (round, attempt, worker) REFERENCES selection (round, attempt, worker)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE adapter (
            version INTEGER PRIMARY KEY, object TEXT NOT NULL, publishedAt INTEGER NOT NULL, optimizerState TEXT
        ) STRICT;
        CREATE TABLE evaluation (
            version INTEGER PRIMARY KEY REFERENCES adapter (version),
            loss REAL NOT NULL, standardError REAL, items INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE heldOutWorker (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
        CREATE TABLE worker (
            name TEXT PRIMARY KEY, curveKey TEXT NOT NULL UNIQUE, signingKey TEXT, enrolledAt INTEGER NOT NULL,
            revokedAt INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE invitation (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, curveKey TEXT NOT NULL UNIQUE, expiresAt INTEGER NOT NULL,
            usedAt INTEGER, revokedAt INTEGER
        ) STRICT, WITHOUT ROWID;
        """
}
