/// Writes the fields of a message one after another, numbers in little-endian order and texts with their length, so
/// that two different messages never have the same bytes.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Bytes whose count the reader knows.
    mutating func append(fixed other: some Sequence<UInt8>) { bytes.append(contentsOf: other) }

    /// - Precondition: At most 255 bytes.
    mutating func append(text: String) {
        precondition(text.utf8.count <= 255, "a text of \(text.utf8.count) bytes")
        append(UInt8(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}
