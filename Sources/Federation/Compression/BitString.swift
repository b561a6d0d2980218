/// Bits one after the other, the lowest of a byte first; the last byte is filled up with zeros.
struct BitString {
    private(set) var bytes: [UInt8] = []
    private var count = 0

    init() {}

    /// - Parameter bits: Zeros and ones.
    init(_ bits: ArraySlice<UInt8>) {
        bytes = [UInt8](repeating: 0, count: (bits.count + 7) / 8)
        for (index, bit) in bits.enumerated() { bytes[index / 8] |= bit << UInt8(index % 8) }
        count = bits.count
    }

    mutating func append(_ other: BitString) {
        let shift = UInt8(count % 8)
        count += other.count
        guard shift > 0 else {
            bytes += other.bytes
            return
        }
        for byte in other.bytes {
            bytes[bytes.count - 1] |= byte << shift
            bytes.append(byte >> (8 - shift))
        }
        bytes.removeLast(bytes.count - (count + 7) / 8)
    }
}

/// Takes bits from bytes that a ``BitString`` wrote.
struct BitReader {
    private let bytes: [UInt8]
    private var position: Int

    /// - Parameter start: The first byte.
    init(_ bytes: [UInt8], from start: Int) {
        self.bytes = bytes
        position = 8 * start
    }

    /// The next `count` bits, the first one the lowest of the first byte.
    ///
    /// - Precondition: They are there.
    mutating func take(_ count: Int) -> [UInt8] {
        precondition(count <= 8 * bytes.count - position, "\(count) bits of \(8 * bytes.count - position)")
        defer { position += count }
        let (first, shift) = (position / 8, UInt8(position % 8))
        return (0..<((count + 7) / 8)).map { index in
            let low = bytes[first + index] >> shift
            guard shift > 0, first + index + 1 < bytes.count else { return low }
            return low | bytes[first + index + 1] << (8 - shift)
        }
    }
}
