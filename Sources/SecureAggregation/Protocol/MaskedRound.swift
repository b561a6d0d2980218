internal import Crypto
public import Federation
internal import FoundationEssentials

/// The coordinator's side of a round under masks, with time and absences: ``UnmaskingServer`` and when each of its steps
/// closes. Pure: messages and the time go in, messages come out.
///
/// A step closes when everybody who has a part in it has answered or was given up (no sign of life for as long as a
/// lease lasts, or it declined), or at its deadline. The caller makes every taken message durable before it acknowledges
/// it, and every closing before it acts on it; replayed in the same order they give the same sets, messages and sum.
public struct MaskedRound: Sendable {
    public typealias Step = UnmaskingServer.Step

    public struct Plan: Hashable, Sendable {
        /// Keys that close the first step at once.
        public var asked: Int
        /// How long a step other than training waits for workers that are there. Unit: seconds.
        public var stepSeconds: Double
        /// How long vectors are waited for; `nil`: for as long as their workers give signs of life. Unit: seconds.
        public var vectorSeconds: Double?
        /// How long a worker without a sign of life is waited for. Unit: seconds.
        public var leaseSeconds: Double

        public init(asked: Int, stepSeconds: Double, vectorSeconds: Double?, leaseSeconds: Double) {
            self.asked = asked
            self.stepSeconds = stepSeconds
            self.vectorSeconds = vectorSeconds
            self.leaseSeconds = leaseSeconds
        }
    }

    /// What is to be done with a worker's message.
    public enum Verdict: Hashable, Sendable {
        /// It is part of the attempt now: to be made durable, then acknowledged.
        case taken
        /// It was there already.
        case held
        /// The step closed without it.
        case late
        case refused(reason: String)
    }

    /// What a closed step leads to.
    public struct Closing: Hashable, Sendable {
        /// What begins the next step, for each worker that has a part in it.
        public let messages: [WorkerName: [UInt8]]
        /// Those that had a part in the closed step and have none in the next; in name order.
        public let leftOut: [WorkerName]
    }

    public let context: MaskingContext
    private let plan: Plan
    private let identity: @Sendable (WorkerName) -> [UInt8]?
    private var server: UnmaskingServer
    /// SHA-256 of what was taken.
    private var taken: [Step: [WorkerName: [UInt8]]] = [:]
    private var openings: [Step: [WorkerName: [UInt8]]] = [:]
    private var members: Set<WorkerName> = []
    /// Those of ``members`` that have not answered.
    private var pending: Set<WorkerName> = []
    private var declined: Set<WorkerName> = []
    private var heard: [WorkerName: Instant] = [:]
    /// For whoever was not heard of since.
    private var heardAll: Instant
    private var deadline: Instant
    /// Once the last step is closed.
    public private(set) var sum: UnmaskedSum?

    /// - Parameter identity: A worker's Ed25519 public key, 32 bytes; `nil` for whoever takes no part.
    public init(
        _ plan: Plan, in context: MaskingContext, under terms: MaskingTerms,
        identity: @escaping @Sendable (WorkerName) -> [UInt8]?, at now: Instant
    ) {
        self.plan = plan
        self.context = context
        self.identity = identity
        server = UnmaskingServer(in: context, under: terms, identity: identity)
        heardAll = now
        deadline = now.advanced(bySeconds: plan.stepSeconds)
    }

    public var step: Step { server.step }
    /// Once keys are in: all that take part, in name order.
    public var cohort: [WorkerName] { (taken[.keys] ?? [:]).keys.sorted() }
    public var degree: MaskingDegree? { server.degree }

    /// Whether the worker has a part in the present step.
    public func isMember(_ worker: WorkerName) -> Bool {
        guard sum == nil else { return false }
        return step == .keys ? taken[.keys]?[worker] != nil : members.contains(worker)
    }
}

// MARK: - Messages
extension MaskedRound {
    /// A worker's message of any step but that of the vectors.
    public mutating func take(_ bytes: [UInt8], of step: Step, from worker: WorkerName) -> Verdict {
        let digest = Array(SHA256.hash(data: bytes))
        if let earlier = taken[step]?[worker] {
            return earlier == digest
                ? .held : .refused(reason: "\(MaskingError.repeatedDifferently(worker, step: step.name))")
        }
        guard step >= self.step, sum == nil else { return .late }
        do throws(MaskingError) {
            try accept(bytes, of: step, from: worker)
        } catch {
            return .refused(reason: "\(error)")
        }
        taken[step, default: [:]][worker] = digest
        pending.remove(worker)
        return .taken
    }

    private mutating func accept(_ bytes: [UInt8], of step: Step, from worker: WorkerName) throws(MaskingError) {
        guard step == self.step, step != .vectors else { throw .outOfTurn(step: step.name) }
        guard bytes.count <= bytesMax(of: step) else { throw .malformed("\(step.name) of \(bytes.count) bytes") }
        switch step {
        case .keys:
            let message = try AdvertisedKeys(bytes)
            guard message.worker == worker else { throw .unknownWorker(message.worker) }
            try server.accept(message)
        case .shares: try server.accept(SealedShares(bytes), from: worker)
        case .vectors: break
        case .signatures: try server.accept(SurvivorSignature(bytes), from: worker)
        case .reveals: try server.accept(RevealedShares(bytes), from: worker)
        }
    }

    /// No honest message is longer. Unit: bytes.
    private func bytesMax(of step: Step) -> Int {
        let neighbours = server.degree?.neighbours ?? 0
        return switch step {
        case .keys: 1 << 10
        case .shares: 36 + neighbours * (4 + ShareBox.byteCount)
        case .vectors: 0
        case .signatures: IdentitySignature.byteCount
        case .reveals: 4 + neighbours * (5 + SecretShare.byteCount)
        }
    }

    /// Why no masked vector of this size is taken from the worker now; `nil`: one is.
    public func refusal(ofVector byteCount: Int, from worker: WorkerName) -> String? {
        guard step == .vectors, members.contains(worker) else {
            return "masked updates are not due from this worker now"
        }
        guard let expected = vectorBytes, byteCount == expected else {
            return "a masked update of \(byteCount) bytes, where \(vectorBytes ?? 0) are agreed"
        }
        return nil
    }

    /// Bytes of a masked vector, once keys are in.
    public var vectorBytes: Int? { server.vectorBytes }

    /// A masked vector that is durable and recorded.
    public mutating func take(vector: [UInt8], from worker: WorkerName) throws(MaskingError) {
        try server.accept(vector: vector, from: worker)
        pending.remove(worker)
    }

    /// What begins a step for a worker; `nil` while the step before it is open, or if it has no part in it.
    public func opening(of step: Step, for worker: WorkerName) -> [UInt8]? { openings[step]?[worker] }

    /// Whether the worker's message of a step is here.
    public func holds(_ step: Step, of worker: WorkerName) -> Bool {
        step == .vectors && self.step == .vectors
            ? members.contains(worker) && !pending.contains(worker) : taken[step]?[worker] != nil
    }
}

// MARK: - Time
extension MaskedRound {
    public mutating func hear(_ worker: WorkerName, at now: Instant) { heard[worker] = now }

    /// What happens to the round's leases tells who is there.
    public mutating func note(_ event: Round.Event, at now: Instant) {
        switch event {
        case .renewed(let worker), .workerAvailable(let worker): hear(worker, at: now)
        case .updatesRecorded(let updates): for worker in updates.keys { hear(worker, at: now) }
        case .clockStalled: hearAll(at: now)
        case .workerLost, .declined, .timePassed: break
        }
    }

    /// Nobody could be heard for a while: the waits begin anew.
    public mutating func hearAll(at now: Instant) {
        heard = [:]
        heardAll = now
    }

    /// The worker takes part no more.
    public mutating func decline(_ worker: WorkerName) { declined.insert(worker) }

    private func lastsUntil(_ worker: WorkerName) -> Instant {
        (heard[worker] ?? heardAll).advanced(bySeconds: plan.leaseSeconds)
    }

    private var deadlineOfStep: Instant? { step == .vectors && plan.vectorSeconds == nil ? nil : deadline }

    /// Whether the present step is to be closed.
    public func isDue(at now: Instant) -> Bool {
        guard sum == nil else { return false }
        let isPast = deadlineOfStep.map { $0 <= now } ?? false
        switch step {
        case .keys:
            let count = taken[.keys]?.count ?? 0
            return count >= plan.asked || isPast && server.keyShortfall == nil
        case .vectors: if isPast, server.vectorShortfall == nil { return true }
        case .shares, .signatures, .reveals: if isPast { return true }
        }
        return pending.allSatisfy { isGivenUp($0, at: now) }
    }

    private func isGivenUp(_ worker: WorkerName, at now: Instant) -> Bool {
        declined.contains(worker) || lastsUntil(worker) <= now
    }

    /// ``isDue(at:)`` changes without a message no earlier; `nil`: not at all.
    public func nextDue(after now: Instant) -> Instant? {
        guard sum == nil else { return nil }
        // All that are pending have to be given up, so any one of them says enough.
        let waited = step == .keys ? nil : pending.first { !isGivenUp($0, at: now) }.map(lastsUntil)
        return [deadlineOfStep, waited].compactMap { $0 }.filter { $0 > now }.min()
    }

    /// Members of the present step that have not answered, in name order.
    public var missing: [WorkerName] { pending.sorted() }

    /// What the round waits for.
    public var waitReason: WaitReason {
        let missing = missing
        let answered = step == .keys ? taken[.keys]?.count ?? 0 : members.count - missing.count
        return .forMasks(
            round: context.round, step: step.name, answered: answered,
            expected: step == .keys ? max(plan.asked, answered) : members.count,
            from: Array(missing.prefix(WaitReason.namesMax)), others: max(0, missing.count - WaitReason.namesMax))
    }

    /// Closes the present step.
    ///
    /// - Throws: ``MaskingError``: the attempt is over, and a new one has to take fresh keys.
    public mutating func close(at now: Instant) throws(MaskingError) -> Closing {
        let before = members
        var messages: [WorkerName: [UInt8]] = [:]
        switch step {
        case .keys:
            for (worker, keys) in try server.closeKeys() {
                var identities: [[UInt8]] = []
                for neighbour in keys.neighbours {
                    guard let known = identity(neighbour.keys.worker) else { throw .unknownWorker(worker) }
                    identities.append(known)
                }
                messages[worker] = IntroducedNeighbours(keys: keys, identities: identities).bytes
            }
        case .shares: messages = try server.closeShares().mapValues(\.bytes)
        case .vectors:
            let survivors = try server.closeVectors().bytes
            for worker in server.counted { messages[worker] = survivors }
        case .signatures: messages = try server.closeSignatures().mapValues(\.bytes)
        case .reveals: sum = try server.unmask()
        }
        guard sum == nil else { return Closing(messages: [:], leftOut: missing) }
        members = server.members ?? []
        pending = members
        openings[step] = messages
        deadline = now.advanced(
            bySeconds: step == .vectors ? plan.vectorSeconds ?? plan.stepSeconds : plan.stepSeconds)
        return Closing(messages: messages, leftOut: before.subtracting(members).sorted())
    }
}

extension UnmaskingServer.Step {
    /// What workers send in it, for people and the ledger.
    public var name: String {
        switch self {
        case .keys: "mask keys"
        case .shares: "sealed shares"
        case .vectors: "masked updates"
        case .signatures: "signatures of who survived"
        case .reveals: "shares that take the masks off"
        }
    }
}
