public import Federation
internal import Glibc
internal import Randomness
internal import Tensor

/// Measures update codecs on values of the standard normal distribution, on one thread.
public struct CodecBenchmark: Sendable {
    /// Those that are measured where none is named.
    public static let defaultCodecs: [CodecName] = [
        "dense", "bfloat16", "int8", "eden:bits=1", "eden:bits=2", "eden:bits=3", "eden:bits=4", "eden:bits=8",
        "eden:bits=1,quantiser=lloyd-max", "eden:bits=4,quantiser=lloyd-max", "trellis:bits=0.25", "trellis:bits=0.125",
        "ternary:density=0.1",
        "ternary:density=0.03", "ternary:density=0.01", "topk:density=0.03,bits=2", "topk:density=0.01,bits=4",
    ].compactMap { CodecName($0) }

    private let codecs: [any UpdateCodec]
    private let update: [Float]
    private let repetitions: Int
    private static let seed: UInt64 = 0

    /// - Parameters:
    ///   - parameters: Values in the update, at least 1.
    ///   - repetitions: Of which the fastest counts, at least 1: what else the machine does can only slow one down.
    /// - Throws: ``CodecError`` for a codec that does not exist.
    public init(
        _ codecs: [CodecName] = defaultCodecs, parameters: Int, repetitions: Int = 7
    ) throws(CodecError) {
        precondition(parameters >= 1 && repetitions >= 1, "\(parameters) parameters, \(repetitions) repetitions")
        var made: [any UpdateCodec] = []
        for name in codecs { made.append(try Codecs.make(name)) }
        self.codecs = made
        var random = StreamKey(seed: Self.seed, purpose: .partition).generator()
        update = (0..<parameters).map { _ in random.normal() }
        self.repetitions = repetitions
    }

    /// - Parameter report: Called with each codec's measurement as it is made.
    public func run(_ report: (CodecMeasurement) throws -> Void) throws {
        Threads.limit(to: 1)
        for codec in codecs { try report(try measure(codec)) }
    }

    private func measure(_ codec: any UpdateCodec) throws -> CodecMeasurement {
        let clock = ContinuousClock()
        var (encoding, decoding) = (Duration.seconds(1_000_000), Duration.seconds(1_000_000))
        var bytes: [UInt8] = []
        var decoded: [Float] = []
        for _ in 0..<repetitions {
            encoding = min(encoding, clock.measure { bytes = codec.encode(update, seed: Self.seed) })
            decoding = min(
                decoding, try clock.measure { decoded = try codec.decode(bytes, count: update.count, seed: Self.seed) })
        }
        let bits = 8 * Double(bytes.count) / Double(update.count)
        let error = Self.error(decoded, update)
        let limitInverse = codec.isUnbiased ? exp2(2 * bits) - 1 : exp2(2 * bits)
        let megabytes = 4e-6 * Double(update.count)
        return CodecMeasurement(
            codec: codec.name.description, bitsPerCoordinate: bits, nmse: error, nmseOverLimit: error * limitInverse,
            encodeMBPerSecond: megabytes / (encoding / .seconds(1)),
            decodeMBPerSecond: megabytes / (decoding / .seconds(1)))
    }

    /// Normalised mean squared error, ‖decoded − update‖² / ‖update‖².
    private static func error(_ decoded: [Float], _ update: [Float]) -> Double {
        var (squares, total) = (0.0, 0.0)
        for (left, right) in zip(decoded, update) {
            squares += (Double(left) - Double(right)) * (Double(left) - Double(right))
            total += Double(right) * Double(right)
        }
        return total == 0 ? squares : squares / total
    }
}

/// What `shoal bench codec` reports of one codec; the names are those of its JSON.
public struct CodecMeasurement: Encodable, Hashable, Sendable {
    public let codec: String
    /// Everything that is sent counts.
    public let bitsPerCoordinate: Double
    /// ‖decoded − update‖² / ‖update‖².
    public let nmse: Double
    /// Over the least that any code of this many bits can reach for normal values: 2^(−2·bits), unbiased
    /// 1 / (2^(2·bits) − 1).
    public let nmseOverLimit: Double
    /// Of float32 values, 10⁶ bytes.
    public let encodeMBPerSecond: Double
    public let decodeMBPerSecond: Double
}
