import Crypto
import Federation
import Foundation
import ModelFiles
import Testing
import Wire
import Worker

/// What a worker knows of its coordinator's keys.
@Suite("The coordinator's next key")
struct NextKeyTests {
    private let bench = WorkerBench()
    private let signer = Curve25519.Signing.PrivateKey()

    private static func key(_ byte: UInt8) throws -> PublicKey {
        try #require(PublicKey(bytes: [UInt8](repeating: byte, count: 32)))
    }

    private func store(join: UInt8 = 1, announced: UInt8? = nil) throws -> CoordinatorKeyStore {
        try FileManager.default.createDirectory(atPath: bench.folder, withIntermediateDirectories: true)
        return try CoordinatorKeyStore(
            folder: bench.folder, joinKey: try Self.key(join), announced: try announced.map { try Self.key($0) })
    }

    @Test func anAnnouncedKeyTakesOverOnceACoordinatorProvedToHoldIt() throws {
        let (old, new, other) = (try Self.key(1), try Self.key(2), try Self.key(3))
        let first = try store()
        #expect(first.keys == [old])
        try first.announce(old)
        #expect(first.keys == [old])
        try first.announce(other)
        // Given up, and another one begun.
        try first.announce(new)
        #expect(first.keys == [old, new])
        // A process that is started again on the same join file knows as much.
        let second = try store()
        #expect(second.keys == [old, new])
        try second.confirm(other)
        try second.confirm(old)
        #expect(second.keys == [old, new])
        try second.confirm(new)
        #expect(second.keys == [new])
        #expect(try store().keys == [new])
        // A join file with the new key goes on from there; one with a key never met begins anew.
        #expect(try store(join: 2).keys == [new])
        #expect(try store(join: 4).keys == [try Self.key(4)])
    }

    @Test func aJoinFileMayNameBoth() throws {
        let store = try store(join: 1, announced: 2)
        #expect(store.keys == [try Self.key(1), try Self.key(2)])
        try store.confirm(try Self.key(2))
        #expect(try self.store(join: 1, announced: 2).keys == [try Self.key(2)])
    }

    @Test func damagedMemoryIsSaid() throws {
        try store().announce(try Self.key(2))
        let path = bench.folder + "/coordinator.json"
        try "{}".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: CoordinatorKeyError.unreadable(path: path)) { try store() }
    }

    private func announcement(_ key: PublicKey, by signer: Curve25519.Signing.PrivateKey?) throws -> Heartbeat {
        var heartbeat = Heartbeat(phase: .idle)
        // The signed bytes are spelt out here as the protocol has them.
        let text = Data("shoal coordinator key\0".utf8) + key.bytes
        heartbeat.nextKey = NextKey(key: key, signature: try signer.map { Array(try $0.signature(for: text)) })
        return heartbeat
    }

    private func keptKeys() -> [PublicKey?] {
        bench.sent().compactMap { item -> PublicKey?? in
            if case .heartbeat(let beat) = item.envelope.message { .some(beat.nextKey?.key) } else { nil }
        }
    }

    private func openSession(signed: Bool) throws -> CoordinatorKeyStore {
        let keys = try store()
        try bench.start(coordinatorKeys: keys)
        bench.connection(.connected)
        var welcome = bench.welcome()
        if signed { welcome.recordKey = PublicKey(bytes: Array(signer.publicKey.rawRepresentation)) }
        bench.receive(.welcome(welcome))
        bench.forgetSent()
        return keys
    }

    @Test func anAnnouncementIsKeptAndAnsweredAtOnce() throws {
        let keys = try openSession(signed: true)
        let next = try Self.key(2)
        bench.receive(.heartbeat(try announcement(next, by: signer)))
        #expect(keys.keys == [try Self.key(1), next])
        #expect(bench.events.last == .keyAnnounced)
        #expect(keptKeys() == [next])
        // Said again, it changes nothing.
        bench.receive(.heartbeat(try announcement(next, by: signer)))
        #expect(keptKeys() == [])
    }

    @Test func whoHoldsTheConnectionsKeyAloneAnnouncesNothing() throws {
        let keys = try openSession(signed: true)
        bench.receive(.heartbeat(try announcement(try Self.key(2), by: nil)))
        bench.receive(.heartbeat(try announcement(try Self.key(2), by: Curve25519.Signing.PrivateKey())))
        #expect(keys.keys == [try Self.key(1)])
        #expect(bench.failure == nil)
    }

    @Test func withoutRecordsTheConnectionIsEnough() throws {
        let keys = try openSession(signed: false)
        bench.receive(.heartbeat(try announcement(try Self.key(2), by: nil)))
        #expect(keys.keys == [try Self.key(1), try Self.key(2)])
    }
}
