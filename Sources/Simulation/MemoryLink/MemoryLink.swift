public import Federation
import Randomness
public import Wire

/// Connects one coordinator's service with many workers' in memory, under a virtual clock: the same seed gives the same
/// conversation, message for message.
///
/// The clock moves on whenever nothing else is due; it knows nothing of work on other threads, so leases would run out
/// beside it. Runners and evaluators used with this link compute before `start` or `evaluate` returns, or at the time
/// that ``VirtualPace`` gives them.
///
/// Every message passes through ``WireCodec``, so what could not cross a real link cannot cross this one. Not for use
/// from several threads; only ``executor`` may be posted to from any.
public final class MemoryLink {
    public let executor = MemoryExecutor()
    public private(set) var now = Instant(nanoseconds: 0)
    public var faults: LinkFaults
    /// Of single workers' connections, in both directions, instead of ``faults``.
    package var faultsOfWorker: [WorkerName: LinkFaults] = [:]
    /// Sees each message as it is sent, faults or not: true toward the coordinator.
    public var watch: (Envelope, _ isUp: Bool) -> Void = { _, _ in }
    /// Changes a message before it is sent: what another release would say.
    package var rewrite: (inout Envelope) -> Void = { _ in }
    public let coordinator: MemoryCoordinatorLink

    private let admission: any Admission
    private var generator: CounterRandom
    private var deliveries: [Delivery] = []
    private var deliveryCount: UInt64 = 0
    /// In the order of their times, then of being scheduled.
    private var alarms: [(time: Instant, work: () -> Void)] = []
    private var lastConnection: UInt32 = 0
    private var service: (any CoordinatorService)?
    private var serviceDue: Instant?
    private var workers: [MemoryWorkerLink] = []

    public init(admission: any Admission, seed: UInt64, faults: LinkFaults = .none) {
        self.admission = admission
        self.faults = faults
        generator = StreamKey(seed: seed, purpose: .faults).generator()
        coordinator = MemoryCoordinatorLink()
        coordinator.network = self
    }

    /// Starts the coordinator; workers that try to connect now succeed.
    public func attach(_ service: any CoordinatorService) {
        self.service = service
        serviceDue = now
    }

    /// The coordinator's process ends: connections break, what is under way to it is lost.
    public func detachCoordinator() {
        service = nil
        for worker in workers where worker.peer != nil { disconnect(worker, "the coordinator is gone") }
    }

    /// A worker's end of the link; its service is attached once it exists.
    public func addWorker(keys: [WorkerLinkKeys: PublicKey]) -> MemoryWorkerLink {
        let worker = MemoryWorkerLink(keys: keys, network: self)
        workers.append(worker)
        return worker
    }

    public func attach(_ service: any WorkerServiceProtocol, to worker: MemoryWorkerLink, keys: WorkerLinkKeys) {
        worker.service = service
        worker.current = keys
        worker.peer = nil
        worker.connectAt = now
        worker.due = now
    }

    /// A worker's process ends without a word: the coordinator learns of it by silence.
    public func detach(_ worker: MemoryWorkerLink) {
        worker.service = nil
        worker.peer = nil
        worker.connectAt = nil
    }
}

// MARK: - The loop
extension MemoryLink {
    /// Runs until `isDone`, or until `limitSeconds` of virtual time have passed.
    ///
    /// - Returns: Whether `isDone` came true.
    public func run(limitSeconds: Double, until isDone: () -> Bool) -> Bool {
        let limit = now.advanced(bySeconds: limitSeconds)
        while !isDone() {
            if executor.drain() {
                touchAll()
                continue
            }
            guard let next = nextTime, next <= limit else { return false }
            now = max(now, next)
            step()
        }
        return true
    }

    /// Posted work may have changed what is due.
    private func touchAll() {
        if service != nil { serviceDue = now }
        for worker in workers where worker.service != nil { worker.due = now }
    }

    /// Runs `work` once so much virtual time has passed.
    public func schedule(afterSeconds seconds: Double, _ work: @escaping () -> Void) {
        let time = now.advanced(bySeconds: seconds)
        alarms.insert((time, work), at: alarms.firstIndex { $0.time > time } ?? alarms.count)
    }

    private var nextTime: Instant? {
        var times = deliveries.first.map { [$0.time] } ?? []
        if let alarm = alarms.first { times.append(alarm.time) }
        if service != nil, let serviceDue { times.append(serviceDue) }
        for worker in workers where worker.service != nil {
            if let due = worker.due { times.append(due) }
            if let connectAt = worker.connectAt { times.append(connectAt) }
        }
        return times.min()
    }

    /// Does everything that is due at the current time, in a fixed order.
    private func step() {
        for worker in workers {
            if worker.service != nil, let connectAt = worker.connectAt, connectAt <= now { connect(worker) }
        }
        while let first = deliveries.first, first.time <= now {
            deliveries.removeFirst()
            deliver(first)
        }
        while let first = alarms.first, first.time <= now {
            alarms.removeFirst()
            first.work()
        }
        if let service, let due = serviceDue, due <= now { serviceDue = tick(service) }
        for worker in workers {
            if let due = worker.due, due <= now { worker.due = tick(worker) }
        }
    }

    private func tick(_ service: any CoordinatorService) -> Instant? {
        service.isFinished ? nil : service.tick(at: now)
    }

    private func tick(_ worker: MemoryWorkerLink) -> Instant? {
        guard let service = worker.service, !service.isFinished else { return nil }
        return service.tick(at: now)
    }

    private func connect(_ worker: MemoryWorkerLink) {
        worker.connectAt = nil
        guard let listener = worker.service, !listener.isFinished else { return }
        guard service != nil else { return reconnectLater(worker, "nobody answers") }
        let admitted: PeerRole?
        do { admitted = try worker.keys[worker.current].flatMap(admission.role(of:)) } catch {
            return reconnectLater(worker, "the coordinator is too busy to answer")
        }
        guard let role = admitted else {
            worker.connectAt = now.advanced(bySeconds: 1)
            listener.connectionChanged(
                .refused(
                    reason:
                        "the coordinator does not admit this key: it was revoked, or the invitation was used or has ended"
                ), at: now)
            worker.due = now
            return
        }
        lastConnection += 1
        worker.isReportedGone = false
        worker.peer = Peer(
            connection: (0..<4).map { UInt8(truncatingIfNeeded: lastConnection >> (8 * $0)) }, role: role)
        listener.connectionChanged(.connected, at: now)
        worker.due = now
    }

    private func reconnectLater(_ worker: MemoryWorkerLink, _ reason: String) {
        worker.connectAt = now.advanced(bySeconds: 0.5)
        guard !worker.isReportedGone else { return }
        worker.isReportedGone = true
        worker.service?.connectionChanged(.disconnected(reason: reason), at: now)
    }

    fileprivate func disconnect(_ worker: MemoryWorkerLink, _ reason: String) {
        worker.peer = nil
        worker.connectAt = now
        worker.isReportedGone = true
        worker.service?.connectionChanged(.disconnected(reason: reason), at: now)
    }

    private func deliver(_ delivery: Delivery) {
        let payloadBytes = delivery.payload?.count
        switch delivery.target {
        case .coordinator(let peer):
            guard let service, !service.isFinished else { return }
            coordinator.receivedBytes += UInt64(delivery.envelope.count + (payloadBytes ?? 0))
            do {
                let envelope = try WireCodec.decode(delivery.envelope, payloadBytes: payloadBytes)
                service.receive(envelope, payload: delivery.payload, from: peer, at: now)
            } catch {
                service.receive(malformed: error, from: peer, at: now)
            }
            serviceDue = now
        case .worker(let peer):
            guard let worker = workers.first(where: { $0.peer == peer }), let service = worker.service,
                !service.isFinished
            else { return }
            do {
                let envelope = try WireCodec.decode(delivery.envelope, payloadBytes: payloadBytes)
                service.receive(envelope, payload: delivery.payload, at: now)
            } catch {
                service.receive(malformed: error, at: now)
            }
            worker.due = now
        }
    }
}

// MARK: - Sending
extension MemoryLink {
    enum Target {
        /// Arrives even if the sender's connection has ended since.
        case coordinator(from: Peer)
        case worker(Peer)
    }

    private struct Delivery {
        let time: Instant
        let order: UInt64
        let target: Target
        let envelope: [UInt8]
        let payload: [UInt8]?
    }

    func send(_ envelope: Envelope, payload: [UInt8]?, to target: Target) -> UInt64 {
        var envelope = envelope
        rewrite(&envelope)
        if case .coordinator = target { watch(envelope, true) } else { watch(envelope, false) }
        let bytes = WireCodec.encode(envelope)
        let size = UInt64(bytes.count + (payload?.count ?? 0))
        let faults = faults(toward: target)
        guard generator.uniformDouble() >= faults.loss else { return size }
        let copies = generator.uniformDouble() < faults.duplication ? 2 : 1
        for _ in 0..<copies {
            let range = faults.delaySeconds
            let delay = range.lowerBound + (range.upperBound - range.lowerBound) * generator.uniformDouble()
            deliveryCount += 1
            let delivery = Delivery(
                time: now.advanced(bySeconds: delay), order: deliveryCount, target: target, envelope: bytes,
                payload: payload)
            // Sorted by time, then by order of sending.
            let place = deliveries.firstIndex { $0.time > delivery.time } ?? deliveries.count
            deliveries.insert(delivery, at: place)
        }
        return size
    }

    private func faults(toward target: Target) -> LinkFaults {
        let peer =
            switch target {
            case .coordinator(let peer), .worker(let peer): peer
            }
        guard case .worker(let name) = peer.role else { return faults }
        return faultsOfWorker[name] ?? faults
    }

    func disconnect(_ peer: Peer) {
        guard let worker = workers.first(where: { $0.peer == peer }) else { return }
        disconnect(worker, "the coordinator closed the connection")
    }
}
