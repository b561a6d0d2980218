internal import Crypto
public import Federation
internal import FoundationEssentials

/// The coordinator's side of one masked sum (SecAgg+, Bell et al. 2020; Bonawitz et al. 2017), as a value: messages in,
/// messages out, no input or output of its own and no clock.
///
/// Five steps, each collecting one message a worker until the caller closes it: keys, sealed shares, masked vectors,
/// survivor signatures, revealed shares. Whoever has not answered by then dropped out; closing throws where too few are
/// left, and the attempt is over: a new one takes fresh keys. Messages are checked as they come, a repeated one counts
/// once and a different second one is refused. Vectors are summed as they come and not kept.
public struct UnmaskingServer: Sendable {
    public enum Step: Int, Sendable, Comparable, CaseIterable {
        case keys, shares, vectors, signatures, reveals

        public static func < (left: Step, right: Step) -> Bool { left.rawValue < right.rawValue }
    }

    public private(set) var step = Step.keys
    let context: MaskingContext
    let terms: MaskingTerms
    private let identity: @Sendable (WorkerName) -> [UInt8]?
    private var keys: [WorkerName: AdvertisedKeys] = [:]
    private(set) var roster: Roster?
    private var sealed: [Int: SealedShares] = [:]
    /// Whose shares were passed on: all others' masks hold a part for these.
    private(set) var sharing: Set<Int> = []
    /// SHA-256 of each vector that is in the sum.
    private var vectors: [Int: [UInt8]] = [:]
    private var sum: [UInt32]
    private(set) var survivors: SurvivorSet?
    private var signatures: [Int: SurvivorSignature] = [:]
    private var revealed: [Int: RevealedShares] = [:]

    /// - Parameter identity: A worker's Ed25519 public key, 32 bytes; `nil` for whoever takes no part.
    public init(
        in context: MaskingContext, under terms: MaskingTerms,
        identity: @escaping @Sendable (WorkerName) -> [UInt8]?
    ) {
        self.context = context
        self.terms = terms
        self.identity = identity
        sum = [UInt32](repeating: 0, count: terms.parameterCount + 1)
    }

    /// Workers that have answered in the present step.
    public var answered: Set<WorkerName> {
        guard let roster else { return Set(keys.keys) }
        let positions =
            switch step {
            case .keys: [Int]()
            case .shares: Array(sealed.keys)
            case .vectors: Array(vectors.keys)
            case .signatures: Array(signatures.keys)
            case .reveals: Array(revealed.keys)
            }
        return Set(positions.map(roster.name))
    }

    /// Workers that have a part in the present step, whether or not they have answered; `nil` while keys come in.
    public var members: Set<WorkerName>? {
        guard let roster else { return nil }
        let positions: any Sequence<Int> =
            switch step {
            case .keys, .shares: roster.entries.indices
            case .vectors: sharing
            case .signatures: survivors?.survivors ?? []
            case .reveals: signatures.keys
            }
        return Set(positions.map(roster.name))
    }

    /// Whose vectors are in the sum, once they are all in; in name order.
    public var counted: [WorkerName] {
        guard let roster, let survivors else { return [] }
        return survivors.survivors.map(roster.name)
    }

    /// The graph's numbers, once the keys are in.
    public var degree: MaskingDegree? { roster?.session.degree }

    /// Bytes of a masked vector, once the keys are in.
    public var vectorBytes: Int? {
        bits.map { PackedWords.byteCount(of: terms.parameterCount + 1, bits: $0) }
    }

    /// Bits of a masked value, once the keys are in.
    public var bits: Int? {
        guard let roster else { return nil }
        return try? terms.quantisation.bits(cohort: roster.session.cohort)
    }

    // First step: keys

    public mutating func accept(_ message: AdvertisedKeys) throws(MaskingError) {
        guard step == .keys else { throw .outOfTurn(step: "mask keys") }
        if let earlier = keys[message.worker] {
            guard earlier == message else { throw .repeatedDifferently(message.worker, step: "mask keys") }
            return
        }
        try message.check(in: context, by: identity(message.worker))
        keys[message.worker] = message
    }

    private func checkCohort() throws(MaskingError) {
        let fewest = terms.fewestSurvivors(cohort: keys.count)
        guard keys.count >= fewest else { throw .cohortTooSmall(have: keys.count, need: fewest) }
    }

    /// Why no sum can be made of the workers whose keys are here; `nil`: one can.
    public var keyShortfall: MaskingError? {
        do throws(MaskingError) {
            try checkCohort()
            _ = try terms.quantisation.bits(cohort: keys.count)
            _ = try MaskingDegree(cohort: keys.count, under: terms.assumptions)
            return nil
        } catch { return error }
    }

    /// Fixes the roster and the graph.
    ///
    /// - Returns: What each worker of the roster is sent.
    /// - Throws: ``MaskingError/cohortTooSmall(have:need:)``, ``MaskingError/noDegree(cohort:corrupt:dropout:)``,
    ///   ``MaskingError/tooManyBits(cohort:bits:)``.
    public mutating func closeKeys() throws(MaskingError) -> [WorkerName: NeighbourKeys] {
        try checkCohort()
        return try closeKeys(degree: try MaskingDegree(cohort: keys.count, under: terms.assumptions))
    }

    package mutating func closeKeys(degree: MaskingDegree) throws(MaskingError) -> [WorkerName: NeighbourKeys] {
        guard step == .keys else { throw .outOfTurn(step: "the end of the keys") }
        _ = try terms.quantisation.bits(cohort: keys.count)
        let made = Roster(keys.values, in: context, degree: degree)
        roster = made
        step = .shares
        return Dictionary(uniqueKeysWithValues: made.positions.map { ($0, made.message(for: $1)) })
    }

    // Second step: sealed shares

    public mutating func accept(_ message: SealedShares, from worker: WorkerName) throws(MaskingError) {
        let (roster, position) = try place(of: worker, in: .shares, "sealed shares")
        if let earlier = sealed[position] {
            guard earlier == message else { throw .repeatedDifferently(worker, step: "sealed shares") }
            return
        }
        guard message.boxes.map(\.position) == roster.neighbours[position] else {
            throw .wrongNeighbours("\(worker) sealed shares for others than its neighbours")
        }
        sealed[position] = message
    }

    /// Passes the shares on.
    ///
    /// - Returns: What each worker that goes on is sent. One with too few neighbours that shared drops out here.
    /// - Throws: ``MaskingError/tooFewSurvivors(have:need:)``.
    public mutating func closeShares() throws(MaskingError) -> [WorkerName: RoutedShares] {
        guard step == .shares, let roster else { throw .outOfTurn(step: "the end of the shares") }
        var going = Set(sealed.keys)
        while true {
            let left = going.filter { position in
                roster.neighbours[position].count { going.contains($0) } >= roster.session.degree.threshold
            }
            if left.count == going.count { break }
            going = left
        }
        let fewest = terms.fewestSurvivors(cohort: roster.session.cohort)
        guard going.count >= fewest else { throw .tooFewSurvivors(have: going.count, need: fewest) }
        sharing = going
        step = .vectors
        var incoming: [Int: [RoutedShares.Box]] = [:]
        for sender in going.sorted() {
            for box in sealed[sender]?.boxes ?? [] where going.contains(box.position) {
                incoming[box.position, default: []].append(.init(position: sender, sealed: box.sealed))
            }
        }
        return Dictionary(
            uniqueKeysWithValues: incoming.map { (roster.name($0), RoutedShares(boxes: $1)) })
    }

    // Third step: masked vectors

    /// - Parameter vector: Packed; ``MaskingTerms/vectorBytes(cohort:)`` bytes.
    public mutating func accept(vector: [UInt8], from worker: WorkerName) throws(MaskingError) {
        let (roster, position) = try place(of: worker, in: .vectors, "a masked vector")
        guard sharing.contains(position) else { throw .outOfTurn(step: "a masked vector of one that dropped out") }
        let digest = Array(SHA256.hash(data: vector))
        if let earlier = vectors[position] {
            guard earlier == digest else { throw .repeatedDifferently(worker, step: "masked vector") }
            return
        }
        let bits = try terms.quantisation.bits(cohort: roster.session.cohort)
        guard vector.count == PackedWords.byteCount(of: sum.count, bits: bits) else {
            throw .malformed("a masked vector of \(vector.count) bytes")
        }
        PackedWords.add(vector, bits: bits, to: &sum)
        vectors[position] = digest
    }

    /// What is missing for the sum of the vectors that are there; `nil`: nothing.
    public var vectorShortfall: MaskingError? {
        let fewest = terms.fewestSurvivors(cohort: roster?.session.cohort ?? 0)
        guard let roster, vectors.count >= fewest else {
            return .tooFewSurvivors(have: vectors.count, need: fewest)
        }
        for position in sharing.sorted() {
            let holders = roster.neighbours[position].count { vectors[$0] != nil }
            guard holders >= roster.session.degree.threshold else {
                return .unrecoverable(roster.name(position), have: holders, need: roster.session.degree.threshold)
            }
        }
        return nil
    }

    /// Fixes who survived.
    ///
    /// - Returns: The set that every survivor is sent.
    /// - Throws: ``MaskingError/tooFewSurvivors(have:need:)``, ``MaskingError/unrecoverable(_:have:need:)``.
    public mutating func closeVectors() throws(MaskingError) -> SurvivorSet {
        guard step == .vectors, let roster else { throw .outOfTurn(step: "the end of the vectors") }
        if let shortfall = vectorShortfall { throw shortfall }
        let set = SurvivorSet(
            survivors: Array(vectors.keys), dropped: Array(sharing.subtracting(vectors.keys)),
            cohort: roster.session.cohort)
        survivors = set
        step = .signatures
        return set
    }

    // Fourth step: survivor signatures

    public mutating func accept(_ message: SurvivorSignature, from worker: WorkerName) throws(MaskingError) {
        let (roster, position) = try place(of: worker, in: .signatures, "a survivor signature")
        guard let survivors, vectors[position] != nil else { throw .outOfTurn(step: "a dropped worker's signature") }
        if let earlier = signatures[position] {
            guard earlier == message else { throw .repeatedDifferently(worker, step: "survivor signature") }
            return
        }
        guard let key = identity(worker),
            IdentitySignature.isValid(message.bytes, of: survivors.signed(in: roster.session), by: key)
        else { throw .badSignature(worker) }
        signatures[position] = message
    }

    /// Passes the signatures on: to each signer as many of its neighbours' as it needs.
    public mutating func closeSignatures() throws(MaskingError) -> [WorkerName: NeighbourSignatures] {
        guard step == .signatures, let roster else { throw .outOfTurn(step: "the end of the signatures") }
        step = .reveals
        var messages: [WorkerName: NeighbourSignatures] = [:]
        for position in signatures.keys {
            let entries = roster.neighbours[position].compactMap { neighbour in
                signatures[neighbour].map { NeighbourSignatures.Entry(position: neighbour, signature: $0) }
            }
            messages[roster.name(position)] = NeighbourSignatures(
                entries: Array(entries.prefix(roster.session.degree.threshold)))
        }
        return messages
    }

    // Last step: revealed shares

    public mutating func accept(_ message: RevealedShares, from worker: WorkerName) throws(MaskingError) {
        let (roster, position) = try place(of: worker, in: .reveals, "revealed shares")
        guard signatures[position] != nil else { throw .outOfTurn(step: "shares of one that did not sign") }
        if let earlier = revealed[position] {
            guard earlier == message else { throw .repeatedDifferently(worker, step: "revealed shares") }
            return
        }
        let expected = roster.neighbours[position].filter(sharing.contains)
        guard message.entries.map(\.position) == expected else {
            throw .wrongNeighbours("\(worker) revealed shares of others than its neighbours")
        }
        for entry in message.entries where (entry.kind == .selfSeed) != (vectors[entry.position] != nil) {
            throw .malformed("\(worker) revealed the wrong kind of share of \(roster.name(entry.position))")
        }
        revealed[position] = message
    }

    /// Takes all masks off the sum. May be called as soon as enough shares are in, and again after more came.
    ///
    /// - Throws: ``MaskingError/unrecoverable(_:have:need:)``, ``MaskingError/wrongShares(of:)``.
    public func unmask() throws(MaskingError) -> UnmaskedSum {
        guard step == .reveals, let roster, let survivors else { throw .outOfTurn(step: "unmasking") }
        let words = try MaskRemoval(roster: roster, survivors: survivors, revealed: revealed)
            .remove(from: sum, keys: keys, commitments: sealed.mapValues(\.commitment))
        let bits = try terms.quantisation.bits(cohort: roster.session.cohort)
        return UnmaskedSum(
            sum: terms.quantisation.sum(of: words, bits: bits), survivors: counted)
    }

    private func place(
        of worker: WorkerName, in step: Step, _ message: String
    ) throws(MaskingError) -> (Roster, Int) {
        guard self.step == step, let roster else { throw .outOfTurn(step: message) }
        guard let position = roster.positions[worker] else { throw .unknownWorker(worker) }
        return (roster, position)
    }
}

/// What an attempt ends with: the survivors' weighted sum and who they are, nothing of any one of them.
public struct UnmaskedSum: Hashable, Sendable {
    public let sum: WeightedSum
    /// In name order.
    public let survivors: [WorkerName]
}
