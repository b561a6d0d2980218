import Coordinator
import Federation
import Foundation
import ModelFiles
import Synchronization
import Testing
import Wire

@Suite("Ledger")
struct LedgerTests {
    final class Clock: Sendable {
        private let seconds = Atomic<Int64>(1_000)
        var now: Int64 { seconds.load(ordering: .relaxed) }
        func advance(_ by: Int64) { seconds.add(by, ordering: .relaxed) }
    }

    private let folder = NSTemporaryDirectory() + "shoal-ledger-\(UUID().uuidString)"
    private let clock = Clock()
    private let ledger: Ledger
    private let clinic = WorkerName("clinic").unsafelyUnwrapped

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        ledger = try Ledger(path: folder + "/ledger.sqlite", wallClock: { [clock] in clock.now })
    }

    private func key(_ byte: UInt8) -> PublicKey {
        PublicKey(bytes: [UInt8](repeating: byte, count: 32)).unsafelyUnwrapped
    }

    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test func onlyItsOwnerReadsIt() throws {
        try ledger.allow(name: clinic, key: key(1))
        for file in ["", "-wal", "-shm"] { #expect(try mode(folder + "/ledger.sqlite" + file) == 0o600) }
        // One that an earlier release left open to all.
        let path = folder + "/other.sqlite"
        try AtomicFile.write([], to: path, permissions: 0o644)
        _ = try Ledger(path: path, wallClock: { 0 })
        #expect(try mode(path) == 0o600)
    }

    @Test func aDamagedDatabaseIsNamedAsSuch() throws {
        try ledger.requireSound()
        let path = folder + "/damaged.sqlite"
        do {
            let whole = try Ledger(path: path, wallClock: { 0 })
            for index in 0..<200 {
                try whole.allow(
                    name: WorkerName("w\(index)").unsafelyUnwrapped,
                    key: PublicKey(
                        bytes: Array(ContentHash(of: [UInt8(index)]).bytes)
                    ).unsafelyUnwrapped)
            }
        }
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        // Everything behind the schema's page.
        for index in 4_096..<bytes.count { bytes[index] = 0xA5 }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
            try Ledger(path: path, wallClock: { 0 }).requireSound()
            Issue.record("the damage was not found")
        } catch LedgerError.corrupt(let named, _) {
            #expect(named == path)
        }
    }

    @Test func aFolderWithoutALedgerIsNoStateAndStaysEmpty() throws {
        let empty = folder + "/empty"
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
        #expect(throws: StateDirectoryError.notAState(path: empty)) {
            try Ledger.existing(in: empty, wallClock: { 0 })
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: empty).isEmpty)
    }

    @Test func everyTransactionWaitsForTheDisk() throws {
        #expect(try ledger.synchronousSetting() == 2)
    }

    @Test func aRoundIsReadBackAsItWasWritten() throws {
        let first = ContentHash(of: [0])
        try ledger.begin(
            RunRecord(id: RunID(bits: .max), seed: .max, configuration: "text", baseModel: ContentHash(of: [9])),
            firstAdapter: first)
        try ledger.select([clinic], round: 1, attempt: 1)
        let update = UpdateRecord(
            worker: clinic, object: ContentHash(of: [1]), items: 3, steps: 2, tokens: 99, trainLoss: 1.5)
        try ledger.record([update], round: 1, attempt: 1, counters: RunCounters(uplinkBytes: .max, downlinkBytes: 7))
        let other = try Ledger(path: folder + "/ledger.sqlite", wallClock: { 0 })
        #expect(try other.run()?.seed == .max)
        #expect(try other.run()?.id == RunID(bits: .max))
        let open = try #require(try other.openRound())
        #expect(open.number == 1 && open.attempt == 1 && open.selected == [clinic] && open.updates == [update])
        #expect(try other.counters() == RunCounters(uplinkBytes: .max, downlinkBytes: 7))
        #expect(try other.currentAdapter()?.object == first)
        let record = SignedRecord(
            number: 1, round: 1, attempt: 1, body: "{}", content: ContentHash(of: [4]), hash: ContentHash(of: [5]),
            signature: [UInt8](0..<64))
        try ledger.publish(
            round: 1, attempt: 1, object: ContentHash(of: [2]), optimizerState: ContentHash(of: [3]), seconds: 2,
            counters: RunCounters(), denseUplinkBytes: 40, record: record)
        #expect(try other.openRound() == nil)
        #expect(try other.currentAdapter()?.version == 1)
        #expect(try other.currentAdapter()?.optimizerState == ContentHash(of: [3]))
        #expect(try other.totals() == ledger.totals())
        #expect(try other.records() == [record])
    }

    @Test("several programs that open a new ledger at the same moment wait for one another")
    func openedAtOnce() async throws {
        for round in 0..<20 {
            let path = folder + "/new-\(round).sqlite"
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 { group.addTask { _ = try Ledger(path: path, wallClock: { 0 }).list() } }
                try await group.waitForAll()
            }
        }
    }

    @Test func aSecondUpdateOfAWorkerIsRefusedByTheTableItself() throws {
        try ledger.select([clinic], round: 1, attempt: 1)
        let update = UpdateRecord(
            worker: clinic, object: ContentHash(of: [1]), items: 3, steps: 2, tokens: 99, trainLoss: 1.5)
        try ledger.record([update], round: 1, attempt: 1, counters: RunCounters())
        let second = UpdateRecord(
            worker: clinic, object: ContentHash(of: [2]), items: 3, steps: 2, tokens: 99, trainLoss: 1.5)
        #expect(throws: LedgerError.self) {
            try ledger.record([second], round: 1, attempt: 1, counters: RunCounters())
        }
        #expect(try ledger.updates(round: 1, attempt: 1).map(\.object) == [ContentHash(of: [1])])
    }

    @Test func anInvitationAdmitsOnceAndExpires() throws {
        let id = try ledger.invite(name: clinic, key: key(1), expiresAt: 2_000)
        #expect(try ledger.role(of: key(1)) == .invitation(id: id))
        #expect(try ledger.role(of: key(2)) == nil)
        clock.advance(1_000)
        #expect(try ledger.role(of: key(1)) == nil)
        #expect(throws: LedgerError.invitationExpired(id: id)) {
            try ledger.enrol(invitation: id, keys: Enrol(curveKey: key(2), signingKey: key(3)))
        }
    }

    @Test func enrollingBurnsTheInvitationButAnswersTheSameKeysAgain() throws {
        let id = try ledger.invite(name: clinic, key: key(1), expiresAt: 2_000)
        let keys = Enrol(curveKey: key(2), signingKey: key(3))
        #expect(try ledger.enrol(invitation: id, keys: keys) == clinic)
        #expect(try ledger.role(of: key(2)) == .worker(clinic))
        #expect(try ledger.enrol(invitation: id, keys: keys) == clinic)
        #expect(throws: LedgerError.invitationUsed(id: id)) {
            try ledger.enrol(invitation: id, keys: Enrol(curveKey: key(4), signingKey: key(3)))
        }
        #expect(try ledger.role(of: key(4)) == nil)
        // Admitted a little longer, to hear a lost answer; then no more.
        #expect(try ledger.role(of: key(1)) == .invitation(id: id))
        clock.advance(601)
        #expect(try ledger.role(of: key(1)) == nil)
    }

    @Test func aRevokedWorkerIsOutAtOnceAlsoForOtherProcesses() throws {
        try ledger.allow(name: clinic, key: key(2))
        let other = try Ledger(path: folder + "/ledger.sqlite", wallClock: { 0 })
        #expect(try other.role(of: key(2)) == .worker(clinic))
        try ledger.revoke(name: clinic)
        #expect(try other.role(of: key(2)) == nil)
        #expect(try other.revokedWorkers() == [clinic])
        #expect(try other.list().map(\.state) == [.revoked(at: 1_000)])
    }

    @Test func anInvitedNameCanBeRevokedBeforeItEnrols() throws {
        let id = try ledger.invite(name: clinic, key: key(1), expiresAt: 2_000)
        try ledger.revoke(name: clinic)
        #expect(try ledger.role(of: key(1)) == nil)
        #expect(throws: LedgerError.unknownInvitation(id: id)) {
            try ledger.enrol(invitation: id, keys: Enrol(curveKey: key(2), signingKey: key(3)))
        }
    }

    @Test func namesAndKeysAreNotTakenTwice() throws {
        try ledger.allow(name: clinic, key: key(2))
        #expect(throws: LedgerError.nameTaken(clinic)) {
            try ledger.invite(name: clinic, key: key(5), expiresAt: 2_000)
        }
        let bank = try #require(WorkerName("bank"))
        #expect(throws: LedgerError.keyTaken(clinic)) { try ledger.allow(name: bank, key: key(2)) }
        #expect(throws: LedgerError.unknownWorker(bank)) { try ledger.revoke(name: bank) }
        // After a revocation the name is free for a machine built anew.
        try ledger.revoke(name: clinic)
        let id = try ledger.invite(name: clinic, key: key(5), expiresAt: 2_000)
        #expect(try ledger.enrol(invitation: id, keys: Enrol(curveKey: key(6), signingKey: key(7))) == clinic)
        #expect(try ledger.role(of: key(6)) == .worker(clinic))
        #expect(try ledger.role(of: key(2)) == nil)
    }
}
