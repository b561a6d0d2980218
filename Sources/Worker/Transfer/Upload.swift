internal import Wire

/// One update on its way to the coordinator: begin, chunks within a window, commit; or, where it fits one chunk, all of that
/// in one message first. Pure.
///
/// The coordinator's word on how much it holds is authoritative: after a reconnect or a silence the upload begins
/// again and goes on from there.
struct Upload {
    enum Phase: Hashable {
        /// All of it is on its way in one message.
        case whole
        /// Announced; where to go on is not known yet.
        case beginning
        case sending
        /// Everything is there; its durability is not confirmed yet.
        case committing
    }

    /// A message to send; chunks and a whole update have a payload.
    struct Part: Hashable {
        let message: Message
        let payload: [UInt8]?
    }

    /// Chunks that may be on their way unacknowledged.
    static let windowChunks = 8

    let pending: PendingUpdate
    private let chunkBytes: Int
    private(set) var phase = Phase.beginning
    /// Bytes the coordinator holds.
    private var acknowledged = 0
    private var sent = 0
    private var mayBeWhole: Bool

    /// - Parameter mayBeWhole: Whether the first try may be one message.
    init(_ pending: PendingUpdate, chunkBytes: Int, mayBeWhole: Bool) {
        precondition((1...WireLimits.payloadBytes).contains(chunkBytes), "chunks of \(chunkBytes) bytes")
        self.pending = pending
        self.chunkBytes = chunkBytes
        self.mayBeWhole = mayBeWhole && pending.bytes.count <= chunkBytes
    }

    /// The first message, also after a reconnect.
    mutating func begin() -> Part {
        phase = .beginning
        acknowledged = 0
        sent = 0
        if mayBeWhole {
            // Its answer may be lost: then a begin asks first, as bytes are dear.
            mayBeWhole = false
            phase = .whole
            return Part(message: .updateWhole(commit), payload: pending.bytes)
        }
        return Part(
            message: .updateBegin(
                UpdateBegin(
                    lease: pending.lease, object: pending.object, totalBytes: UInt64(pending.bytes.count),
                    codec: pending.codec)),
            payload: nil)
    }

    /// The coordinator holds the bytes before `offset`.
    ///
    /// - Parameter isAnswer: Whether this answers the last message sent. Late answers to chunks of an earlier try say
    ///   nothing about where to go on.
    /// - Returns: What to send now; `nil` if this was no news.
    mutating func received(through offset: UInt64, isAnswer: Bool) -> [Part]? {
        guard let offset = Int(exactly: offset), offset <= pending.bytes.count else { return nil }
        switch phase {
        case .beginning:
            guard isAnswer else { return nil }
            sent = offset
        case .sending:
            guard offset > acknowledged else { return nil }
            sent = max(sent, offset)
        case .whole, .committing:
            guard isAnswer, offset < pending.bytes.count else { return nil }
            sent = offset
        }
        acknowledged = offset
        return nextParts()
    }

    private mutating func nextParts() -> [Part] {
        guard acknowledged < pending.bytes.count else {
            phase = .committing
            return [Part(message: .updateCommit(commit), payload: nil)]
        }
        phase = .sending
        var parts: [Part] = []
        while sent < pending.bytes.count, sent - acknowledged < Self.windowChunks * chunkBytes {
            let end = min(sent + chunkBytes, pending.bytes.count)
            parts.append(
                Part(
                    message: .updateChunk(UpdateChunk(lease: pending.lease, offset: UInt64(sent))),
                    payload: Array(pending.bytes[sent..<end])))
            sent = end
        }
        return parts
    }

    private var commit: UpdateCommit {
        var commit = UpdateCommit(
            lease: pending.lease, object: pending.object, trainingItems: UInt64(pending.trainingItems),
            steps: UInt32(clamping: pending.steps), tokensTrained: pending.tokens.map { UInt64($0) },
            trainLoss: pending.trainLoss.map { Float($0) })
        commit.isClipped = pending.isClipped
        commit.cost = pending.cost
        return commit
    }
}
