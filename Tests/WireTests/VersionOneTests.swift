import FixtureFiles
import Foundation
import Testing
import Wire

/// The bytes of protocol version 1, worked out by `Fixtures/wire/make_version1.py` without Shoal's code.
@Suite("Protocol version 1")
struct VersionOneTests {
    /// Name → bytes.
    static func transcript() throws -> [String: [UInt8]] {
        let text = try String(contentsOfFile: FixtureFiles.path("wire/version1.txt"), encoding: .utf8)
        var bytes: [String: [UInt8]] = [:]
        for line in text.split(separator: "\n") {
            let halves = line.split(separator: ":", maxSplits: 1)
            let digits = Array(try #require(halves.last).trimmingPrefix(" "))
            bytes[String(halves[0])] = try stride(from: 0, to: digits.count, by: 2).map {
                try #require(UInt8(String(digits[$0...$0 + 1]), radix: 16))
            }
        }
        return bytes
    }

    @Test func everyRecordedEnvelopeStillDecodesToItsValue() throws {
        let transcript = try Self.transcript()
        let samples = try SampleEnvelopes.all()
        #expect(transcript.count == samples.count)
        for (name, envelope) in samples {
            let bytes = try #require(transcript[name], "\(name) is not recorded")
            #expect(try WireCodec.decode(bytes, payloadBytes: envelope.samplePayloadBytes) == envelope, "\(name)")
        }
    }

    @Test func encodingGivesTheRecordedBytes() throws {
        let transcript = try Self.transcript()
        for (name, envelope) in try SampleEnvelopes.all() {
            #expect(WireCodec.encode(envelope) == transcript[name], "\(name)")
        }
    }

    @Test func everyKindIsRecorded() throws {
        let kinds = Set(try SampleEnvelopes.all().map(\.envelope.message.kind))
        #expect(kinds.count == 22)
    }

    /// Worked out on paper: tag = field << 3 | wire type, in hexadecimal.
    @Test func acceptByHand() throws {
        // version = 08 01; id 300 = 10 ac 02; accept is field 23: 23 << 3 | 2 = 186 = ba 01, 2 bytes; lease = 08 05
        let bytes: [UInt8] = [0x08, 0x01, 0x10, 0xAC, 0x02, 0xBA, 0x01, 0x02, 0x08, 0x05]
        let envelope = Envelope(id: 300, message: .accept(Accept(lease: 5)))
        #expect(WireCodec.encode(envelope) == bytes)
        #expect(try WireCodec.decode(bytes, payloadBytes: nil) == envelope)
    }

    @Test func goodbyeByHand() throws {
        // goodbye is field 38: 38 << 3 | 2 = 306 = b2 02; reason "ok" = 0a 02 6f 6b; finished = 10 01
        let bytes: [UInt8] = [0x08, 0x01, 0x10, 0x01, 0xB2, 0x02, 0x06, 0x0A, 0x02, 0x6F, 0x6B, 0x10, 0x01]
        let envelope = Envelope(id: 1, message: .goodbye(Goodbye(reason: "ok", isRunFinished: true)))
        #expect(WireCodec.encode(envelope) == bytes)
        #expect(try WireCodec.decode(bytes, payloadBytes: nil) == envelope)
    }
}
