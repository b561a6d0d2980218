import Randomness
import Testing

@Suite("Philox4x32-10")
struct PhiloxTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let counter: [UInt32]
        let key: [UInt32]
        let expected: [UInt32]
    }

    // Random123's kat_vectors, philox4x32 with 10 rounds.
    @Test(
        "gives the published known answers",
        arguments: [
            Vector(
                testDescription: "zeros", counter: [0, 0, 0, 0], key: [0, 0],
                expected: [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            Vector(
                testDescription: "ones", counter: [.max, .max, .max, .max], key: [.max, .max],
                expected: [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            Vector(
                testDescription: "digits of pi",
                counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], key: [0xa409_3822, 0x299f_31d0],
                expected: [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ])
    func knownAnswers(_ vector: Vector) {
        let words = CounterRandom.philox(
            counter: (vector.counter[0], vector.counter[1], vector.counter[2], vector.counter[3]),
            key: (vector.key[0], vector.key[1]))
        #expect([words.0, words.1, words.2, words.3] == vector.expected)
    }

    @Test("the generator hands out a block's words, low half first")
    func wordOrder() {
        var generator = CounterRandom(key: 0)
        #expect(generator.next() == 0xe169_c58d_6627_e8d5)
        #expect(generator.next() == 0x9b00_dbd8_bc57_ac4c)
    }
}
