/// Coordinator to worker, after the third step: who sent a masked vector, and who shared its secrets and did not. All
/// workers get the same one and sign it.
public struct SurvivorSet: Hashable, Sendable {
    /// Positions, ascending.
    public let survivors: [Int]
    /// Positions, ascending.
    public let dropped: [Int]
    public let cohort: Int

    package init(survivors: [Int], dropped: [Int], cohort: Int) {
        self.survivors = survivors.sorted()
        self.dropped = dropped.sorted()
        self.cohort = cohort
    }

    /// What a worker's signature is over.
    func signed(in session: MaskingSession) -> [UInt8] {
        var writer = session.bytes("survivors")
        writer.append(fixed: bytes)
        return writer.bytes
    }

    /// A bit for each worker of the cohort, in both sets.
    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(cohort))
        for set in [survivors, dropped] {
            var bits = [UInt8](repeating: 0, count: (cohort + 7) / 8)
            for position in set { bits[position / 8] |= 1 << UInt8(position % 8) }
            writer.append(fixed: bits)
        }
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "a set of survivors")
        cohort = Int(try reader.number(UInt32.self))
        survivors = try Self.positions(from: &reader, cohort: cohort)
        dropped = try Self.positions(from: &reader, cohort: cohort)
        try reader.finish()
    }

    private static func positions(from reader: inout ByteReader, cohort: Int) throws(MaskingError) -> [Int] {
        let bits = try reader.fixed((cohort + 7) / 8)
        let positions = (0..<8 * bits.count).filter { bits[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
        guard positions.allSatisfy({ $0 < cohort }) else {
            throw .malformed("a set of survivors names workers beyond its cohort of \(cohort)")
        }
        return positions
    }
}
