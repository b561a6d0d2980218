/// `dense`: the values themselves, float32 little-endian, 4 bytes each and nothing else.
public struct DenseCodec: UpdateCodec {
    public let name = CodecName.dense
    public let isUnbiased = true

    public init() {}

    public func encode(_ update: [Float], seed: UInt64 = 0) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 4 * update.count) { bytes, written in
            for index in update.indices {
                UnsafeMutableRawBufferPointer(bytes).storeBytes(
                    of: update[index].bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
            }
            written = 4 * update.count
        }
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64 = 0) throws(CodecError) -> [Float] {
        guard count >= 0, bytes.count.isMultiple(of: 4), bytes.count / 4 == count else {
            throw .wrongLength(codec: name.name, expected: maximumEncodedBytes(count: count), actual: bytes.count)
        }
        let values = bytes.withUnsafeBytes { bytes in
            [Float](unsafeUninitializedCapacity: count) { values, initialized in
                for index in 0..<count {
                    let bits = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
                    (values.baseAddress.unsafelyUnwrapped + index).initialize(
                        to: Float(bitPattern: UInt32(littleEndian: bits)))
                }
                initialized = count
            }
        }
        if let index = values.firstIndex(where: { !$0.isFinite }) { throw .notFinite(codec: name.name, index: index) }
        return values
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        count.multipliedReportingOverflow(by: 4).overflow ? Int.max : 4 * count
    }
}
