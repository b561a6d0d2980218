import Crypto
import Federation
import Foundation
import Randomness
import SecureAggregation

/// A coordinator and its workers in one attempt, driven step by step, with all that passes between them.
struct MaskedCohort {
    let context: MaskingContext
    let terms: MaskingTerms
    let names: [WorkerName]
    let identities: [WorkerName: Curve25519.Signing.PrivateKey]
    var workers: [WorkerName: MaskingWorker] = [:]
    var server: UnmaskingServer
    /// The quantised updates, as integers.
    let updates: [WorkerName: [Int32]]
    /// What some mask in place of those.
    var replacement: [WorkerName: [UInt32]] = [:]

    var keys: [WorkerName: NeighbourKeys] = [:]
    var shares: [WorkerName: RoutedShares] = [:]
    var survivors: SurvivorSet?
    var signatures: [WorkerName: NeighbourSignatures] = [:]
    /// What the coordinator was sent, by worker.
    var transcript: [WorkerName: [[UInt8]]] = [:]

    static let noAssumptions = MaskingAssumptions(corruptFraction: 0, dropoutFraction: 1.0 / 3)

    init(
        _ count: Int, attempt: Int = 1, assuming assumptions: MaskingAssumptions = noAssumptions, minimum: Int = 2,
        parameters: Int = 37,
        quantisation: WeightedQuantisation = WeightedQuantisation(clip: 0.5, levels: 500, weightLimit: 9)
    ) throws {
        context = MaskingContext(run: RunID(bits: 99), round: 3, attempt: attempt)
        terms = MaskingTerms(
            assumptions: assumptions, minimumCohort: minimum,
            quantisation: quantisation, parameterCount: parameters)
        names = (0..<count).compactMap { WorkerName("node-\($0)") }
        // From bytes that follow from the name: the same worker has the same identity in every attempt.
        identities = Dictionary(
            uniqueKeysWithValues: try names.map {
                let seed = Data(SHA256.hash(data: Data("identity \($0)".utf8)))
                return ($0, try Curve25519.Signing.PrivateKey(rawRepresentation: seed))
            })
        server = UnmaskingServer(in: context, under: terms, identity: Self.lookup(identities))
        var updates: [WorkerName: [Int32]] = [:]
        for name in names {
            var random = StreamKey(seed: 5, attempt: attempt, worker: name.text, purpose: .partition).generator()
            let values = (0..<parameters).map { _ in random.normal() }
            updates[name] = try terms.quantisation.words(
                values, weight: random.index(below: quantisation.weightLimit + 1), rounding: &random
            ).map { Int32(bitPattern: $0) }
        }
        self.updates = updates
        for name in names { workers[name] = try worker(name) }
    }

    /// A new worker with the identity and, unless another one is given, the attempt's secret of `name`.
    func worker(
        _ name: WorkerName, secret: [UInt8]? = nil, under other: MaskingTerms? = nil
    ) throws -> MaskingWorker {
        let identity = identities[name]
        return try MaskingWorker(
            name, in: context, under: other ?? terms, secret: secret ?? self.secret(name),
            signing: { Array(try identity?.signature(for: Data($0)) ?? Data()) }, identity: Self.lookup(identities))
    }

    func secret(_ name: WorkerName) -> [UInt8] {
        Array(SHA256.hash(data: Data("secret \(name) \(context.attempt)".utf8)))
    }

    var identityLookup: @Sendable (WorkerName) -> [UInt8]? { Self.lookup(identities) }

    private static func lookup(
        _ keys: [WorkerName: Curve25519.Signing.PrivateKey]
    ) -> @Sendable (WorkerName) -> [UInt8]? {
        let known = keys.mapValues { Array($0.publicKey.rawRepresentation) }
        return { known[$0] }
    }

    // Steps, each without the workers in `missing`

    mutating func exchangeKeys(without missing: Set<WorkerName> = []) throws {
        for name in names where !missing.contains(name) {
            guard let message = workers[name]?.advertise() else { continue }
            try server.accept(AdvertisedKeys(sent(message.bytes, name)))
        }
        keys = try server.closeKeys()
    }

    mutating func exchangeShares(without missing: Set<WorkerName> = []) throws {
        for name in names where !missing.contains(name) {
            guard let received = keys[name],
                let message = try workers[name]?.share(NeighbourKeys(received.bytes))
            else { continue }
            try server.accept(SealedShares(sent(message.bytes, name)), from: name)
        }
        shares = try server.closeShares()
    }

    mutating func sendVectors(without missing: Set<WorkerName> = []) throws {
        for name in names where !missing.contains(name) {
            let words = words(name)
            guard let received = shares[name],
                let vector = try workers[name]?.mask(words, with: RoutedShares(received.bytes))
            else { continue }
            try server.accept(vector: sent(vector, name), from: name)
        }
        survivors = try server.closeVectors()
    }

    mutating func exchangeSignatures(without missing: Set<WorkerName> = []) throws {
        guard let survivors else { return }
        for name in server.counted where !missing.contains(name) {
            guard let message = try workers[name]?.sign(SurvivorSet(survivors.bytes)) else { continue }
            try server.accept(SurvivorSignature(sent(message.bytes, name)), from: name)
        }
        signatures = try server.closeSignatures()
    }

    mutating func revealShares(without missing: Set<WorkerName> = []) throws {
        for (name, received) in signatures where !missing.contains(name) {
            guard let message = try workers[name]?.reveal(NeighbourSignatures(received.bytes)) else { continue }
            try server.accept(RevealedShares(sent(message.bytes, name)), from: name)
        }
    }

    func words(_ name: WorkerName) -> [UInt32] {
        replacement[name] ?? (updates[name] ?? []).map { UInt32(bitPattern: $0) }
    }

    private mutating func sent(_ bytes: [UInt8], _ name: WorkerName) -> [UInt8] {
        transcript[name, default: []].append(bytes)
        return bytes
    }

    /// What adding up gives: the integers of each value, and the weights.
    func plainSum(of names: [WorkerName]) -> [Int] {
        names.reduce(into: [Int](repeating: 0, count: terms.parameterCount + 1)) { sum, name in
            for (index, integer) in (updates[name] ?? []).enumerated() { sum[index] += Int(integer) }
        }
    }
}

extension WeightedSum {
    /// Values and then the weight, as ``MaskedCohort/plainSum(of:)`` has them.
    var all: [Int] { integers.map(Int.init) + [weight] }
}
