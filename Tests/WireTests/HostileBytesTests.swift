import InputMutation
import Testing
import Wire

/// Any bytes at all give a value or a `WireError`; nothing traps, reads beyond the end or allocates without bound.
@Suite("Hostile bytes")
struct HostileBytesTests {
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

    @Test func damagedMessages() throws {
        let samples = try SampleEnvelopes.all().map { (WireCodec.encode($0.envelope), $0.envelope.samplePayloadBytes) }
        // One mutator for all, so that fields of one message get into another. It takes the samples in turn.
        var mutator = InputMutator(samples.map(\.0), key: 1)
        var accepted = 0
        for index in 0..<20_000 {
            if try Self.check(mutator.next(), payloadBytes: samples[index % samples.count].1) { accepted += 1 }
        }
        // Some changes (a number's value, say) leave a valid message: the test reaches beyond the first check.
        #expect(accepted > 1_000)
        #expect(accepted < 19_000)
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

        // recordHead is field 32: 32 << 3 | 2 = 258 = 82 02; 60,000 = e0 d4 03; its links are field 51: 9a 03, 0 bytes
        var entries: [UInt8] = []
        while entries.count + 3 <= 60_000 { entries += [0x9A, 0x03, 0x00] }
        let bytes = [0x08, 0x01, 0x82, 0x02, 0xE0, 0xD4, 0x03] + entries
        #expect(throws: WireError.malformed("recordHead.links has 20000 entries, the limit is 1024")) {
            try WireCodec.decode(bytes, payloadBytes: nil)
        }
    }

    @Test func masksOfImpossibleTermsAreRefused() throws {
        var offer = try #require(
            SampleEnvelopes.all().compactMap { sample -> Offer? in
                if case .offer(let offer) = sample.envelope.message, offer.masking != nil { offer } else { nil }
            }.first)
        let good = try #require(offer.masking)
        let bad: [(inout UpdateMasking) -> Void] = [
            { $0.clip = 0 }, { $0.clip = -1 }, { $0.clip = .infinity }, { $0.clip = .nan }, { $0.levels = 0 },
            { $0.levels = 1 << 30 + 1 }, { $0.weightLimit = 0 }, { $0.minimumCohort = 1 }, { $0.corruptFraction = 1 },
            { $0.dropoutFraction = -0.1 }, { $0.dropoutFraction = .nan }, { $0.parameterCount = 0 },
            { $0.parameterCount = 1 << 31 + 1 },
            { $0.noise = .init(variance: 1, norm: 1, minimumHonest: 1) },
            {
                $0.weightLimit = 1
                $0.noise = .init(variance: -1, norm: 1, minimumHonest: 1)
            },
            {
                $0.weightLimit = 1
                $0.noise = .init(variance: .nan, norm: 1, minimumHonest: 1)
            },
            {
                $0.weightLimit = 1
                $0.noise = .init(variance: 1, norm: 0, minimumHonest: 1)
            },
            {
                $0.weightLimit = 1
                $0.noise = .init(variance: 1, norm: 1, minimumHonest: 0)
            },
        ]
        for change in bad {
            offer.masking = good
            if var masking = offer.masking {
                change(&masking)
                offer.masking = masking
            }
            let bytes = WireCodec.encode(Envelope(id: 1, message: .offer(offer)))
            #expect(throws: WireError.self) { try WireCodec.decode(bytes, payloadBytes: nil) }
        }
    }
}
