import Auditing
import Coordinator
import Foundation

/// What a run's ledger keeps of an audit, and `run privacy` shows.
enum AuditNote {
    static func write(_ audit: CanaryAudit, to state: String) throws {
        let finding =
            "canaries: \(audit.inserted) inserted, \(audit.leftOut) left out; of \(audit.guesses) guesses "
            + "\(audit.correct) right; epsilon at least \(Quantity.fixed(audit.epsilonLower, digits: 4)) with "
            + "confidence \(audit.confidence)" + (audit.isRefuted ? ", ABOVE WHAT THE LEDGER PROMISES" : "")
        try record(.canaries, finding, epsilonAtLeast: audit.epsilonLower, in: state)
    }

    static func write(_ scores: [ScoreLine], to state: String) throws {
        guard let best = scores.max(by: { $0.auc < $1.auc }) else { return }
        let finding =
            "membership: \(best.members) members, \(best.others) others; best score \(best.score), AUC "
            + "\(Quantity.fixed(best.auc, digits: 4)); most members found at 1 % false alarms: "
            + most(scores) { $0.tprAt1Percent } + ", at 0.1 %: " + most(scores) { $0.tprAtTenthPercent }
            + (unresolved(others: best.others).map { " (\($0))" } ?? "")
        try record(.membership, finding, epsilonAtLeast: nil, in: state)
    }

    /// Of all attacks: a score with a smaller area may find more at few false alarms.
    private static func most(_ scores: [ScoreLine], _ rate: (ScoreLine) -> Double?) -> String {
        let rates = scores.compactMap { score in rate(score).map { (score.score, $0) } }
        guard let best = rates.max(by: { $0.1 < $1.1 }) else { return "-" }
        return "\(Quantity.fixed(100 * best.1, digits: 2)) % (\(best.0))"
    }

    static func rate(_ rate: Double?) -> String { rate.map { Quantity.fixed($0, digits: 4) } ?? "-" }

    /// Why a rate is "-"; `nil` where none is.
    static func unresolved(others: Int) -> String? {
        let needs = [(0.01, "1 %"), (0.001, "0.1 %")].compactMap { rate, name in
            let need = OperatingCurve.othersNeeded(forFalsePositiveRate: rate)
            return others < need ? "\(name) needs \(Quantity.count(need)) non-members" : nil
        }
        return needs.isEmpty ? nil : "false positive rates: " + needs.joined(separator: ", ")
    }

    private static func record(
        _ kind: AuditRecord.Kind, _ finding: String, epsilonAtLeast: Double?, in state: String
    ) throws {
        let ledger = try Ledger.existing(in: state, wallClock: WallClock.unixSeconds)
        guard try ledger.run() != nil else { throw LedgerError.noRun }
        try ledger.record(
            AuditRecord(kind: kind, finding: finding, epsilonAtLeast: epsilonAtLeast, at: WallClock.unixSeconds()))
    }

    /// One a line, the newest first.
    static func lines(_ audits: [AuditRecord]) -> [String] {
        audits.reversed().map { audit in
            let day = Date(timeIntervalSince1970: Double(audit.at)).formatted(.iso8601.year().month().day())
            return "\(day): \(audit.finding)"
        }
    }
}
