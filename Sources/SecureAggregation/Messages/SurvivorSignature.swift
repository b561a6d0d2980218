/// Worker to coordinator, fourth step: its signature of the set of survivors.
public struct SurvivorSignature: Hashable, Sendable {
    /// Ed25519, 64 bytes.
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        guard bytes.count == IdentitySignature.byteCount else {
            throw .malformed("a survivor signature of \(bytes.count) bytes")
        }
        self.bytes = bytes
    }
}

/// Coordinator to worker, after the fourth step: what its neighbours signed.
public struct NeighbourSignatures: Hashable, Sendable {
    /// Ascending by position.
    public let entries: [Entry]

    public struct Entry: Hashable, Sendable {
        public let position: Int
        public let signature: SurvivorSignature

        package init(position: Int, signature: SurvivorSignature) {
            self.position = position
            self.signature = signature
        }
    }

    package init(entries: [Entry]) { self.entries = entries }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(entries.count))
        for entry in entries {
            writer.append(UInt32(entry.position))
            writer.append(fixed: entry.signature.bytes)
        }
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "neighbours' signatures")
        var entries: [Entry] = []
        for _ in try 0..<reader.count(entryBytes: 4 + IdentitySignature.byteCount) {
            entries.append(
                Entry(
                    position: Int(try reader.number(UInt32.self)),
                    signature: try SurvivorSignature(try reader.fixed(IdentitySignature.byteCount))))
        }
        self.entries = entries
        try reader.finish()
    }
}
