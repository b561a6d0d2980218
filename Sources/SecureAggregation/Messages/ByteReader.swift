import Federation

/// Reads what ``ByteWriter`` wrote. Total: any bytes give a message or a ``MaskingError/malformed(_:)``.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0
    /// What is read, for errors.
    private let message: String

    init(_ bytes: [UInt8], message: String) {
        self.bytes = bytes
        self.message = message
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(MaskingError) -> Number {
        try fixed(MemoryLayout<Number>.size).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    mutating func fixed(_ count: Int) throws(MaskingError) -> [UInt8] {
        guard bytes.count - offset >= count else { throw .malformed("\(message) ends after \(bytes.count) bytes") }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// A count of entries that follow, each of at least `entryBytes` bytes: never more than the rest can hold, so that
    /// nothing is allocated for entries that are not there.
    mutating func count(entryBytes: Int) throws(MaskingError) -> Int {
        let count = Int(try number(UInt32.self))
        guard count <= (bytes.count - offset) / entryBytes else {
            throw .malformed("\(message) announces \(count) entries and ends after \(bytes.count) bytes")
        }
        return count
    }

    mutating func worker() throws(MaskingError) -> WorkerName {
        let count = Int(try number(UInt8.self))
        guard let name = WorkerName(String(decoding: try fixed(count), as: UTF8.self)) else {
            throw .malformed("\(message) holds no worker's name")
        }
        return name
    }

    /// All that was not read yet.
    mutating func rest() -> [UInt8] {
        defer { offset = bytes.count }
        return Array(bytes[offset...])
    }

    func finish() throws(MaskingError) {
        guard offset == bytes.count else {
            throw .malformed("\(message) has \(bytes.count - offset) bytes too many")
        }
    }
}
