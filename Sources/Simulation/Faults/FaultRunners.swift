internal import Coordinator
internal import Federation
internal import ModelFiles
internal import Wire
internal import Worker

/// Trains by a closed form: adds a known vector that depends on worker, round and attempt.
final class KnownTrainer: TaskRunning {
    private let worker: Int
    private let link: MemoryLink
    private let secondsPerStep: Double
    private let isAlive: () -> Bool
    private let check: (LocalTask) -> Void
    private var ticketOfLease: [UInt64: UInt64] = [:]
    private var lastTicket: UInt64 = 0

    static let steps = 2

    /// - Parameters:
    ///   - isAlive: Whether the worker's process still runs.
    ///   - check: Sees each task as it begins.
    init(
        worker: Int, link: MemoryLink, secondsPerStep: Double, isAlive: @escaping () -> Bool,
        check: @escaping (LocalTask) -> Void
    ) {
        self.worker = worker
        self.link = link
        self.secondsPerStep = secondsPerStep
        self.isAlive = isAlive
        self.check = check
    }

    /// What training adds. Multiples of 1/64, small enough that float32 sums of them are exact.
    static func shift(_ worker: Int, round: Int, attempt: Int, index: Int) -> Float {
        let mixed = (worker &* 73 &+ round &* 151 &+ attempt &* 211 &+ index &* 17) % 127
        return Float(mixed - 63) / 64
    }

    /// Size of a worker's training set.
    static func items(_ worker: Int) -> Int { worker + 1 }

    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void) {
        check(task)
        lastTicket += 1
        let ticket = lastTicket
        ticketOfLease[task.lease] = ticket
        report(.progress(step: 1, totalSteps: Self.steps, loss: 2, items: Self.items(worker)))
        link.schedule(afterSeconds: secondsPerStep * Double(Self.steps)) { [weak self] in
            guard let self, isAlive(), ticketOfLease[task.lease] == ticket else { return }
            ticketOfLease[task.lease] = nil
            let values = task.values.indices.map { index in
                task.values[index] + Self.shift(worker, round: task.round, attempt: task.attempt, index: index)
            }
            report(
                .trained(
                    values: values, trainingItems: Self.items(worker), steps: Self.steps, tokens: 10, meanLoss: 2))
        }
    }

    func cancel(lease: UInt64) { ticketOfLease[lease] = nil }
}

/// Judges adapters by their bits: some are worse than all before, whatever they are.
final class KnownEvaluator: Evaluating {
    static let tolerance = 0.1
    private let link: MemoryLink
    private let isAlive: () -> Bool

    init(link: MemoryLink, isAlive: @escaping () -> Bool) {
        self.link = link
        self.isAlive = isAlive
    }

    /// - Parameter version: 0 is the first adapter, which is good.
    static func loss(_ values: [Float], isFirst: Bool) -> Double {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        for value in values { state = (state ^ UInt64(value.bitPattern)) &* 0x0000_0100_0000_01b3 }
        return !isFirst && (state >> 32) % 10 < 3 ? 2 : 1
    }

    func evaluate(
        adapter values: [Float], residual: AdapterResidual?,
        completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void
    ) {
        let loss = Self.loss(values, isFirst: values == FaultSchedule.firstAdapter)
        link.schedule(afterSeconds: 0.1) { [isAlive] in
            guard isAlive() else { return }
            completion(.success(Evaluation(loss: loss, standardError: 0.1, items: 3)))
        }
    }
}

/// Who may connect: whom the ledger of the coordinator's present process admits.
///
/// `@unchecked Sendable`: a schedule runs on one thread.
final class PresentLedger: Admission, @unchecked Sendable {
    weak var schedule: FaultSchedule?

    struct NoProcess: Error {}

    func role(of key: PublicKey) throws -> PeerRole? {
        guard let ledger = schedule?.ledger else { throw NoProcess() }
        return try ledger.role(of: key)
    }
}

/// A coordinator's end of the link that falls silent with its process.
final class MortalCoordinatorLink: CoordinatorLink {
    private let link: MemoryCoordinatorLink
    private let isAlive: () -> Bool
    private let sent: (Envelope, [UInt8]?, Peer) -> Void

    init(
        _ link: MemoryCoordinatorLink, isAlive: @escaping () -> Bool, sent: @escaping (Envelope, [UInt8]?, Peer) -> Void
    ) {
        self.link = link
        self.isAlive = isAlive
        self.sent = sent
    }

    func send(_ envelope: Envelope, payload: [UInt8]?, to peer: Peer) {
        guard isAlive() else { return }
        link.send(envelope, payload: payload, to: peer)
        sent(envelope, payload, peer)
    }

    func disconnect(_ peer: Peer) { if isAlive() { link.disconnect(peer) } }
    var sentBytes: UInt64 { link.sentBytes }
    var receivedBytes: UInt64 { link.receivedBytes }
}

/// A worker's end of the link that falls silent with its process.
final class MortalWorkerLink: WorkerLink {
    private let link: MemoryWorkerLink
    private let isAlive: () -> Bool
    private let sent: (Envelope, [UInt8]?) -> Void

    init(_ link: MemoryWorkerLink, isAlive: @escaping () -> Bool, sent: @escaping (Envelope, [UInt8]?) -> Void) {
        self.link = link
        self.isAlive = isAlive
        self.sent = sent
    }

    func send(_ envelope: Envelope, payload: [UInt8]?) {
        guard isAlive() else { return }
        sent(envelope, payload)
        link.send(envelope, payload: payload)
    }

    func reconnect(with keys: WorkerLinkKeys) { if isAlive() { link.reconnect(with: keys) } }
}
