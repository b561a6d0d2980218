import FixtureFiles
import ModelFiles
import Wire

/// Envelopes as they come off a socket: the first byte says how large a payload frame came with them.
enum EnvelopeFuzzing {
    static func read(_ bytes: [UInt8]) throws -> Bool {
        guard let first = bytes.first else { return false }
        let payloadBytes: Int? = first == 0 ? nil : Int(first) << 13
        guard let envelope = try? WireCodec.decode(Array(bytes.dropFirst()), payloadBytes: payloadBytes) else {
            return false
        }
        // What was let in can be said again, and means the same.
        guard let again = try? WireCodec.decode(WireCodec.encode(envelope), payloadBytes: payloadBytes) else {
            throw Contradiction("\(envelope) is not let in a second time")
        }
        try expect(again == envelope, "\(envelope) became \(again)")
        return true
    }

    /// The messages that the protocol's own Python encoder wrote, each with and without a payload.
    static func seeds() throws -> [[UInt8]] {
        let text = String(decoding: try MappedFile(path: FixtureFiles.path("wire/version1.txt")).copy(), as: UTF8.self)
        return text.split(separator: "\n").flatMap { line -> [[UInt8]] in
            guard let digits = line.split(separator: " ").last else { return [] }
            let bytes = Array(digits.utf8)
            let envelope = stride(from: 0, to: bytes.count - 1, by: 2).compactMap {
                UInt8(String(decoding: bytes[$0..<($0 + 2)], as: UTF8.self), radix: 16)
            }
            return [[0] + envelope, [1] + envelope].filter { (try? read($0)) == true }
        }
    }
}
