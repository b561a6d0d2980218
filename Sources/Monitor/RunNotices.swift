package import Coordinator
import Federation
import Synchronization
import Wire

/// What happened lately beside what the ledger's event log keeps: in memory, and only the newest.
///
/// A service tells an observer nothing of who takes part where that is secret, so nothing of it can be here.
package final class RunNotices: Sendable {
    struct Notice: Hashable, Sendable {
        /// Unit: seconds since 1970.
        var at: Int64
        var kind: String
        /// A sentence; may hold a worker's own words: untrusted text.
        var detail: String
        var worker: String?
        /// How often it happened in a row.
        var count = 1
    }

    private struct Kept {
        var notices: [Notice] = []
        var lostAt: [WorkerName: Int64] = [:]
    }

    static let noticesMax = 300
    private static let detailBytesMax = 500

    private let kept = Mutex(Kept())
    private let wallClock: @Sendable () -> Int64

    /// - Parameter wallClock: Unit: seconds since 1970.
    package init(wallClock: @escaping @Sendable () -> Int64) {
        self.wallClock = wallClock
    }

    /// Told by the service's loop.
    package func note(_ event: RunEvent) {
        let now = wallClock()
        let notice: (kind: String, detail: String, worker: WorkerName?)?
        switch event {
        case .workerConnected(let worker): notice = ("connected", "the worker connected", worker)
        case .workerLost(let worker):
            kept.withLock { $0.lostAt[worker] = now }
            notice = ("lost", "the worker was lost; its task goes to another one if there is one", worker)
        case .workerDeclined(let round, let worker, let reason):
            notice = ("declined", "gives no update for round \(round): \(reason)", worker)
        case .evaluationDeclined(let version, let worker, let reason):
            notice = ("declined", "does not evaluate the adapter of round \(version): \(reason)", worker)
        // A lease that ended while a worker's message was on its way is the normal course.
        case .refused(_, kind: "unknown-lease", _, _): notice = nil
        case .refused(let peer, let kind, let reason, let count):
            let worker: WorkerName? = if case .worker(let name) = peer { name } else { nil }
            notice = ("refused", "\(count) \(count == 1 ? "message" : "messages") refused (\(kind)): \(reason)", worker)
        case .roundPublished(let summary): notice = ("published", "round \(summary.round) was published", nil)
        case .waiting(let reason): notice = ("waiting", reason, nil)
        case .baseEvaluated, .roundStarted, .progress, .updateAccepted, .roundRolledBack, .finished, .stopped:
            notice = nil
        }
        guard let notice else { return }
        let kept = Notice(
            at: now, kind: notice.kind, detail: String(notice.detail.prefix(Self.detailBytesMax)),
            worker: notice.worker?.text)
        self.kept.withLock { state in
            // A fleet that comes or goes is one event.
            if let last = state.notices.last, last.kind == kept.kind, let worker = kept.worker, last.at > now - 60,
                kept.kind == "connected" || kept.kind == "lost"
            {
                let count = last.count + 1
                let verb = kept.kind == "connected" ? "connected" : "were lost"
                state.notices[state.notices.count - 1] = Notice(
                    at: now, kind: kept.kind, detail: "\(count) workers \(verb), \(worker) the last", worker: nil,
                    count: count)
                return
            }
            state.notices.append(kept)
            if state.notices.count > Self.noticesMax { state.notices.removeFirst() }
        }
    }

    /// Oldest first.
    var all: [Notice] { kept.withLock { $0.notices } }

    /// When workers lost their connection for the last time. Unit: seconds since 1970.
    var lostAt: [WorkerName: Int64] { kept.withLock { $0.lostAt } }
}
