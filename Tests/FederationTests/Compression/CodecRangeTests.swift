import Federation
import Testing

/// A worker names its codecs without parameters, so each name promises what is written here: a codec that takes more, or
/// less, is another one and needs another name.
@Suite("What a codec's name promises")
struct CodecRangeTests {
    private static let promised = [
        "dense", "bfloat16", "int8", "eden", "eden:bits=1", "eden:bits=8", "eden:bits=1,quantiser=uniform",
        "eden:bits=1,quantiser=lloyd-max", "eden:bits=8,quantiser=lloyd-max", "ternary", "ternary:density=0.000001",
        "ternary:density=1", "topk", "topk:density=0.000001,bits=1", "topk:density=1,bits=8", "trellis",
        "trellis:bits=0.0625", "trellis:bits=0.5",
    ]
    private static let beyond = [
        "dense:bits=32", "bfloat16:bits=16", "int8:bits=8", "eden:bits=0", "eden:bits=9", "eden:bits=2.5",
        "eden:quantiser=vector", "eden:density=1", "ternary:density=0", "ternary:density=1.01", "ternary:bits=2",
        "topk:density=0", "topk:density=1.01", "topk:bits=0", "topk:bits=9", "trellis:bits=0.06", "trellis:bits=0.51",
        "sketch",
    ]

    @Test("every parameter within its range makes a codec that reads what it writes", arguments: promised)
    func within(_ name: String) throws {
        let codec = try Codecs.make(try #require(CodecName(name)))
        let bytes = codec.encode([0.5, -0.25, 0, 1], seed: 3)
        let values = try codec.decode(bytes, count: 4, seed: 3)
        #expect(values.count == 4 && values.allSatisfy(\.isFinite))
    }

    @Test("nothing else does", arguments: beyond)
    func outside(_ name: String) throws {
        let codec = try #require(CodecName(name))
        #expect(throws: CodecError.self) { try Codecs.make(codec) }
    }

    @Test("no codec is left out")
    func all() {
        #expect(Set(Self.promised.compactMap { CodecName($0)?.name }) == Set(Codecs.supported))
    }
}
