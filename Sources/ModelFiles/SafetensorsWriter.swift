/// Writes float32 tensors as the reference implementation writes them, byte for byte.
///
/// Tensors and metadata stand in ascending UTF-8 order of their names, and the header is padded with spaces to 8 bytes,
/// so equal tensors give equal bytes and thus one content hash.
public enum SafetensorsWriter {
    /// - Parameters:
    ///   - tensors: Unique names; `values` row-major, as many as the product of `shape`.
    ///   - metadata: Becomes `__metadata__`; left out when empty.
    public static func encode(
        _ tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String] = [:]
    ) -> [UInt8] {
        encode(parts: tensors.map { ($0.name, $0.shape, $0.values[...]) }, metadata: metadata)
    }

    /// The same of tensors that are parts of longer vectors.
    static func encode(
        parts tensors: [(name: String, shape: [Int], values: ArraySlice<Float>)], metadata: [String: String]
    ) -> [UInt8] {
        let sorted = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (index, tensor) in sorted.enumerated() {
            precondition(tensor.shape.reduce(1, *) == tensor.values.count, "\(tensor.name): \(tensor.shape)")
            precondition(index == 0 || sorted[index - 1].name != tensor.name, "\(tensor.name) stands twice")
        }
        let header = header(sorted.map { ($0.name, .float32, $0.shape) }, metadata: metadata)

        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + header.count + 4 * sorted.reduce(0) { $0 + $1.values.count })
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes += header
        for tensor in sorted {
            tensor.values.withUnsafeBytes { bytes.append(contentsOf: $0) }  // Every host we run on is little-endian.
        }
        return bytes
    }

    /// The JSON header of tensors that lie one behind the other, padded to 8 bytes.
    static func header(
        _ tensors: [(name: String, elementType: ElementType, shape: [Int])], metadata: [String: String]
    ) -> [UInt8] {
        var text = [UInt8(ascii: "{")]
        if !metadata.isEmpty {
            text += Array("\"__metadata__\":".utf8)
            text += JSONText.encode(.object(metadata.mapValues { .string($0) }))
        }
        var offset = 0
        for tensor in tensors {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            JSONText.appendString(tensor.name, to: &text)
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + tensor.elementType.byteCount * tensor.shape.reduce(1, *)
            let type = tensor.elementType.rawValue
            text += Array(":{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}".utf8)
            offset = end
        }
        text.append(UInt8(ascii: "}"))
        text += [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
        return text
    }
}
