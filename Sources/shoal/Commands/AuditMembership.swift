import ArgumentParser
import Auditing
import FineTuning

struct AuditMembership: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "membership", abstract: "Tell texts that an adapter was trained on from texts that it was not.",
        discussion: """
            Both files must hold texts of one kind: otherwise the kinds are told apart, not the training. A score of \
            the texts that scores ½ on the base model alone is a fair comparison.
            """)

    @OptionGroup var target: AuditTarget

    @Option(help: "Rows that were trained on: .jsonl, .csv or .txt.")
    var members: String

    @Option(help: "Rows that were not.")
    var others: String

    @Option(help: "The most rows of each file, from its beginning.")
    var limit = 1_000

    @Option(help: "The run's state directory: its ledger keeps what this audit found.")
    var state: String?

    @Flag(help: "Print one JSON object a score instead of a table.")
    var json = false

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit must be at least 1") }
    }

    func run() throws {
        try usingInput {
            let losses = try target.losses()
            let members = try texts(members, losses)
            let others = try texts(others, losses)
            let lines = MembershipAttack(members: members, others: others).curves.map { score, curve in
                ScoreLine(
                    score: score.rawValue, members: members.count, others: others.count, auc: curve.area,
                    tprAt1Percent: curve.truePositiveRate(atFalsePositiveRate: 0.01),
                    tprAtTenthPercent: curve.truePositiveRate(atFalsePositiveRate: 0.001))
            }
            try state.map { try AuditNote.write(lines, to: $0) }
            if json { return try lines.forEach { try JSONLine.print($0) } }
            var table = TextTable()
            table.add("score", "AUC", "TPR at 1 % FPR", "TPR at 0.1 % FPR")
            for line in lines {
                table.add(
                    line.score, Quantity.fixed(line.auc, digits: 4), AuditNote.rate(line.tprAt1Percent),
                    AuditNote.rate(line.tprAtTenthPercent))
            }
            for line in table.lines { Console.output(line) }
            Console.error("\(members.count) members, \(others.count) others")
            AuditNote.unresolved(others: others.count).map { Console.error($0) }
        }
    }

    private func texts(_ path: String, _ losses: AuditedLosses) throws -> [MembershipAttack.Text] {
        let found = try DataSourceCheck.rows(of: path, limit: limit).compactMap { try losses.tokens(of: $0) }
        guard !found.isEmpty else { throw CommandFailure.badInput("\(path): no row has a token to predict") }
        return found
    }
}

struct ScoreLine: Encodable {
    let score: String
    let members: Int
    let others: Int
    let auc: Double
    /// `nil` with fewer others than such a rate takes.
    @NumberOrNull var tprAt1Percent: Double?
    @NumberOrNull var tprAtTenthPercent: Double?
}

/// Rows of a data file that a command looks at one by one.
enum DataSourceCheck {
    static func rows(of path: String, limit: Int = .max) throws -> [DataRow] {
        var rows: [DataRow] = []
        try DataSource.checkedFile(path).forEachRow { located in
            if rows.count < limit { rows.append(located.row) }
        }
        return rows
    }
}
