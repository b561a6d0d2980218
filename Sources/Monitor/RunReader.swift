import Coordinator
import Dispatch
import Glibc
import RunFile

/// Reads a run for any number of clients: its ledger at most once a second, and seldom enough that reading takes up no
/// more than a twentieth of the time.
actor RunReader {
    private let source: RunSource
    private let version: String
    /// The ledger's reads block, so they keep off the threads that Swift's tasks share.
    private let queue = DispatchQueue(label: "shoal.monitor")
    private var view: LedgerView?
    private var freshUntil = ContinuousClock.now
    private var reading: Task<LedgerView, any Error>?
    /// What costs much to compute, and the published rounds that it is of.
    private var privacy: (report: PrivacyReport?, rounds: Int, at: ContinuousClock.Instant)?
    private(set) var readCount = 0

    init(_ source: RunSource, version: String) {
        self.source = source
        self.version = version
    }

    func snapshot() async throws -> RunSnapshot {
        let view = try await currentView()
        return RunSnapshot(
            ledger: view, fleet: source.board.newest?.snapshot, notices: source.notices.all,
            lostAt: source.notices.lostAt, version: version, now: Int64(time(nil)))
    }

    /// Writes the owner's request into the ledger, where the coordinator finds it within a second.
    ///
    /// - Returns: Whether anything changed.
    func ask(for request: RunControl.Request) async throws -> Bool {
        let ledger = source.ledger
        let changed = try await blocking { try ledger.ask(for: request) }
        freshUntil = .now
        return changed
    }

    func readiness() async -> Readiness {
        let source = source
        // Never throws; the queue's closure may.
        return (try? await blocking { Readiness(of: source) }) ?? .notReady("its readiness cannot be found out")
    }

    private func currentView() async throws -> LedgerView {
        if let view, ContinuousClock.now < freshUntil { return view }
        if let reading { return try await reading.value }
        let task = Task { try await read() }
        reading = task
        defer { reading = nil }
        return try await task.value
    }

    private func read() async throws -> LedgerView {
        let began = ContinuousClock.now
        let (source, kept) = (source, privacy)
        let (view, privacy) = try await blocking {
            var view = try Self.view(source)
            let rounds = view.overview.publishedRounds
            if let kept, kept.rounds == rounds, began - kept.at < .seconds(30) {
                view.privacy = kept.report
                return (view, kept)
            }
            view.privacy = try PrivacyReport(ledger: source.ledger)
            return (view, (view.privacy, rounds, began))
        }
        self.privacy = privacy
        self.view = view
        readCount += 1
        freshUntil = began.advanced(by: max(.seconds(1), (ContinuousClock.now - began) * 20))
        return view
    }

    private static func view(_ source: RunSource) throws -> LedgerView {
        let overview = try RunOverview(
            state: source.state, ledger: source.ledger, events: LedgerView.eventsMax)
        return LedgerView(
            readAt: Int64(time(nil)), overview: overview, pauseCause: try source.ledger.control().cause,
            history: try RunHistory(ledger: source.ledger), privacy: nil,
            configuration: try source.ledger.run().flatMap { try? RunConfiguration(canonicalJSON: $0.configuration) })
    }

    private func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { done in
            queue.async { done.resume(with: Result { try work() }) }
        }
    }
}
