/// What crosses the link: one envelope frame, and for chunks one payload frame behind it.
public struct Envelope: Hashable, Sendable {
    public static let currentVersion: UInt32 = 1

    public var version: UInt32
    /// Unique per sender; a retransmission keeps it, an answer carries it in `inReplyTo`.
    public var id: UInt64
    /// The message this one answers; 0 if none.
    public var inReplyTo: UInt64
    /// The run's identifier; empty before `Welcome`, and where the sender's session says which run it is.
    public var run: String
    public var round: UInt32
    public var attempt: UInt32
    public var message: Message

    public init(
        version: UInt32 = Envelope.currentVersion, id: UInt64, inReplyTo: UInt64 = 0, run: String = "",
        round: UInt32 = 0, attempt: UInt32 = 0, message: Message
    ) {
        self.version = version
        self.id = id
        self.inReplyTo = inReplyTo
        self.run = run
        self.round = round
        self.attempt = attempt
        self.message = message
    }
}

/// Every message of protocol version 1; `proto/shoal.proto` documents each field.
public enum Message: Hashable, Sendable {
    case enrol(Enrol)
    case enrolled(Enrolled)
    case hello(Hello)
    case welcome(Welcome)
    case refused(Refused)
    case heartbeat(Heartbeat)
    case offer(Offer)
    case accept(Accept)
    case decline(Decline)
    case objectRequest(ObjectRequest)
    case objectChunk(ObjectChunk)
    case updateBegin(UpdateBegin)
    case updateChunk(UpdateChunk)
    case updateCommit(UpdateCommit)
    /// Begin, the one chunk and commit of an update that fits one chunk.
    case updateWhole(UpdateCommit)
    case updateAck(UpdateAck)
    case report(Report)
    case recordHead(RecordHead)
    case countersign(Countersign)
    case maskStep(MaskStep)
    case cancel(Cancel)
    case goodbye(Goodbye)
}
