public import Federation
internal import Foundation
internal import ModelFiles
internal import Randomness
internal import Tensor

/// Measures aggregation as the coordinator does it: a round's updates, each a file, mapped and folded into one
/// mean, or held together for a robust rule.
public struct AggregateBenchmark: Sendable {
    private let codec: any UpdateCodec
    private let workers: Int
    private let parameters: Int
    private let robust: RobustOptions?

    /// Files that are written; workers share them in turn. As many as are folded at once, so that no file is read twice
    /// from a cache.
    private static let files = WeightedMean.batch
    private static let seed: UInt64 = 0

    /// - Parameters:
    ///   - workers: Updates in the round, at least 1.
    ///   - parameters: Values in an update, at least 1.
    ///   - robust: Rules in place of the mean.
    /// - Throws: ``CodecError`` for a codec that does not exist.
    public init(
        _ codec: CodecName, workers: Int, parameters: Int, robust: RobustOptions? = nil
    ) throws(CodecError) {
        precondition(workers >= 1 && parameters >= 1, "\(workers) workers, \(parameters) parameters")
        self.codec = try Codecs.make(codec)
        self.workers = workers
        self.parameters = parameters
        self.robust = robust
    }

    /// - Parameters:
    ///   - folder: Where the update files are written; they are removed again.
    ///   - threads: At most so many; 0 takes one for each processor.
    public func run(in folder: String, threads: Int) throws -> AggregateMeasurement {
        Threads.limit(to: threads)
        let paths = (0..<min(Self.files, workers)).map { "\(folder)/update-\($0)" }
        defer { for path in paths { unlink(path) } }
        var encodedBytes = 0
        for (index, path) in paths.enumerated() { encodedBytes += try write(path, number: index) }
        PeakMemory.reset()
        let start = ContinuousClock().now
        var combination: any UpdateCombination = WeightedMean(parameterCount: parameters)
        if let robust { combination = RobustCombination(robust) }
        for first in stride(from: 0, to: workers, by: WeightedMean.batch) {
            let updates = try (first..<min(workers, first + WeightedMean.batch)).map { worker in
                let file = worker % paths.count
                return EncodedUpdate(
                    try MappedFile(path: paths[file]), seed: UInt64(file), weight: Double(1 + worker % 100))
            }
            let reports = updates.map { UpdateReport(weight: $0.weight, steps: 1, trainLoss: 1) }
            try combination.add(updates, from: reports, count: parameters, codec: codec)
        }
        let result = try combination.finish()
        let seconds = (ContinuousClock().now - start) / .seconds(1)
        precondition(result.count == parameters, "the mean has every parameter")
        return AggregateMeasurement(
            codec: codec.name.description, rules: robust?.chain.description, workers: workers, parameters: parameters,
            threads: Threads.available,
            updateBytes: encodedBytes / paths.count, updatesPerSecond: Double(workers) / seconds,
            denseGBPerSecond: Double(workers) * Double(parameters) * 4 / seconds / 1e9,
            peakRssMiB: try PeakMemory.residentMiB())
    }

    /// - Returns: The file's size. Unit: bytes.
    private func write(_ path: String, number: Int) throws -> Int {
        var random = StreamKey(seed: Self.seed, round: number, purpose: .partition).generator()
        let update = (0..<parameters).map { _ in random.normal() }
        let bytes = codec.encode(update, seed: UInt64(number))
        try AtomicFile.write(bytes, to: path)
        return bytes.count
    }
}

/// What `shoal bench aggregate` reports; the names are those of its JSON.
public struct AggregateMeasurement: Encodable, Hashable, Sendable {
    public let codec: String
    /// `nil` for the mean.
    public let rules: String?
    public let workers: Int
    public let parameters: Int
    public let threads: Int
    /// Mean size of an encoded update. Unit: bytes.
    public let updateBytes: Int
    public let updatesPerSecond: Double
    /// Float32 values that the updates stand for: workers · parameters · 4 bytes / seconds / 10⁹.
    public let denseGBPerSecond: Double
    /// Most resident memory while folding, mapped files included. Unit: MiB.
    public let peakRssMiB: Double
}
