internal import Federation
internal import Randomness
internal import SecureAggregation

/// A worker of ``MasksBenchmark`` that counts its time and its bytes.
struct BenchmarkedClient {
    private var worker: MaskingWorker
    private let terms: MaskingTerms
    private(set) var watch = Stopwatch()
    private(set) var uplinkBytes = 0
    private(set) var downlinkBytes = 0

    init(
        _ name: WorkerName, in context: MaskingContext, under terms: MaskingTerms,
        signing: @escaping @Sendable ([UInt8]) throws -> [UInt8],
        identity: @escaping @Sendable (WorkerName) -> [UInt8]?
    ) throws {
        self.terms = terms
        var watch = Stopwatch()
        worker = try watch.measure {
            try MaskingWorker(
                name, in: context, under: terms, secret: SecretStream.randomKey(), signing: signing,
                identity: identity)
        }
        self.watch = watch
    }

    mutating func advertise() throws -> AdvertisedKeys {
        let message = worker.advertise()
        uplinkBytes += message.bytes.count
        return message
    }

    mutating func share(_ keys: NeighbourKeys?) throws -> SealedShares {
        let keys = try received(keys, \.bytes)
        let message = try timed { try $0.share(keys) }
        uplinkBytes += message.bytes.count
        return message
    }

    mutating func mask(
        _ update: [Float], weight: Int, _ shares: RoutedShares?
    ) throws -> (words: [UInt32], vector: [UInt8]) {
        let shares = try received(shares, \.bytes)
        var random = StreamKey(seed: 0, worker: worker.name.text, purpose: .codec).generator()
        let quantisation = terms.quantisation
        let result = try timed { worker in
            let words = try quantisation.words(update, weight: weight, rounding: &random)
            return (words, try worker.mask(words, with: shares))
        }
        uplinkBytes += result.1.count
        return result
    }

    mutating func sign(_ survivors: SurvivorSet) throws -> SurvivorSignature {
        downlinkBytes += survivors.bytes.count
        let message = try timed { try $0.sign(survivors) }
        uplinkBytes += message.bytes.count
        return message
    }

    mutating func reveal(_ signatures: NeighbourSignatures?) throws -> RevealedShares {
        let signatures = try received(signatures, \.bytes)
        let message = try timed { try $0.reveal(signatures) }
        uplinkBytes += message.bytes.count
        return message
    }

    private mutating func timed<Result>(_ work: (inout MaskingWorker) throws -> Result) throws -> Result {
        var watch = watch
        defer { self.watch = watch }
        return try watch.measure { try work(&worker) }
    }

    private mutating func received<Message>(_ message: Message?, _ bytes: (Message) -> [UInt8]) throws -> Message {
        guard let message else { throw MaskingError.outOfTurn(step: "nothing") }
        downlinkBytes += bytes(message).count
        return message
    }
}
