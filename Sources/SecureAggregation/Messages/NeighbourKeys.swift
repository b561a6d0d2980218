/// Coordinator to worker, after the first step: the worker's place in the roster, the graph's numbers, and its
/// neighbours' keys with the proof that all of them and its own are in the one list the graph is made from.
///
/// The roster is sorted by name; a worker's position in it stands for it from here on.
public struct NeighbourKeys: Hashable, Sendable {
    public let cohort: Int
    public let degree: Int
    public let threshold: Int
    /// Of the worker that this is for.
    public let position: Int
    /// 32 bytes.
    public let root: [UInt8]
    /// Ascending by position, without the worker itself.
    public let neighbours: [Neighbour]
    /// Hashes of 32 bytes, as ``RosterTree`` orders them.
    public let proof: [[UInt8]]

    public struct Neighbour: Hashable, Sendable {
        public let position: Int
        public let keys: AdvertisedKeys

        package init(position: Int, keys: AdvertisedKeys) {
            self.position = position
            self.keys = keys
        }
    }

    package init(
        cohort: Int, degree: Int, threshold: Int, position: Int, root: [UInt8], neighbours: [Neighbour],
        proof: [[UInt8]]
    ) {
        self.cohort = cohort
        self.degree = degree
        self.threshold = threshold
        self.position = position
        self.root = root
        self.neighbours = neighbours
        self.proof = proof
    }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        for number in [cohort, degree, threshold, position] { writer.append(UInt32(number)) }
        writer.append(fixed: root)
        writer.append(UInt32(neighbours.count))
        for neighbour in neighbours {
            writer.append(UInt32(neighbour.position))
            neighbour.keys.write(to: &writer)
        }
        writer.append(UInt32(proof.count))
        for hash in proof { writer.append(fixed: hash) }
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "neighbours' keys")
        cohort = Int(try reader.number(UInt32.self))
        degree = Int(try reader.number(UInt32.self))
        threshold = Int(try reader.number(UInt32.self))
        position = Int(try reader.number(UInt32.self))
        root = try reader.fixed(RosterTree.hashBytes)
        var neighbours: [Neighbour] = []
        for _ in try 0..<reader.count(entryBytes: 4 + AdvertisedKeys.bytesMin) {
            neighbours.append(
                Neighbour(position: Int(try reader.number(UInt32.self)), keys: try AdvertisedKeys(from: &reader)))
        }
        self.neighbours = neighbours
        var proof: [[UInt8]] = []
        for _ in try 0..<reader.count(entryBytes: RosterTree.hashBytes) {
            proof.append(try reader.fixed(RosterTree.hashBytes))
        }
        self.proof = proof
        try reader.finish()
    }
}
