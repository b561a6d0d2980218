/// Coordinator to worker, after the first step: ``NeighbourKeys`` and, for each neighbour, the Ed25519 identity that the
/// coordinator knows it by. Whether to believe that is the worker's to say: it keeps the first identity it heard of a
/// name and refuses another.
public struct IntroducedNeighbours: Hashable, Sendable {
    public let keys: NeighbourKeys
    /// 32 bytes each, in the order of ``NeighbourKeys/neighbours``.
    public let identities: [[UInt8]]

    static let identityBytes = 32

    package init(keys: NeighbourKeys, identities: [[UInt8]]) {
        precondition(keys.neighbours.count == identities.count, "an identity for each neighbour")
        self.keys = keys
        self.identities = identities
    }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(identities.count))
        for identity in identities { writer.append(fixed: identity) }
        writer.append(fixed: keys.bytes)
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "neighbours' identities")
        var identities: [[UInt8]] = []
        for _ in try 0..<reader.count(entryBytes: Self.identityBytes) {
            identities.append(try reader.fixed(Self.identityBytes))
        }
        keys = try NeighbourKeys(reader.rest())
        guard keys.neighbours.count == identities.count else {
            throw .malformed("\(identities.count) identities for \(keys.neighbours.count) neighbours")
        }
        self.identities = identities
    }
}
