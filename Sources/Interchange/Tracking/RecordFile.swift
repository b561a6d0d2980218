/// TFRecord framing: each record between its length and its checksum.
package enum RecordFile {
    /// - Returns: The record's bytes as they stand in the file.
    static func frame(_ record: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(record.count + 16)
        bytes.appendLittleEndian(UInt64(record.count))
        bytes.appendLittleEndian(CRC32C.masked(bytes))
        bytes += record
        bytes.appendLittleEndian(CRC32C.masked(record))
        return bytes
    }

    /// The whole and sound records that a file begins with, and how many bytes they take.
    package static func read(_ bytes: [UInt8]) -> (records: [[UInt8]], byteCount: Int) {
        var records: [[UInt8]] = []
        var position = 0
        while bytes.count - position >= 16 {
            let header = bytes[position..<position + 8]
            guard littleEndian(bytes[(position + 8)..<(position + 12)]) == UInt64(CRC32C.masked(header)),
                let length = Int(exactly: littleEndian(header)), length <= bytes.count - position - 16
            else { break }
            let record = bytes[(position + 12)..<(position + 12 + length)]
            let sum = bytes[(position + 12 + length)..<(position + 16 + length)]
            guard littleEndian(sum) == UInt64(CRC32C.masked(record)) else { break }
            records.append(Array(record))
            position += 16 + length
        }
        return (records, position)
    }

    private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
