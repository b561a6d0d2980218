internal import ModelFiles

/// Turns an update into bytes and back.
///
/// Encoding runs at the worker, decoding at the coordinator on bytes from a stranger: a decoder is total, it gives a
/// value or a ``CodecError`` for any bytes, and time and memory are bounded by `count`. A codec writes no header: its
/// name, the update's hash and the protocol's version travel in the message that announces the bytes.
public protocol UpdateCodec: Sendable {
    /// As it was asked for, parameters included.
    var name: CodecName { get }

    /// Whether the decoded update, averaged over seeds, is the update itself. What a biased codec leaves out is lost
    /// unless the worker keeps it and adds it to its next update (error feedback).
    var isUnbiased: Bool { get }

    /// - Parameters:
    ///   - update: Finite values (``UpdateCheck``); a decoder refuses any others.
    ///   - seed: Keys the codec's random choices (``CodecSeed``); the decoder must be given the same.
    func encode(_ update: [Float], seed: UInt64) -> [UInt8]

    /// - Parameters:
    ///   - bytes: At most ``maximumEncodedBytes(count:)`` of them: longer ones are refused.
    ///   - count: Values in the update, known from the adapter's layout.
    ///   - seed: The one the update was encoded with.
    /// - Returns: `[count]` finite values.
    func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float]

    /// The L2 norm of what ``decode(_:count:seed:)`` gives for the same bytes, or its error.
    func norm(of bytes: UnsafeRawBufferPointer, count: Int, seed: UInt64) throws(CodecError) -> Double

    /// Adds updates to a running sum, `sum += weight · decoded`, one after the other: to the bit what decoding each and
    /// adding it in Double gives, without an array of its values where the codec can.
    ///
    /// - Parameters:
    ///   - count: Values in each update.
    ///   - sum: `[count]`, changed in place; of no use after an error.
    func add(_ updates: [EncodedUpdate], count: Int, to sum: UnsafeMutableBufferPointer<Double>) throws(CodecError)

    /// The most bytes that ``encode(_:seed:)`` gives for `count` values: what an upload may announce.
    func maximumEncodedBytes(count: Int) -> Int
}

extension UpdateCodec {
    public func norm(of bytes: UnsafeRawBufferPointer, count: Int, seed: UInt64) throws(CodecError) -> Double {
        try decode(Array(bytes), count: count, seed: seed).withUnsafeBytes { UpdateCheck.norm(of: $0) }
    }

    public func add(
        _ updates: [EncodedUpdate], count: Int, to sum: UnsafeMutableBufferPointer<Double>
    ) throws(CodecError) {
        try addDecoded(updates, count: count, to: sum)
    }

    func addDecoded(
        _ updates: [EncodedUpdate], count: Int, to sum: UnsafeMutableBufferPointer<Double>
    ) throws(CodecError) {
        for update in updates {
            let values = try decode(update.bytes.copy(), count: count, seed: update.seed)
            _ = values.withUnsafeBytes { DenseCodec.add([$0], weights: [update.weight], to: sum) }
        }
    }
}

/// Why bytes are no update, or a name no codec.
public enum CodecError: Error, Hashable, Sendable {
    case unknownCodec(String)
    case unknownParameter(codec: String, parameter: String)
    /// `expected` completes "must be …".
    case invalidParameter(codec: String, parameter: String, value: String, expected: String)
    /// An update of a size that no adapter has.
    case invalidCount(Int)
    case wrongLength(codec: String, expected: Int, actual: Int)
    /// The bytes are not what the codec writes. `reason` completes "the bytes …".
    case malformed(codec: String, reason: String)
    case notFinite(codec: String, index: Int)
}

extension CodecError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownCodec(let name):
            "unknown codec '\(name)'; supported: \(Codecs.supported.joined(separator: ", "))"
        case .unknownParameter(let codec, let parameter):
            "codec '\(codec)' has no parameter '\(parameter)'"
        case .invalidParameter(let codec, let parameter, let value, let expected):
            "codec '\(codec)': \(parameter) must be \(expected), not \(value)"
        case .invalidCount(let count):
            "no adapter has \(count) values"
        case .wrongLength(let codec, let expected, let actual):
            "\(codec) update of \(actual) bytes, expected \(expected); check that both sides use the same rank and "
                + "target layers"
        case .malformed(let codec, let reason):
            "\(codec) update: the bytes \(reason); check that both sides run the same release and use the same rank "
                + "and target layers"
        case .notFinite(let codec, let index):
            "\(codec) update: value \(index) is not a finite number"
        }
    }
}
