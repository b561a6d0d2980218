public import Federation
import ModelFiles
import Randomness
public import Wire

/// One worker: enrols, keeps a session open, takes offers, downloads what they need, has them carried out and sends
/// the results.
///
/// Synchronous, single-threaded and told the time. A lost coordinator never ends it; what it waits for it asks for
/// again. Training runs elsewhere (``TaskRunning``), so heartbeats never depend on it.
public final class WorkerService: WorkerServiceProtocol {
    public enum Outcome: Hashable, Sendable {
        case running
        /// The coordinator said that the run is over.
        case finished
        /// ``requestStop()``.
        case stopped
        case failed(reason: String)
    }

    public private(set) var outcome = Outcome.running
    /// What the link must connect with first.
    public let initialKeys: WorkerLinkKeys

    let settings: WorkerSettings
    let folder: WorkerFolder
    let link: any WorkerLink
    let loop: any LoopExecutor
    let runner: any TaskRunning
    let observe: (WorkerEvent) -> Void

    var now = Instant(nanoseconds: 0)
    var generator: CounterRandom
    private(set) var lastMessage: UInt64 = 0
    /// The run's identifier, from `Welcome`.
    var run = ""

    // Session
    var keys: WorkerLinkKeys
    var isConnected = false
    var refusalCount = 0
    var session: Session?
    var greeting: RetryTimer?
    var lastSilence: String?

    // Base model and task
    var model: LocalModel
    var download: ObjectDownload?
    var task: CurrentTask?
    /// Offers older than this are echoes.
    var newestOffer = OfferOrder(round: 0, attempt: 0, isEvaluation: false)
    var committedLease: UInt64 = 0

    struct Session {
        let worker: WorkerName
        let heartbeatSeconds: Double
        let baseModel: ContentHash
        var heartbeatDue: Instant
        var lastHeard: Instant
    }

    public init(
        settings: WorkerSettings, folder: WorkerFolder, link: any WorkerLink, loop: any LoopExecutor,
        runner: any TaskRunning, observe: @escaping (WorkerEvent) -> Void
    ) throws {
        self.settings = settings
        self.folder = folder
        self.link = link
        self.loop = loop
        self.runner = runner
        self.observe = observe
        generator = StreamKey(seed: settings.jitterSeed, purpose: .backoff).generator()
        initialKeys = folder.isEnrolled || !settings.hasInvitation ? .own : .invitation
        keys = initialKeys
        if let directory = settings.modelDirectory {
            model = .ready(directory, try ModelManifest(directory: directory).identity)
        } else {
            model = .unknown
        }
    }

    public var isFinished: Bool { outcome != .running }

    /// Leaves in order: an update that is stored is sent after the next start.
    public func requestStop() {
        guard !isFinished else { return }
        stopTask()
        if session != nil { send(.goodbye(Goodbye(reason: "the worker stops"))) }
        end(.stopped)
    }

    func end(_ outcome: Outcome) {
        if self.outcome == .running { self.outcome = outcome }
    }

    func fail(_ reason: String) {
        stopTask()
        end(.failed(reason: reason))
    }

    /// Runs what touches the disk; a worker that cannot write ends with the reason.
    func attempt(_ body: () throws -> Void) {
        guard !isFinished else { return }
        do { try body() } catch { fail(String(describing: error)) }
    }

    @discardableResult
    func send(
        _ message: Message, payload: [UInt8]? = nil, answering id: UInt64 = 0, round: Int = 0, attempt: Int = 0
    ) -> UInt64 {
        lastMessage += 1
        link.send(
            Envelope(
                id: lastMessage, inReplyTo: id, run: run, round: UInt32(clamping: round),
                attempt: UInt32(clamping: attempt), message: message), payload: payload)
        return lastMessage
    }

    func retryTimer() -> RetryTimer {
        RetryTimer(firstSeconds: settings.retrySeconds, maximumSeconds: settings.retrySecondsMax, at: now)
    }
}

/// What a worker is started with.
public struct WorkerSettings: Sendable {
    /// The program's version, for people.
    public var software: String
    public var cores: UInt32
    public var memoryBytes: UInt64
    /// The public halves of the worker's own keys.
    public var keys: Enrol
    /// Whether the link also has an invitation's keys.
    public var hasInvitation: Bool
    /// The base model on disk; `nil` downloads it from the coordinator.
    public var modelDirectory: String?
    /// Spreads retries of many workers; differs from worker to worker.
    public var jitterSeed: UInt64
    public var retrySeconds = 1.0
    public var retrySecondsMax = 30.0
    /// The coordinator counts as lost after this many silent heartbeats.
    public var silentHeartbeats = 5.0
    public var uploadWindowChunks = 4
    public var uploadChunkBytes = WireLimits.payloadBytes
    /// Refused handshakes in a row before the worker gives up: one may be a coordinator in trouble.
    public var refusalsMax = 3

    public init(
        software: String, cores: UInt32, memoryBytes: UInt64, keys: Enrol, hasInvitation: Bool,
        modelDirectory: String?, jitterSeed: UInt64
    ) {
        self.software = software
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.keys = keys
        self.hasInvitation = hasInvitation
        self.modelDirectory = modelDirectory
        self.jitterSeed = jitterSeed
    }
}

/// What a worker's log is told.
public enum WorkerEvent: Hashable, Sendable {
    case enrolled(WorkerName)
    case sessionOpened(WorkerName)
    /// The coordinator is silent or gone; the worker keeps trying.
    case sessionLost(reason: String)
    case downloading(name: String)
    case taskStarted(LocalTask.Kind, round: Int)
    case updateCommitted(round: Int)
    /// The task will not count, and why.
    case taskDropped(round: Int, reason: String)
    case refused(reason: String)
}
