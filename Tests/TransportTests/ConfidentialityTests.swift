import Federation
import LinkRecording
import ModelFiles
import Testing
import Transport
import Wire

@Suite("What a listener on the wire sees", .serialized)
struct ConfidentialityTests {
    static let workerName = "confidential-clinic-42"
    static let reason = "plainly visible reason with a diagnosis"
    static let tensorText = "PAYLOAD-BYTES-THAT-STAND-FOR-AN-UPDATE"

    /// One conversation through a proxy; returns what crossed it, up and down.
    static func conversation(isInsecure: Bool) throws -> (upstream: [UInt8], downstream: [UInt8]) {
        let coordinator = try RunningCoordinator(isInsecure: isInsecure)
        defer { coordinator.stop() }
        let proxy = try RecordingProxy(to: coordinator.port)
        defer { proxy.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole(workerName))
        let worker = try RunningWorker(
            connectingTo: "tcp://127.0.0.1:\(proxy.port)",
            security: isInsecure ? .insecure : .curve(coordinatorKey: coordinator.keys.publicKey), own: keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()

        // The echo service sends each back, so that both directions carry all of it.
        try worker.exchange(Envelope(id: 1, run: "run-of-secrets", message: .goodbye(Goodbye(reason: reason))))
        let name = try #require(WorkerName(workerName))
        try worker.exchange(Envelope(id: 2, message: .enrolled(Enrolled(worker: name))))
        let payload = [UInt8]([[UInt8]](repeating: Array(tensorText.utf8), count: 1_000).joined())
        let chunk = Envelope(id: 3, message: .updateChunk(UpdateChunk(lease: 1, offset: 0)))
        try worker.exchange(chunk, payload: payload)
        #expect(coordinator.service.log.all.map(\.peer.role) == [PeerRole](repeating: .worker(name), count: 3))
        return (proxy.upstream, proxy.downstream)
    }

    static let secrets = [workerName, reason, "diagnosis", tensorText, "run-of-secrets"]

    @Test func nothingReadableWithCurve() throws {
        let (upstream, downstream) = try Self.conversation(isInsecure: false)
        // All of it did cross here.
        #expect(upstream.count > 1_000 * Self.tensorText.utf8.count)
        #expect(downstream.count > 1_000 * Self.tensorText.utf8.count)
        for secret in Self.secrets {
            #expect(!upstream.holds(secret), "\(secret) can be read on the way up")
            #expect(!downstream.holds(secret), "\(secret) can be read on the way down")
        }
    }

    /// The same search finds everything without encryption: the test above can fail.
    @Test func everythingReadableWithout() throws {
        let (upstream, downstream) = try Self.conversation(isInsecure: true)
        for secret in Self.secrets {
            #expect(upstream.holds(secret))
            #expect(downstream.holds(secret))
        }
    }

    @Test func aCutConnectionComesBackThroughTheProxy() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let proxy = try RecordingProxy(to: coordinator.port)
        defer { proxy.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        let worker = try RunningWorker(
            connectingTo: "tcp://127.0.0.1:\(proxy.port)",
            security: .curve(coordinatorKey: coordinator.keys.publicKey), own: keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()
        let before = worker.log.all.count
        proxy.cutConnections()
        try worker.log.first("the cut", from: before) { $0.loss }
        try worker.log.first("the next connection", from: before) { $0.isConnected }
        try worker.exchange(accept(id: 1))
    }
}
