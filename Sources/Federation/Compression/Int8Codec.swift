internal import CKernels

/// `int8`: blocks of 256 values, each its largest magnitude / 127 as a float32 scale and a whole number from −127 to 127
/// for every value, rounded to nearest.
///
/// Bytes: all scales, then all numbers; 8.125 bits a value.
public struct Int8Codec: UpdateCodec {
    public let name = CodecName(name: "int8")
    public let isUnbiased = false
    static let block = 256

    public init() {}

    public func encode(_ update: [Float], seed: UInt64 = 0) -> [UInt8] {
        var scales = [Float](repeating: 0, count: Self.blocks(update.count))
        var values = [Int8](repeating: 0, count: update.count)
        shoal_quantise_int8(update, &values, &scales, update.count, Self.block)
        return scales.withUnsafeBytes { [UInt8]($0) } + values.withUnsafeBytes { [UInt8]($0) }
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64 = 0) throws(CodecError) -> [Float] {
        try Codecs.checkCount(count)
        guard bytes.count == maximumEncodedBytes(count: count) else {
            throw .wrongLength(codec: name.name, expected: maximumEncodedBytes(count: count), actual: bytes.count)
        }
        let scales = LittleEndian.floats(bytes, at: 0, count: Self.blocks(count))
        if let block = scales.firstIndex(where: { !($0 * 128).isFinite }) {
            throw .notFinite(codec: name.name, index: block * Self.block)
        }
        var update = [Float](repeating: 0, count: count)
        bytes.withUnsafeBytes { bytes in
            let values = bytes.baseAddress.map { ($0 + 4 * scales.count).assumingMemoryBound(to: Int8.self) }
            shoal_dequantise_int8_blocks(values, scales, &update, count, Self.block)
        }
        return update
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        return count + 4 * Self.blocks(count)
    }

    private static func blocks(_ count: Int) -> Int { (count + block - 1) / block }
}
