public import Federation
import RunFile

/// A run as its state directory shows it, whether or not a coordinator is running on it.
public struct RunOverview: Sendable {
    public enum State: String, Sendable {
        /// A coordinator is running on it.
        case running
        /// Unfinished, and no coordinator is running.
        case idle
        case paused, stopped, finished
    }

    public struct Open: Sendable {
        public var round: Int
        public var attempt: Int
        public var recorded: Int
        public var selected: Int
    }

    public var id: RunID
    /// When its first adapter was there. Unit: seconds since 1970.
    public var beganAt: Int64?
    /// When its newest adapter was published. Unit: seconds since 1970.
    public var publishedAt: Int64?
    public var state: State
    /// Whether a coordinator holds the state directory.
    public var isHeld: Bool
    /// Rounds behind the current adapter.
    public var publishedRounds: Int
    /// What the run file asks for; `nil` when another release wrote a configuration that this one cannot read.
    public var rounds: Int?
    public var open: Open?
    /// Central privacy: who and how many took part is not shown, ``totals`` and ``counters`` included.
    public var hidesParticipation: Bool
    public var base: Evaluation?
    /// The newest evaluation and its round.
    public var last: (round: Int, evaluation: Evaluation)?
    public var counters: RunCounters
    public var totals: UpdateTotals
    /// Under robust rules: the most suspicious workers first.
    public var suspicion: [(worker: WorkerName, score: SuspicionScore)]
    /// A sentence; `nil` while nothing is waited for.
    public var waitingFor: String?
    /// Unit: seconds since 1970.
    public var waitingSince: Int64?
    /// Of a run that a coordinator is running on.
    public var late: [RunStanding.Late]
    public var lateCount: Int
    /// The newest, oldest first.
    public var events: [LedgerEvent]

    /// Reads the run of a state directory.
    ///
    /// - Parameter events: How many of the newest events to read.
    public init(state path: String, ledger: Ledger, events count: Int = 10) throws {
        guard let run = try ledger.run() else { throw LedgerError.noRun }
        let control = try ledger.control()
        let isHeld = StateDirectory.isHeld(path)
        let openRound = try ledger.openRound()
        hidesParticipation = try ledger.privacyTerms()?.mechanism == .central
        id = run.id
        self.isHeld = isHeld
        publishedRounds = try ledger.currentAdapter()?.version ?? 0
        (beganAt, publishedAt) = try ledger.publicationTimes()
        rounds = (try? RunConfiguration(canonicalJSON: run.configuration))?.federation.rounds
        open = openRound.map {
            Open(
                round: $0.number, attempt: $0.attempt, recorded: $0.updates.count, selected: $0.selected.count)
        }
        let evaluations = try ledger.evaluations()
        base = evaluations[0]
        last = evaluations.filter { $0.key > 0 }.max { $0.key < $1.key }.map { ($0.key, $0.value) }
        counters = try ledger.counters()
        totals = try ledger.totals()
        suspicion = try ledger.suspicion().sorted { ($1.value.value, $0.key) < ($0.value.value, $1.key) }
            .map { (worker: $0.key, score: $0.value) }
        events = try ledger.events(last: count)
        late = []
        lateCount = 0
        switch control.request {
        case .stop: state = .stopped
        case .pause:
            state = .paused
            waitingFor = (control.cause ?? "its owner paused it") + "; go on with: shoal run resume '\(path)'"
            waitingSince = control.since
        case .run:
            state = run.isFinished ? .finished : isHeld ? .running : .idle
        }
        switch state {
        case .running:
            guard let standing = RunStanding.read(in: path) else { break }
            waitingFor = standing.waitingFor
            waitingSince = standing.waitingSince
            late = standing.late
            lateCount = standing.lateCount
        case .idle:
            waitingFor = "its coordinator, which is not running; start it again with the same --config and --state"
        case .paused, .stopped, .finished: break
        }
    }
}
