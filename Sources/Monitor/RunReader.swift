import Coordinator
import Dispatch
import Glibc
import RunFile

/// Reads a run for any number of clients: its ledger at most once a second, and seldom enough that reading takes up no
/// more than a twentieth of the time.
final class RunReader: Sendable {
    private let source: RunSource
    private let version: String
    private let view: Cached<LedgerView>
    private let history: Cached<RunHistory>
    private let privacy: Cached<PrivacyReport?>
    /// Runs that were put away, by folder: nothing of them changes any more.
    private let archived: Cached<[String: RunOverview]>
    /// A disk that does not answer holds up one thread, however many ask.
    private let disk: Cached<Readiness.DiskProblem?>

    init(_ source: RunSource, version: String) {
        self.source = source
        self.version = version
        // Reads block, so they keep off the threads that Swift's tasks share; the quick ones do not wait for the others.
        let quick = DispatchQueue(label: "shoal.monitor.view")
        let slow = DispatchQueue(label: "shoal.monitor.history")
        let slowest = DispatchQueue(label: "shoal.monitor.privacy")
        let others = DispatchQueue(label: "shoal.monitor.runs")
        let probe = DispatchQueue(label: "shoal.monitor.disk")
        view = Cached(patience: 20) { _ in try await Self.blocking(quick) { try Self.view(source) } }
        history = Cached(patience: 20) { _ in
            try await Self.blocking(slow) { try RunHistory(ledger: source.ledger) }
        }
        privacy = Cached(patience: 20) { earlier in
            try await Self.blocking(slowest) {
                try PrivacyReport(ledger: source.ledger, stepsInAll: earlier.flatMap { $0?.stepsInAll })
            }
        }
        archived = Cached(patience: 20) { earlier in
            try await Self.blocking(others) { try Self.archived(in: source.state, earlier ?? [:]) }
        }
        disk = Cached(patience: 20) { _ in
            try await Self.blocking(probe) { Readiness.diskProblem(of: source.state) }
        }
    }

    func snapshot() async throws -> RunSnapshot {
        let view = try await view.get()
        let history = try await history.get()
        return RunSnapshot(
            ledger: view, history: history, privacy: await newestPrivacy, fleet: source.board.newest?.snapshot,
            notices: source.notices.all, lostAt: source.notices.lostAt, version: version, now: Int64(time(nil)))
    }

    /// `nil` for a run without differential privacy. The first takes seconds.
    func privacyReport() async throws -> PrivacyReport? { try await privacy.get() }

    /// The runs before this one in its state directory.
    func archivedRuns() async throws -> [RunOverview] { Array(try await archived.get().values) }

    /// Nobody waits for a new one: it is made beside.
    private var newestPrivacy: PrivacyReport? {
        get async {
            Task { try await privacy.get() }
            return await privacy.newest ?? nil
        }
    }

    /// How often the ledger was read.
    var readCount: Int { get async { await view.madeCount } }

    /// Writes the owner's request into the ledger, where the coordinator finds it within a second.
    ///
    /// - Returns: Whether anything changed.
    func ask(for request: RunControl.Request) async throws -> Bool {
        let ledger = source.ledger
        let changed = try await Self.blocking(.global()) { try ledger.ask(for: request) }
        await view.expire()
        return changed
    }

    /// Whoever asks next is told how the run stands now.
    func expire() async {
        await view.expire()
        await history.expire()
    }

    func readiness() async -> Readiness {
        // Never thrown; what is cached may.
        do { return Readiness(of: source, disk: try await disk.get()) } catch {
            return .notReady("its readiness cannot be found out")
        }
    }

    /// How often the disk was looked at.
    var diskLooks: Int { get async { await disk.madeCount } }

    private static func view(_ source: RunSource) throws -> LedgerView {
        let overview = try RunOverview(state: source.state, ledger: source.ledger, events: LedgerView.eventsMax)
        return LedgerView(
            overview: overview, pauseCause: try source.ledger.control().cause,
            configuration: try source.ledger.run().flatMap { try? RunConfiguration(canonicalJSON: $0.configuration) })
    }

    private static func archived(
        in state: String, _ known: [String: RunOverview]
    ) throws -> [String: RunOverview] {
        var runs: [String: RunOverview] = [:]
        for folder in RunArchive.folders(in: state) {
            runs[folder] =
                try known[folder]
                ?? RunOverview(
                    state: folder, ledger: Ledger.existing(in: folder, wallClock: { Int64(time(nil)) }), events: 0)
        }
        return runs
    }

    private static func blocking<Value: Sendable>(
        _ queue: DispatchQueue, _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { done in
            queue.async { done.resume(with: Result { try work() }) }
        }
    }
}
