import Coordinator
import Federation
import Foundation
import ModelFiles
import Simulation
import Testing
import Wire
import Worker

@Suite("Round records")
struct RecordTests {
    private func start(_ names: [String], in conversation: Conversation) throws {
        try conversation.allow(names)
        for (index, name) in names.enumerated() {
            try conversation.startWorker(name, runner: FakeRunner(items: UInt64(index + 1), slope: Double(index) - 0.5))
        }
    }

    private func run(rounds: Int) throws -> Conversation {
        let conversation = try Conversation(rounds: rounds, workersPerRound: 2, minimumConnected: 3)
        try conversation.startCoordinator()
        try start(["a", "b", "c"], in: conversation)
        #expect(conversation.runToEnd())
        return conversation
    }

    private func audit(_ conversation: Conversation) throws -> RecordAudit {
        try RecordAudit(ledger: conversation.keys, state: conversation.root + "/state")
    }

    private func memory(_ name: String, in conversation: Conversation) throws -> [String: Any] {
        let path = conversation.root + "/worker-\(name)/records/\(RunID(bits: 42)).json"
        let text = try Data(contentsOf: URL(fileURLWithPath: path))
        return try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    }

    @Test func everyRoundHasARecordThatFollowsTheOneBeforeAndWorkersSignIt() throws {
        let conversation = try run(rounds: 4)
        let records = try conversation.keys.records()
        #expect(records.map(\.number) == [1, 2, 3, 4] && records.map(\.round) == [1, 2, 3, 4])
        let audit = try audit(conversation)
        #expect(audit.finding == nil && audit.records == 4 && audit.head == records.last?.hash)
        // All three workers saw the last record before they left; each of the others was seen by the two of a round.
        #expect(audit.countersigned == [1: 2, 2: 2, 3: 2, 4: 3])
        for name in ["a", "b", "c"] {
            let known = try memory(name, in: conversation)
            #expect(known["head"] as? String == audit.head?.description && known["number"] as? Int == 4)
        }
    }

    @Test func aRecordShowsNoNameAndNoHashOfAnUpdate() throws {
        let conversation = try Conversation(rounds: 1, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["clinic-of-north", "bank-of-south"], in: conversation)
        #expect(conversation.runToEnd())
        let body = try #require(try conversation.keys.records().first).body
        let updates = try conversation.keys.updates(round: 1, attempt: 1)
        #expect(updates.count == 2 && body.contains("\"weight\":\"1.0\"") && body.contains("\"weight\":\"2.0\""))
        for update in updates {
            #expect(!body.contains(update.object.description) && !body.contains(update.worker.text))
            // Nor a hash of what one could guess without the salt.
            #expect(!body.contains(ContentHash(of: Array(update.object.description.utf8)).description))
            #expect(!body.contains(ContentHash(of: update.object.bytes).description))
        }
    }

    @Test func aKilledCoordinatorGoesOnWithTheSameChain() throws {
        let conversation = try Conversation(rounds: 5, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        for version in [1, 3] {
            #expect(
                conversation.link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == version })
            conversation.killCoordinator()
            _ = conversation.link.run(limitSeconds: 3) { false }
            try conversation.startCoordinator()
        }
        #expect(conversation.runToEnd())
        let audit = try audit(conversation)
        #expect(audit.finding == nil && audit.records == 5)
    }

    /// The ledger and key of an earlier moment, put back.
    private final class Backup {
        let folder: String
        let state: String
        let files = ["ledger.sqlite", "ledger.sqlite-wal", "record.key"]

        init(of conversation: Conversation) throws {
            state = conversation.root + "/state"
            folder = conversation.root + "/backup"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for file in files where FileManager.default.fileExists(atPath: state + "/" + file) {
                try FileManager.default.copyItem(atPath: state + "/" + file, toPath: folder + "/" + file)
            }
        }

        func restore() throws {
            for file in files + ["ledger.sqlite-shm"] {
                try? FileManager.default.removeItem(atPath: state + "/" + file)
                guard FileManager.default.fileExists(atPath: folder + "/" + file) else { continue }
                try FileManager.default.copyItem(atPath: folder + "/" + file, toPath: state + "/" + file)
            }
        }
    }

    private func failure(_ service: WorkerService?) -> String? {
        if case .failed(let reason) = service?.outcome { reason } else { nil }
    }

    @Test func workersRefuseACoordinatorWhoseStateWasSetBack() throws {
        let conversation = try Conversation(rounds: 6, workersPerRound: 2, minimumConnected: 2)
        try conversation.startCoordinator()
        try start(["a", "b"], in: conversation)
        let (link, keys) = (conversation.link, conversation.keys)
        #expect(link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 2 })
        let backup = try Backup(of: conversation)
        #expect(link.run(limitSeconds: 100) { conversation.service?.currentAdapter.version == 4 })
        conversation.killCoordinator()
        _ = link.run(limitSeconds: 3) { false }
        try withExtendedLifetime(keys) { try backup.restore() }
        try conversation.startCoordinator()
        #expect(
            link.run(limitSeconds: 100) {
                conversation.workers.values.allSatisfy { $0.service?.isFinished == true }
            })
        for member in conversation.workers.values {
            let reason = try #require(failure(member.service))
            #expect(reason.contains("its state was set back") && reason.contains("remove \(conversation.root)"))
        }
        #expect(conversation.service?.currentAdapter.version == 2)
    }

    /// Changes the ledger behind the coordinator's back, as its owner could.
    private func tamper(_ conversation: Conversation, _ sql: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()",
            conversation.root + "/state/ledger.sqlite", sql,
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    @Test(
        "a change of anything recorded is found, and the record is named",
        arguments: [
            ("UPDATE record SET body = replace(body, '\"round\":2', '\"round\":3') WHERE number = 2", 2, "text"),
            ("UPDATE record SET content = hash WHERE number = 3", 3, "text"),
            ("UPDATE record SET hash = content WHERE number = 1", 1, "its hash"),
            ("UPDATE record SET round = 9 WHERE number = 2", 2, "another run, place, round"),
            (
                "UPDATE record SET signature = (SELECT signature FROM record WHERE number = 1) WHERE number = 2", 2,
                "the coordinator's signature"
            ),
            ("DELETE FROM countersignature; DELETE FROM record WHERE number = 2", 2, "missing"),
            ("DELETE FROM countersignature WHERE record = 4; DELETE FROM record WHERE number = 4", nil, "round 4"),
            ("DELETE FROM record WHERE number = 4", 4, "has signed it"),
            ("UPDATE updates SET object = replace(object, 'a', 'b') WHERE round = 3", 3, "the ledger's updates"),
            (
                "UPDATE adapter SET object = (SELECT object FROM adapter WHERE version = 1) WHERE version = 2", 2,
                "adapter"
            ),
            (
                "UPDATE countersignature SET worker = 'z' WHERE record = 1 AND worker = (SELECT min(worker) FROM "
                    + "countersignature WHERE record = 1)", 1, "the signature of worker z"
            ),
            ("UPDATE chain SET publicKey = (SELECT signingKey FROM worker LIMIT 1)", 1, "the coordinator's signature"),
        ] as [(String, UInt64?, String)])
    func tampering(_ sql: String, _ record: UInt64?, _ words: String) throws {
        let conversation = try run(rounds: 4)
        conversation.killCoordinator()
        try tamper(conversation, sql)
        let finding = try #require(try audit(conversation).finding)
        #expect(finding.record == record && finding.problem.contains(words), "\(finding)")
    }

    @Test func aCopyOfAnAdapterThatWasExchangedIsFound() throws {
        let conversation = try run(rounds: 3)
        let adapters = conversation.root + "/state/adapters/"
        try FileManager.default.removeItem(atPath: adapters + "0002")
        #expect(try audit(conversation).finding == nil)
        try FileManager.default.copyItem(atPath: adapters + "0001", toPath: adapters + "0002")
        let finding = try #require(try audit(conversation).finding)
        #expect(finding.record == 2 && finding.problem.contains("adapters/0002"))
    }

    /// The owner rewrites everything, with the right key and salt: only what others remember shows it.
    @Test func workersRefuseAnotherHistoryOfTheSameRunSignedByTheSameKey() throws {
        let conversation = try run(rounds: 2)
        let other = try Conversation(rounds: 3, workersPerRound: 2, minimumConnected: 2)
        try FileManager.default.copyItem(
            atPath: conversation.root + "/state/record.key", toPath: other.root + "/state/record.key")
        try other.startCoordinator()
        try start(["d", "e"], in: other)
        #expect(other.runToEnd())
        // Both runs are number 42; worker a goes from the first to the second, which is one record ahead.
        try FileManager.default.createDirectory(
            atPath: other.root + "/worker-a/records", withIntermediateDirectories: true)
        for file in ["worker.json", "signing.key", "records/\(RunID(bits: 42)).json"] {
            try FileManager.default.copyItem(
                atPath: conversation.root + "/worker-a/" + file, toPath: other.root + "/worker-a/" + file)
        }
        other.killCoordinator()
        other.settings.rounds = 4
        try other.startCoordinator()
        try other.allow(["a"])
        let worker = try other.startWorker("a", runner: FakeRunner(items: 1, slope: 1))
        #expect(other.link.run(limitSeconds: 100) { worker.isFinished })
        #expect(failure(worker)?.contains("its history was rewritten") == true)
    }

    @Test func aLostKeyIsNotReplacedByANewOne() throws {
        let conversation = try run(rounds: 1)
        conversation.killCoordinator()
        let key = conversation.root + "/state/record.key"
        let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
        try FileManager.default.moveItem(atPath: key, toPath: key + ".away")
        #expect(throws: RecordError.keyMissing(path: key)) { try conversation.startCoordinator() }
        try AtomicFile.write([UInt8](repeating: 7, count: 32), to: key, permissions: 0o600)
        #expect(throws: RecordError.otherKey(path: key)) { try conversation.startCoordinator() }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
        #expect(throws: RecordError.keyReadableByOthers(path: key)) { try conversation.startCoordinator() }
    }
}
