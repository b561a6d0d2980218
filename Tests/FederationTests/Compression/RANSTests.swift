import CKernels
import Federation
import Foundation
import Randomness
import Tensor
import Testing

@Suite("The entropy coder")
struct RANSTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let frequencies: [Int]
        let rawBits: Int
        var testDescription: String { "\(frequencies.count) symbols, \(rawBits) raw bits" }

        /// Draws symbols as often as the model says.
        func symbols(_ count: Int, key: UInt64) -> [UInt16] {
            let table = frequencies.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }
            var random = CounterRandom(key: key)
            return (0..<count).map { _ in
                UInt16(table[random.index(below: table.count)] << rawBits | random.index(below: 1 << rawBits))
            }
        }

        /// Σ log₂(4096 / frequency) + raw bits over the symbols.
        func information(_ symbols: [UInt16]) -> Double {
            symbols.reduce(0) { $0 + log2(4_096 / Double(frequencies[Int($1) >> rawBits])) + Double(rawBits) }
        }
    }

    static let cases = [
        Case(frequencies: [2_048, 2_048], rawBits: 0),
        Case(frequencies: [1, 4_095], rawBits: 0),
        Case(frequencies: [4_095, 0, 1], rawBits: 1),
        Case(frequencies: [4_056, 20, 20], rawBits: 0),
        Case(frequencies: [3, 5, 7, 11, 13, 4_057], rawBits: 2),
        Case(frequencies: [Int](repeating: 16, count: 256), rawBits: 3),
        Case(frequencies: (1...90).map { $0 } + [1], rawBits: 3),
        Case(frequencies: [1_000, 500, 250, 125, 62, 31, 2_128], rawBits: 0),
    ]

    @Test("gives back what it was given, in about as many bits as it holds", arguments: cases)
    func roundTrip(_ given: Case) throws {
        let symbols = given.symbols(100_000, key: 1)
        let model = RANSModel(frequencies: given.frequencies, rawBits: given.rawBits)
        var encoder = RANSEncoder(model, appendingTo: [1, 2])
        encoder.append(symbols[..<32])
        encoder.append(symbols[32...])
        let bytes = encoder.finish()
        let bits = 8 * Double(bytes.count - 2)
        // The states hold 32 times at least 15 bits that say nothing and at most 16 that do.
        let least = given.information(symbols) * 0.9999
        #expect(bits > least && bits < least * 1.002 + 32 * 32)

        var decoder = try RANSDecoder(model, codec: "test", bytes: bytes, range: 2..<bytes.count)
        var decoded = [UInt16](repeating: 0, count: symbols.count)
        try decoder.take(symbols.count - 64, into: &decoded)
        #expect(decoded[..<(symbols.count - 64)] == symbols[64...])
        try decoder.take(64, into: &decoded)
        #expect(decoded[..<64] == symbols[..<64])
        try decoder.finish()
    }

    @Test("every level reads the same symbols and the same number of words", arguments: cases)
    func levels(_ given: Case) throws {
        let symbols = given.symbols(12_800, key: 4)
        let model = RANSModel(frequencies: given.frequencies, rawBits: given.rawBits)
        var encoder = RANSEncoder(model)
        encoder.append(symbols[...])
        let bytes = encoder.finish()
        for level in KernelLevel.supported {
            var decoded = [UInt16](repeating: 0, count: symbols.count)
            try level.whileInUse {
                var decoder = try RANSDecoder(model, codec: "test", bytes: bytes, range: 0..<bytes.count)
                try decoder.take(symbols.count, into: &decoded)
                try decoder.finish()
            }
            #expect(decoded == symbols, "\(level)")
        }
    }

    /// The coder as the paper writes it, one state and one 16-bit word at a time.
    @Test("every lane is the textbook's coder", arguments: cases)
    func textbook(_ given: Case) throws {
        let symbols = given.symbols(3_200, key: 2)
        let scale = 4_096 << given.rawBits
        var states = [Int](repeating: 1 << 15, count: 32)
        var words: [Int] = []
        for (index, symbol) in symbols.enumerated() {
            let high = Int(symbol) >> given.rawBits
            let frequency = given.frequencies[high]
            let start = given.frequencies[..<high].reduce(0, +)
            let state = states[index % 32]
            var x = state
            if x >= frequency * ((1 << 31) / scale) {
                words.append(x & 0xFFFF)
                x >>= 16
            }
            let place = (start + x % frequency) << given.rawBits | Int(symbol) & ((1 << given.rawBits) - 1)
            states[index % 32] = x / frequency * scale + place
        }
        let expected =
            words.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
            + states.flatMap { state in (0..<4).map { UInt8(state >> (8 * $0) & 255) } }
        for level in KernelLevel.supported {
            var encoder = RANSEncoder(RANSModel(frequencies: given.frequencies, rawBits: given.rawBits))
            level.whileInUse { encoder.append(symbols[...]) }
            #expect(encoder.finish() == expected, "\(level)")
        }
    }

    @Test("missing, additional and impossible bytes are refused")
    func refused() throws {
        let given = Self.cases[0]
        let model = RANSModel(frequencies: given.frequencies)
        var encoder = RANSEncoder(model)
        encoder.append(given.symbols(320, key: 3)[...])
        let sound = encoder.finish()
        func decode(_ bytes: [UInt8]) throws {
            var decoder = try RANSDecoder(model, codec: "test", bytes: bytes, range: 0..<bytes.count)
            var symbols = [UInt16](repeating: 0, count: 320)
            try decoder.take(320, into: &symbols)
            try decoder.finish()
        }
        try decode(sound)
        for bytes in [
            [], Array(sound.dropFirst()), Array(sound.dropFirst(2)), [0, 0] + sound, Array(sound.dropLast(2)),
            sound.dropLast() + [0x80], sound.dropLast(3) + [0, 0, 0],
        ] {
            for level in KernelLevel.supported {
                #expect(throws: CodecError.self) { try level.whileInUse { try decode(bytes) } }
            }
        }
    }
}

@Suite("Frequencies of normal values")
struct NormalFrequenciesTests {
    /// Constants in the source, so they are checked against the integral of the density.
    @Test("are the probabilities of the quantiser's cells, out of 4,096", arguments: 1...5)
    func constants(_ bits: Int) throws {
        let table = NormalFrequencies.tables[bits - 1]
        let step = Double(table.step)
        #expect(table.frequencies[0] + 2 * table.frequencies.dropFirst().reduce(0, +) == 4_096)
        #expect((Double(table.frequencies.count) - 0.5) * step >= 5)
        var rate = 0.0
        for (level, frequency) in table.frequencies.enumerated() {
            let low = (Double(level) - 0.5) * step / 2.0.squareRoot()
            let isLast = level == table.frequencies.count - 1
            let above = isLast ? 0 : erfc((Double(level) + 0.5) * step / 2.0.squareRoot())
            let probability = (erfc(low) - above) / 2
            #expect(abs(Double(frequency) - 4_096 * probability) <= max(1.5, 0.01 * 4_096 * probability) || level == 0)
            rate += (level == 0 ? 1 : 2) * probability * log2(4_096 / Double(frequency))
        }
        // With the chunk's factor, the rate that the name says.
        #expect(abs(rate + 32.0 / 4_096 - Double(bits)) < 0.002)
    }
}
