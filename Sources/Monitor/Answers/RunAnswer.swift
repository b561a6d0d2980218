package import Coordinator
import Federation
import RunFile
import Wire

/// `GET /api/v1/run`, and the stream's `run` events: how the run stands.
///
/// Times are ISO 8601 in UTC, losses nats a token. Where participation is secret, who and how many took part is in no
/// answer: such keys are absent then.
package struct RunAnswer: Codable, Hashable, Sendable {
    package struct Open: Codable, Hashable, Sendable {
        package var round: Int
        package var attempt: Int
        package var updates: Int?
        package var workersAsked: Int?
    }

    /// The run's identifier.
    package var run: String
    /// The coordinator's release.
    package var software: String
    /// The coordinator's clock.
    package var now: String
    /// `running`, `paused`, `stopped` or `finished`.
    package var state: String
    /// Why the run paused by itself.
    package var pauseCause: String?
    /// A sentence; absent while nothing is waited for.
    package var waitingFor: String?
    package var waitingSince: String?
    /// Whether somebody should look: it has waited for longer than rounds take, or paused by itself.
    package var isStuck: Bool
    /// Workers that it waits for, at most ``lateMax`` of `lateCount`.
    package var late: [RunStanding.Late]
    package var lateCount: Int
    package var model: String?
    package var task: String?
    package var strategy: String?
    package var aggregation: String?
    package var uplinkCodec: String?
    package var publishedRounds: Int
    package var rounds: Int?
    package var openRound: Open?
    package var baseLoss: Double?
    /// Of the newest adapter that was evaluated, and its round.
    package var loss: Double?
    package var lossRound: Int?
    package var accuracy: Double?
    /// Of the same adapter, over the tenth of the workers whose own held-out text it serves worst; absent where workers do
    /// not evaluate.
    package var worstDecileLoss: Double?
    package var trainLoss: Double?
    package var rollbacks: Int
    /// Median of the newest ten rounds.
    package var roundSeconds: Double?
    /// What the rounds that are left take at that pace; absent unless it is running.
    package var secondsLeft: Double?
    package var workersConnected: Int
    package var workersEnrolled: Int
    /// Workers by what they are at: `idle`, `downloading`, `training`, `evaluating`, `uploading`.
    package var phases: [String: Int]?
    package var participationIsSecret: Bool
    package var updates: Int?
    package var declinedOffers: Int?
    /// Behind the updates that told; absent where none did.
    package var tokensTrained: UInt64?
    /// Cumulative frame bytes before encryption.
    package var uplinkBytes: UInt64?
    package var downlinkBytes: UInt64?
    /// 4 · parameters · accepted updates, cumulative, as of the newest round.
    package var denseUplinkBytes: UInt64?
    /// Of the uplink, as of the newest round: what to hold against `denseUplinkBytes`.
    package var roundsUplinkBytes: UInt64?
    /// Of the downlink, likewise.
    package var roundsDownlinkBytes: UInt64?
    /// What workers told of the energy that training took; absent: nothing. Unit: joules.
    package var energyJoules: Double?
    /// Whether all of it was read from hardware; otherwise some is an estimate from processor time.
    package var energyIsMeasured: Bool?
    /// Refused messages by kind since the coordinator's process began.
    package var refusedMessages: [String: Int]

    static let lateMax = 20

    init(_ snapshot: RunSnapshot) {
        let (overview, history, configuration) = (snapshot.overview, snapshot.history, snapshot.ledger.configuration)
        let isSecret = snapshot.isSecret
        run = overview.id.text
        software = snapshot.version
        now = CalendarTime.text(snapshot.now)
        state = snapshot.stateLabel
        pauseCause = overview.state == .paused ? snapshot.ledger.pauseCause : nil
        waitingFor = snapshot.waitingFor
        waitingSince = snapshot.waitingSince.map(CalendarTime.text)
        isStuck = snapshot.isStuck
        late = Array(snapshot.late.prefix(Self.lateMax))
        lateCount = snapshot.lateCount
        model = configuration?.model.label
        task = configuration?.task.rawValue
        strategy = configuration?.federation.strategy.rawValue
        aggregation = configuration?.federation.aggregation.rawValue
        uplinkCodec = configuration.map { "\($0.compression.uplink)" }
        publishedRounds = overview.publishedRounds
        rounds = overview.rounds
        openRound = overview.open.map {
            Open(
                round: $0.round, attempt: $0.attempt, updates: isSecret ? nil : $0.recorded,
                workersAsked: isSecret ? nil : $0.selected)
        }
        baseLoss = overview.base?.loss
        loss = overview.last?.evaluation.loss
        lossRound = overview.last?.round
        accuracy = overview.last?.evaluation.accuracy
        trainLoss = history.rounds.last?.trainLoss
        rollbacks = history.rollbacks.count
        roundSeconds = snapshot.medianRoundSeconds
        if overview.state == .running, let roundSeconds, let rounds {
            secondsLeft = roundSeconds * Double(max(0, rounds - publishedRounds))
        }
        workersConnected = snapshot.fleet?.members.count ?? 0
        workersEnrolled = snapshot.enrolled
        participationIsSecret = isSecret
        refusedMessages = snapshot.fleet?.standing.refusals ?? [:]
        guard !isSecret else { return }
        phases = (snapshot.fleet?.members ?? []).reduce(into: [:]) { phases, member in
            phases[member.waitsForSlot ? "waiting" : (member.phase ?? .idle).label, default: 0] += 1
        }
        worstDecileLoss = overview.last?.evaluation.worstDecile
        updates = overview.totals.updates
        declinedOffers = snapshot.fleet?.declined
        tokensTrained = overview.totals.tokens
        uplinkBytes = snapshot.counters?.uplinkBytes
        downlinkBytes = snapshot.counters?.downlinkBytes
        energyJoules = history.energyJoules
        energyIsMeasured = energyJoules.map { _ in history.isEnergyMeasured }
        denseUplinkBytes = history.rounds.last?.denseUplinkBytes
        roundsUplinkBytes = history.rounds.last?.uplinkBytes
        roundsDownlinkBytes = history.rounds.last?.downlinkBytes
    }
}

extension RunSnapshot {
    /// A coordinator that answers is running; the ledger calls it idle for a moment while it takes its lock.
    var stateLabel: String { overview.state == .idle ? "running" : overview.state.rawValue }
}
