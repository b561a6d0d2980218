import ModelFiles
import Testing
import Transport
import Wire

@Suite("Hostile messages from an admitted worker", .serialized)
struct HostileMessageTests {
    /// A coordinator, and a worker that sends whatever a test likes.
    struct Pair {
        let coordinator: RunningCoordinator
        let worker: RunningWorker

        init() throws {
            coordinator = try RunningCoordinator()
            let keys = try CurveKeyPair.generate()
            coordinator.admission.allow(keys, as: try workerRole("bank"))
            worker = try RunningWorker(to: coordinator, own: keys)
            try worker.waitUntilConnected()
        }

        func stop() {
            worker.stop()
            coordinator.stop()
        }

        func firstError() throws -> WireError {
            try coordinator.service.log.first("a malformed message") { $0.error }
        }
    }

    @Test func bytesThatAreNoEnvelope() throws {
        let pair = try Pair()
        defer { pair.stop() }
        pair.worker.sendUnchecked([[0xFF, 0xFF, 0xFF]])
        #expect(try pair.firstError() == .malformed("not a protobuf envelope"))
        let role = try workerRole("bank")
        #expect(pair.coordinator.service.log.all.first?.peer.role == role)
        try pair.worker.exchange(accept(id: 1))
    }

    @Test func anEmptyFrame() throws {
        let pair = try Pair()
        defer { pair.stop() }
        pair.worker.sendUnchecked([[]])
        #expect(try pair.firstError() == .unsupportedVersion(0))
    }

    @Test(arguments: [3, 4, 50])
    func moreFramesThanTwo(_ count: Int) throws {
        let pair = try Pair()
        defer { pair.stop() }
        let valid = WireCodec.encode(accept(id: 1))
        pair.worker.sendUnchecked([[UInt8]](repeating: valid, count: count))
        #expect(try pair.firstError() == .malformed("\(count) frames instead of one or two"))
        #expect(pair.coordinator.transport.receivedBytes == UInt64(count * valid.count))
        try pair.worker.exchange(accept(id: 2))
    }

    @Test func aPayloadWhereNoneBelongs() throws {
        let pair = try Pair()
        defer { pair.stop() }
        pair.worker.sendUnchecked([WireCodec.encode(accept(id: 1)), [1]])
        #expect(try pair.firstError() == .unexpectedPayload("Accept"))
    }

    @Test func aPayloadJustOverItsLimit() throws {
        let pair = try Pair()
        defer { pair.stop() }
        let chunk = Envelope(id: 1, message: .updateChunk(UpdateChunk(lease: 1, offset: 0)))
        let bytes = WireLimits.payloadBytes + 1
        pair.worker.sendUnchecked([WireCodec.encode(chunk), [UInt8](repeating: 0, count: bytes)])
        #expect(try pair.firstError() == .payloadTooLarge(bytes: bytes, limit: WireLimits.payloadBytes))
        try pair.worker.exchange(accept(id: 2))
    }

    @Test func anEnvelopeOverItsLimit() throws {
        let pair = try Pair()
        defer { pair.stop() }
        let bytes = WireLimits.envelopeBytes + 1
        pair.worker.sendUnchecked([[UInt8](repeating: 0, count: bytes)])
        #expect(try pair.firstError() == .envelopeTooLarge(bytes: bytes, limit: WireLimits.envelopeBytes))
        try pair.worker.exchange(accept(id: 2))
    }

    @Test func aFrameFarOverAnyLimitCostsTheConnectionOnly() throws {
        let pair = try Pair()
        defer { pair.stop() }
        let before = pair.worker.log.all.count
        pair.worker.sendUnchecked([[UInt8](repeating: 0, count: 8 << 20)])
        try pair.worker.log.first("the cut", from: before) { $0.loss }
        try pair.worker.log.first("the next connection", from: before) { $0.isConnected }
        try pair.worker.exchange(accept(id: 2))
        #expect(pair.coordinator.service.log.all.compactMap(\.error) == [])
    }
}
