import Coordinator
import Federation

/// A run's overview as text.
enum RunText {
    static func progress(_ overview: RunOverview) -> String {
        "\(overview.publishedRounds)" + (overview.rounds.map { "/\($0)" } ?? "")
    }

    static func lines(_ overview: RunOverview) -> [String] {
        var table = TextTable(alignment: .left)
        table.add("run", overview.id.text)
        table.add("state", overview.state.rawValue)
        table.add("rounds published", progress(overview))
        if let open = overview.open {
            let attempt = open.attempt > 1 ? ", attempt \(open.attempt)" : ""
            table.add(
                "round \(open.round)\(attempt)",
                overview.hidesParticipation
                    ? "open until its deadline"
                    : "\(open.recorded) updates from \(open.selected) workers asked so far")
        }
        if let base = overview.base { table.add("base loss", Quantity.loss(base.loss)) }
        if let last = overview.last {
            table.add("held-out loss", "\(Quantity.loss(last.evaluation.loss)) after round \(last.round)")
        }
        if overview.hidesParticipation {
            table.add("participation", "secret; see shoal run privacy")
        } else {
            table.add("updates accepted", Quantity.count(overview.totals.updates))
            table.add("sent up", Quantity.bytes(overview.counters.uplinkBytes))
            table.add("sent down", Quantity.bytes(overview.counters.downlinkBytes))
        }
        if let reason = overview.waitingFor { table.add("waits for", reason) }
        if let since = overview.waitingSince { table.add("since", CalendarTime.text(since)) }
        var lines = table.lines
        if !overview.late.isEmpty {
            lines.append("")
            var late = TextTable(alignment: .left)
            late.add("late worker", "why")
            for worker in overview.late { late.add(worker.worker, worker.reason) }
            lines += late.lines
            let rest = overview.lateCount - overview.late.count
            if rest > 0 { lines.append("  and \(rest) more") }
        }
        lines += suspicion(overview)
        if !overview.events.isEmpty {
            lines.append("")
            for event in overview.events {
                lines.append("  \(CalendarTime.text(event.at))  \(event.kind.rawValue): \(event.detail)")
            }
        }
        return lines
    }

    /// Under robust rules, whose updates lay farthest from what their rounds became.
    private static func suspicion(_ overview: RunOverview) -> [String] {
        guard !overview.suspicion.isEmpty else { return [] }
        let shown = overview.suspicion.prefix(10)
        var table = TextTable(alignment: .left)
        table.add("suspicion", "worker", "rounds")
        for (worker, score) in shown {
            table.add(Quantity.fixed(score.value, digits: 3), worker.text, Quantity.count(score.rounds))
        }
        var lines = [""] + table.lines
        let rest = overview.suspicion.count - shown.count
        if rest > 0 { lines.append("  and \(rest) more") }
        lines.append(
            "  0 to 1: how far a worker's updates lie from what its rounds became, next to the others'; 0.5 is like "
                + "anybody. No verdict: unusual data look the same.")
        return lines
    }
}

/// `{"run":…}`: what `run list` prints a line, and `run show` in full.
struct RunLine: Encodable {
    private let overview: RunOverview
    private let isFull: Bool

    /// - Parameter isFull: With waits, late workers and events.
    init(_ overview: RunOverview, isFull: Bool = false) {
        self.overview = overview
        self.isFull = isFull
    }

    private enum Key: String, CodingKey {
        case run, state, coordinatorRunning, round, rounds, openRound, baseLoss, loss, lossRound, accuracy, updates
        case tokensTrained, uplinkBytes, downlinkBytes, waitingFor, waitingSince, late, lateCount, events
        case suspicion
    }

    private struct OpenRound: Encodable {
        let round: Int
        let attempt: Int
        /// `null` where participation is secret, as the totals.
        let updates: Int?
        let workersAsked: Int?
    }

    private struct Suspicion: Encodable {
        let worker: String
        let score: Double
        let rounds: Int
    }

    private struct Event: Encodable {
        let at: String
        let kind: String
        let detail: String
    }

    func encode(to encoder: any Encoder) throws {
        var line = encoder.container(keyedBy: Key.self)
        try line.encode(overview.id.text, forKey: .run)
        try line.encode(overview.state.rawValue, forKey: .state)
        try line.encode(overview.isHeld, forKey: .coordinatorRunning)
        try line.encode(overview.publishedRounds, forKey: .round)
        try line.encode(overview.rounds, forKey: .rounds)
        let isSecret = overview.hidesParticipation
        let open = overview.open.map {
            OpenRound(
                round: $0.round, attempt: $0.attempt, updates: isSecret ? nil : $0.recorded,
                workersAsked: isSecret ? nil : $0.selected)
        }
        try line.encode(open, forKey: .openRound)
        try line.encode(overview.base?.loss, forKey: .baseLoss)
        try line.encode(overview.last?.evaluation.loss, forKey: .loss)
        try line.encode(overview.last?.round, forKey: .lossRound)
        try line.encodeIfPresent(overview.last?.evaluation.accuracy, forKey: .accuracy)
        try line.encode(isSecret ? nil : overview.totals.updates, forKey: .updates)
        try line.encode(isSecret ? nil : overview.totals.tokens, forKey: .tokensTrained)
        try line.encode(isSecret ? nil : overview.counters.uplinkBytes, forKey: .uplinkBytes)
        try line.encode(isSecret ? nil : overview.counters.downlinkBytes, forKey: .downlinkBytes)
        guard isFull else { return }
        try line.encode(overview.waitingFor, forKey: .waitingFor)
        try line.encode(overview.waitingSince.map(CalendarTime.text), forKey: .waitingSince)
        try line.encode(overview.late, forKey: .late)
        try line.encode(overview.lateCount, forKey: .lateCount)
        let suspicion = overview.suspicion.map {
            Suspicion(worker: $0.worker.text, score: $0.score.value, rounds: $0.score.rounds)
        }
        if !suspicion.isEmpty { try line.encode(suspicion, forKey: .suspicion) }
        try line.encode(
            overview.events.map { Event(at: CalendarTime.text($0.at), kind: $0.kind.rawValue, detail: $0.detail) },
            forKey: .events)
    }
}
