internal import CKernels
internal import ModelFiles

/// `dense`: the values themselves, float32 little-endian, 4 bytes each and nothing else.
public struct DenseCodec: UpdateCodec {
    public let name = CodecName.dense
    public let isUnbiased = true

    public init() {}

    public func encode(_ update: [Float], seed: UInt64 = 0) -> [UInt8] {
        update.withUnsafeBytes { Array($0) }  // Every host we run on is little-endian.
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

    public func norm(of bytes: UnsafeRawBufferPointer, count: Int, seed: UInt64) throws(CodecError) -> Double {
        guard count >= 0, bytes.count.isMultiple(of: 4), bytes.count / 4 == count else {
            throw .wrongLength(codec: name.name, expected: maximumEncodedBytes(count: count), actual: bytes.count)
        }
        let norm = UpdateCheck.norm(of: bytes)
        guard norm.isFinite else { throw .notFinite(codec: name.name, index: Self.firstNotFinite(bytes) ?? 0) }
        return norm
    }

    public func add(
        _ updates: [EncodedUpdate], count: Int, to sum: UnsafeMutableBufferPointer<Double>
    ) throws(CodecError) {
        try Codecs.checkCount(count)
        for update in updates where update.bytes.bytes.count != 4 * count {
            throw .wrongLength(codec: name.name, expected: 4 * count, actual: update.bytes.bytes.count)
        }
        let isFinite = withExtendedLifetime(updates) {
            Self.add(updates.map(\.bytes.bytes), weights: updates.map(\.weight), to: sum)
        }
        guard isFinite else { throw .notFinite(codec: name.name, index: firstNotFinite(updates)) }
    }

    /// - Parameter updates: Each as many float32 values as `sum` has.
    /// - Returns: Whether all values are finite.
    static func add(
        _ updates: [UnsafeRawBufferPointer], weights: [Double], to sum: UnsafeMutableBufferPointer<Double>
    ) -> Bool {
        precondition(updates.allSatisfy { $0.count == 4 * sum.count }, "updates of another size than the sum's")
        let starts = updates.map(\.baseAddress)
        return shoal_add_updates(starts, weights, starts.count, sum.baseAddress, sum.count)
    }

    private func firstNotFinite(_ updates: [EncodedUpdate]) -> Int {
        for update in updates {
            if let index = update.bytes.withBytes({ Self.firstNotFinite($0) }) { return index }
        }
        return 0
    }

    private static func firstNotFinite(_ bytes: UnsafeRawBufferPointer) -> Int? {
        (0..<bytes.count / 4).first { index in
            let bits = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
            return !Float(bitPattern: bits).isFinite
        }
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        count.multipliedReportingOverflow(by: 4).overflow ? Int.max : 4 * count
    }
}
