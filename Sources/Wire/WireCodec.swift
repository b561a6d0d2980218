import CWire

/// Packs and unpacks envelopes (`proto/shoal.proto`). Decoding is total: any bytes give a value or a `WireError`.
public enum WireCodec {
    /// One packed envelope, at most `WireLimits.envelopeBytes`.
    ///
    /// Reasons and labels are cut to their limits and lose control characters; a heartbeat's non-finite loss is left
    /// out. Everything else is written as it is, so that what a receiver would refuse stays visible there.
    /// - Precondition: the packed envelope is within its limit.
    public static func encode(_ envelope: Envelope) -> [UInt8] {
        var arena = PackingArena()
        let root = envelope.pack(in: &arena)
        let count = shoal__v1__envelope__get_packed_size(root)
        precondition(count <= WireLimits.envelopeBytes, "\(envelope.message.kind) packs to \(count) bytes")
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            initialised = shoal__v1__envelope__pack(root, buffer.baseAddress)
        }
    }

    /// Reads one envelope frame.
    ///
    /// - Parameters:
    ///   - bytes: The frame; not kept.
    ///   - payloadBytes: Size of the payload frame behind it, `nil` if there is none. Unit: bytes.
    /// - Throws: `WireError` for anything that is not a whole, valid message of version 1.
    public static func decode(_ bytes: UnsafeRawBufferPointer, payloadBytes: Int?) throws(WireError) -> Envelope {
        guard bytes.count <= WireLimits.envelopeBytes else {
            throw .envelopeTooLarge(bytes: bytes.count, limit: WireLimits.envelopeBytes)
        }
        if let payloadBytes, payloadBytes > WireLimits.payloadBytes {
            throw .payloadTooLarge(bytes: payloadBytes, limit: WireLimits.payloadBytes)
        }
        guard let unpacked = UnpackedEnvelope(bytes) else { throw .malformed("not a protobuf envelope") }
        let holdsUnknownMessage = unpacked.holdsUnknownMessage
        let envelope = try unpacked.read { (fields) throws(WireError) in
            try Envelope(fields, holdsUnknownMessage: holdsUnknownMessage)
        }
        try envelope.message.checkPayload(bytes: payloadBytes)
        return envelope
    }

    /// Reads one envelope frame.
    public static func decode(_ bytes: [UInt8], payloadBytes: Int?) throws(WireError) -> Envelope {
        // withUnsafeBytes rethrows untyped, hence the detour over Result.
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(WireError) in try decode(buffer, payloadBytes: payloadBytes) }
        }
        return try result.get()
    }
}

extension Envelope {
    init(_ fields: borrowing Shoal__V1__Envelope, holdsUnknownMessage: Bool) throws(WireError) {
        guard fields.version == Envelope.currentVersion else { throw .unsupportedVersion(fields.version) }
        if fields.message_case == SHOAL__V1__ENVELOPE__MESSAGE__NOT_SET {
            throw holdsUnknownMessage ? .unknownMessage(id: fields.id) : .malformed("the envelope holds no message")
        }
        self.init(
            version: fields.version, id: fields.id, inReplyTo: fields.in_reply_to,
            run: try wireText(fields.run, "envelope.run", limit: WireLimits.runBytes), round: fields.round,
            attempt: fields.attempt, message: try Message(fields))
    }

    func pack(in arena: inout PackingArena) -> UnsafeMutablePointer<Shoal__V1__Envelope> {
        let root = arena.message(shoal__v1__envelope__init)
        root.pointee.version = version
        root.pointee.id = id
        root.pointee.in_reply_to = inReplyTo
        root.pointee.run = arena.text(run)
        root.pointee.round = round
        root.pointee.attempt = attempt
        message.pack(into: root, in: &arena)
        return root
    }
}
