internal import ModelFiles

/// The layout of a safetensors file, known before a single weight is.
struct FilePlan: Sendable {
    /// Consecutive values of one tensor.
    struct Chunk: Sendable {
        let filling: TensorPlan.Filling
        /// Where its bytes start in the file.
        let offset: Int
        /// Unit: values.
        let count: Int
    }

    let type: ElementType
    /// Everything before the first value, the length field included.
    let header: [UInt8]
    /// Of the whole file.
    let byteCount: Int
    private let tensors: [TensorPlan]

    init(_ shape: ModelShape, type: ElementType) {
        tensors = shape.tensors
        self.type = type
        // transformers refuses a file that does not say which framework's layout it has.
        var members: [String: JSONValue] = ["__metadata__": .object(["format": .string("pt")])]
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.count * type.byteCount
            members[tensor.name] = .object([
                "dtype": .string(type.rawValue),
                "shape": .array(tensor.shape.map { .integer($0) }),
                "data_offsets": .array([.integer(offset), .integer(end)]),
            ])
            offset = end
        }
        var text = JSONText.encode(.object(members))
        // Values start at a cache line, so that they can be used where they are mapped.
        text += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (8 + text.count) % 64) % 64)
        header = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
        byteCount = header.count + offset
    }

    /// All values in order, in pieces of at most `count`.
    func chunks(of count: Int) -> [Chunk] {
        var chunks: [Chunk] = []
        var offset = header.count
        for tensor in tensors {
            for first in stride(from: 0, to: tensor.count, by: count) {
                let size = min(count, tensor.count - first)
                chunks.append(Chunk(filling: tensor.filling, offset: offset, count: size))
                offset += size * type.byteCount
            }
        }
        return chunks
    }
}
