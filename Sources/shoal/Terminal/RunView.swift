import Coordinator
import Federation
import Wire

/// Shows a run while it goes on: bars on a terminal, plain lines elsewhere, JSON lines when asked.
///
/// Told events by one thread, the coordinator's loop.
final class RunView {
    private let rounds: Int
    private let printsJSON: Bool
    private let clock: () -> Double
    private var workersDone = 0
    private var workersChosen = 0
    private var stepsOfWorker: [WorkerName: Double] = [:]
    private var round = 0
    private var lastLoss: Double?
    private var roundSeconds: [Double] = []
    private var lastDrawn = -1.0
    private var hasProgressLine = false
    private var isFinished = false

    /// - Parameters:
    ///   - rounds: Rounds of the whole run.
    ///   - clock: Seconds since the program started.
    init(rounds: Int, printsJSON: Bool, clock: @escaping () -> Double) {
        self.rounds = rounds
        self.printsJSON = printsJSON
        self.clock = clock
    }

    /// Title lines above the run.
    func showHeader(_ lines: [String]) {
        for line in lines { Console.error(line) }
    }

    func show(_ event: RunEvent) {
        switch event {
        case .workerConnected: break
        case .finished: isFinished = true
        case .stopped:
            isFinished = true
            showLine("the run was stopped by its owner")
        case .workerLost(let worker):
            // After the end, workers leaving is the normal course.
            guard !isFinished else { return }
            showLine("worker \(worker) was lost; its task goes to another worker if there is one")
        case .baseEvaluated(let evaluation):
            lastLoss = evaluation.loss
            showLine(
                "base model    held-out loss \(describe(evaluation)) over \(evaluation.items) "
                    + (evaluation.accuracy == nil ? "blocks" : "examples"))
        case .roundStarted(let round, let workers):
            self.round = round
            workersChosen = workers.count
            workersDone = 0
            stepsOfWorker = [:]
            draw(isForced: true)
        case .progress(_, let worker, let step, let totalSteps, _):
            stepsOfWorker[worker] = Double(step) / Double(max(1, totalSteps))
            draw(isForced: false)
        case .updateAccepted(_, let worker, _):
            workersDone += 1
            stepsOfWorker[worker] = 1
            draw(isForced: false)
        case .workerDeclined(let round, let worker, let reason):
            showLine("worker \(worker) gives no update for round \(round): \(reason)")
        case .evaluationDeclined(let version, let worker, let reason):
            showLine("worker \(worker) does not evaluate the adapter of round \(version): \(reason)")
        case .refused(let peer, let kind, let reason, let count):
            // A lease that ended while a worker's message was on its way is the normal course.
            guard kind != "unknown-lease" else { return }
            showLine("refused \(count) from \(name(of: peer)) (\(kind)): \(reason)")
        case .roundPublished(let summary): showRound(summary)
        case .roundRolledBack(let rollback):
            if printsJSON { showFailure { try JSONLine.print(RollbackLine(rollback)) } }
            showLine("rolled back \(rollback)")
        case .waiting(let reason):
            if Console.errorIsTerminal { return showBusy("waiting: \(reason)") }
            showLine("waiting: \(reason)")
        }
    }

    private func name(of peer: PeerRole) -> String {
        switch peer {
        case .worker(let name): "worker \(name)"
        case .invitation(let id): "invitation \(id)"
        }
    }

    /// A line above the progress line.
    func showLine(_ line: String) {
        let hadProgressLine = hasProgressLine
        clearProgress()
        Console.error(line)
        if hadProgressLine, workersDone < workersChosen { draw(isForced: true) }
    }

    /// A passing state in place of the progress line.
    func showBusy(_ text: String) {
        guard Console.errorIsTerminal else { return }
        Console.errorText("\r\u{1B}[K" + String(text.prefix(max(1, Console.errorColumns - 1))))
        hasProgressLine = true
    }

    func clearProgress() {
        guard hasProgressLine else { return }
        Console.errorText("\r\u{1B}[K")
        hasProgressLine = false
    }

    private func showRound(_ summary: RoundSummary) {
        roundSeconds.append(summary.seconds)
        if let evaluation = summary.evaluation { lastLoss = evaluation.loss }
        if printsJSON { showFailure { try JSONLine.print(RoundLine(summary)) } }
        let number = String(summary.round)
        let padded = String(repeating: " ", count: max(0, String(rounds).count - number.count)) + number
        var line = "round \(padded)/\(rounds)"
        if let workers = summary.workers { line += "   \(workers) workers" }
        if let loss = summary.trainLoss { line += "   train \(Quantity.loss(loss))" }
        if let evaluation = summary.evaluation { line += "   held-out \(describe(evaluation))" }
        if summary.workers != nil {
            line += "   up \(Quantity.bytes(summary.uplinkBytes))   down \(Quantity.bytes(summary.downlinkBytes))"
        }
        if let residual = summary.residual {
            line +=
                "   residual rank \(residual.rank), error \(Quantity.fixed(100 * residual.relativeError, digits: 3)) %"
        }
        line += "   \(Quantity.seconds(summary.seconds))"
        showLine(line)
    }

    /// At most ten times a second: a fleet reports faster than anybody reads.
    private func draw(isForced: Bool) {
        guard Console.errorIsTerminal else { return }
        let now = clock()
        guard isForced || now - lastDrawn >= 0.1 else { return }
        lastDrawn = now
        let width = 20
        let share = workersChosen == 0 ? 0 : min(1, stepsOfWorker.values.reduce(0, +) / Double(workersChosen))
        let full = Int((share * Double(width)).rounded(.down))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
        var line = "round \(round)/\(rounds)  \(bar)  \(workersDone)/\(workersChosen) workers"
        if let lastLoss { line += "  loss \(Quantity.loss(lastLoss))" }
        if let left = secondsLeft(share: share) { line += "  about \(Quantity.seconds(left)) left" }
        Console.errorText("\r\u{1B}[K" + String(line.prefix(max(1, Console.errorColumns - 1))))
        hasProgressLine = true
    }

    private func secondsLeft(share: Double) -> Double? {
        guard !roundSeconds.isEmpty else { return nil }
        let recent = roundSeconds.suffix(5)
        let mean = recent.reduce(0, +) / Double(recent.count)
        return mean * (Double(rounds - round) + 1 - share)
    }

    private func describe(_ evaluation: Evaluation) -> String {
        "\(Quantity.loss(evaluation.loss)) ± \(Quantity.loss(evaluation.standardError))"
            + (evaluation.accuracy.map { ", accuracy \(Quantity.fixed($0, digits: 4))" } ?? "")
    }

    private func showFailure(_ work: () throws -> Void) {
        do { try work() } catch { Console.error("cannot print a JSON line: \(error)") }
    }
}

/// `{"event":"rollback",…}`
private struct RollbackLine: Encodable {
    let event = "rollback"
    let round: Int
    let attempt: Int
    /// Absent if it was not finite.
    let loss: Double?
    let reference: Double
    let tolerance: Double

    init(_ rollback: Rollback) {
        round = rollback.round
        attempt = rollback.attempt
        loss = rollback.loss
        reference = rollback.reference
        tolerance = rollback.tolerance
    }
}

/// `{"event":"round",…}`
private struct RoundLine: Encodable {
    let summary: RoundSummary

    init(_ summary: RoundSummary) {
        self.summary = summary
    }

    private enum Key: String, CodingKey {
        case event, round, workers, trainLoss, loss, standardError, accuracy, uplinkBytes, downlinkBytes, seconds,
            residualRank, residualError, staleness
    }

    func encode(to encoder: any Encoder) throws {
        var line = encoder.container(keyedBy: Key.self)
        try line.encode("round", forKey: .event)
        try line.encode(summary.round, forKey: .round)
        try line.encode(summary.workers, forKey: .workers)
        try line.encode(summary.trainLoss, forKey: .trainLoss)
        try line.encode(summary.evaluation?.loss, forKey: .loss)
        // Unknown for a single block or worker; JSON knows no NaN.
        let standardError = summary.evaluation.flatMap { $0.standardError.isFinite ? $0.standardError : nil }
        try line.encode(standardError, forKey: .standardError)
        try line.encodeIfPresent(summary.evaluation?.accuracy, forKey: .accuracy)
        // The bytes of a round tell how many took part in it.
        let isSecret = summary.workers == nil
        try line.encode(isSecret ? nil : summary.uplinkBytes, forKey: .uplinkBytes)
        try line.encode(isSecret ? nil : summary.downlinkBytes, forKey: .downlinkBytes)
        try line.encode(summary.seconds, forKey: .seconds)
        try line.encodeIfPresent(summary.residual?.rank, forKey: .residualRank)
        try line.encodeIfPresent(summary.residual?.relativeError, forKey: .residualError)
        try line.encodeIfPresent(summary.staleness, forKey: .staleness)
    }
}
