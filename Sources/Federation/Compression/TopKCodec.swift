internal import ModelFiles

internal import ModelFiles

/// `topk:density=P,bits=B`: the share P of largest values, each rounded to one of 2^B levels, and the rest 0 (Aji and
/// Heafield 2017, arXiv:1704.05021; with 2-bit values SparseLoCo's, arXiv:2508.15706).
///
/// The levels, 2^(B−1) magnitudes with both signs, are fitted to each update (``MagnitudeLevels``).
///
/// Bytes: the magnitudes as float32, how often each comes as 16-bit numbers out of 4,095, the places' length as a 32-bit
/// number, places and signs (``SparsePlaces``), and the kept values' levels as one rANS stream. With one magnitude, its
/// count and the stream are left out. Nothing at all stands for an update of zeros.
public struct TopKCodec: UpdateCodec {
    public let name: CodecName
    public let isUnbiased = false
    private let density: Double
    private let levelCount: Int
    private let places: SparsePlaces

    init(_ name: CodecName, _ parameters: inout CodecParameters) throws(CodecError) {
        self.name = name
        density = try parameters.fraction("density", default: 0.01)
        levelCount = 1 << (try parameters.integer("bits", in: 1...8, default: 2) - 1)
        places = SparsePlaces(density: density)
    }

    public func encode(_ update: [Float], seed: UInt64) -> [UInt8] {
        let largest = LargestValues(of: update, density: density)
        guard largest.count > 0 else { return [] }
        var kept: [Float] = []
        kept.reserveCapacity(largest.count)
        for index in update.indices where largest.symbols[index] != 0 { kept.append(update[index]) }
        let levels = MagnitudeLevels(of: kept, count: levelCount, smallestBits: largest.smallestMagnitudeBits)
        var codes = [UInt16](repeating: 0, count: RANSEncoder.padded(kept.count))
        var counts = [Int](repeating: 0, count: levelCount)
        for (index, value) in kept.enumerated() {
            let level = levels.index(of: value)
            counts[level] += 1
            codes[index] = UInt16(level)
        }
        let padding = UInt16(counts.firstIndex { $0 > 0 } ?? 0)
        for index in kept.count..<codes.count { codes[index] = padding }
        let frequencies = Self.frequencies(counts)

        var bytes: [UInt8] = []
        LittleEndian.append(levels.magnitudes, to: &bytes)
        if levelCount > 1 { for frequency in frequencies { LittleEndian.append(UInt16(frequency), to: &bytes) } }
        var stream: [UInt8] = []
        places.append(largest.symbols, kept: largest.count, to: &stream)
        LittleEndian.append(UInt32(stream.count), to: &bytes)
        guard levelCount > 1 else { return bytes + stream }
        var encoder = RANSEncoder(Self.model(frequencies), appendingTo: bytes + stream)
        encoder.append(codes[...])
        return encoder.finish()
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float] {
        let kept = try kept(bytes, count: count)
        var update = [Float](repeating: 0, count: count)
        for (place, level) in zip(kept.places, kept.levels) {
            let magnitude = kept.magnitudes[Int(level)]
            update[Int(place >> 1)] = place & 1 == 1 ? -magnitude : magnitude
        }
        return update
    }

    /// Only what is not 0 is touched: adding 0 changes nothing.
    public func add(
        _ updates: [EncodedUpdate], count: Int, to sum: UnsafeMutableBufferPointer<Double>
    ) throws(CodecError) {
        for update in updates {
            let kept = try kept(update.bytes.copy(), count: count)
            let amounts = kept.magnitudes.map { update.weight * Double($0) }
            for (place, level) in zip(kept.places, kept.levels) {
                let amount = amounts[Int(level)]
                sum[Int(place >> 1)] += place & 1 == 1 ? -amount : amount
            }
        }
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        let wanted = LargestValues.wanted(of: count, density: density)
        // A level costs at most 12 bits.
        let levels = levelCount == 1 ? 0 : RANSEncoder.stateBytes + 2 * RANSEncoder.padded(wanted)
        return headerBytes + places.maximumBytes(count: count, kept: wanted) + levels
    }

    private var headerBytes: Int { (levelCount == 1 ? 4 : 6 * levelCount) + 4 }

    /// What bytes say.
    private struct Kept {
        var magnitudes: [Float] = []
        /// Place << 1 | (1 for a negative value), ascending.
        var places: [UInt32] = []
        /// `[places.count]` or more, each an index into `magnitudes`.
        var levels: [UInt16] = []
    }

    private func kept(_ bytes: [UInt8], count: Int) throws(CodecError) -> Kept {
        try Codecs.checkCount(count)
        guard !bytes.isEmpty else { return Kept() }
        guard bytes.count >= headerBytes, bytes.count <= maximumEncodedBytes(count: count) else {
            throw .malformed(codec: name.name, reason: "are too few or too many for \(count) values")
        }
        let magnitudes = LittleEndian.floats(bytes, at: 0, count: levelCount)
        guard magnitudes.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw .malformed(codec: name.name, reason: "hold a magnitude that is negative or not finite")
        }
        let lengths = LittleEndian.halfWords(bytes, at: headerBytes - 4, count: 2)
        let end = headerBytes + Int(lengths[1]) << 16 + Int(lengths[0])
        guard end <= bytes.count else { throw .malformed(codec: name.name, reason: "end within the places") }
        let found = try places.read(bytes, headerBytes..<end, count: count, codec: name.name)
        guard levelCount > 1 else {
            guard end == bytes.count else {
                throw .malformed(codec: name.name, reason: "go on after the last value")
            }
            return Kept(
                magnitudes: magnitudes, places: found, levels: [UInt16](repeating: 0, count: found.count))
        }
        let levels = try levels(bytes, end..<bytes.count, count: found.count)
        return Kept(magnitudes: magnitudes, places: found, levels: levels)
    }

    private func levels(_ bytes: [UInt8], _ range: Range<Int>, count: Int) throws(CodecError) -> [UInt16] {
        let frequencies = LittleEndian.halfWords(bytes, at: 4 * levelCount, count: levelCount).map { Int($0) }
        guard frequencies.reduce(0, +) == RANSModel.total - 1 else {
            throw .malformed(codec: name.name, reason: "hold frequencies of another sum than 4095")
        }
        var decoder = try RANSDecoder(Self.model(frequencies), codec: name.name, bytes: bytes, range: range)
        var levels = [UInt16](repeating: 0, count: RANSEncoder.padded(count))
        try decoder.take(levels.count, into: &levels)
        try decoder.finish()
        guard levels.allSatisfy({ Int($0) < levelCount }) else {
            throw .malformed(codec: name.name, reason: "hold a level that does not exist")
        }
        return levels
    }

    /// One place of 4,096 stays with a level that is never used, so that one level may have all the others.
    private static func model(_ frequencies: [Int]) -> RANSModel {
        RANSModel(frequencies: frequencies + [1])
    }

    /// In proportion to `counts`, at least 1 where a count is, 4,095 in all.
    private static func frequencies(_ counts: [Int]) -> [Int] {
        let total = counts.reduce(0, +)
        var frequencies = counts.map { $0 == 0 ? 0 : max(1, $0 * (RANSModel.total - 1) / total) }
        // What rounding left or took goes to the largest, which feels it least.
        while let largest = frequencies.indices.max(by: { frequencies[$0] < frequencies[$1] }) {
            let missing = RANSModel.total - 1 - frequencies.reduce(0, +)
            if missing == 0 { break }
            frequencies[largest] += max(missing, -(frequencies[largest] / 2))
        }
        return frequencies
    }
}
