/// Words modulo 2^bits, one after another without gaps, lowest bit first; the last byte is filled up with zeros.
package enum PackedWords {
    /// Unit: bytes.
    package static func byteCount(of count: Int, bits: Int) -> Int { (count * bits + 7) / 8 }

    /// Bits above the lowest `bits` of each word are dropped.
    ///
    /// - Parameter bits: 1 to 32.
    package static func pack(_ words: [UInt32], bits: Int) -> [UInt8] {
        precondition(1...32 ~= bits, "\(bits) bits")
        let mask = UInt64(1) << UInt64(bits) - 1
        return [UInt8](unsafeUninitializedCapacity: byteCount(of: words.count, bits: bits) + 4) { buffer, count in
            // Whole 32-bit words leave the accumulator; it never holds more than 31 + 32 bits.
            var (pending, pendingBits, offset) = (UInt64(0), 0, 0)
            for word in words {
                pending |= (UInt64(word) & mask) << UInt64(pendingBits)
                pendingBits += bits
                guard pendingBits >= 32 else { continue }
                UnsafeMutableRawBufferPointer(buffer).storeBytes(
                    of: UInt32(truncatingIfNeeded: pending).littleEndian, toByteOffset: offset, as: UInt32.self)
                offset += 4
                pending >>= 32
                pendingBits -= 32
            }
            while pendingBits > 0 {
                buffer.initializeElement(at: offset, to: UInt8(truncatingIfNeeded: pending))
                offset += 1
                pending >>= 8
                pendingBits -= 8
            }
            count = offset
        }
    }

    /// Adds packed words to `sum`, modulo 2³².
    ///
    /// - Parameters:
    ///   - bytes: `byteCount(of: sum.count, bits: bits)` bytes.
    ///   - sum: Changed in place.
    package static func add(_ bytes: [UInt8], bits: Int, to sum: inout [UInt32]) {
        precondition(bytes.count == byteCount(of: sum.count, bits: bits), "\(bytes.count) bytes for \(sum.count) words")
        let mask = UInt32(truncatingIfNeeded: UInt64(1) << UInt64(bits) - 1)
        // A word lies within the eight bytes from its first on.
        let padded = bytes + [UInt8](repeating: 0, count: 8)
        padded.withUnsafeBytes { source in
            sum.withUnsafeMutableBufferPointer { sum in
                var bit = 0
                for index in sum.indices {
                    let eight = UInt64(
                        littleEndian: source.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self))
                    sum[index] &+= UInt32(truncatingIfNeeded: eight >> UInt64(bit & 7)) & mask
                    bit += bits
                }
            }
        }
    }
}
