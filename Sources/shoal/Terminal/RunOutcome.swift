import Coordinator
import Federation
import RunFile

/// What a run came to, gathered from its events.
struct RunOutcome {
    private(set) var base: Evaluation?
    private(set) var last: RoundSummary?
    private(set) var final: Evaluation?
    /// Whether the owner ended the run before its last round.
    private(set) var wasStopped = false

    mutating func note(_ event: RunEvent) {
        switch event {
        case .baseEvaluated(let evaluation): base = evaluation
        case .roundPublished(let summary):
            last = summary
            if let evaluation = summary.evaluation { final = evaluation }
        case .stopped: wasStopped = true
        default: break
        }
    }

    /// What an earlier process recorded on the same state.
    mutating func recall(_ service: RunService, _ ledger: Ledger) throws {
        if base == nil { base = try ledger.evaluations()[0] }
        guard last == nil else { return }
        last = try service.lastRound()
        final = last?.evaluation
    }

    /// Bytes as they may be told: where participation is secret their number tells it.
    private func told(_ bytes: UInt64?) -> UInt64? {
        guard let last else { return 0 }
        return last.workers == nil ? nil : bytes
    }

    /// Prints the closing object or table.
    ///
    /// - Parameter attack: `nil` unless some workers were made bad.
    func close(
        _ prepared: PreparedRun, adapter: String, seconds: Double, json: Bool, attack: AttackReport? = nil
    ) throws {
        if json {
            try JSONLine.print(
                FinishedLine(
                    event: wasStopped ? "stopped" : "finished",
                    rounds: wasStopped ? last?.round ?? 0 : prepared.configuration.federation.rounds,
                    baseLoss: base?.loss, finalLoss: final?.loss,
                    baseAccuracy: base?.accuracy, finalAccuracy: final?.accuracy,
                    uplinkBytes: told(last?.uplinkBytes), downlinkBytes: told(last?.downlinkBytes),
                    denseUplinkBytes: told(last?.denseUplinkBytes), seconds: seconds,
                    tokensTrained: last == nil ? 0 : last?.tokensTrained, adapter: AbsolutePath.of(adapter),
                    attack: attack))
            return
        }
        var table = TextTable(alignment: .left)
        if let base { table.add("base loss", "\(Quantity.loss(base.loss)) ± \(Quantity.loss(base.standardError))") }
        if let final {
            table.add("federated loss", "\(Quantity.loss(final.loss)) ± \(Quantity.loss(final.standardError))")
        }
        if let accuracy = base?.accuracy { table.add("base accuracy", Quantity.fixed(accuracy, digits: 4)) }
        if let accuracy = final?.accuracy { table.add("federated accuracy", Quantity.fixed(accuracy, digits: 4)) }
        if let last {
            table.add("sent up", told(last.uplinkBytes).map { Quantity.bytes($0) } ?? "secret")
            table.add("sent down", told(last.downlinkBytes).map { Quantity.bytes($0) } ?? "secret")
            table.add("tokens trained", last.tokensTrained.map { Quantity.count(Int(clamping: $0)) } ?? "withheld")
        }
        for (name, value) in attack?.rows ?? [] { table.add(name, value) }
        table.add("time", Quantity.seconds(seconds))
        table.add("adapter", AbsolutePath.of(adapter))
        Console.output("")
        for line in table.lines { Console.output(line) }
    }
}

/// `{"event":"finished",…}`, or `stopped`
private struct FinishedLine: Encodable {
    let event: String
    let rounds: Int
    let baseLoss: Double?
    let finalLoss: Double?
    /// Of classification only.
    let baseAccuracy: Double?
    let finalAccuracy: Double?
    /// `null` where participation is secret.
    let uplinkBytes: UInt64?
    let downlinkBytes: UInt64?
    let denseUplinkBytes: UInt64?
    let seconds: Double
    /// `null` where no worker told.
    let tokensTrained: UInt64?
    let adapter: String
    /// Of attacked simulations only.
    let attack: AttackReport?

    private enum Key: String, CodingKey {
        case event, rounds, baseLoss, finalLoss, baseAccuracy, finalAccuracy, uplinkBytes, downlinkBytes,
            denseUplinkBytes
        case seconds, tokensTrained, adapter, attack
    }

    /// Every key is always there; a loss that was not measured is `null`, and so is what was withheld.
    func encode(to encoder: any Encoder) throws {
        var line = encoder.container(keyedBy: Key.self)
        try line.encode(event, forKey: .event)
        try line.encode(rounds, forKey: .rounds)
        try line.encode(baseLoss, forKey: .baseLoss)
        try line.encode(finalLoss, forKey: .finalLoss)
        try line.encodeIfPresent(baseAccuracy, forKey: .baseAccuracy)
        try line.encodeIfPresent(finalAccuracy, forKey: .finalAccuracy)
        try line.encode(uplinkBytes, forKey: .uplinkBytes)
        try line.encode(downlinkBytes, forKey: .downlinkBytes)
        try line.encode(denseUplinkBytes, forKey: .denseUplinkBytes)
        try line.encode(seconds, forKey: .seconds)
        try line.encode(tokensTrained, forKey: .tokensTrained)
        try line.encode(adapter, forKey: .adapter)
        try line.encodeIfPresent(attack, forKey: .attack)
    }
}
