import Coordinator
import Federation
import FoundationEssentials
import ModelFiles
import Reporting
import RunFile
import Wire

extension ReportedRun {
    /// Reads a run, whether or not a coordinator is running on it.
    ///
    /// - Parameter state: The run's own folder.
    init(ledger: Ledger, state: String) throws {
        let overview = try RunOverview(state: state, ledger: ledger, events: 20)
        let history = try RunHistory(ledger: ledger)
        let provenance = try RunProvenance(ledger: ledger, round: nil)
        self.init(
            id: overview.id.text, state: overview.state.rawValue, hidesParticipation: overview.hidesParticipation,
            madeAt: CalendarTime.text(WallClock.unixSeconds()), software: shoalVersion)
        switch overview.state {
        // A paused run's remedy names this machine's folder, and a report travels.
        case .paused: waitingFor = try ledger.control().cause ?? "its owner paused it"
        case .running where overview.hidesParticipation: break
        default: waitingFor = overview.waitingFor
        }
        plannedRounds = overview.rounds
        base = history.base.map { Evaluation($0) }
        rounds = history.rounds.map { Round($0) }
        rollbacks = history.rollbacks.map {
            Rollback(
                round: $0.round, attempt: $0.attempt, loss: $0.loss, reference: $0.reference, tolerance: $0.tolerance)
        }
        gateTolerance = provenance.configuration?.evaluation.gate
        settings = provenance.settings().map { Fact($0.name, $0.value) }
        self.provenance = try provenance.facts().map { Fact($0.name, $0.value) }
        events = overview.events.map { Fact(CalendarTime.text($0.at), "\($0.kind.rawValue): \($0.detail)") }
        privacy = try PrivacyReport(ledger: ledger).map {
            Privacy(
                mechanism: $0.terms.mechanism.rawValue, epsilon: $0.terms.epsilon, delta: $0.terms.delta,
                epsilonSpent: $0.epsilonSpent, stepsLeft: $0.stepsLeft, isSimulation: $0.terms.isSeeded)
        }
        guard !overview.hidesParticipation else { return }
        workers = history.workers.map { Worker($0) }
        guard let newest = history.rounds.last else { return }
        arrivals = history.newestArrivals.map { Arrival($0, openedAt: newest.openedAt) }
    }
}

extension ReportedRun.Evaluation {
    fileprivate init(_ evaluation: Coordinator.Evaluation) {
        self.init(
            loss: evaluation.loss, standardError: evaluation.standardError, accuracy: evaluation.accuracy,
            worstDecile: evaluation.worstDecile)
    }
}

extension ReportedRun.Round {
    fileprivate init(_ round: RunHistory.Round) {
        self.init(
            number: round.number, attempt: round.attempt, openedAt: round.openedAt, publishedAt: round.publishedAt,
            seconds: round.seconds)
        workers = round.workers
        trainLoss = round.trainLoss
        evaluation = round.evaluation.map { .init($0) }
        uplinkBytes = round.uplinkBytes
        downlinkBytes = round.downlinkBytes
        denseUplinkBytes = round.denseUplinkBytes
        tokens = round.tokens
        staleness = round.staleness
        energy = round.energyJoules
        isEnergyMeasured = round.isEnergyMeasured
    }
}

extension ReportedRun.Arrival {
    /// - Parameter openedAt: Of its round. Unit: seconds since 1970.
    fileprivate init(_ arrival: RunHistory.Arrival, openedAt: Int64) {
        // Whole seconds are all that earlier releases wrote down.
        self.init(
            worker: arrival.worker.text,
            seconds: arrival.course?.recorded ?? Double(max(0, arrival.at - openedAt)))
        offered = arrival.course?.offered
        answered = arrival.course?.answered
        sent = arrival.course?.sent
        trainingSeconds = arrival.trainingSeconds
    }
}

extension ReportedRun.Worker {
    fileprivate init(_ worker: RunHistory.Contribution) {
        self.init(
            name: worker.worker.text, updates: worker.updates, failures: worker.failures, items: worker.items,
            tokens: worker.tokens, firstLoss: worker.firstTrainLoss, lastLoss: worker.trainLoss,
            suspicion: worker.suspicion?.value, isRevoked: worker.revokedAt != nil, energy: worker.energyJoules)
        isEnergyMeasured = worker.isEnergyMeasured
        guard let first = worker.firstHeldOut, let newest = worker.heldOut, first.version < newest.version else {
            return
        }
        heldOut = (.init(round: first.version, loss: first.loss), .init(round: newest.version, loss: newest.loss))
    }
}
