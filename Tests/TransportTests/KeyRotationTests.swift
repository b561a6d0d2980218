import Federation
import Foundation
import Synchronization
import Testing
import Transport
import Wire

/// Connections while a coordinator's key is being replaced, over real sockets.
@Suite("A rotated coordinator's key", .serialized)
struct KeyRotationTests {
    /// Keys in memory, as a worker's state folder keeps them; the loop's thread changes them and the test looks.
    private final class Keys: CoordinatorKeyMemory, Sendable {
        private let state: Mutex<[PublicKey]>

        /// Said of a disk that takes nothing.
        let failure: (any Error)?

        init(_ keys: [PublicKey], failure: (any Error)? = nil) {
            state = Mutex(keys)
            self.failure = failure
        }

        var keys: [PublicKey] { state.withLock { $0 } }
        func announce(_ key: PublicKey) { state.withLock { $0.append(key) } }
        func confirm(_ key: PublicKey) throws {
            if let failure { throw failure }
            state.withLock { $0 = [key] }
        }
    }

    private func start(
        _ worker: CurveKeyPair, to coordinator: RunningCoordinator, _ keys: Keys
    ) throws -> RunningWorker {
        try RunningWorker(
            connectingTo: coordinator.endpoint, security: .curve(coordinatorKey: coordinator.keys.publicKey),
            keyMemory: keys, own: worker)
    }

    @Test func aWorkerFollowsFromTheOldKeyToTheAnnouncedOneAndNotBack() throws {
        let own = try CurveKeyPair.generate()
        let (old, new) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        let keys = Keys([old.publicKey])
        let first = try RunningCoordinator(keys: old)
        first.admission.allow(own, as: try workerRole("bank"))
        let worker = try start(own, to: first, keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()
        // Announced over the connection that is open; the old key counts until the coordinator has the new one.
        keys.announce(new.publicKey)

        let endpoint = first.endpoint
        first.stop()
        var from = worker.service.log.all.count
        let second = try RunningCoordinator(at: endpoint, admission: first.admission, keys: new)
        try worker.service.log.first("a connection by the new key", from: from) { $0.isConnected }
        #expect(keys.keys == [new.publicKey])

        // Whoever has stolen the old key gets nothing from this worker any more.
        second.stop()
        from = worker.service.log.all.count
        let thief = try RunningCoordinator(at: endpoint, admission: first.admission, keys: old)
        defer { thief.stop() }
        let refusal = try worker.service.log.first("a refusal", from: from) { $0.refusal }
        #expect(refusal.contains("ends every handshake") && refusal.contains("was replaced"))
        #expect(!worker.service.log.all.dropFirst(from).contains { $0.isConnected == true })
        #expect(thief.service.log.all.isEmpty)
        #expect(keys.keys == [new.publicKey])
    }

    private struct FullDisk: Error, CustomStringConvertible {
        var description: String { "no space left" }
    }

    @Test func aKeyThatCannotBeKeptIsToldAndTheConnectionStays() throws {
        let own = try CurveKeyPair.generate()
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        coordinator.admission.allow(own, as: try workerRole("bank"))
        // The announced key is the one that answers.
        let keys = Keys([try CurveKeyPair.generate().publicKey, coordinator.keys.publicKey], failure: FullDisk())
        let warnings = Mutex<[String]>([])
        let worker = try RunningWorker(
            connectingTo: coordinator.endpoint, security: .curve(coordinatorKey: coordinator.keys.publicKey),
            keyMemory: keys, own: own, warn: { text in warnings.withLock { $0.append(text) } })
        defer { worker.stop() }
        try worker.waitUntilConnected()
        #expect(warnings.withLock { $0.contains { $0.contains("cannot be kept: no space left") } })
        #expect(keys.keys.count == 2)
    }

    @Test func aWorkerThatWasAwayIsToldWhatToDo() throws {
        let own = try CurveKeyPair.generate()
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        coordinator.admission.allow(own, as: try workerRole("bank"))
        let keys = Keys([try CurveKeyPair.generate().publicKey])
        let worker = try start(own, to: coordinator, keys)
        defer { worker.stop() }
        let refusal = try worker.service.log.first("a refusal") { $0.refusal }
        #expect(refusal.contains("shoal keys invite") && refusal.contains("--enrolled"))
    }

    @Test func twoKeysThatAreBothWrongAreRefusedToo() throws {
        let own = try CurveKeyPair.generate()
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        coordinator.admission.allow(own, as: try workerRole("bank"))
        let wrong = [try CurveKeyPair.generate().publicKey, try CurveKeyPair.generate().publicKey]
        let keys = Keys(wrong)
        let worker = try start(own, to: coordinator, keys)
        defer { worker.stop() }
        _ = try worker.service.log.first("a refusal") { $0.refusal }
        #expect(keys.keys == wrong)
    }
}
