import Coordinator
import Federation
import Foundation
import GRDB
import ModelFiles
import Testing

@Suite("The privacy ledger")
struct PrivacyLedgerTests {
    @Test(
        "nothing in it can be taken back",
        arguments: [
            "DELETE FROM privacyEntry", "UPDATE privacyEntry SET noiseMultiplier = 9",
            "UPDATE privacyEntry SET round = 0",
            "DELETE FROM privacyTerms", "UPDATE privacyTerms SET epsilon = 1000",
        ])
    func permanent(_ statement: String) throws {
        let folder = NSTemporaryDirectory() + "shoal-privacy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try Ledger(path: folder + "/ledger.sqlite", wallClock: { 1_000 })
        let database = try DatabaseQueue(path: folder + "/ledger.sqlite")
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO privacyTerms
                    VALUES (1, 'central', 8, 1e-5, 1, 0.1, 100, 10, 1, 0, 0, 1, 1, NULL, NULL, 0)
                    """)
            try database.execute(
                sql: """
                    INSERT INTO privacyEntry (round, attempt, worker, samplingRate, noiseMultiplier, clip, content, at)
                    VALUES (1, 1, '', 0.1, 1, 1, 'x', 0)
                    """)
        }
        let error = #expect(throws: DatabaseError.self) { try database.write { try $0.execute(sql: statement) } }
        #expect(error?.message?.contains("stay") == true)
        let ledger = try Ledger(path: folder + "/ledger.sqlite", wallClock: { 1_000 })
        let step = try SampledGaussian(samplingRate: 0.1, noiseMultiplier: 1)
        #expect(try ledger.privacySpent() == [step: 1])
        #expect(try ledger.privacyTerms()?.epsilon == 8)
    }
}
