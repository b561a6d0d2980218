import Federation
import ModelFiles
import Synchronization
import Testing
import Transport
import Wire

@Suite("The link over real sockets", .serialized)
struct LinkTests {
    @Test func messagesAndPayloadsCrossBothWays() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        let worker = try RunningWorker(to: coordinator, own: keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()

        try worker.exchange(accept(id: 1))
        let payload = (0..<WireLimits.payloadBytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let chunk = Envelope(id: 2, message: .updateChunk(UpdateChunk(lease: 5, offset: 0)))
        try worker.exchange(chunk, payload: payload)

        let came = try worker.log.first("the payload") { event -> [UInt8]? in
            if case .received(let envelope, let payload) = event, envelope.inReplyTo == 2 { payload } else { nil }
        }
        #expect(came == payload)
        let roles = Set(coordinator.service.log.all.map(\.peer.role))
        #expect(roles == [try workerRole("bank")])
    }

    @Test func byteCountersHoldTheFramesAndNothingElse() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        let worker = try RunningWorker(to: coordinator, own: keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()

        let chunk = Envelope(id: 300, message: .updateChunk(UpdateChunk(lease: 5, offset: 9)))
        try worker.exchange(accept(id: 1))
        try worker.exchange(chunk, payload: [UInt8](repeating: 1, count: 12_345))
        var answers = [accept(id: 1), chunk]
        for index in answers.indices { answers[index].inReplyTo = answers[index].id }
        let up = WireCodec.encode(accept(id: 1)).count + WireCodec.encode(chunk).count + 12_345
        let down = answers.map { WireCodec.encode($0).count }.reduce(12_345, +)
        #expect(coordinator.transport.receivedBytes == UInt64(up))
        // Counted after it is queued: the worker may have the answer a moment before.
        #expect(try coordinator.settledSentBytes() == UInt64(down))
    }

    @Test func aWorkerReturnsByItselfWhenTheCoordinatorRestarts() throws {
        let keys = try CurveKeyPair.generate()
        let first = try RunningCoordinator()
        first.admission.allow(keys, as: try workerRole("bank"))
        let worker = try RunningWorker(to: first, own: keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()
        try worker.exchange(accept(id: 1))

        let before = worker.log.all.count
        first.stop()
        try worker.log.first("the loss", from: before) { $0.loss }

        let second = try RunningCoordinator(at: first.endpoint, admission: first.admission, keys: first.keys)
        defer { second.stop() }
        try worker.log.first("the second connection", from: before) { $0.isConnected }
        try worker.exchange(accept(id: 2))
        #expect(second.service.log.all.compactMap { $0.envelope?.id } == [2])
    }

    /// Longer than one handshake waits for the answer.
    @Test func aWorkerTakesAnUnreadableLedgerForNoRefusal() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        coordinator.admission.fail(40)
        let worker = try RunningWorker(to: coordinator, own: keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()
        try worker.exchange(accept(id: 1))
        #expect(worker.log.all.allSatisfy { $0.refusal == nil })
    }

    @Test func aWorkerThatStartsFirstWaitsForTheCoordinator() throws {
        let probe = try RunningCoordinator()
        let endpoint = probe.endpoint
        probe.stop()
        let keys = try CurveKeyPair.generate()
        let worker = try RunningWorker(
            connectingTo: endpoint, security: .curve(coordinatorKey: probe.keys.publicKey), own: keys)
        defer { worker.stop() }
        let reason = try worker.log.first("the failure to connect") { $0.loss }
        #expect(reason.contains("cannot reach \(endpoint)"))

        let coordinator = try RunningCoordinator(at: endpoint, keys: probe.keys)
        defer { coordinator.stop() }
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        try worker.waitUntilConnected()
    }

    @Test func postedWorkRunsInOrderOnTheLoopsThread() throws {
        let coordinator = try RunningCoordinator()
        let log = EventLog<Int>()
        for index in 0..<1_000 { coordinator.transport.post { log.add(index) } }
        try log.first("the last closure") { $0 == 999 ? true : nil }
        #expect(log.all == Array(0..<1_000))
        coordinator.stop()
    }

    @Test func theLoopEndsWhenItsServiceIsFinished() throws {
        let coordinator = try RunningCoordinator()
        let service = coordinator.service
        coordinator.transport.post { service.isFinished = true }
        // Waits for the loop's thread; stop() alone would hide that the loop went on.
        coordinator.join()
    }

    @Test func theLoopKeepsToTheServicesTimes() throws {
        /// Finished at its third tick; each asks for the next one 5 ms later, which nothing else would bring.
        final class Ticking: CoordinatorService {
            var ticks = 0
            var isFinished: Bool { ticks == 3 }
            func tick(at now: Instant) -> Instant? {
                ticks += 1
                return now.advanced(bySeconds: 0.005)
            }
            func receive(_ envelope: Envelope, payload: [UInt8]?, from peer: Peer, at now: Instant) {}
            func receive(malformed error: WireError, from peer: Peer, at now: Instant) {}
        }
        let transport = try CoordinatorTransport(
            bindingTo: "tcp://127.0.0.1:*", security: .insecure, admission: TestAdmission())
        let service = Ticking()
        transport.run(service: service)
        #expect(service.ticks == 3)
    }

    @Test func aPortInUseIsNamed() throws {
        let first = try RunningCoordinator()
        defer { first.stop() }
        #expect(throws: TransportError.addressInUse(endpoint: first.endpoint)) {
            try RunningCoordinator(at: first.endpoint)
        }
    }

    @Test(arguments: ["127.0.0.1:5670", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "ipc:///tmp/x", "tcp://:5670\0"])
    func anAddressThatIsNoneIsRefused(_ endpoint: String) throws {
        #expect {
            try CoordinatorTransport(bindingTo: endpoint, security: .insecure, admission: TestAdmission())
        } throws: { error in
            if case TransportError.invalidEndpoint = error { true } else { false }
        }
    }

    @Test func anAddressOfAnotherMachineIsRefused() throws {
        // 192.0.2.0/24 is reserved for documentation: no machine has it.
        #expect(throws: TransportError.addressNotAvailable(endpoint: "tcp://192.0.2.1:5670")) {
            try CoordinatorTransport(
                bindingTo: "tcp://192.0.2.1:5670", security: .insecure, admission: TestAdmission())
        }
    }
}

extension RunningCoordinator {
    /// The counter as the loop sees it between two messages.
    fileprivate func settledSentBytes() throws -> UInt64 {
        let log = EventLog<UInt64>()
        transport.post { [transport] in log.add(transport.sentBytes) }
        return try log.first("the loop's answer") { $0 }
    }
}
