import Crypto
import Federation
import Foundation
import ModelFiles
import Testing
import Wire
import Worker

/// A worker and a coordinator's records, told by hand.
@Suite("What a worker remembers of a run's records")
struct RecordTests {
    private let bench = WorkerBench()
    private let key = Curve25519.Signing.PrivateKey()
    private let contents = (0..<2_000).map { ContentHash(of: [UInt8($0 & 255), UInt8($0 >> 8)]) }

    private func publicKey(_ key: Curve25519.Signing.PrivateKey) throws -> PublicKey {
        try #require(PublicKey(bytes: Array(key.publicKey.rawRepresentation)))
    }

    /// The head of record `number`, with the last `links` content hashes up to it.
    private func head(
        _ number: Int, links: Int, signedBy signer: Curve25519.Signing.PrivateKey? = nil, changing: Int? = nil
    ) throws -> RecordHead {
        var contents = contents
        if let changing { contents[changing] = ContentHash(of: [9, 9, 9]) }
        let hash = RecordChain.head(from: RecordChain.origin(of: WorkerBench.run), through: contents[..<number])
        let statement = RecordChain.statement(
            run: WorkerBench.run, number: UInt64(number), round: UInt32(number), head: hash)
        return RecordHead(
            head: hash, signature: Array(try (signer ?? key).signature(for: Data(statement))),
            number: UInt64(number), round: UInt32(number), links: Array(contents[(number - links)..<number]))
    }

    private func welcome(_ head: RecordHead?, key: PublicKey? = nil) throws -> Message {
        var welcome = bench.welcome()
        welcome.recordKey = try key ?? publicKey(self.key)
        welcome.recordHead = head
        return .welcome(welcome)
    }

    /// A new process on the same folder, greeted with a head.
    private func session(_ head: RecordHead?) throws {
        try bench.start()
        bench.connection(.connected)
        bench.receive(try welcome(head))
    }

    @Test func aHeadThatFollowsIsRememberedAndShownAtTheNextHello() throws {
        try session(try head(3, links: 0))
        #expect(bench.failure == nil)
        bench.receive(.recordHead(try head(4, links: 1)))
        // Links from further back do as well: the answer to an earlier head may have been lost.
        bench.receive(.recordHead(try head(6, links: 3)))
        #expect(bench.failure == nil)
        try bench.start()
        bench.connection(.connected)
        guard case .hello(let hello) = try #require(bench.sent().first("Hello")).message else { return }
        #expect(hello.knownRecord == KnownRecord(run: WorkerBench.run, number: 6, head: try head(6, links: 0).head))
        #expect(
            hello.features == [
                Feature.roundRecords, Feature.privateUpdates, Feature.partialChanges, Feature.privateExamples,
                Feature.residualTurns,
            ])
        bench.receive(try welcome(try head(1_030, links: 1_024)))
        #expect(bench.failure == nil)
    }

    @Test func anOlderHeadALostLinkOrAnotherHistoryIsRefusedAtTheStart() throws {
        try session(try head(5, links: 0))
        for (given, words) in [
            (try head(4, links: 0), "set back"), (try head(4, links: 4), "set back"),
            (try head(5, links: 0, changing: 2), "rewritten"), (try head(6, links: 1, changing: 4), "rewritten"),
            (try head(6, links: 6, changing: 5), nil), (try head(8, links: 1), "rewritten"),
        ] as [(RecordHead, String?)] {
            try session(given)
            if let words {
                #expect(bench.failure?.contains(words) == true, "\(given.number)")
            } else {
                #expect(bench.failure == nil)
                // Back to the fifth record for the cases that follow.
                try FileManager.default.removeItem(atPath: bench.folder + "/records/\(WorkerBench.run).json")
                try session(try head(5, links: 0))
            }
        }
        try session(nil)
        #expect(bench.failure?.contains("set back") == true)
    }

    @Test func anotherKeyAWrongSignatureAndNoRecordsAtAllAreRefused() throws {
        let other = Curve25519.Signing.PrivateKey()
        try session(try head(1, links: 0, signedBy: other))
        #expect(bench.failure?.contains("signature") == true)
        try session(try head(1, links: 0))
        #expect(bench.failure == nil)
        try bench.start()
        bench.connection(.connected)
        bench.receive(try welcome(try head(1, links: 0, signedBy: other), key: try publicKey(other)))
        #expect(bench.failure?.contains("another key") == true)
        // A coordinator of a release without records would be a way around them.
        try bench.start()
        bench.connection(.connected)
        bench.receive(.welcome(bench.welcome()))
        #expect(bench.failure?.contains("shows no signed record") == true)
    }

    @Test func inASessionALateHeadIsIgnoredAndAForgedOneEndsTheWorker() throws {
        try session(try head(5, links: 0))
        bench.receive(.recordHead(try head(4, links: 1)))
        bench.receive(.recordHead(try head(9, links: 2)))
        #expect(bench.failure == nil)
        bench.receive(.recordHead(try head(6, links: 1, changing: 3)))
        #expect(bench.failure?.contains("rewritten") == true)
    }

    @Test func anotherRunStartsFromNothingAndTheFirstIsNotForgotten() throws {
        try session(try head(5, links: 0))
        try bench.start()
        bench.connection(.connected)
        bench.receive(.welcome(bench.welcome()), run: RunID(bits: 1))
        #expect(bench.failure == nil)
        try session(try head(4, links: 0))
        #expect(bench.failure?.contains("set back") == true)
    }

    @Test func aDamagedMemoryIsNamed() throws {
        try session(try head(5, links: 0))
        let path = bench.folder + "/records/\(WorkerBench.run).json"
        try Data("{}".utf8).write(to: URL(fileURLWithPath: path))
        try session(try head(5, links: 0))
        #expect(bench.failure?.contains(path) == true)
    }
}
