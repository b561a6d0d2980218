import Federation
import ModelFiles
import Testing
import Transport
import Wire

@Suite("Who may connect, and as whom", .serialized)
struct AdmissionTests {
    @Test func anUnknownKeyIsRefusedWithWhatToDo() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let worker = try RunningWorker(to: coordinator, own: try CurveKeyPair.generate())
        defer { worker.stop() }
        let reason = try worker.log.first("the refusal") { $0.refusal }
        #expect(reason.contains("does not admit this worker's key"))
        #expect(reason.contains("shoal keys invite"))
        worker.send(accept(id: 1))
        // A second refusal shows that it goes on trying; nothing of it reached the service.
        let first = worker.log.all.count
        try worker.log.first("another refusal", from: first) { $0.refusal }
        #expect(coordinator.service.log.all.isEmpty)
    }

    @Test func aKeyAdmittedLaterConnectsByItself() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        let worker = try RunningWorker(to: coordinator, own: keys)
        defer { worker.stop() }
        try worker.log.first("the refusal") { $0.refusal }
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        try worker.waitUntilConnected()
    }

    @Test func aCoordinatorWithAnotherKeyIsNotTalkedTo() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        let worker = try RunningWorker(
            connectingTo: coordinator.endpoint,
            security: .curve(coordinatorKey: try CurveKeyPair.generate().publicKey), own: keys)
        defer { worker.stop() }
        let reason = try worker.log.first("the refusal") { $0.refusal }
        #expect(reason.contains("not the one in the join file"))
        #expect(worker.log.all.allSatisfy { $0.isConnected == nil })
    }

    @Test func aWorkerWithoutEncryptionIsRefusedByOneWith() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        let worker = try RunningWorker(connectingTo: coordinator.endpoint, security: .insecure, own: keys)
        defer { worker.stop() }
        let reason = try worker.log.first("the refusal") { $0.refusal }
        #expect(reason.contains("--insecure"))
    }

    @Test func anInvitationEnrolsAndTheOwnKeyWorksAfterwards() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let invitation = try CurveKeyPair.generate()
        let own = try CurveKeyPair.generate()
        coordinator.admission.allow(invitation, as: .invitation(id: "inv-1"))
        let worker = try RunningWorker(to: coordinator, own: own, invitation: invitation, first: .invitation)
        defer { worker.stop() }
        try worker.waitUntilConnected()
        let signing = try #require(PublicKey(bytes: [UInt8](repeating: 9, count: 32)))
        try worker.exchange(Envelope(id: 1, message: .enrol(Enrol(curveKey: own.publicKey, signingKey: signing))))
        #expect(coordinator.service.log.all.map(\.peer.role) == [.invitation(id: "inv-1")])

        coordinator.admission.revoke(invitation)
        coordinator.admission.allow(own, as: try workerRole("bank"))
        let before = worker.log.all.count
        worker.transport.post { worker.transport.reconnect(with: .own) }
        try worker.log.first("the second connection", from: before) { $0.isConnected }
        try worker.exchange(accept(id: 2))
        #expect(coordinator.service.log.all.map(\.peer.role) == [.invitation(id: "inv-1"), try workerRole("bank")])
    }

    @Test func aMessageBelongsToTheProvenKeyWhateverItSays() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let shop = try CurveKeyPair.generate()
        let bank = try CurveKeyPair.generate()
        coordinator.admission.allow(shop, as: try workerRole("shop"))
        coordinator.admission.allow(bank, as: try workerRole("bank"))
        let honest = try RunningWorker(to: coordinator, own: bank)
        defer { honest.stop() }
        let liar = try RunningWorker(to: coordinator, own: shop)
        defer { liar.stop() }
        try honest.waitUntilConnected()
        try liar.waitUntilConnected()
        try honest.exchange(accept(id: 1))
        let claim = Welcome(
            software: "lie", features: [], worker: try #require(WorkerName("bank")), heartbeatMilliseconds: 1,
            baseModel: ContentHash(of: []), sequenceLength: 1)
        try liar.exchange(Envelope(id: 2, message: .welcome(claim)))
        try honest.exchange(accept(id: 3))
        let roles = coordinator.service.log.all.map(\.peer.role)
        #expect(roles == [try workerRole("bank"), try workerRole("shop"), try workerRole("bank")])
    }

    @Test func aRevokedKeyIsCutAtOnceOnEveryConnectionAndRefusedAfter() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        let other = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        coordinator.admission.allow(other, as: try workerRole("shop"))
        let workers = [
            try RunningWorker(to: coordinator, own: keys), try RunningWorker(to: coordinator, own: keys),
        ]
        defer { for worker in workers { worker.stop() } }
        let bystander = try RunningWorker(to: coordinator, own: other)
        defer { bystander.stop() }
        try bystander.waitUntilConnected()
        try bystander.exchange(accept(id: 9))
        for worker in workers {
            try worker.waitUntilConnected()
            try worker.exchange(accept(id: 1))
        }
        let role = try workerRole("bank")
        let peer = try coordinator.service.log.first("a peer") { $0.peer.role == role ? $0.peer : nil }

        coordinator.admission.revoke(keys)
        coordinator.transport.post { coordinator.transport.disconnect(peer) }
        for worker in workers {
            try worker.log.first("the cut") { $0.loss }
            try worker.log.first("the refusal") { $0.refusal }
        }
        try bystander.exchange(accept(id: 10))
        #expect(bystander.log.all.allSatisfy { $0.loss == nil })
    }

    @Test func aKeyRevokedBeforeItsFirstMessageIsNeverHeard() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let keys = try CurveKeyPair.generate()
        coordinator.admission.allow(keys, as: try workerRole("bank"))
        let worker = try RunningWorker(to: coordinator, own: keys)
        defer { worker.stop() }
        try worker.waitUntilConnected()
        coordinator.admission.revoke(keys)
        worker.send(accept(id: 1))
        try worker.log.first("the cut") { $0.loss }
        try worker.log.first("the refusal") { $0.refusal }
        #expect(coordinator.service.log.all.isEmpty)
    }

    @Test func handshakesGoOnWhileTheServiceIsBusy() throws {
        let coordinator = try RunningCoordinator()
        defer { coordinator.stop() }
        let first = try CurveKeyPair.generate()
        let second = try CurveKeyPair.generate()
        coordinator.admission.allow(first, as: try workerRole("bank"))
        coordinator.admission.allow(second, as: try workerRole("shop"))
        let busy = EventLog<Bool>()
        let release = EventLog<Bool>()
        let service = coordinator.service
        coordinator.transport.post {
            service.onReceive = {
                busy.add(true)
                do {
                    try release.first("the release") { $0 }
                } catch {
                    Issue.record(error)
                }
            }
        }
        let one = try RunningWorker(to: coordinator, own: first)
        defer { one.stop() }
        try one.waitUntilConnected()
        one.send(accept(id: 1))
        try busy.first("the busy service") { $0 }

        let two = try RunningWorker(to: coordinator, own: second)
        defer { two.stop() }
        try two.waitUntilConnected()
        release.add(true)
    }
}
