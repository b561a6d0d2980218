import Testing
import Wire

/// Any bytes at all give a value or a `WireError`; nothing traps, reads beyond the end or allocates without bound.
@Suite("Hostile bytes")
struct HostileBytesTests {
    /// SplitMix64: the same inputs in every run.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// Decodes; what decodes must survive encoding again unchanged.
    static func check(_ bytes: [UInt8], payloadBytes: Int?) throws -> Bool {
        let envelope: Envelope
        do {
            envelope = try WireCodec.decode(bytes, payloadBytes: payloadBytes)
        } catch {
            return false
        }
        let again = try WireCodec.decode(WireCodec.encode(envelope), payloadBytes: payloadBytes)
        #expect(again == envelope)
        return true
    }

    @Test func mutatedMessages() throws {
        var random = Generator(state: 1)
        let samples = try SampleEnvelopes.all()
        var accepted = 0
        for index in 0..<20_000 {
            let envelope = samples[index % samples.count].envelope
            var bytes = WireCodec.encode(envelope)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<max(bytes.count, 1), using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 2 where !bytes.isEmpty: bytes.remove(at: place)
                case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                case 4 where !bytes.isEmpty: bytes[place] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
                default:
                    // A piece of another message: whole fields in the wrong place.
                    let other = WireCodec.encode(samples[Int.random(in: 0..<samples.count, using: &random)].envelope)
                    let start = Int.random(in: 0..<other.count, using: &random)
                    bytes.insert(contentsOf: other[start...].prefix(40), at: min(place, bytes.count))
                }
            }
            if try Self.check(bytes, payloadBytes: envelope.samplePayloadBytes) { accepted += 1 }
        }
        // Some changes (a number's value, say) leave a valid message: the test reaches beyond the first check.
        #expect(accepted > 1_000)
        #expect(accepted < 19_000)
    }

    @Test func randomBytes() throws {
        var random = Generator(state: 2)
        for _ in 0..<5_000 {
            let count = Int.random(in: 0...200, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try Self.check(bytes, payloadBytes: nil)
        }
    }

    @Test func truncationAtEveryByte() throws {
        for (name, envelope) in try SampleEnvelopes.all() {
            let bytes = WireCodec.encode(envelope)
            for count in 0..<bytes.count {
                // The message is the envelope's last field, so every prefix lacks it or breaks it.
                #expect(throws: WireError.self, "\(name) cut at \(count)") {
                    try WireCodec.decode(Array(bytes.prefix(count)), payloadBytes: envelope.samplePayloadBytes)
                }
            }
        }
    }

    @Test func manyTinyFieldsStayWithinTheEnvelopeLimit() {
        // 32 Ki unknown two-byte fields, then 32 Ki empty entries: the most that 64 KiB can make protobuf-c allocate.
        var unknown: [UInt8] = [0x08, 0x01]
        while unknown.count + 2 <= WireLimits.envelopeBytes { unknown += [0x78, 0x00] }
        #expect(throws: WireError.self) { try WireCodec.decode(unknown, payloadBytes: nil) }

        var entries: [UInt8] = []
        while entries.count + 2 <= 60_000 { entries += [0x0A, 0x00] }
        // maskKeys is field 34: 34 << 3 | 2 = 274 = 92 02; 60,000 = e0 d4 03
        let bytes = [0x08, 0x01, 0x92, 0x02, 0xE0, 0xD4, 0x03] + entries
        #expect(throws: WireError.malformed("maskKeys.entries has 30000 entries, the limit is 256")) {
            try WireCodec.decode(bytes, payloadBytes: nil)
        }
    }
}
