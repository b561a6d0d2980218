public import Federation
public import ModelFiles
import SecureAggregation
public import Wire

/// The coordinator of one run: answers workers, drives rounds, publishes adapters.
///
/// Synchronous, single-threaded and told the time. Everything that must survive is in the ledger and the blob store
/// before anybody is told about it, so a service created anew on the same state continues where the old one was.
/// A failing disk or database ends the service (``outcome``): nothing acknowledged is lost, and it can start again.
public final class RunService: CoordinatorService {
    public enum Outcome: Sendable {
        case running
        case finished
        /// ``requestStop()``: the state is kept.
        case stopped
        case failed(any Error)
    }

    /// What the service works with.
    public struct Resources {
        public var ledger: Ledger
        public var store: BlobStore
        public var state: StateDirectory
        public var link: any CoordinatorLink
        public var loop: any LoopExecutor
        /// `nil` when the coordinator holds no text to evaluate on.
        public var evaluator: (any Evaluating)?
        /// Times rounds; `nil`: by the times that the loop passes to `tick` and `receive`.
        public var stopwatch: (() -> Instant)?
        public var observe: (RunEvent) -> Void
        /// Where the fleet is shown; `nil`: nowhere.
        public var board: FleetBoard?

        public init(
            ledger: Ledger, store: BlobStore, state: StateDirectory, link: any CoordinatorLink,
            loop: any LoopExecutor, evaluator: (any Evaluating)?, stopwatch: (() -> Instant)? = nil,
            board: FleetBoard? = nil, observe: @escaping (RunEvent) -> Void
        ) {
            self.ledger = ledger
            self.store = store
            self.state = state
            self.link = link
            self.loop = loop
            self.evaluator = evaluator
            self.stopwatch = stopwatch
            self.board = board
            self.observe = observe
        }
    }

    public private(set) var outcome = Outcome.running

    let settings: RunSettings
    let run: RunID
    /// SHA-256 of the canonical configuration.
    let configuration: ContentHash
    let baseModel: BaseModel
    let adapterConfiguration: AdapterConfiguration
    /// Of what is trained and travels.
    let layout: AdapterLayout
    let fixedFactors: FixedFactors?
    let codec: any UpdateCodec
    let ledger: Ledger
    let store: BlobStore
    let state: StateDirectory
    let link: any CoordinatorLink
    let loop: any LoopExecutor
    let evaluator: (any Evaluating)?
    let observe: (RunEvent) -> Void
    let board: FleetBoard?

    var now = Instant(nanoseconds: 0)
    /// Times rounds where `now` stands still while tasks run.
    let stopwatch: (() -> Instant)?
    var isStarted = false
    let isResumed: Bool
    private var lastMessage: UInt64 = 0

    // Sessions
    var sessions: [WorkerName: Session] = [:]
    var everConnected: Set<WorkerName> = []
    var refusals = Refusals()
    var revoked: Set<WorkerName> = []
    var nextRevocationPoll = Instant(nanoseconds: .min)
    var rotating = RotationOfRun()
    var dismissed: [(peer: Peer, due: Instant)] = []
    var gatherUntil: Instant?
    var heldOut: Set<WorkerName>

    // The current adapter and what is being worked on
    var adapter: GlobalAdapter
    /// After the rounds behind ``adapter``.
    var optimizerState: ServerOptimizerState
    var assignments: RankAssignments
    /// The control variate in ``optimizerState``, for workers.
    var control: ControlObject?
    /// What leads to ``adapter`` from the ones before it.
    var broadcasts: BroadcastChanges
    var servedFiles: [ContentHash: MappedFile] = [:]
    /// What ``servedFiles`` is for objects in memory; those that nobody may ask for any more go with the adapter.
    var servedObjects: [ContentHash: ServedObject] = [:]
    var round: Round? {
        didSet { if round == nil { (masked, maskArrivals) = (nil, []) } }
    }
    /// Beside ``round`` where updates are summed under masks.
    var masked: MaskedRound?
    /// Messages for ``masked``, in the order they came.
    var maskArrivals: [MaskArrival] = []
    /// Instead of ``round`` where the schedule is asynchronous.
    var buffer: BufferedRounds?
    /// Versions before ``adapter`` that leases may refer to, by version.
    var earlierAdapters: [Int: GlobalAdapter] = [:]
    var roundStart = Instant(nanoseconds: 0)
    /// How long the round had been open when this process took it up. Unit: seconds.
    var roundAge = 0.0
    /// Of updates that are on their way.
    var courses: [WorkerName: CourseNotes] = [:]
    /// From a worker's offer until its update was durable.
    var usualUpdate = UsualTime()
    /// From the opening of an evaluation by workers until a worker's report.
    var usualReport = UsualTime()
    var cohortStart = Instant(nanoseconds: 0)
    var uploads: [WorkerName: Upload] = [:]
    /// When the next piece of what the last publication left is to be removed; `nil`: there is nothing.
    var leftoversDue: Instant?
    /// When to say again what the masked sum waits for.
    var nextMaskNotice = Instant(nanoseconds: .min)
    /// In the order they came.
    var arrivals: [Arrival] = []
    var pendingOffers = PendingOffers()
    /// When the round was last told that time passes.
    var roundLook = Instant(nanoseconds: .min)
    var nextSilenceLook = Instant(nanoseconds: .min)
    var lastWait = ""
    var records: RecordsOfRun
    /// `nil` without differential privacy.
    var privacy: PrivacyOfRun?
    /// Workers that have spent what `limits` allows them.
    var spent: Set<WorkerName> = []
    /// When to say again that workers have yet to connect: a fleet's arrival is no news worker by worker.
    var nextGatherNotice = Instant(nanoseconds: .min)
    var lastDecline: (worker: WorkerName, reason: String)?
    /// Each worker's newest: its own words, untrusted text.
    var declineReasons: [WorkerName: String] = [:]
    /// Since the process began.
    var declinedOffers = 0
    /// Attempts that the gate turned back, the newest last; as many as an offer holds.
    var rolledBack: [RoundAttempt] = []

    // Evaluation and what it holds back
    var cohort: EvaluationCohort?
    var evaluationQueue: [Int] = []
    var isEvaluating = false
    /// Waits for the quality gate.
    var candidate: Candidate?
    var settledEvaluations: [Int: Evaluation?] = [:]
    var announcements: [RoundSummary] = []

    // What the owner asked for, and what the owner is told
    public internal(set) var isPaused = false
    /// Why the run paused by itself; `nil` while it goes on, and where its owner paused it.
    public internal(set) var pauseCause: String?
    var nextControlPoll = Instant(nanoseconds: .min)
    var standing = StandingNotes()

    var farewellUntil: Instant?
    var farewellReason = "the run is finished"
    var nextFarewell = Instant(nanoseconds: .min)
    /// From earlier processes on this state.
    let earlierCounters: RunCounters

    /// Takes up the run where the state directory has it.
    ///
    /// - Parameters:
    ///   - run: From ``RunRecord/open(ledger:store:newID:seed:configuration:baseModel:refusedChanges:layout:firstAdapter:)``.
    ///   - adapterConfiguration: Written beside each adapter.
    ///   - layout: Of what is trained and travels.
    ///   - fixedFactors: What makes an adapter of it; `nil` where it is one.
    public init(
        settings: RunSettings, run: RunRecord, baseModel: BaseModel, adapterConfiguration: AdapterConfiguration,
        layout: AdapterLayout, fixedFactors: FixedFactors? = nil, resources: Resources
    ) throws {
        self.settings = settings
        self.run = run.id
        configuration = ContentHash(of: Array(run.configuration.utf8))
        self.baseModel = baseModel
        self.adapterConfiguration = adapterConfiguration
        self.layout = layout
        self.fixedFactors = fixedFactors
        codec = try Codecs.make(settings.uplink)
        broadcasts = BroadcastChanges(try Self.downlink(settings))
        ledger = resources.ledger
        store = resources.store
        state = resources.state
        link = resources.link
        loop = resources.loop
        evaluator = resources.evaluator
        stopwatch = resources.stopwatch
        board = resources.board
        privacy = try settings.privacy.map {
            try PrivacyOfRun(
                $0, isSeeded: settings.hasSeededPrivacy, sharing: NoiseSharing(settings, layout: layout),
                ledger: resources.ledger)
        }
        try Self.checkNoise(privacy, settings)
        observe =
            privacy?.hidesParticipation == true
            ? { event in event.withoutParticipation.map(resources.observe) } : resources.observe
        let asked = try ledger.control()
        if asked.request == .stop, !settings.staysAfterEnd { throw LedgerError.runStopped(at: asked.since ?? 0) }
        records = try RecordsOfRun(run: run.id, ledger: ledger, state: state.path)
        guard let current = try ledger.currentAdapter() else { throw RunError.missingAdapter }
        assignments = RankAssignments(ranks: try ledger.workerRanks())
        adapter = try GlobalAdapter(
            version: current.version, object: current.object, layout: layout,
            bytes: Self.publishedBytes(
                current.object, version: current.version, store: store, state: state, ledger: ledger),
            residual: Self.publishedResidual(version: current.version, store: store, ledger: ledger))
        optimizerState = try Self.optimizerState(
            current.optimizerState, after: current.version, settings, layout: layout, store: store)
        control = ControlObject(optimizerState, after: current.version, settings.strategy)
        earlierCounters = try ledger.counters()
        revoked = try ledger.revokedWorkers()
        heldOut = try ledger.heldOutWorkers()
        isResumed = try current.version > 0 || ledger.openRound() != nil
        usualUpdate = UsualTime(try earlierUpdateTimes())
        for rollback in try ledger.rollbacks() { noteRolledBack(round: rollback.round, attempt: rollback.attempt) }
        try writeAdapterDirectories()
        try queueMissingEvaluations()
    }

    public var isFinished: Bool {
        if case .running = outcome { false } else { true }
    }

    /// The current adapter's flat vector, `[parameterCount]`, and the number of rounds behind it.
    public var currentAdapter: (version: Int, values: [Float]) { (adapter.version, adapter.values) }

    /// What belongs to the global model beside ``currentAdapter``; `nil`: nothing.
    public var currentResidual: AdapterResidual? { adapter.residual?.value }

    /// Ends in order, keeping the state: workers are told and will wait for the coordinator to come back. A service that
    /// stayed after the end of its run ends as one that did not.
    public func requestStop() {
        guard !isFinished else { return }
        if settings.staysAfterEnd, farewellUntil != nil { return finish() }
        farewell(reason: "the coordinator stops; the run can go on later", isRunFinished: false)
        attempt {
            try saveCounters()
            try keepCountersignatures(isDue: true)
            clearLeftovers()
        }
        end(.stopped)
    }

    /// Ends because of something outside that makes going on impossible; the state is kept.
    public func fail(_ error: any Error) {
        attempt { throw error }
    }

    /// Says that no worker's process is left. A run that takes its leave is over with that, whichever goodbyes were
    /// still on their way; any other fails with `error`.
    public func everyWorkerHasEnded(_ error: any Error) {
        if farewellUntil != nil { finish() } else { fail(error) }
    }

    /// What a round's duration is measured by.
    var stopwatchTime: Instant { stopwatch?() ?? now }

    /// Whether the worker has said `Hello` to this process.
    public func hasConnected(_ worker: WorkerName) -> Bool { everConnected.contains(worker) }

    /// The newest published round with its evaluation, from the ledger; `nil` before the first.
    public func lastRound() throws -> RoundSummary? {
        guard adapter.version > 0 else { return nil }
        var last = try summary(round: adapter.version)
        last.evaluation = settledEvaluations[adapter.version] ?? nil
        return last
    }

    func end(_ outcome: Outcome) {
        if case .running = self.outcome { self.outcome = outcome }
    }

    /// Runs what touches disk or database; a failure ends the service.
    func attempt(_ body: () throws -> Void) {
        guard !isFinished else { return }
        do { try body() } catch {
            farewell(reason: "the coordinator stops: it cannot go on; the run can later", isRunFinished: false)
            end(.failed(error))
        }
    }

    func send(
        _ message: Message, payload: [UInt8]? = nil, to peer: Peer, answering id: UInt64 = 0, round: Int = 0,
        attempt: Int = 0
    ) {
        lastMessage += 1
        let envelope = Envelope(
            id: lastMessage, inReplyTo: id, run: run.text, round: UInt32(clamping: round),
            attempt: UInt32(clamping: attempt), message: message)
        link.send(envelope, payload: payload, to: peer)
        if let refusal = message.refusal { note(refusal.kind, refusal.reason, of: peer) }
    }

    /// Counts a refusal and tells the observer, soon or with those that follow.
    func note(_ kind: String, _ reason: String, of peer: Peer) {
        guard let count = refusals.note(kind, of: peer.role, at: now) else { return }
        observe(.refused(peer.role, kind: kind, reason: reason, count: count))
    }

    var counters: RunCounters {
        RunCounters(
            uplinkBytes: earlierCounters.uplinkBytes &+ link.receivedBytes,
            downlinkBytes: earlierCounters.downlinkBytes &+ link.sentBytes)
    }

    func saveCounters() throws {
        try ledger.save(counters)
    }
}

/// The adapter that offers name, in the forms they need.
struct GlobalAdapter {
    let version: Int
    let object: ContentHash
    let values: [Float]
    /// The object itself, kept to be served.
    let bytes: [UInt8]
    /// What belongs to the global model beside it; `nil`: nothing.
    let residual: PublishedResidual?

    init(version: Int, values: [Float], layout: AdapterLayout, residual: PublishedResidual? = nil) {
        self.version = version
        self.residual = residual
        self.values = values
        bytes = AdapterObject.encode(layout: layout, values: values)
        object = ContentHash(of: bytes)
    }

    /// - Parameter bytes: Of `object`.
    init(
        version: Int, object: ContentHash, layout: AdapterLayout, bytes: [UInt8], residual: PublishedResidual?
    ) throws {
        self.version = version
        self.residual = residual
        self.object = object
        self.bytes = bytes
        let decoded = try AdapterObject.decode(bytes)
        guard decoded.layout == layout else {
            throw RunError.adapterDoesNotFit(
                recorded: decoded.layout.parameterCount, given: layout.parameterCount)
        }
        values = decoded.values
    }
}
