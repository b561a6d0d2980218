internal import Crypto
internal import Federation
internal import FoundationEssentials
internal import Randomness
public import SecureAggregation

/// Measures one masked sum of a whole cohort, every worker and the coordinator one after another on one thread: what
/// the protocol costs each side, without network, disk or training.
///
/// The workers that drop out do so after they shared their secrets and before their vector, which costs the coordinator
/// most: it computes all the masks that they shared with those who stayed.
public struct MasksBenchmark: Sendable {
    private let workers: Int
    private let dropout: Double
    private let terms: MaskingTerms
    private static let seed: UInt64 = 0

    /// - Parameters:
    ///   - workers: In the cohort, at least 2.
    ///   - dropout: Share of the workers that drop out, 0 to below 1.
    public init(workers: Int, dropout: Double, terms: MaskingTerms) {
        precondition(workers >= 2 && 0..<1 ~= dropout, "\(workers) workers, \(dropout) of them dropping out")
        self.workers = workers
        self.dropout = dropout
        self.terms = terms
    }

    /// - Throws: ``MaskingError``, or ``MasksBenchmarkError`` if the unmasked sum is not the plain one to the last bit.
    public func run() throws -> MasksMeasurement {
        let context = MaskingContext(run: RunID(bits: Self.seed), round: 1, attempt: 1)
        let signing = (0..<workers).map { _ in Curve25519.Signing.PrivateKey() }
        let names = try (0..<workers).map(Self.name)
        let known = Dictionary(
            uniqueKeysWithValues: zip(names, signing.map { Array($0.publicKey.rawRepresentation) }))
        let identity: @Sendable (WorkerName) -> [UInt8]? = { known[$0] }
        var server = UnmaskingServer(in: context, under: terms, identity: identity)
        var clients: [BenchmarkedClient] = []
        for index in 0..<workers {
            let key = signing[index]
            clients.append(
                try BenchmarkedClient(
                    names[index], in: context, under: terms, signing: { Array(try key.signature(for: $0)) },
                    identity: identity))
        }
        let drops = Set(0..<Int((dropout * Double(workers)).rounded()))
        let staying = clients.indices.filter { !drops.contains($0) }
        var serving = Stopwatch()

        for index in clients.indices {
            let message = try clients[index].advertise()
            try serving.measure { try server.accept(message) }
        }
        let keys = try serving.measure { try server.closeKeys() }
        for index in clients.indices {
            let shares = try clients[index].share(keys[names[index]])
            try serving.measure { try server.accept(shares, from: names[index]) }
        }
        let shares = try serving.measure { try server.closeShares() }
        guard let bits = server.bits, let degree = server.degree else { throw MaskingError.outOfTurn(step: "vectors") }
        var plain = [UInt32](repeating: 0, count: terms.parameterCount + 1)
        var vectorBytes = 0
        for index in staying {
            var random = StreamKey(seed: Self.seed, worker: names[index].text, purpose: .partition).generator()
            let update = (0..<terms.parameterCount).map { _ in terms.quantisation.clip * (2 * random.uniform() - 1) }
            let (words, vector) = try clients[index].mask(
                update, weight: random.index(below: terms.quantisation.weightLimit) + 1, shares[names[index]])
            vectorBytes = vector.count
            for place in plain.indices { plain[place] &+= words[place] }
            try serving.measure { try server.accept(vector: vector, from: names[index]) }
        }
        let survivors = try serving.measure { try server.closeVectors() }
        for index in staying {
            let signature = try clients[index].sign(survivors)
            try serving.measure { try server.accept(signature, from: names[index]) }
        }
        let signatures = try serving.measure { try server.closeSignatures() }
        for index in staying {
            let revealed = try clients[index].reveal(signatures[names[index]])
            try serving.measure { try server.accept(revealed, from: names[index]) }
        }
        var unmasking = Stopwatch()
        let result = try unmasking.measure { try server.unmask() }
        guard result.sum == terms.quantisation.sum(of: plain, bits: bits), result.survivors.count == staying.count
        else { throw MasksBenchmarkError.differentSum }

        let survived = staying.map { clients[$0] }
        let traffic = survived.map { Double($0.uplinkBytes + $0.downlinkBytes) / Double(vectorBytes) }
        return MasksMeasurement(
            workers: workers, parameters: terms.parameterCount, dropped: drops.count, neighbours: degree.neighbours,
            threshold: degree.threshold, bits: bits, maskedVectorBytes: vectorBytes,
            clientSecondsMedian: survived.map(\.watch.seconds).median,
            clientSecondsMax: clients.map(\.watch.seconds).max() ?? 0,
            uplinkBytes: survived.map(\.uplinkBytes).max() ?? 0,
            downlinkBytes: survived.map(\.downlinkBytes).max() ?? 0,
            trafficOverVector: traffic.max() ?? 0, serverSeconds: serving.seconds,
            serverUnmaskSeconds: unmasking.seconds)
    }

    /// Names of the same length sort as their numbers do.
    private static func name(_ index: Int) throws -> WorkerName {
        let digits = String(index)
        guard let name = WorkerName("worker-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits)
        else { throw MaskingError.malformed("no worker's name") }
        return name
    }
}

/// The protocol came to another result than adding up.
public enum MasksBenchmarkError: Error, Hashable, Sendable, CustomStringConvertible {
    case differentSum

    public var description: String { "the unmasked sum is not the sum of the survivors' quantised updates" }
}

/// What `shoal bench masks` reports; the names are those of its JSON.
public struct MasksMeasurement: Encodable, Hashable, Sendable {
    public let workers: Int
    public let parameters: Int
    public let dropped: Int
    /// Of each worker in the graph, k.
    public let neighbours: Int
    /// Shares that uncover a secret, t.
    public let threshold: Int
    /// Of a masked value, b.
    public let bits: Int
    public let maskedVectorBytes: Int
    /// All steps of a worker that stayed: keys, shares, quantising, masking, signing, revealing.
    public let clientSecondsMedian: Double
    public let clientSecondsMax: Double
    /// The most that one worker sent and was sent, the masked vector included; messages without their envelopes.
    public let uplinkBytes: Int
    public let downlinkBytes: Int
    /// Up and down together, over the masked vector alone; the worker with the most.
    public let trafficOverVector: Double
    /// All that the coordinator computed for all workers before unmasking.
    public let serverSeconds: Double
    public let serverUnmaskSeconds: Double
}
