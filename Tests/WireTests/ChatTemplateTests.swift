import Recipe
import Testing
import Wire

@Suite("Chat templates on the wire")
struct ChatTemplateTests {
    @Test("an offer carries its chat template; without one, its bytes are those of before")
    func offers() throws {
        let samples = try SampleEnvelopes.all()
        let sample = try #require(samples.first { $0.name == "offer" }?.envelope)
        guard case .offer(let offer) = sample.message else {
            Issue.record("the sample is no offer")
            return
        }
        var encodings: Set<[UInt8]> = [WireCodec.encode(sample)]
        for name in ChatTemplateName.allCases {
            var changed = offer
            changed.training.chatTemplate = name
            var envelope = sample
            envelope.message = .offer(changed)
            let bytes = WireCodec.encode(envelope)
            encodings.insert(bytes)
            #expect(try WireCodec.decode(bytes, payloadBytes: nil) == envelope)
        }
        #expect(encodings.count == ChatTemplateName.allCases.count + 1)
    }
}
