internal import CKernels

/// `bfloat16`: the upper half of each float32, rounded to nearest, ties to even; 2 bytes each, little-endian.
public struct BFloat16Codec: UpdateCodec {
    public let name = CodecName(name: "bfloat16")
    public let isUnbiased = false
    private static let infinity: UInt16 = 0x7f80

    public init() {}

    public func encode(_ update: [Float], seed: UInt64 = 0) -> [UInt8] {
        var halves = [UInt16](repeating: 0, count: update.count)
        shoal_convert(SHOAL_FLOAT32, update, SHOAL_BFLOAT16, &halves, update.count, 1)
        // The largest float32 values round up to infinity: the largest finite value instead.
        if halves.contains(where: { $0 & Self.infinity == Self.infinity }) {
            for index in halves.indices where halves[index] & Self.infinity == Self.infinity {
                halves[index] = halves[index] & 0x8000 | (Self.infinity - 1)
            }
        }
        return halves.withUnsafeBytes { [UInt8]($0) }
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64 = 0) throws(CodecError) -> [Float] {
        try Codecs.checkCount(count)
        guard bytes.count == 2 * count else {
            throw .wrongLength(codec: name.name, expected: 2 * count, actual: bytes.count)
        }
        var values = [Float](repeating: 0, count: count)
        bytes.withUnsafeBytes { bytes in
            shoal_convert(SHOAL_BFLOAT16, bytes.baseAddress, SHOAL_FLOAT32, &values, count, 1)
        }
        if let index = values.firstIndex(where: { !$0.isFinite }) { throw .notFinite(codec: name.name, index: index) }
        return values
    }

    /// One value's upper half, rounded to nearest, ties to even; infinity from the largest ones on.
    static func half(_ value: Float) -> UInt16 {
        var half: UInt16 = 0
        withUnsafePointer(to: value) { shoal_convert(SHOAL_FLOAT32, $0, SHOAL_BFLOAT16, &half, 1, 1) }
        return half
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        count.multipliedReportingOverflow(by: 2).overflow ? Int.max : 2 * count
    }
}
