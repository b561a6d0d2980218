package import Wire

/// A message that was taken off the socket.
package struct ArrivedMessage {
    package let peer: Peer
    /// The error: what came is no message.
    package let content: Result<Envelope, WireError>
    package let payload: [UInt8]?
    /// All its frames together.
    package let byteCount: Int

    package init(peer: Peer, content: Result<Envelope, WireError>, payload: [UInt8]?, byteCount: Int) {
        self.peer = peer
        self.content = content
        self.payload = payload
        self.byteCount = byteCount
    }

    /// Opens a worker's session, or makes it one of the run's.
    package var isGreeting: Bool {
        switch content {
        case .success(let envelope):
            switch envelope.message {
            case .hello, .enrol: true
            default: false
            }
        case .failure: false
        }
    }
}

/// Messages that wait for the service, in the order they came, so that the socket can be looked through for greetings
/// while thousands of updates wait. Bounded: what does not fit stays with libzmq, and in the end with its sender.
package struct Backlog {
    package static let countMax = 8_192
    /// Unit: bytes as they came.
    package static let bytesMax = 32 << 20

    private var messages: [ArrivedMessage?] = []
    /// Of the first one that waits.
    private var first = 0
    private var bytes = 0

    package init() {}

    package var isEmpty: Bool { first == messages.count }
    package var hasRoom: Bool { messages.count - first < Self.countMax && bytes < Self.bytesMax }

    package mutating func add(_ message: ArrivedMessage) {
        messages.append(message)
        bytes += message.byteCount
    }

    package mutating func next() -> ArrivedMessage? {
        guard !isEmpty else { return nil }
        let message = messages[first].take()
        first += 1
        bytes -= message?.byteCount ?? 0
        if isEmpty {
            messages.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= Self.countMax {
            messages.removeFirst(first)
            first = 0
        }
        return message
    }
}
