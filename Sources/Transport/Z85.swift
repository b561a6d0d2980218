import CZeroMQ
public import Wire

/// ZeroMQ's text form of keys (RFC 32): five printable characters for four bytes.
enum Z85 {
    static func encode(_ bytes: [UInt8]) -> String {
        precondition(bytes.count.isMultiple(of: 4), "Z85 encodes multiples of four bytes")
        var text = [CChar](repeating: 0, count: bytes.count / 4 * 5 + 1)
        zmq_z85_encode(&text, bytes, bytes.count)
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// `nil` unless the text is Z85 for exactly `count` bytes.
    static func decode(_ text: String, count: Int) -> [UInt8]? {
        // libzmq decodes C strings: the length without zero bytes is checked here first.
        guard text.utf8.count == count / 4 * 5, !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        return zmq_z85_decode(&bytes, text) == nil ? nil : bytes
    }
}

extension PublicKey {
    /// The key as people pass it on: 40 characters of Z85.
    public var z85: String { Z85.encode(bytes) }

    /// Fails unless the text is 40 characters of Z85.
    public init?(z85 text: String) {
        guard let bytes = Z85.decode(text, count: 32) else { return nil }
        self.init(bytes: bytes)
    }
}
