/// A GGUF file, version 3, of float32 tensors: what llama.cpp and its kin read.
///
/// Little-endian; data aligned to 32 bytes.
///
/// - SeeAlso: The format's specification, ggml's `docs/gguf.md`.
public struct GGUFFile: Sendable {
    public enum Value: Hashable, Sendable {
        case uint32(UInt32)
        case uint64(UInt64)
        case float32(Float)
        case string(String)
    }

    public struct Tensor: Hashable, Sendable {
        public var name: String
        /// Row-major, slowest first; the file has it the other way round.
        public var shape: [Int]
        /// The product of `shape`, row-major.
        public var values: [Float]

        public init(name: String, shape: [Int], values: [Float]) {
            precondition(shape.reduce(1, *) == values.count, "\(name): \(values.count) values for \(shape)")
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// In the file's order; readers expect `general.architecture` first.
    public var metadata: [(key: String, value: Value)]
    public var tensors: [Tensor]

    public init(metadata: [(key: String, value: Value)], tensors: [Tensor]) {
        self.metadata = metadata
        self.tensors = tensors
    }

    /// Bytes to which tensor data and each tensor in it are aligned.
    public static let alignment = 32

    /// The file's bytes.
    public func encoded() -> [UInt8] {
        var bytes = Array("GGUF".utf8)
        bytes.appendLittleEndian(UInt32(3))
        bytes.appendLittleEndian(UInt64(tensors.count))
        bytes.appendLittleEndian(UInt64(metadata.count))
        for (key, value) in metadata {
            bytes.appendGGUF(key)
            switch value {
            case .uint32(let value):
                bytes.appendLittleEndian(UInt32(4))
                bytes.appendLittleEndian(value)
            case .uint64(let value):
                bytes.appendLittleEndian(UInt32(10))
                bytes.appendLittleEndian(value)
            case .float32(let value):
                bytes.appendLittleEndian(UInt32(6))
                bytes.appendLittleEndian(value.bitPattern)
            case .string(let value):
                bytes.appendLittleEndian(UInt32(8))
                bytes.appendGGUF(value)
            }
        }
        var offset = 0
        for tensor in tensors {
            bytes.appendGGUF(tensor.name)
            bytes.appendLittleEndian(UInt32(tensor.shape.count))
            for size in tensor.shape.reversed() { bytes.appendLittleEndian(UInt64(size)) }
            bytes.appendLittleEndian(UInt32(0))  // GGML_TYPE_F32
            bytes.appendLittleEndian(UInt64(offset))
            offset += Self.padded(4 * tensor.values.count)
        }
        bytes.pad()
        bytes.reserveCapacity(bytes.count + offset)
        for tensor in tensors {
            tensor.values.withUnsafeBytes { bytes.append(contentsOf: $0) }  // Every host we run on is little-endian.
            bytes.pad()
        }
        return bytes
    }

    private static func padded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}

extension [UInt8] {
    mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func appendGGUF(_ text: String) {
        appendLittleEndian(UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    fileprivate mutating func pad() {
        append(
            contentsOf: repeatElement(0, count: (GGUFFile.alignment - count % GGUFFile.alignment) % GGUFFile.alignment))
    }
}
