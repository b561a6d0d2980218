/// `topk:density=P,bits=B`: the share P of largest values, each rounded to one of 2^B levels, and the rest 0 (Aji and
/// Heafield 2017, arXiv:1704.05021; with 2-bit values SparseLoCo's, arXiv:2508.15706).
///
/// The levels, 2^(B−1) magnitudes with both signs, are fitted to each update (``MagnitudeLevels``). Positions and
/// levels are entropy-coded.
///
/// Bytes: the magnitudes as float32, how often each comes as 16-bit numbers out of 4,095, the positions' length as a
/// 32-bit number, the positions as one rANS stream (0: dropped, 1: kept), and the kept values' levels and signs as
/// another. Nothing at all stands for an update of zeros.
public struct TopKCodec: UpdateCodec {
    public let name: CodecName
    public let isUnbiased = false
    private let density: Double
    private let levelCount: Int
    private let positions: RANSModel

    init(_ name: CodecName, _ parameters: inout CodecParameters) throws(CodecError) {
        self.name = name
        density = try parameters.fraction("density", default: 0.01)
        levelCount = 1 << (try parameters.integer("bits", in: 1...8, default: 2) - 1)
        let kept = max(1, min(RANSModel.total - 1, Int((density * Double(RANSModel.total)).rounded())))
        positions = RANSModel(frequencies: [RANSModel.total - kept, kept])
    }

    public func encode(_ update: [Float], seed: UInt64) -> [UInt8] {
        let largest = LargestValues(of: update, density: density)
        guard largest.count > 0 else { return [] }
        var marks = largest.symbols
        var kept: [Float] = []
        kept.reserveCapacity(largest.count)
        for index in update.indices where marks[index] != 0 {
            marks[index] = 1
            kept.append(update[index])
        }
        let levels = MagnitudeLevels(of: kept, count: levelCount, smallestBits: largest.smallestMagnitudeBits)
        var codes = [UInt16](repeating: 0, count: RANSEncoder.padded(kept.count))
        var counts = [Int](repeating: 0, count: levelCount)
        for (index, value) in kept.enumerated() {
            let level = levels.index(of: value)
            counts[level] += 1
            codes[index] = UInt16(level << 1) | (value < 0 ? 1 : 0)
        }
        let padding = UInt16((counts.firstIndex { $0 > 0 } ?? 0) << 1)
        for index in kept.count..<codes.count { codes[index] = padding }
        let frequencies = Self.frequencies(counts)

        var bytes: [UInt8] = []
        LittleEndian.append(levels.magnitudes, to: &bytes)
        for frequency in frequencies { LittleEndian.append(UInt16(frequency), to: &bytes) }
        var positionEncoder = RANSEncoder(positions)
        positionEncoder.append(marks[...])
        let stream = positionEncoder.finish()
        LittleEndian.append(UInt32(stream.count), to: &bytes)
        var codeEncoder = RANSEncoder(Self.model(frequencies), appendingTo: bytes + stream)
        codeEncoder.append(codes[...])
        return codeEncoder.finish()
    }

    public func decode(_ bytes: [UInt8], count: Int, seed: UInt64) throws(CodecError) -> [Float] {
        try Codecs.checkCount(count)
        guard !bytes.isEmpty else { return [Float](repeating: 0, count: count) }
        let headerBytes = 6 * levelCount + 4
        guard bytes.count >= headerBytes, bytes.count <= maximumEncodedBytes(count: count) else {
            throw .malformed(codec: name.name, reason: "are too few or too many for \(count) values")
        }
        let magnitudes = LittleEndian.floats(bytes, at: 0, count: levelCount)
        guard magnitudes.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw .malformed(codec: name.name, reason: "hold a magnitude that is negative or not finite")
        }
        let frequencies = LittleEndian.halfWords(bytes, at: 4 * levelCount, count: levelCount).map { Int($0) }
        guard frequencies.reduce(0, +) == RANSModel.total - 1 else {
            throw .malformed(codec: name.name, reason: "hold frequencies of another sum than 4095")
        }
        let lengths = LittleEndian.halfWords(bytes, at: headerBytes - 4, count: 2)
        let end = headerBytes + Int(lengths[1]) << 16 + Int(lengths[0])
        guard end <= bytes.count else { throw .malformed(codec: name.name, reason: "end within the positions") }

        let marks = try Self.symbols(positions, count, name.name, bytes, headerBytes..<end)
        let keptCount = marks.withUnsafeBufferPointer { $0[..<count].reduce(0) { $0 &+ Int($1) } }
        let codes = try Self.symbols(Self.model(frequencies), keptCount, name.name, bytes, end..<bytes.count)
        guard codes.allSatisfy({ Int($0 >> 1) < levelCount }) else {
            throw .malformed(codec: name.name, reason: "hold a level that does not exist")
        }
        var update = [Float](repeating: 0, count: count)
        var next = 0
        for index in 0..<count where marks[index] != 0 {
            let magnitude = magnitudes[Int(codes[next] >> 1)]
            update[index] = codes[next] & 1 == 1 ? -magnitude : magnitude
            next += 1
        }
        return update
    }

    public func maximumEncodedBytes(count: Int) -> Int {
        guard (0...Codecs.maximumCount).contains(count) else { return Int.max }
        // A position costs at most 12 bits and a level with its sign 13.
        return 6 * levelCount + 4 + 2 * RANSEncoder.stateBytes + 4 * RANSEncoder.padded(count)
    }

    private static func symbols(
        _ model: RANSModel, _ count: Int, _ codec: String, _ bytes: [UInt8], _ range: Range<Int>
    ) throws(CodecError) -> [UInt16] {
        var decoder = try RANSDecoder(model, codec: codec, bytes: bytes, range: range)
        var symbols = [UInt16](repeating: 0, count: RANSEncoder.padded(count))
        try decoder.take(symbols.count, into: &symbols)
        try decoder.finish()
        return symbols
    }

    /// One place of 4,096 stays with a level that is never used, so that one level may have all the others.
    private static func model(_ frequencies: [Int]) -> RANSModel {
        RANSModel(frequencies: frequencies + [1], rawBits: 1)
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
