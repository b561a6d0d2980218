import Wire

/// The frames of one message as it came; reused from message to message.
final class ReceivedFrames {
    /// Set by a ROUTER socket only.
    let identity = MessageFrame()
    let envelope = MessageFrame()
    private let payload = MessageFrame()
    private let rest = MessageFrame()
    /// Frames behind the identity.
    private(set) var count = 0
    /// All frames behind the identity. Unit: bytes.
    private(set) var byteCount = 0

    /// Takes one whole message; false when none has arrived. Frames beyond the second are counted and let go.
    func receive(from socket: borrowing MessagingSocket, hasIdentity: Bool) -> Bool {
        count = 0
        byteCount = 0
        if hasIdentity {
            guard socket.receive(into: identity) else { return false }
            guard identity.hasMore else { return true }
        }
        // libzmq delivers messages whole: only the first frame can be missing.
        guard socket.receive(into: envelope) else { return false }
        count = 1
        byteCount = envelope.bytes.count
        guard envelope.hasMore, socket.receive(into: payload) else { return true }
        count = 2
        byteCount += payload.bytes.count
        guard payload.hasMore else { return true }
        while socket.receive(into: rest) {
            count += 1
            byteCount += rest.bytes.count
            if !rest.hasMore { break }
        }
        return true
    }

    func decode() throws(WireError) -> Envelope {
        guard (1...2).contains(count) else { throw .malformed("\(count) frames instead of one or two") }
        return try WireCodec.decode(envelope.bytes, payloadBytes: count == 2 ? payload.bytes.count : nil)
    }

    func payload(of envelope: Envelope) -> [UInt8]? {
        envelope.message.takesPayload ? Array(payload.bytes) : nil
    }
}
