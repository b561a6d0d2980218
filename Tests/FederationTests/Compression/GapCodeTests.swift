import CKernels
import Federation
import Foundation
import Randomness
import Testing

@Suite("The gap code of sparse updates")
struct GapCodeTests {
    private func write(_ symbols: [UInt16], rice: UInt32) -> [UInt8] {
        let padded = symbols + [UInt16](repeating: 0, count: (4 - symbols.count % 4) % 4)
        var bytes = [UInt8](repeating: 0, count: padded.count * (Int(rice) + 3) / 8 + 64)
        let count = shoal_gaps_write(padded, padded.count, rice, &bytes)
        return Array(bytes[..<count])
    }

    private func read(_ bytes: [UInt8], rice: UInt32, count: Int, piece: Int) -> [UInt16]? {
        var place = shoal_gap_place()
        var symbols = [UInt16](repeating: 0, count: count)
        var values = [UInt32](repeating: 0, count: piece)
        while true {
            let read = shoal_gaps_read(bytes, bytes.count, rice, count, &place, &values, piece)
            guard (0...piece).contains(read) else { return nil }
            for value in values[..<read] { symbols[Int(value >> 1)] = value & 1 == 1 ? 2 : 1 }
            if read < piece { return symbols }
        }
    }

    /// Worked out on paper, lowest bits first. With 1 low bit: + at 0: gap 0 = 0, 0, sign 0; − at 4: gap 3 = 10, 1, sign
    /// 1; then a one fills the byte: 000 1011 1 → from the lowest: 0,0,0,1,0,1,1,1 = 0xe8.
    @Test("writes what its definition says")
    func byHand() {
        #expect(write([1, 0, 0, 0, 2, 0], rice: 1) == [0b1110_1000])
        #expect(write([], rice: 3) == [])
        // Gap 9 with no low bits: nine ones, a zero, the sign 0; five ones.
        #expect(write([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], rice: 0) == [0xff, 0b1111_1001])
    }

    @Test("reads back what it wrote", arguments: [0, 1, 4, 6, 13, 31] as [UInt32], [0.4, 0.02, 0.0003])
    func roundTrip(_ rice: UInt32, _ density: Double) {
        var random = CounterRandom(key: UInt64(rice))
        for count in [1, 3, 40, 5_000, 60_000] {
            var symbols = (0..<count).map { _ in
                random.uniformDouble() < density ? UInt16(1 + random.index(below: 2)) : 0
            }
            // A long gap with few low bits is a long run of ones.
            symbols[count - 1] = 2
            let bytes = write(symbols, rice: rice)
            for piece in [1, 7, 4_096] { #expect(read(bytes, rice: rice, count: count, piece: piece) == symbols) }
            // One coordinate fewer has no place for the last value.
            #expect(read(bytes, rice: rice, count: count - 1, piece: 64) == nil)
        }
    }

    @Test("stays within bounds whatever the bytes are")
    func hostile() {
        var random = CounterRandom(key: 77)
        for trial in 0..<20_000 {
            let ones = trial % 3 == 0
            let bytes = (0..<random.index(below: 60)).map { _ in
                ones && random.index(below: 9) > 0 ? 0xff : UInt8(truncatingIfNeeded: random.next())
            }
            let count = random.index(below: 3_000)
            let symbols = read(bytes, rice: UInt32(trial % 32), count: count, piece: 1 + trial % 50)
            if let symbols { #expect(symbols.count == count) }
        }
    }

    /// H(p) / p + 1 bits a kept value at the least.
    @Test("comes close to the entropy", arguments: [0.5, 0.25, 0.1, 0.03, 0.01, 0.001])
    func size(_ density: Double) throws {
        let values = normalValues(1 << 20, key: 5)
        let codec = try Codecs.make(CodecName(name: "ternary", parameters: ["density": "\(density)"]))
        let bits = 8 * Double(codec.encode(values, seed: 0).count) / (density * Double(values.count))
        let entropy = -(density * log2(density) + (1 - density) * log2(1 - density)) / density + 1
        #expect((entropy * 0.999...entropy * 1.02).contains(bits), "\(bits) over \(entropy)")
    }
}
