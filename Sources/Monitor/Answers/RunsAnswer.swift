import Coordinator
import Federation

/// `GET /api/v1/runs`: the runs of this coordinator's state directory, the newest first.
package struct RunsAnswer: Codable, Hashable, Sendable {
    package struct Run: Codable, Hashable, Sendable {
        package var run: String
        /// Whether it is the one that the other answers are about; the others were put away with `shoal run archive`.
        package var isCurrent: Bool
        /// `running`, `paused`, `stopped` or `finished`.
        package var state: String
        package var began: String?
        /// When its newest adapter was published.
        package var published: String?
        package var publishedRounds: Int
        package var rounds: Int?
        package var baseLoss: Double?
        /// Of the newest adapter that was evaluated, and its round.
        package var loss: Double?
        package var lossRound: Int?
        /// Absent where participation is secret.
        package var updates: Int?
    }

    package var runs: [Run]

    init(current: RunSnapshot, archived: [RunOverview]) {
        runs =
            [Run(current.overview, isCurrent: true, state: current.stateLabel)]
            + archived.sorted { ($1.beganAt ?? 0, $0.id.text) < ($0.beganAt ?? 0, $1.id.text) }
            .map { Run($0, isCurrent: false, state: $0.state.rawValue) }
    }
}

extension RunsAnswer.Run {
    fileprivate init(_ overview: RunOverview, isCurrent: Bool, state: String) {
        run = overview.id.text
        self.isCurrent = isCurrent
        self.state = state
        began = overview.beganAt.map(CalendarTime.text)
        published = overview.publishedRounds == 0 ? nil : overview.publishedAt.map(CalendarTime.text)
        publishedRounds = overview.publishedRounds
        rounds = overview.rounds
        baseLoss = overview.base?.loss
        loss = overview.last?.evaluation.loss
        lossRound = overview.last?.round
        updates = overview.hidesParticipation ? nil : overview.totals.updates
    }
}
