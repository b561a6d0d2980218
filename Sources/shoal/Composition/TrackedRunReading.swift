import Coordinator
import Federation
import Interchange
import ModelFiles

extension TrackedRun {
    /// Reads a run, whether or not a coordinator is running on it.
    ///
    /// - Parameter state: The run's own folder.
    init(ledger: Ledger, state: String) throws {
        let overview = try RunOverview(state: state, ledger: ledger, events: 0)
        let history = try RunHistory(ledger: ledger)
        guard let run = try ledger.run() else { throw LedgerError.noRun }
        var metrics: [Metric] = []
        let startedAt = history.rounds.first?.openedAt ?? 0
        if let base = history.base {
            metrics += Self.metrics(of: base, step: 0, at: startedAt)
        }
        for round in history.rounds {
            func add(_ name: String, _ value: Double?) {
                guard let value else { return }
                metrics.append(Metric(name, step: round.number, at: round.publishedAt, value: value))
            }
            add("loss/training", round.trainLoss)
            add("round/seconds", round.seconds)
            add("round/attempt", Double(round.attempt))
            add("round/updates", round.workers.map { Double($0) })
            add("round/staleness", overview.hidesParticipation ? nil : round.staleness)
            add("bytes/uplink", round.uplinkBytes.map { Double($0) })
            add("bytes/downlink", round.downlinkBytes.map { Double($0) })
            add("bytes/dense-uplink", round.denseUplinkBytes.map { Double($0) })
            add(Self.energyName(isMeasured: round.isEnergyMeasured), round.energyJoules)
            add("round/tokens", round.tokens.map { Double($0) })
            if let evaluation = round.evaluation {
                metrics += Self.metrics(of: evaluation, step: round.number, at: round.publishedAt)
            }
        }
        let status: Status =
            switch overview.state {
            case .running, .idle, .paused: .running
            case .finished: .finished
            case .stopped: .stopped
            }
        self.init(
            id: overview.id.text, status: status, startedAt: startedAt, newestAt: history.rounds.last?.publishedAt,
            settings: try Self.settings(run.configuration),
            tags: [("shoal.version", shoalVersion), ("shoal.base-model", run.baseModel.description)], metrics: metrics)
    }

    private static func metrics(of evaluation: Evaluation, step: Int, at: Int64) -> [Metric] {
        var metrics = [Metric("loss/held-out", step: step, at: at, value: evaluation.loss)]
        if evaluation.standardError.isFinite {
            metrics.append(Metric("loss/held-out-error", step: step, at: at, value: evaluation.standardError))
        }
        if let worst = evaluation.worstDecile {
            metrics.append(Metric("loss/held-out-worst-decile", step: step, at: at, value: worst))
        }
        if let accuracy = evaluation.accuracy {
            metrics.append(Metric("accuracy/held-out", step: step, at: at, value: accuracy))
        }
        return metrics
    }

    /// The run file's keys, in ascending order; where its text lies is left out.
    private static func settings(_ configuration: String) throws -> [(name: String, value: String)] {
        guard case .object(let members) = try JSONValue(parsing: configuration.utf8) else { return [] }
        return members.sorted { $0.key < $1.key }.filter { !$0.key.hasPrefix("data.") || $0.key == "data.partition" }
            .map { key, value in
                if case .string(let text) = value { return (key, text) }
                return (key, String(decoding: JSONText.encode(value), as: UTF8.self))
            }
    }
}
