import CWire
import Glibc

/// Owns the C structures of one envelope until it is packed, then frees them together.
struct PackingArena: ~Copyable {
    private var blocks: [UnsafeMutableRawPointer] = []

    init() {}

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// A message with its defaults, as the generated `…__init` sets them.
    mutating func message<Value>(_ initialise: (UnsafeMutablePointer<Value>?) -> Void) -> UnsafeMutablePointer<Value> {
        let pointer = allocate(Value.self, count: 1)
        initialise(pointer)
        return pointer
    }

    mutating func text(_ value: String) -> UnsafeMutablePointer<CChar> {
        let bytes = Array(value.utf8)
        let pointer = allocate(CChar.self, count: bytes.count + 1)
        memcpy(pointer, bytes, bytes.count)
        pointer[bytes.count] = 0
        return pointer
    }

    /// Text for people: control characters become spaces, and what is over the limit is cut between characters.
    mutating func sentence(_ value: String, limit: Int = WireLimits.sentenceBytes) -> UnsafeMutablePointer<CChar> {
        var kept = String.UnicodeScalarView()
        var bytes = 0
        for scalar in value.unicodeScalars {
            let plain = scalar.isControl ? " " : scalar
            bytes += plain.utf8.count
            if bytes > limit { break }
            kept.append(plain)
        }
        return text(String(kept))
    }

    mutating func texts(_ values: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        var pointers: [UnsafeMutablePointer<CChar>] = []
        for value in values { pointers.append(text(value)) }
        return list(pointers)
    }

    mutating func bytes(_ values: [UInt8]) -> ProtobufCBinaryData {
        let pointer = allocate(UInt8.self, count: max(values.count, 1))
        memcpy(pointer, values, values.count)
        return ProtobufCBinaryData(len: values.count, data: pointer)
    }

    /// A `repeated bytes` field.
    mutating func binaries(_ values: [[UInt8]]) -> UnsafeMutablePointer<ProtobufCBinaryData> {
        let list = allocate(ProtobufCBinaryData.self, count: max(values.count, 1))
        for (index, value) in values.enumerated() { list[index] = bytes(value) }
        return list
    }

    /// A `repeated` field of numbers.
    mutating func numbers<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
        let list = allocate(Value.self, count: max(values.count, 1))
        for (index, value) in values.enumerated() { list[index] = value }
        return list
    }

    mutating func list<Value>(
        _ pointers: [UnsafeMutablePointer<Value>]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Value>?> {
        let list = allocate(UnsafeMutablePointer<Value>?.self, count: max(pointers.count, 1))
        for (index, pointer) in pointers.enumerated() { list[index] = pointer }
        return list
    }

    /// Zeroed memory for C structures, numbers and pointers: nothing in it needs deinitialising.
    private mutating func allocate<Value>(_ type: Value.Type, count: Int) -> UnsafeMutablePointer<Value> {
        let bytes = count * MemoryLayout<Value>.stride
        let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: MemoryLayout<Value>.alignment)
        memset(block, 0, bytes)
        blocks.append(block)
        return block.bindMemory(to: type, capacity: count)
    }
}
