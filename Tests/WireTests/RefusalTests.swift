import Federation
import ModelFiles
import Recipe
import Testing
import Wire

/// What the decoder refuses, and with which error.
@Suite("Refused envelopes")
struct RefusalTests {
    /// A length-delimited field.
    static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(content.count) + content
    }

    static func number(_ field: Int, _ value: Int) -> [UInt8] {
        varint(field << 3) + varint(value)
    }

    static func varint(_ value: Int) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F | 0x80))
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// An envelope of version 1 with id 9. Parts instead of `+`, which the compiler resolves very slowly in long lists.
    static func envelope(_ message: Int, _ parts: [UInt8]...) -> [UInt8] {
        joined(number(1, 1), number(2, 9), field(message, Array(parts.joined())))
    }

    /// An offer as far as its adapter options: LoRA of rank 1, standard scaling and `more`.
    static func offer(_ more: [UInt8]) -> [UInt8] {
        let options = joined(number(1, 1), number(2, 1), number(4, 1), more)
        return envelope(
            22, number(1, 1), number(2, 1), number(3, 1), field(5, thirtyTwo), field(6, thirtyTwo), field(7, options))
    }

    /// A `rank_patterns` entry for "q".
    static func pattern(rank: Int) -> [UInt8] {
        field(11, field(1, [113]) + number(2, rank))
    }

    static func joined(_ parts: [UInt8]...) -> [UInt8] {
        Array(parts.joined())
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        var payloadBytes: Int?
        let expected: WireError
    }

    static let thirtyTwo = [UInt8](repeating: 7, count: 32)

    @Test(arguments: [
        Case(
            testDescription: "an empty frame has no version", bytes: [],
            expected: .unsupportedVersion(0)),
        Case(
            testDescription: "a later version", bytes: joined(number(1, 2), field(23, number(1, 1))),
            expected: .unsupportedVersion(2)),
        Case(
            testDescription: "a message of a later release", bytes: envelope(39, [1, 2, 3]),
            expected: .unknownMessage(id: 9)),
        Case(
            testDescription: "no message", bytes: joined(number(1, 1), number(2, 9)),
            expected: .malformed("the envelope holds no message")),
        Case(
            testDescription: "not protobuf", bytes: [0xFF, 0xFF, 0xFF],
            expected: .malformed("not a protobuf envelope")),
        Case(
            testDescription: "a run that is not UTF-8",
            bytes: joined(number(1, 1), field(4, [0x66, 0xC3, 0x28]), field(23, [])),
            expected: .malformed("envelope.run is not UTF-8")),
        Case(
            testDescription: "a run over its limit",
            bytes: joined(number(1, 1), field(4, [UInt8](repeating: 0x61, count: 129)), field(23, [])),
            expected: .malformed("envelope.run is over 128 bytes")),
        Case(
            testDescription: "terminal control in a reason", bytes: envelope(38, field(1, Array("\u{1B}[2J".utf8))),
            expected: .malformed("goodbye.reason holds control characters")),
        Case(
            testDescription: "a worker name that climbs folders", bytes: envelope(17, field(1, Array("../x".utf8))),
            expected: .malformed("enrolled.worker is not a worker name")),
        Case(
            testDescription: "a short key", bytes: envelope(16, field(1, [1, 2]), field(2, thirtyTwo)),
            expected: .malformed("enrol.curveKey has 2 bytes instead of 32")),
        Case(
            testDescription: "a missing key", bytes: envelope(16, field(1, thirtyTwo)),
            expected: .malformed("enrol.signingKey has 0 bytes instead of 32")),
        Case(
            testDescription: "a long signature", bytes: envelope(32, field(1, thirtyTwo), field(2, thirtyTwo)),
            expected: .malformed("recordHead.signature has 32 bytes instead of 64")),
        Case(
            testDescription: "an enum left at UNSPECIFIED", bytes: envelope(21, []),
            expected: .malformed(
                "heartbeat.phase has the value 0, which is not known here; install the same Shoal release on both sides"
            )),
        Case(
            testDescription: "an enum value of a later release", bytes: envelope(20, number(1, 11)),
            expected: .malformed(
                "refused.code has the value 11, which is not known here; install the same Shoal release on both sides")),
        Case(
            testDescription: "a loss that is not a number",
            bytes: envelope(21, number(1, 3), [0x2D, 0x00, 0x00, 0xC0, 0x7F]),
            expected: .malformed("heartbeat.loss is not finite")),
        Case(
            testDescription: "an offer without its options",
            bytes: envelope(22, number(1, 1), number(2, 1), number(3, 1), field(5, thirtyTwo), field(6, thirtyTwo)),
            expected: .malformed("offer.adapterOptions is missing")),
        Case(
            testDescription: "targets both by list and by pattern", bytes: offer(field(7, [113]) + field(8, [113])),
            expected: .malformed("adapterOptions.targets is more than one of all, a list and a pattern")),
        Case(
            testDescription: "exclusions both by list and by pattern", bytes: offer(field(9, [113]) + field(10, [113])),
            expected: .malformed("adapterOptions.excluded is both a list and a pattern")),
        Case(
            testDescription: "a pattern twice", bytes: offer(pattern(rank: 2) + pattern(rank: 3)),
            expected: .malformed("adapterOptions.rankPatterns has an empty or repeated pattern")),
        Case(
            testDescription: "a pattern of rank 0", bytes: offer(pattern(rank: 0)),
            expected: .malformed("adapterOptions.rankPatterns is 0, at least 1 is needed")),
        Case(
            testDescription: "an answer without its state", bytes: envelope(30, number(1, 1)),
            expected: .malformed("updateAck.state is missing or not known here")),
        Case(
            testDescription: "a chunk without its payload", bytes: envelope(28, number(1, 1)),
            expected: .missingPayload("UpdateChunk")),
        Case(
            testDescription: "a payload behind a message that has none", bytes: envelope(23, number(1, 1)),
            payloadBytes: 0, expected: .unexpectedPayload("Accept")),
        Case(
            testDescription: "a payload over its limit", bytes: envelope(28, number(1, 1)),
            payloadBytes: WireLimits.payloadBytes + 1,
            expected: .payloadTooLarge(bytes: WireLimits.payloadBytes + 1, limit: WireLimits.payloadBytes)),
        Case(
            testDescription: "an envelope over its limit",
            bytes: [UInt8](repeating: 0, count: WireLimits.envelopeBytes + 1),
            expected: .envelopeTooLarge(bytes: WireLimits.envelopeBytes + 1, limit: WireLimits.envelopeBytes)),
        Case(
            testDescription: "a chunk that ends behind its object",
            bytes: envelope(26, field(1, thirtyTwo), number(2, 90), number(3, 100)), payloadBytes: 11,
            expected: .malformed("ObjectChunk ends behind its object")),
        Case(
            testDescription: "an offset beyond any object",
            bytes: envelope(28, number(1, 1), number(2, (1 << 40) + 1)), payloadBytes: 1,
            expected: .malformed("updateChunk.offset is over 1099511627776 bytes")),
    ])
    func refused(_ given: Case) {
        #expect(throws: given.expected) { try WireCodec.decode(given.bytes, payloadBytes: given.payloadBytes) }
    }

    struct OutOfRange: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout TrainingOptions) -> Void

        init(_ field: String, _ change: @escaping @Sendable (inout TrainingOptions) -> Void) {
            testDescription = field
            self.change = change
        }
    }

    @Test(
        "training options that no run file may hold",
        arguments: [
            OutOfRange("learningRate") { $0.learningRate = 0 }, OutOfRange("learningRate") { $0.learningRate = -1 },
            OutOfRange("weightDecay") { $0.weightDecay = -0.01 }, OutOfRange("beta1") { $0.beta1 = 1 },
            OutOfRange("beta1") { $0.beta1 = -0.5 }, OutOfRange("beta2") { $0.beta2 = 1.5 },
            OutOfRange("epsilon") { $0.epsilon = 0 }, OutOfRange("momentum") { $0.momentum = 1 },
            OutOfRange("momentum") { $0.momentum = -0.9 }, OutOfRange("clipNorm") { $0.clipNorm = -1 },
            OutOfRange("proximal") { $0.proximal = -1 }, OutOfRange("localEpochs") { $0.localEpochs = 0 },
        ])
    func outOfRange(_ given: OutOfRange) throws {
        #expect(throws: Never.self) { try WireCodec.decode(Self.offer { _ in }, payloadBytes: nil) }
        let bytes = Self.offer(given.change)
        #expect(throws: WireError.malformed("training.\(given.testDescription) is out of range")) {
            try WireCodec.decode(bytes, payloadBytes: nil)
        }
    }

    @Test func anOfferHasAStep() {
        #expect(throws: WireError.malformed("training.localSteps is 0, at least 1 is needed")) {
            try WireCodec.decode(Self.offer { $0.localSteps = 0 }, payloadBytes: nil)
        }
    }

    private static func offer(_ change: (inout TrainingOptions) -> Void) -> [UInt8] {
        var training = TrainingOptions(localSteps: 2, optimizer: .sgd)
        change(&training)
        let hash = ContentHash(of: [1])
        return WireCodec.encode(
            Envelope(
                id: 1,
                message: .offer(
                    Offer(
                        lease: 1, task: .train, leaseMilliseconds: 1, deadlineMilliseconds: nil, baseModel: hash,
                        adapter: hash, adapterOptions: AdapterOptions(rank: 1), training: training, uplink: .dense,
                        seed: 1))))
    }

    @Test func unknownFieldsAreIgnored() throws {
        let bytes = Self.joined(
            Self.envelope(23, Self.number(1, 5), Self.field(900, [1, 2, 3])), Self.number(15, 1))
        let decoded = try WireCodec.decode(bytes, payloadBytes: nil)
        #expect(decoded == Envelope(id: 9, message: .accept(Accept(lease: 5))))
    }

    @Test func aReasonIsCutBetweenCharactersAndLosesControls() throws {
        let sent = Envelope(
            id: 1, message: .goodbye(Goodbye(reason: "line\nbreak " + String(repeating: "é", count: 2_000))))
        let came = try WireCodec.decode(WireCodec.encode(sent), payloadBytes: nil)
        guard case .goodbye(let goodbye) = came.message else {
            Issue.record("another message came")
            return
        }
        #expect(goodbye.reason == "line break " + String(repeating: "é", count: 506))
    }

    @Test func aDivergedLossIsLeftOutOfAHeartbeat() throws {
        let sent = Envelope(id: 1, message: .heartbeat(Heartbeat(phase: .training, loss: .nan)))
        let came = try WireCodec.decode(WireCodec.encode(sent), payloadBytes: nil)
        #expect(came.message == .heartbeat(Heartbeat(phase: .training, loss: nil)))
    }
}
