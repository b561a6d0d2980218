import Coordinator
import Federation
import RunFile

/// How a run's ledger says that it stands: quick to read.
struct LedgerView: Sendable {
    var overview: RunOverview
    /// Why the run paused by itself; `nil` where its owner paused it, and while it goes on.
    var pauseCause: String?
    /// `nil` when another release wrote it.
    var configuration: RunConfiguration?

    static let eventsMax = 200
}

/// What a monitor knows of a run at one moment: its ledger, and its fleet.
struct RunSnapshot: Sendable {
    var ledger: LedgerView
    /// May be some seconds older.
    var history: RunHistory
    /// `nil` without differential privacy, and until it was computed for the first time.
    var privacy: PrivacyReport?
    /// `nil` before the service's loop has begun.
    var fleet: FleetSnapshot?
    var notices: [RunNotices.Notice]
    var lostAt: [WorkerName: Int64]
    /// The program's release.
    var version: String
    /// Unit: seconds since 1970.
    var now: Int64

    var overview: RunOverview { ledger.overview }
    /// Who takes part, and how many, may be in no answer.
    var isSecret: Bool { ledger.overview.hidesParticipation }

    var waitingFor: String? { overview.state == .running ? standing?.waitingFor : overview.waitingFor }
    /// Unit: seconds since 1970.
    var waitingSince: Int64? { overview.state == .running ? standing?.waitingSince : overview.waitingSince }
    var late: [RunStanding.Late] { isSecret || overview.state != .running ? [] : standing?.late ?? [] }
    var lateCount: Int { isSecret || overview.state != .running ? 0 : standing?.lateCount ?? 0 }
    /// `nil` where participation is secret.
    var counters: RunCounters? { isSecret ? nil : fleet?.counters ?? overview.counters }

    var enrolled: Int { history.workers.count { $0.revokedAt == nil } }

    /// Of the newest ten rounds. Unit: seconds; `nil` before the first.
    var medianRoundSeconds: Double? {
        let newest = history.rounds.suffix(10).map(\.seconds).sorted()
        return newest.isEmpty ? nil : newest[newest.count / 2]
    }

    /// Whether somebody should look: the run paused by itself, or has waited for one thing for longer than ``Patience``
    /// allows.
    var isStuck: Bool {
        if ledger.pauseCause != nil { return overview.state == .paused }
        guard overview.state == .running, let since = waitingSince else { return false }
        return Double(now - since)
            > Patience.seconds(
                waitsForWorkers: standing?.waitsForWorkers == true,
                deadline: ledger.configuration?.federation.deadlineSeconds, roundTime: medianRoundSeconds)
    }

    private var standing: RunStanding? { fleet?.standing }
}
