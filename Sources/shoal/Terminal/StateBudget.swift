import Coordinator
import Federation

/// What the runs of one state directory have spent together: each has a budget of its own, and a worker that was in all of
/// them has paid the sum.
struct StateBudget: Encodable {
    private struct Run: Encodable {
        let run: String
        let epsilonSpent: Double
        let delta: Double
    }

    private let runs: [Run]
    /// Of runs that promised nothing: with one of them there is no bound for all together.
    private let unbounded: [String]
    private let epsilonSpent: Double?
    private let delta: Double?

    /// - Parameter state: The state directory itself, not the folder of one of its runs.
    /// - Returns: `nil` where it holds a single run.
    init?(state: String) throws {
        let folders = RunArchive.folders(in: state) + [state]
        guard folders.count > 1 else { return nil }
        var runs: [Run] = []
        var unbounded: [String] = []
        for folder in folders {
            let ledger = try Ledger.existing(in: folder, wallClock: WallClock.unixSeconds)
            guard let record = try ledger.run() else { continue }
            guard let terms = try ledger.privacyTerms() else {
                if try ledger.currentAdapter()?.version ?? 0 > 0 { unbounded.append(record.id.text) }
                continue
            }
            runs.append(
                Run(run: record.id.text, epsilonSpent: try ledger.epsilonSpent(terms), delta: terms.delta))
        }
        guard runs.count + unbounded.count > 1 else { return nil }
        self.runs = runs
        self.unbounded = unbounded
        epsilonSpent = unbounded.isEmpty ? runs.reduce(0) { $0 + $1.epsilonSpent } : nil
        delta = unbounded.isEmpty ? runs.reduce(0) { $0 + $1.delta } : nil
    }

    var sentences: [String] {
        let each = runs.map {
            "run \($0.run): epsilon \(Quantity.fixed($0.epsilonSpent, digits: 4)) at delta \($0.delta)"
        }
        guard let epsilonSpent, let delta else {
            return each + [
                "run \(unbounded.joined(separator: ", ")): no differential privacy, so that for all runs together there is no "
                    + "bound."
            ]
        }
        return each + [
            "A worker that was in all of them: epsilon \(Quantity.fixed(epsilonSpent, digits: 4)) at delta \(delta), added up."
        ]
    }
}
