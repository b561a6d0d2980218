public import Federation
public import ModelFiles

/// w→c: asks for a part of an object; the length is the credit the sender may use before the next request.
public struct ObjectRequest: Hashable, Sendable {
    public var object: ContentHash
    /// Unit: bytes.
    public var offset: UInt64
    /// Unit: bytes.
    public var length: UInt32

    public init(object: ContentHash, offset: UInt64, length: UInt32) {
        self.object = object
        self.offset = offset
        self.length = length
    }
}

/// c→w: a part of an object; the bytes are the payload frame.
public struct ObjectChunk: Hashable, Sendable {
    public var object: ContentHash
    public var offset: UInt64
    /// Size of the whole object. Unit: bytes.
    public var totalBytes: UInt64

    public init(object: ContentHash, offset: UInt64, totalBytes: UInt64) {
        self.object = object
        self.offset = offset
        self.totalBytes = totalBytes
    }
}

/// w→c: announces an encoded update. Sent again after a reconnect: the answer says where to go on.
public struct UpdateBegin: Hashable, Sendable {
    public var lease: UInt64
    /// SHA-256 of the whole encoded update.
    public var object: ContentHash
    public var totalBytes: UInt64
    public var codec: CodecName

    public init(lease: UInt64, object: ContentHash, totalBytes: UInt64, codec: CodecName) {
        self.lease = lease
        self.object = object
        self.totalBytes = totalBytes
        self.codec = codec
    }
}

/// w→c: a part of the update; the bytes are the payload frame.
public struct UpdateChunk: Hashable, Sendable {
    public var lease: UInt64
    public var offset: UInt64

    public init(lease: UInt64, offset: UInt64) {
        self.lease = lease
        self.offset = offset
    }
}

/// w→c: the update is whole; what it weighs. Alone after the chunks, or with the bytes as its payload frame.
public struct UpdateCommit: Hashable, Sendable {
    public var lease: UInt64
    public var object: ContentHash
    /// Size of the worker's training set. Unit: blocks (causal) or examples (classification).
    public var trainingItems: UInt64
    public var steps: UInt32
    /// `nil`: not told.
    public var tokensTrained: UInt64?
    /// Mean over the round's steps; `nil`: not told. Unit: nats a token.
    public var trainLoss: Float?
    /// Whether the update was longer than ``UpdatePrivacy/clip``.
    public var isClipped = false
    /// `nil`: not told.
    public var cost: TaskCost?

    public init(
        lease: UInt64, object: ContentHash, trainingItems: UInt64, steps: UInt32, tokensTrained: UInt64?,
        trainLoss: Float?
    ) {
        self.lease = lease
        self.object = object
        self.trainingItems = trainingItems
        self.steps = steps
        self.tokensTrained = tokensTrained
        self.trainLoss = trainLoss
    }
}

/// c→w: answers begin, chunk and commit.
public struct UpdateAck: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// Bytes before this offset are held; send from here. Unit: bytes.
        case receivedThrough(UInt64)
        /// The update is durable: it counts exactly once.
        case committed
        /// The update will not count; do not send it again.
        case rejected(reason: String)
    }

    public var lease: UInt64
    public var state: State
    /// Beside ``State/committed``: the round that the update counts in, if not the one that asked for it.
    public var countsIn: Int?

    public init(lease: UInt64, state: State, countsIn: Int? = nil) {
        self.lease = lease
        self.state = state
        self.countsIn = countsIn
    }
}
