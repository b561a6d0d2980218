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
            + "\(Quantity.fixed(best.auc, digits: 4)), \(Quantity.fixed(100 * best.tprAt1Percent, digits: 2)) % found at 1 % "
            + "false alarms"
        try record(.membership, finding, epsilonAtLeast: nil, in: state)
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
