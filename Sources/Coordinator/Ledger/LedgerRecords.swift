import Federation
import GRDB
import ModelFiles
import Wire

/// Round records, and the secrets and signatures that go with them.
extension Ledger {
    static let recordTables = """
        CREATE TABLE chain (
            only INTEGER PRIMARY KEY CHECK (only = 1), publicKey TEXT NOT NULL, salt TEXT NOT NULL
        ) STRICT;
        CREATE TABLE record (
            number INTEGER PRIMARY KEY, round INTEGER NOT NULL, attempt INTEGER NOT NULL,
            hash TEXT NOT NULL, content TEXT NOT NULL, body TEXT NOT NULL, signature TEXT NOT NULL
        ) STRICT;
        CREATE TABLE countersignature (
            record INTEGER NOT NULL REFERENCES record (number), worker TEXT NOT NULL, signingKey TEXT NOT NULL,
            signature TEXT NOT NULL,
            PRIMARY KEY (record, worker)
        ) STRICT, WITHOUT ROWID;
        """

    /// The chain's public key and secret salt; `nil` before the run has one.
    func chain() throws(LedgerError) -> (publicKey: PublicKey, salt: RecordSalt)? {
        try read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT publicKey, salt FROM chain") else { return nil }
            guard let key = PublicKey(hexadecimal: row["publicKey"]), let salt = ContentHash(row["salt"] as String)
            else { throw LedgerError.damaged(what: "a record key") }
            return (key, RecordSalt(secret: salt.bytes))
        }
    }

    func beginChain(_ key: PublicKey, _ salt: RecordSalt) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO chain (only, publicKey, salt) VALUES (1, ?, ?)",
                arguments: [key.hexadecimal, ContentHash(bytes: salt.secret)?.description])
        }
    }

    /// In their order.
    ///
    /// - Parameter number: Only those after this one.
    public func records(after number: UInt64 = 0) throws(LedgerError) -> [SignedRecord] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM record WHERE number > ? ORDER BY number",
                arguments: [Int64(clamping: number)]
            ).map(record)
        }
    }

    func lastRecord() throws(LedgerError) -> SignedRecord? {
        try read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM record ORDER BY number DESC LIMIT 1").map(record)
        }
    }

    func record(number: UInt64) throws(LedgerError) -> SignedRecord? {
        try read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM record WHERE number = ?", arguments: [Int64(clamping: number)]
            ).map(record)
        }
    }

    /// Content hashes of all records, in their order.
    func recordContents() throws(LedgerError) -> [ContentHash] {
        try read { database in
            try String.fetchAll(database, sql: "SELECT content FROM record ORDER BY number").map { text in
                guard let hash = ContentHash(text) else { throw LedgerError.damaged(what: "a record") }
                return hash
            }
        }
    }

    func insert(_ database: Database, _ record: SignedRecord) throws {
        try database.execute(
            sql: """
                INSERT INTO record (number, round, attempt, hash, content, body, signature) VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Int64(clamping: record.number), record.round, record.attempt, record.hash.description,
                record.content.description, record.body, Hexadecimal.write(record.signature),
            ])
    }

    /// Signatures that have been checked; of a worker's two for one record the first stays.
    func add(_ signatures: [Countersignature]) throws(LedgerError) {
        try write { database in
            for signature in signatures {
                try database.execute(
                    sql: "INSERT INTO countersignature VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    arguments: [
                        Int64(clamping: signature.record), signature.worker.text,
                        ContentHash(bytes: signature.signingKey)?.description, Hexadecimal.write(signature.signature),
                    ])
            }
        }
    }

    /// In the order of records, then of workers.
    public func countersignatures() throws(LedgerError) -> [Countersignature] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM countersignature ORDER BY record, worker").map { row in
                guard let key = ContentHash(row["signingKey"] as String),
                    let signature = Hexadecimal.read(row["signature"], count: 64)
                else { throw LedgerError.damaged(what: "a countersignature") }
                return Countersignature(
                    record: UInt64(clamping: row["record"] as Int64), worker: try worker(row["worker"]),
                    signingKey: key.bytes, signature: signature)
            }
        }
    }

    /// The key that a worker registered to sign with; `nil` if it was admitted without one.
    func signingKey(of name: WorkerName) throws(LedgerError) -> PublicKey? {
        try read { database in
            try String.fetchOne(
                database, sql: "SELECT signingKey FROM worker WHERE name = ? AND revokedAt IS NULL",
                arguments: [name.text]
            ).flatMap { PublicKey(hexadecimal: $0) }
        }
    }

    private func record(_ row: Row) throws -> SignedRecord {
        guard let hash = ContentHash(row["hash"] as String), let content = ContentHash(row["content"] as String),
            let signature = Hexadecimal.read(row["signature"], count: 64)
        else { throw LedgerError.damaged(what: "a record") }
        return SignedRecord(
            number: UInt64(clamping: row["number"] as Int64), round: row["round"], attempt: row["attempt"],
            body: row["body"], content: content, hash: hash, signature: signature)
    }
}
