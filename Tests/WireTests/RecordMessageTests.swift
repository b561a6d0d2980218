import Federation
import ModelFiles
import Testing
import Wire

@Suite("Round records on the wire")
struct RecordMessageTests {
    private let head = ContentHash(of: [1])
    private let signature = [UInt8](0..<64)

    private func roundTrip(_ message: Message) throws -> Message {
        try WireCodec.decode(WireCodec.encode(Envelope(id: 1, message: message)), payloadBytes: nil).message
    }

    private func head(links: Int) -> RecordHead {
        RecordHead(
            head: head, signature: signature, number: .max, round: .max,
            links: (0..<links).map { ContentHash(of: [UInt8($0 & 255), UInt8($0 >> 8)]) })
    }

    @Test("a head comes back with its links, up to the limit", arguments: [0, 1, WireLimits.linkCount])
    func headRoundTrip(links: Int) throws {
        let message = Message.recordHead(head(links: links))
        #expect(try roundTrip(message) == message)
    }

    @Test func moreLinksThanTheLimitAreRefused() {
        let bytes = WireCodec.encode(Envelope(id: 1, message: .recordHead(head(links: WireLimits.linkCount + 1))))
        #expect(throws: WireError.malformed("recordHead.links has 1025 entries, the limit is 1024")) {
            try WireCodec.decode(bytes, payloadBytes: nil)
        }
    }

    @Test func helloAndWelcomeCarryWhatIsKnown() throws {
        let name = try #require(WorkerName("clinic"))
        let known = KnownRecord(run: RunID(bits: 7), number: 9, head: head)
        let hello = Hello(
            software: "x", features: [Feature.roundRecords], codecs: [.dense], cores: 1, memoryBytes: 1,
            baseModel: nil, knownRecord: known)
        #expect(try roundTrip(.hello(hello)) == .hello(hello))
        let welcome = Welcome(
            software: "x", features: [], worker: name, heartbeatMilliseconds: 1, baseModel: head, sequenceLength: 1,
            recordKey: PublicKey(bytes: head.bytes), recordHead: head(links: 2))
        #expect(try roundTrip(.welcome(welcome)) == .welcome(welcome))
        let countersign = Countersign(head: head, signature: signature, number: 3)
        #expect(try roundTrip(.countersign(countersign)) == .countersign(countersign))
    }

    @Test func aLinkOfAnotherLengthIsRefused() throws {
        // head(links: 1) ends with field 51 (links), 32 bytes: tag 51 << 3 | 2 = 0x19a = 9a 03; then field 52 (round).
        let whole = WireCodec.encode(Envelope(id: 1, message: .recordHead(head(links: 1))))
        let tag: [UInt8] = [0x9A, 0x03, 32]
        let start = try #require(whole.indices.first { whole[$0...].starts(with: tag) })
        var cut = whole
        cut.remove(at: start + 3)
        cut[start + 2] = 31
        // The message's own length, two bytes after its tag 32 << 3 | 2 = 82 02.
        let outer = try #require(whole.indices.first { whole[$0...].starts(with: [0x82, 0x02]) })
        cut[outer + 2] -= 1
        #expect(throws: WireError.malformed("recordHead.links has 31 bytes instead of 32")) {
            try WireCodec.decode(cut, payloadBytes: nil)
        }
    }
}
