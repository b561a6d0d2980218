/// Turns an update into bytes and back.
///
/// Encoding runs at the worker, decoding at the coordinator on bytes from a stranger: a decoder is total, it gives a
/// value or a ``CodecError`` for any bytes, and allocates no more than `count` values allow. A codec writes no header:
/// its name, the update's hash and the protocol's version travel in the message that announces the bytes.
public protocol UpdateCodec: Sendable {
    var name: CodecName { get }

    /// - Parameter update: Finite values (``UpdateCheck``); a decoder refuses any others.
    func encode(_ update: [Float]) -> [UInt8]

    /// - Parameters:
    ///   - bytes: At most ``maximumEncodedBytes(count:)`` of them: longer ones are refused.
    ///   - count: Values in the update, known from the adapter's layout.
    /// - Returns: `[count]` finite values.
    func decode(_ bytes: [UInt8], count: Int) throws(CodecError) -> [Float]

    /// The most bytes that ``encode(_:)`` gives for `count` values: what an upload may announce.
    func maximumEncodedBytes(count: Int) -> Int
}

/// Why bytes are no update, or a name no codec.
public enum CodecError: Error, Hashable, Sendable {
    case unknownCodec(String)
    case unknownParameter(codec: String, parameter: String)
    case wrongLength(codec: String, expected: Int, actual: Int)
    case notFinite(codec: String, index: Int)
}

extension CodecError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownCodec(let name):
            "unknown codec '\(name)'; supported: \(Codecs.supported.joined(separator: ", "))"
        case .unknownParameter(let codec, let parameter):
            "codec '\(codec)' has no parameter '\(parameter)'"
        case .wrongLength(let codec, let expected, let actual):
            "\(codec) update of \(actual) bytes, expected \(expected); check that both sides use the same rank and "
                + "target layers"
        case .notFinite(let codec, let index):
            "\(codec) update: value \(index) is not a finite number"
        }
    }
}
