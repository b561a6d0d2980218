/// Cuts a stream of server-sent events into its lines.
package struct EventLines {
    /// Longer lines are refused. Unit: bytes.
    package static let lineBytesMax = 1 << 20

    private var rest: [UInt8] = []

    package init() {}

    /// - Returns: The lines that have become complete, without their ends.
    /// - Throws: ``RemoteError/tooLong`` for a line without an end.
    package mutating func append(_ bytes: some Collection<UInt8>) throws(RemoteError) -> [String] {
        rest += bytes
        var lines: [String] = []
        var start = 0
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let isPair = end > start && rest[end - 1] == UInt8(ascii: "\r")
            lines.append(String(decoding: rest[start..<(isPair ? end - 1 : end)], as: UTF8.self))
            start = end + 1
        }
        rest.removeFirst(start)
        guard rest.count <= Self.lineBytesMax else { throw .tooLong }
        return lines
    }

    /// What a line carries as data; `nil` for other fields and the empty lines between events.
    package static func data(of line: String) -> Substring? {
        guard line.hasPrefix("data:") else { return nil }
        let data = line.dropFirst(5)
        return data.hasPrefix(" ") ? data.dropFirst() : data
    }
}
