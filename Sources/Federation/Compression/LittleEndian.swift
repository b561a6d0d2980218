/// Numbers in an encoded update, little-endian whatever the machine.
enum LittleEndian {
    /// `count` float32 values from byte `offset` on.
    ///
    /// - Precondition: The bytes have that many.
    static func floats(_ bytes: [UInt8], at offset: Int, count: Int) -> [Float] {
        numbers(bytes, at: offset, count: count).map { Float(bitPattern: UInt32(littleEndian: $0)) }
    }

    static func halfWords(_ bytes: [UInt8], at offset: Int, count: Int) -> [UInt16] {
        numbers(bytes, at: offset, count: count).map { UInt16(littleEndian: $0) }
    }

    static func append(_ values: [Float], to bytes: inout [UInt8]) {
        for value in values { append(value.bitPattern, to: &bytes) }
    }

    static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func numbers<Number: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: [UInt8], at offset: Int, count: Int
    ) -> [Number] {
        let size = MemoryLayout<Number>.size
        precondition(offset >= 0 && count >= 0 && count <= (bytes.count - offset) / size, "\(count) numbers")
        return bytes.withUnsafeBytes { bytes in
            (0..<count).map { bytes.loadUnaligned(fromByteOffset: offset + size * $0, as: Number.self) }
        }
    }
}
