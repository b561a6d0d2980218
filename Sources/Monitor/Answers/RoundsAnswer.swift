import Coordinator

/// `GET /api/v1/rounds?after=N&limit=M`: published rounds in order, and what the quality gate turned back.
package struct RoundsAnswer: Codable, Hashable, Sendable {
    package struct Round: Codable, Hashable, Sendable {
        package var round: Int
        /// 2 after one rollback.
        package var attempt: Int
        package var publishedAt: String
        /// From first offer to publication.
        package var seconds: Double
        /// Absent where participation is secret, as are the loss, tokens and bytes.
        package var workers: Int?
        package var trainLoss: Double?
        /// Held-out loss of its adapter; absent when that was not evaluated.
        package var loss: Double?
        package var lossStandardError: Double?
        /// Mean over the tenth of the workers, at least one, whose own held-out text it serves worst; absent where
        /// workers do not evaluate.
        package var worstDecileLoss: Double?
        package var accuracy: Double?
        package var tokens: UInt64?
        /// Cumulative.
        package var uplinkBytes: UInt64?
        package var downlinkBytes: UInt64?
        package var denseUplinkBytes: UInt64?
        /// Of this round, as its workers told. Unit: joules.
        package var energyJoules: Double?
        /// Whether all of that was read from hardware; otherwise some is an estimate from processor time.
        package var energyIsMeasured: Bool?
    }

    package struct Rollback: Codable, Hashable, Sendable {
        package var round: Int
        package var attempt: Int
        /// Absent: it was not finite.
        package var loss: Double?
        /// That of the last good adapter.
        package var reference: Double
        package var tolerance: Double
    }

    package var participationIsSecret: Bool
    package var baseLoss: Double?
    package var baseWorstDecileLoss: Double?
    /// All published rounds, of which `rounds` are some.
    package var publishedRounds: Int
    package var rounds: [Round]
    /// The newest ``rollbacksMax``.
    package var rollbacks: [Rollback]

    static let roundsMax = 1_000
    static let rollbacksMax = 200

    /// - Parameter after: Rounds up to this one are left out.
    init(_ snapshot: RunSnapshot, after: Int = 0, limit: Int = roundsMax) {
        let history = snapshot.history
        let isSecret = snapshot.isSecret
        participationIsSecret = isSecret
        baseLoss = history.base?.loss
        baseWorstDecileLoss = isSecret ? nil : history.base?.worstDecile
        publishedRounds = history.rounds.count
        rounds = history.rounds.drop { $0.number <= after }.prefix(min(max(0, limit), Self.roundsMax)).map { round in
            Round(
                round: round.number, attempt: round.attempt, publishedAt: CalendarTime.text(round.publishedAt),
                seconds: round.seconds, workers: round.workers, trainLoss: round.trainLoss,
                loss: round.evaluation?.loss,
                // Of a single worker there is none.
                lossStandardError: round.evaluation.flatMap { $0.standardError.isFinite ? $0.standardError : nil },
                worstDecileLoss: isSecret ? nil : round.evaluation?.worstDecile, accuracy: round.evaluation?.accuracy,
                tokens: round.tokens,
                uplinkBytes: round.uplinkBytes, downlinkBytes: round.downlinkBytes,
                denseUplinkBytes: round.denseUplinkBytes, energyJoules: round.energyJoules,
                energyIsMeasured: round.energyJoules.map { _ in round.isEnergyMeasured })
        }
        rollbacks = history.rollbacks.suffix(Self.rollbacksMax).map {
            Rollback(
                round: $0.round, attempt: $0.attempt, loss: $0.loss, reference: $0.reference, tolerance: $0.tolerance)
        }
    }
}
