internal import Coordinator
internal import Federation
internal import FineTuning
internal import Recipe
internal import Wire

// MARK: - What must hold of SCAFFOLD's control variates, whatever goes wrong
extension FaultSchedule {
    /// The change of a worker's variate, by the paper's option II: `−C − s/Σηₖ · Δ`, at a constant rate.
    func controlChange(_ slot: ObservedRun.Slot, after shifts: [Double]) -> [Double] {
        let factor = Double(TrainingOptions().localSteps) / Double(KnownTrainer.steps)
        return zip(observed.controls[slot.round - 1], shifts).map { -$0 - factor * $1 }
    }

    /// The coordinator's variate moved by the changes of the updates that count, over all workers.
    ///
    /// - Parameter sum: Of the changes as decoded, one a counted update.
    func checkControl(_ round: Int, sum: [Double], _ ledger: Ledger) throws {
        let expected = zip(observed.controls[round - 1], sum).map { $0 + $1 / Double(plan.workers) }
        observed.controls.append(expected)
        guard let object = try ledger.publishedAdapter(version: round)?.optimizerState else {
            throw Violation("round \(round) was published without its control variate")
        }
        observed.controlObjects.insert(object)
        // Only the newest is kept.
        guard try ledger.currentAdapter()?.version == round, let bytes = try store?.read(object) else { return }
        let held = try ServerOptimizerState(decoding: bytes).vectors[Scaffold.control] ?? []
        guard held.count == expected.count, zip(held, expected).allSatisfy({ abs(Double($0) - $1) < 1e-4 }) else {
            throw Violation("round \(round) has the control variate \(held), its updates make \(expected)")
        }
    }

    /// A worker's variate is the sum of its changes that count, as the coordinator decoded them.
    func checkOwnControl(_ worker: Int) throws {
        let count = Self.firstAdapter.count
        var expected = [Double](repeating: 0, count: count)
        for (slot, object) in observed.counted[worker] ?? [] {
            guard let bytes = observed.sent[object] else { continue }
            let decoded = try update(bytes, of: Self.name(worker), slot)
            for index in expected.indices { expected[index] += Double(decoded[count + index]) }
        }
        let held = try ownVector("control", of: worker, count: count)
        guard zip(held, expected).allSatisfy({ abs($0 - $1) < 1e-4 }) else {
            throw Violation("worker \(worker) keeps the control variate \(held), its counted updates make \(expected)")
        }
    }
}
