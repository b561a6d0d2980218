internal import CKernels
internal import Randomness

/// A randomised Hadamard rotation `H·D` of a vector, chunk by chunk: after it, whatever the vector, a chunk's values look
/// like draws from one normal distribution (Suresh et al. 2017, arXiv:1611.00429).
///
/// D flips signs at random; H is the Hadamard matrix of ±1, whose product takes d·log₂ d additions. Chunks have 4,096
/// values, which a CPU's first cache holds, and the rest of the vector is cut into the powers of two that make it up:
/// padding the whole vector to one would almost double some. Only what is left below 64 is padded.
package struct RandomRotation {
    /// Consecutive values that are rotated together.
    package struct Chunk: Hashable, Sendable {
        package let start: Int
        /// Values of the vector.
        package let count: Int
        /// A power of two from ``smallest`` to ``largest``, at least `count`.
        package let size: Int
    }

    static let largest = 4_096
    static let smallest = 64

    package let chunks: [Chunk]
    private let seed: (UInt32, UInt32)
    private var signs = [UInt64](repeating: 0, count: largest / 64)
    private var padded = [Float](repeating: 0, count: smallest)

    /// - Parameters:
    ///   - count: Values in the vector.
    ///   - seed: All 64 bits select the signs.
    package init(count: Int, seed: UInt64) {
        chunks = Self.chunks(of: count)
        self.seed = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    static func chunks(of count: Int) -> [Chunk] {
        var chunks: [Chunk] = []
        chunks.reserveCapacity(chunkCount(of: count))
        var start = 0
        while start < count {
            let left = count - start
            let size = left >= largest ? largest : max(smallest, 1 << (Int.bitWidth - 1 - left.leadingZeroBitCount))
            chunks.append(Chunk(start: start, count: min(left, size), size: size))
            start += size
        }
        return chunks
    }

    /// How many chunks there are, and how many values they have with the padding.
    package static func chunkCount(of count: Int) -> Int {
        let rest = count % largest
        return count / largest + (rest / smallest).nonzeroBitCount + (rest % smallest == 0 ? 0 : 1)
    }

    package static func paddedCount(of count: Int) -> Int { (count + smallest - 1) / smallest * smallest }

    /// rotated = H·D·(factor · values of chunk number `index`), `[size]`. Its squared length is `size` times theirs.
    package mutating func rotate(_ update: [Float], chunk index: Int, factor: Float, into rotated: inout [Float]) {
        let chunk = chunks[index]
        drawSigns(index)
        if chunk.count == chunk.size {
            update.withUnsafeBufferPointer { values in
                shoal_flip_signs(values.baseAddress.map { $0 + chunk.start }, signs, factor, &rotated, chunk.size)
            }
        } else {
            for place in 0..<Self.smallest { padded[place] = place < chunk.count ? update[chunk.start + place] : 0 }
            shoal_flip_signs(padded, signs, factor, &rotated, chunk.size)
        }
        shoal_hadamard(&rotated, chunk.size)
    }

    /// Values of chunk number `index` = factor · D·H·rotated: what ``rotate(_:chunk:factor:into:)`` undoes up to the
    /// factor `size`. `rotated` is used up.
    package mutating func restore(
        _ rotated: inout [Float], chunk index: Int, factor: Float, into update: UnsafeMutablePointer<Float>
    ) {
        let chunk = chunks[index]
        drawSigns(index)
        shoal_hadamard(&rotated, chunk.size)
        if chunk.count == chunk.size {
            shoal_flip_signs(rotated, signs, factor, update + chunk.start, chunk.size)
        } else {
            shoal_flip_signs(rotated, signs, factor, &padded, chunk.size)
            for place in 0..<chunk.count { update[chunk.start + place] = padded[place] }
        }
    }

    /// One random bit a value, addressed by chunk: they can be drawn in any order.
    private mutating func drawSigns(_ index: Int) {
        for block in 0..<chunks[index].size / 128 + 1 where 2 * block < signs.count {
            let words = CounterRandom.philox(counter: (UInt32(block), UInt32(index), 0, 0), key: seed)
            signs[2 * block] = UInt64(words.1) << 32 | UInt64(words.0)
            signs[2 * block + 1] = UInt64(words.3) << 32 | UInt64(words.2)
        }
    }
}
