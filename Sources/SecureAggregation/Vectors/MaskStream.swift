package import Crypto
package import FoundationEssentials

/// Adds the words of a key's ChaCha20 stream (RFC 8439) to a vector, or subtracts them, modulo 2³².
///
/// The sum's modulus 2^b divides 2³², so the words need no reduction before they are packed. swift-crypto has no bare
/// stream cipher: zeros are sealed with ChaCha20-Poly1305 and the tag is dropped.
package enum MaskStream {
    /// Unit: words.
    private static let blockWords = 1 << 14
    private static let zeros = [UInt8](repeating: 0, count: 4 * blockWords)
    private typealias Lane = SIMD16<UInt32>

    package enum Sign {
        case add, subtract
    }

    /// - Parameters:
    ///   - key: 32 bytes, of no other use.
    ///   - words: Changed in place.
    package static func apply(_ key: [UInt8], _ sign: Sign, to words: inout [UInt32]) {
        let key = SymmetricKey(data: key)
        words.withUnsafeMutableBytes { words in
            for (block, start) in stride(from: 0, to: words.count, by: zeros.count).enumerated() {
                let end = min(start + zeros.count, words.count)
                let target = UnsafeMutableRawBufferPointer(rebasing: words[start..<end])
                stream(key, nonce: nonce(UInt64(block)), byteCount: target.count).withUnsafeBytes {
                    combine(target, $0, sign)
                }
            }
        }
    }

    /// `byteCount` bytes of the stream from block 1 on, where a message's encryption begins.
    package static func stream(_ key: SymmetricKey, nonce: [UInt8], byteCount: Int) -> Data {
        guard let nonce = try? ChaChaPoly.Nonce(data: nonce),
            let box = try? ChaChaPoly.seal(zeros[..<byteCount], using: key, nonce: nonce)
        else { preconditionFailure("a key of 32 bytes and a nonce of 12") }
        return box.ciphertext
    }

    private static func nonce(_ block: UInt64) -> [UInt8] {
        (0..<12).map { $0 < 8 ? UInt8(truncatingIfNeeded: block >> (8 * UInt64($0))) : 0 }
    }

    /// Both buffers hold the same number of little-endian words; `source` may lie at any address.
    private static func combine(_ target: UnsafeMutableRawBufferPointer, _ source: UnsafeRawBufferPointer, _ sign: Sign)
    {
        // (x ^ m) - m is x where m is zero, and -x where all its bits are set.
        let mask: UInt32 = sign == .subtract ? .max : 0
        let lanes = Lane(repeating: mask)
        let whole = target.count - target.count % MemoryLayout<Lane>.size
        for offset in stride(from: 0, to: whole, by: MemoryLayout<Lane>.size) {
            let masks = source.loadUnaligned(fromByteOffset: offset, as: Lane.self)
            let words = target.loadUnaligned(fromByteOffset: offset, as: Lane.self)
            target.storeBytes(of: words &+ ((masks ^ lanes) &- lanes), toByteOffset: offset, as: Lane.self)
        }
        for offset in stride(from: whole, to: target.count, by: 4) {
            let one = UInt32(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let word = target.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            target.storeBytes(of: word &+ ((one ^ mask) &- mask), toByteOffset: offset, as: UInt32.self)
        }
    }
}
