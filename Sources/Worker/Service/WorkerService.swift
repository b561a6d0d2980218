public import Federation
internal import ModelFiles
public import Randomness
public import Wire

/// A worker: enrols, holds a session with the coordinator, takes tasks, sends back what they give.
///
/// A synchronous state machine: it lives on one thread, is told the time, and owns no clock, socket or randomness of
/// its own. A lost coordinator never ends it; it ends when the run does, when it is asked to, or when going on cannot
/// succeed. The loop that drives it calls `tick` after whatever was posted to it.
public final class WorkerService: WorkerServiceProtocol {
    /// Where the session stands.
    enum Session {
        /// There is no connection, or nothing was said over it yet.
        case down
        /// Connected with an invitation.
        case enrolling(Outstanding)
        /// `Hello` is said again and again until it is answered.
        case greeting(Outstanding)
        case open(OpenSession)
    }

    struct OpenSession {
        let worker: WorkerName
        let run: RunID
        let baseModel: ContentHash
        /// Unit: seconds.
        let heartbeatSeconds: Double
        /// Whether the coordinator takes ``Feature/frugalUplink``'s messages.
        let isFrugal: Bool
        /// What the coordinator's program said it can do.
        let features: Set<String>
    }

    /// How often a worker that stays asks a coordinator whose run is over whether there is another; one that was started
    /// anew is asked at once. Unit: seconds.
    static let restSeconds = 300.0
    /// A session is taken for lost after this many heartbeats without any message.
    static let silentHeartbeatsMax = 5.0

    let settings: WorkerSettings
    let state: WorkerState
    let link: any WorkerLink
    let runner: any TaskRunning
    let inbox: TaskInbox
    let pendingStore: PendingStore
    let residuals: OwnVectorStore
    /// Of rounds that train A alone: each of two factors that take turns keeps what was left out of it.
    let residualsOfA: OwnVectorStore
    let controls: OwnVectorStore
    let ownModels: OwnVectorStore
    let observer: (WorkerEvent) -> Void
    /// Holds the worker to its owner's policy; `nil`: there is none.
    let owner: OwnerGuard?
    var random: CounterRandom

    /// When the loop last called.
    var now = Instant(nanoseconds: 0)
    var nextMessageID: UInt64 = 1
    /// What the link connects with.
    var keys: WorkerLinkKeys
    var isLinkUp = false
    /// Why the invitation was refused, while the own keys are tried after it.
    var invitationRefusal: String?
    var session = Session.down
    /// Between two runs: when the coordinator is asked for the next one.
    var restUntil: Instant?
    /// The run whose end was last told of.
    var endedRun: RunID?
    var lastHeard = Instant(nanoseconds: 0)
    var nextHeartbeat = Instant(nanoseconds: 0)
    /// The directory of the run's base model, once it is there.
    var modelPath: String?
    var modelDownload: ModelDownload?
    var adapterDownload: ObjectDownload?
    /// When to ask again for what is being downloaded.
    var downloadRetry: Retry?
    var adapter: GlobalAdapter?
    /// Of the offers' adapter, where there is one.
    var residual: (object: ContentHash, value: AdapterResidual)?
    var globalControl: GlobalControl?
    /// The factors around a core, which never change in a run.
    var fixedFactors: GlobalAdapter?
    /// The last message that asked what became of an earlier update.
    var settlementQuestion: UInt64?
    /// The newest training offer that was taken up.
    var newestTraining: (run: RunID, attempt: RoundAttempt)?
    var task: ActiveTask?
    /// The last task that could not be carried out: offered again, it is declined again.
    var lastDecline: Decline?
    /// Whether a task was declined that the owner allows at another hour, or on another source of power.
    var waitsForMoment = false

    /// What is remembered of the session's run, and the key its coordinator signs records with.
    var records: RecordMemory?
    var recordKey: PublicKey?

    /// How the worker's life ended; `nil` while it goes on.
    public internal(set) var outcome: Outcome?

    /// - Parameters:
    ///   - state: What the worker remembers; held for as long as the service lives.
    ///   - link: Connects with the invitation's keys first if there are any and `state` is not enrolled, otherwise with
    ///     the worker's own.
    ///   - loop: The loop that drives this service.
    ///   - owner: The owner's policy; `nil` takes whatever is offered.
    ///   - backoff: Where the jitter of retransmissions comes from (`StreamKey`'s purpose `backoff`).
    ///   - observer: Told what happens, on the loop's thread.
    public init(
        settings: WorkerSettings, state: WorkerState, link: any WorkerLink, loop: any LoopExecutor,
        runner: any TaskRunning, owner: OwnerGuard? = nil, backoff: CounterRandom,
        observer: @escaping (WorkerEvent) -> Void
    ) {
        self.settings = settings
        self.state = state
        self.link = link
        self.runner = runner
        self.owner = owner
        self.observer = observer
        inbox = TaskInbox(loop: loop)
        pendingStore = PendingStore(folder: state.pendingFolder)
        residuals = OwnVectorStore("residual", folder: state.residualFolder, record: "residual.json")
        residualsOfA = OwnVectorStore("residual of A", folder: state.residualOfAFolder, record: "residual.json")
        controls = OwnVectorStore("control variate", folder: state.controlFolder, record: "control.json")
        ownModels = OwnVectorStore("own part of the model", folder: state.ownFolder, record: "own.json")
        random = backoff
        keys = settings.hasInvitation && !state.isEnrolled ? .invitation : .own
    }

    public var isFinished: Bool { outcome != nil }

    /// Ends the worker: the task is given up, the coordinator is told. Call it on the loop's thread.
    public func requestStop() {
        guard outcome == nil else { return }
        sayGoodbye(reason: "this worker was stopped")
        // One that rests has done its work.
        end(restUntil == nil ? .stopped : .finished)
    }

    public func tick(at now: Instant) -> Instant? {
        self.now = now
        guard outcome == nil else { return nil }
        for (lease, event) in inbox.takeAll() where outcome == nil { taken(event, lease: lease) }
        tickSession()
        tickDownload()
        tickTask()
        guard outcome == nil else { return nil }
        return nextDue
    }

    public func receive(_ envelope: Envelope, payload: [UInt8]?, at now: Instant) {
        self.now = now
        guard outcome == nil else { return }
        lastHeard = now
        if case .open(let session) = session, !envelope.run.isEmpty, envelope.run != session.run.text { return }
        switch envelope.message {
        case .enrolled(let enrolled): take(enrolled)
        case .welcome(let welcome): take(welcome, envelope)
        case .refused(let refused): take(refused, envelope)
        case .goodbye(let goodbye): take(goodbye)
        case .heartbeat(let heartbeat): if let next = heartbeat.nextKey { takeNextKey(next) }
        case .accept, .decline: break
        case .offer(let offer): take(offer, envelope)
        case .cancel(let cancel): take(cancel)
        case .objectChunk(let chunk): take(chunk, payload ?? [])
        case .updateAck(let ack): take(ack, envelope)
        case .maskStep(let step): take(step, payload ?? [])
        case .recordHead(let head): take(head)
        default:
            let refusal = Refused(
                code: .unknownMessage, reason: "this worker does not take \(envelope.message.kind) messages")
            send(.refused(refusal), answering: envelope.id)
        }
    }

    public func receive(malformed error: WireError, at now: Instant) {
        self.now = now
        guard outcome == nil else { return }
        if case .unsupportedVersion = error { return fail("the coordinator's messages cannot be read: \(error)") }
        observer(.warning("ignored a message of the coordinator: \(error)"))
    }
}

// MARK: - Ending
extension WorkerService {
    func fail(_ reason: String) {
        end(.failed(reason: reason))
    }

    func end(_ outcome: Outcome) {
        guard self.outcome == nil else { return }
        if let task, case .running = task.stage { runner.cancel(lease: task.offer.lease) }
        task = nil
        self.outcome = outcome
    }

    func sayGoodbye(reason: TaskReason) {
        guard isLinkUp, case .open = session else { return }
        send(.goodbye(Goodbye(reason: reason.told)))
    }
}

// MARK: - Sending
extension WorkerService {
    /// A new message with the round of the task it belongs to; which run that is, the session says.
    func envelope(_ message: Message, answering id: UInt64 = 0, of task: ActiveTask? = nil) -> Envelope {
        defer { nextMessageID += 1 }
        return Envelope(
            id: nextMessageID, inReplyTo: id, round: UInt32(clamping: task?.round ?? 0),
            attempt: UInt32(clamping: task?.attempt ?? 0), message: message)
    }

    func send(_ message: Message, payload: [UInt8]? = nil, answering id: UInt64 = 0, of task: ActiveTask? = nil) {
        link.send(envelope(message, answering: id, of: task), payload: payload)
    }

    /// Sends a message that will be sent again until it is answered.
    func sendRepeatedly(_ message: Message, of task: ActiveTask? = nil, afterPause: Bool = false) -> Outstanding {
        let envelope = envelope(message, of: task)
        if !afterPause { link.send(envelope, payload: nil) }
        return Outstanding(envelope: envelope, retry: Retry(.control, at: now, random: &random))
    }

    /// The next moment at which something is due.
    private var nextDue: Instant? {
        var dues: [Instant] = []
        switch session {
        case .down: if isLinkUp, let restUntil { dues.append(restUntil) }
        case .enrolling(let outstanding), .greeting(let outstanding):
            if isLinkUp { dues.append(outstanding.retry.due) }
        case .open(let open):
            dues.append(nextHeartbeat)
            dues.append(silenceEnd(of: open))
            if let downloadRetry { dues.append(downloadRetry.due) }
            if let retry = task?.masks?.retry { dues.append(retry.due) }
            switch task?.stage {
            case .uploading(_, let outstanding?), .reporting(_, let outstanding?): dues.append(outstanding.retry.due)
            default: break
            }
        }
        return dues.min()
    }
}
