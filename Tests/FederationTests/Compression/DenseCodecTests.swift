import Federation
import Randomness
import Testing

@Suite("The dense codec")
struct DenseCodecTests {
    private let codec = DenseCodec()

    @Test("writes float32 little-endian and nothing else")
    func format() {
        #expect(codec.encode([1, -2]) == [0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0])
        #expect(codec.encode([]) == [])
    }

    @Test("gives back every finite bit pattern it was given")
    func roundTrip() throws {
        var generator = CounterRandom(key: 9)
        let values = (0..<10_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())) }
            .filter(\.isFinite)
        let bytes = codec.encode(values)
        #expect(bytes.count == codec.maximumEncodedBytes(count: values.count))
        let decoded = try codec.decode(bytes, count: values.count)
        #expect(decoded.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test("refuses any other length", arguments: [0, 1, 7, 9, 12])
    func length(_ bytes: Int) {
        #expect(throws: CodecError.wrongLength(codec: "dense", expected: 8, actual: bytes)) {
            try codec.decode([UInt8](repeating: 0, count: bytes), count: 2)
        }
    }

    @Test(
        "refuses values that are not finite",
        arguments: [0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001] as [UInt32])
    func finiteness(_ bits: UInt32) {
        let bytes = [UInt8](repeating: 0, count: 4) + (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        #expect(throws: CodecError.notFinite(codec: "dense", index: 1)) { try codec.decode(bytes, count: 2) }
    }

    @Test("gives a value or an error for any bytes")
    func total() {
        var generator = CounterRandom(key: 10)
        for _ in 0..<2_000 {
            let bytes = (0..<generator.index(below: 40)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            let count = generator.index(below: 12)
            if let values = try? codec.decode(bytes, count: count) {
                #expect(values.count == count && values.allSatisfy(\.isFinite))
            }
        }
        #expect(throws: CodecError.self) { try codec.decode([], count: .max) }
        #expect(throws: CodecError.self) { try codec.decode([], count: -1) }
    }
}

@Suite("Codec names")
struct CodecsTests {
    @Test("every supported name makes a codec of that name")
    func supported() throws {
        for name in Codecs.supported {
            #expect(try Codecs.make(CodecName(name: name)).name.name == name)
        }
    }

    @Test("an unknown name is refused with the supported ones")
    func unknown() {
        let error = #expect(throws: CodecError.unknownCodec("zip")) { try Codecs.make(CodecName(name: "zip")) }
        #expect(
            error?.description
                == "unknown codec 'zip'; supported: bfloat16, dense, eden, int8, ternary, topk, trellis")
    }

    @Test(
        "parameters out of range are refused",
        arguments: [
            "eden:bits=0", "eden:bits=9", "eden:bits=+4", "eden:bits=4.0", "eden:quantiser=best", "ternary:density=0",
            "ternary:density=1.1", "ternary:density=nan", "ternary:density=-0.1", "topk:bits=9", "topk:density=",
            "int8:bits=4", "bfloat16:density=0.1", "eden:density=0.1", "ternary:bits=2",
        ])
    func range(_ text: String) {
        #expect(throws: CodecError.self) {
            guard let name = CodecName(text) else { throw CodecError.unknownCodec(text) }
            _ = try Codecs.make(name)
        }
    }

    @Test(
        "a codec keeps the name it was asked for", arguments: ["eden:bits=4", "ternary:density=0.010", "topk:bits=2"])
    func name(_ text: String) throws {
        let name = try #require(CodecName(text))
        #expect(try Codecs.make(name).name == name)
    }

    @Test("a parameter that the codec does not have is refused")
    func parameter() throws {
        let name = try #require(CodecName("dense:bits=4"))
        #expect(throws: CodecError.unknownParameter(codec: "dense", parameter: "bits")) { try Codecs.make(name) }
    }
}

@Suite("Run identifiers")
struct RunIDTests {
    @Test("are 16 hexadecimal digits, leading zeros kept")
    func format() {
        #expect(RunID(bits: 0).text == "0000000000000000")
        #expect(RunID(bits: 0xabc).text == "0000000000000abc")
        #expect(RunID(bits: .max).text == "ffffffffffffffff")
    }

    @Test("read back what they wrote and nothing else")
    func reading() {
        #expect(RunID("0123456789abcdef")?.text == "0123456789abcdef")
        for text in [
            "", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0", "0123456789abcdeg", "../../../../../a",
        ] {
            #expect(RunID(text) == nil)
        }
    }
}
