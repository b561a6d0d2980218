/// The parsed and checked header of a safetensors file.
struct SafetensorsHeader {
    struct Entry {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        /// The product of `shape`.
        let count: Int
        /// First byte within the data section.
        let begin: Int
        let byteCount: Int

        var end: Int { begin + byteCount }
    }

    let metadata: [String: String]
    /// In the order of their bytes.
    let entries: [Entry]
    /// Where the data section starts in the file. Unit: bytes.
    let dataStart: Int

    /// - Parameter bytes: The whole file; nothing in it is trusted.
    init(_ bytes: UnsafeRawBufferPointer, file: String) throws(SafetensorsError) {
        guard bytes.count >= 8 else { throw .truncatedHeader(file: file, expected: 8, actual: bytes.count) }
        let stated = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard stated <= SafetensorsFile.headerBytesMax else {
            throw .headerTooLarge(file: file, bytes: stated, limit: SafetensorsFile.headerBytesMax)
        }
        dataStart = 8 + Int(stated)
        guard dataStart <= bytes.count else {
            throw .truncatedHeader(file: file, expected: dataStart, actual: bytes.count)
        }
        let text = bytes[8..<dataStart]
        guard text.first == UInt8(ascii: "{") else {
            throw .malformedHeader(file: file, reason: "it does not start with {")
        }
        let document: JSONValue
        do { document = try JSONValue(parsing: text) } catch {
            throw .malformedHeader(file: file, reason: error.description)
        }
        guard case .object(var members) = document else {
            throw .malformedHeader(file: file, reason: "it is no object")
        }
        metadata = try Self.metadata(members.removeValue(forKey: "__metadata__") ?? .null, file: file)
        var entries: [Entry] = []
        entries.reserveCapacity(members.count)
        for (name, value) in members { entries.append(try Self.entry(name, value, file: file)) }
        // The name decides between empty tensors at one place, so that the order never depends on hashing.
        entries.sort {
            ($0.begin, $0.end) != ($1.begin, $1.end)
                ? ($0.begin, $0.end) < ($1.begin, $1.end) : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        try Self.checkCoverage(entries, dataStart: dataStart, fileSize: bytes.count, file: file)
        self.entries = entries
    }

    private static func metadata(_ value: JSONValue, file: String) throws(SafetensorsError) -> [String: String] {
        switch value {
        case .null: return [:]
        case .object(let members):
            var texts: [String: String] = [:]
            for (key, value) in members {
                guard case .string(let text) = value else {
                    throw .malformedHeader(
                        file: file, reason: "__metadata__ holds \(value.kind); strings only may stand there")
                }
                texts[key] = text
            }
            return texts
        default: throw .malformedHeader(file: file, reason: "__metadata__ is \(value.kind), not an object")
        }
    }

    private static func entry(_ name: String, _ value: JSONValue, file: String) throws(SafetensorsError) -> Entry {
        guard case .object(let members) = value else {
            throw .malformedTensor(file: file, tensor: name, reason: "its description is \(value.kind), not an object")
        }
        guard case .string(let typeName)? = members["dtype"] else {
            throw .malformedTensor(file: file, tensor: name, reason: "it has no dtype")
        }
        guard let elementType = ElementType(rawValue: typeName) else {
            throw .unknownElementType(file: file, tensor: name, type: typeName)
        }
        guard let shape = naturals(members["shape"]) else {
            throw .malformedTensor(file: file, tensor: name, reason: "its shape must be a list of sizes from 0 up")
        }
        guard let offsets = naturals(members["data_offsets"]), offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .malformedTensor(
                file: file, tensor: name, reason: "its data_offsets must be two ascending positions from 0 up")
        }
        var count = 1
        var hasOverflowed = false
        for size in shape {
            let product = count.multipliedReportingOverflow(by: size)
            count = product.partialValue
            hasOverflowed = hasOverflowed || product.overflow
        }
        let byteCount = count.multipliedReportingOverflow(by: elementType.byteCount)
        guard !hasOverflowed, !byteCount.overflow else {
            throw .malformedTensor(file: file, tensor: name, reason: "its shape \(shape) has too many values")
        }
        let actual = offsets[1] - offsets[0]
        guard byteCount.partialValue == actual else {
            throw .sizeMismatch(file: file, tensor: name, expected: byteCount.partialValue, actual: actual)
        }
        return Entry(
            name: name, elementType: elementType, shape: shape, count: count, begin: offsets[0], byteCount: actual)
    }

    /// Non-negative integers, or `nil` for anything else.
    private static func naturals(_ value: JSONValue?) -> [Int]? {
        guard case .array(let values)? = value else { return nil }
        var numbers: [Int] = []
        for value in values {
            guard case .integer(let number) = value, number >= 0 else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// Each byte of the data section must belong to exactly one tensor.
    private static func checkCoverage(
        _ entries: [Entry], dataStart: Int, fileSize: Int, file: String
    ) throws(SafetensorsError) {
        let dataSize = fileSize - dataStart
        if let last = entries.last(where: { $0.end > dataSize }) {
            let (expected, hasOverflowed) = dataStart.addingReportingOverflow(last.end)
            throw .truncated(
                file: file, tensor: last.name, expected: hasOverflowed ? .max : expected, actual: fileSize)
        }
        var position = 0
        var previous = ""
        for entry in entries {
            guard entry.begin >= position else { throw .overlap(file: file, tensor: entry.name, other: previous) }
            guard entry.begin == position else { throw .hole(file: file, from: position, to: entry.begin) }
            position = entry.end
            previous = entry.name
        }
        guard position == dataSize else { throw .hole(file: file, from: position, to: dataSize) }
    }
}
