import Federation
import GRDB
import ModelFiles

/// Noise that is correlated over rounds: the secret keys of the open round's, and the noise itself of as many published
/// rounds as the next one depends on. What lies further back is gone for good.
extension Ledger {
    /// Objects are float32 values in a row, `[parameterCount]`, lowest byte first.
    static let publishedNoiseTables = """
        CREATE TABLE publishedNoise (round INTEGER PRIMARY KEY, object TEXT NOT NULL) STRICT;
        """

    /// The blobs of published rounds' noise, by round.
    func publishedNoise() throws(LedgerError) -> [Int: ContentHash] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM publishedNoise").reduce(into: [:]) { noise, row in
                guard let object = ContentHash(row["object"] as String) else {
                    throw LedgerError.damaged(what: "published noise")
                }
                noise[row["round"]] = object
            }
        }
    }

    /// Part of a round's publication: its noise stands in place of the keys that it was drawn from.
    ///
    /// - Parameter noise: Of the last rounds, by round; what was kept before and is not among them is forgotten.
    func keepPublishedNoise(_ database: Database, _ noise: [Int: ContentHash], through round: Int) throws {
        try database.execute(sql: "DELETE FROM publishedNoise")
        for (round, object) in noise.sorted(by: { $0.key < $1.key }) {
            try database.execute(
                sql: "INSERT INTO publishedNoise VALUES (?, ?)", arguments: [round, object.description])
        }
        try database.execute(sql: "DELETE FROM correlatedNoise WHERE round <= ?", arguments: [round])
    }

    /// The key that a round's attempt drew for exactly these updates.
    func correlatedNoiseKey(round: Int, attempt: Int, content: ContentHash) throws(LedgerError) -> [UInt8]? {
        try read { database in
            try String.fetchOne(
                database,
                sql: "SELECT noiseKey FROM correlatedNoise WHERE round = ? AND attempt = ? AND content = ?",
                arguments: [round, attempt, content.description]
            ).map(Self.key)
        }
    }

    /// Whether the round has drawn noise, for whatever updates.
    func hasCorrelatedNoise(round: Int) throws(LedgerError) -> Bool {
        try read { database in
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT * FROM correlatedNoise WHERE round = ?)", arguments: [round])
                ?? false
        }
    }

    /// Keeps the key of a round's noise and spends what it costs, in one transaction.
    ///
    /// - Parameter step: `nil` where a participation in this round was paid for with an earlier one.
    func keepCorrelatedNoise(
        _ key: [UInt8], round: Int, attempt: Int, content: ContentHash, spending step: SampledGaussian?, clip: Double
    ) throws(LedgerError) {
        try write { database in
            try database.execute(
                sql: "INSERT INTO correlatedNoise (round, attempt, content, noiseKey) VALUES (?, ?, ?, ?)",
                arguments: [round, attempt, content.description, Hexadecimal.write(key)])
            guard let step else { return }
            try spend(step, round: round, attempt: attempt, clip: clip, content: content, noiseKey: key, in: database)
        }
    }

    /// Workers whose updates rounds `rounds` counted.
    func contributors(in rounds: Range<Int>) throws(LedgerError) -> Set<WorkerName> {
        try read { database in
            Set(
                try String.fetchAll(
                    database,
                    sql: """
                        SELECT DISTINCT worker FROM updates JOIN round ON round.number = updates.round
                            AND round.attempt = updates.attempt
                        WHERE updates.round >= ? AND updates.round < ? AND round.state = 'published'
                        """,
                    arguments: [rounds.lowerBound, rounds.upperBound]
                ).map(worker))
        }
    }

    private static func key(_ text: String) throws -> [UInt8] {
        guard let key = Hexadecimal.read(text, count: SecretStream.keyBytes) else {
            throw LedgerError.damaged(what: "a key of noise")
        }
        return key
    }
}
