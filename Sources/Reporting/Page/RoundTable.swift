/// All that is known of every round, for the page and for the Markdown summary.
struct RoundTable {
    let columns: [String]
    let rows: [[String]]

    init(_ run: ReportedRun) {
        typealias Column = (name: String, value: (ReportedRun.Round) -> String?)
        let all: [Column] = [
            ("#Round", { "\($0.number)" }),
            ("#Attempt", { $0.attempt > 1 ? "\($0.attempt)" : nil }),
            ("#Updates", { $0.workers.map { ReadableNumber.count($0) } }),
            ("#Training loss", { $0.trainLoss.map { ReadableNumber.loss($0) } }),
            ("#Held-out loss", { $0.evaluation.map { ReadableNumber.loss($0.loss) } }),
            ("#Worst tenth", { $0.evaluation.flatMap { $0.worstDecile }.map { ReadableNumber.loss($0) } }),
            ("#Accuracy", { $0.evaluation.flatMap { $0.accuracy }.map { ReadableNumber.fixed($0, 4) } }),
            ("#Up so far", { $0.uplinkBytes.map { ReadableNumber.bytes($0) } }),
            ("#Down so far", { $0.downlinkBytes.map { ReadableNumber.bytes($0) } }),
            ("#Tokens", { $0.tokens.map { ReadableNumber.count($0) } }),
            (
                "#Energy",
                { round in round.energy.map { ReadableNumber.energy($0, isMeasured: round.isEnergyMeasured) } }
            ),
            ("#Duration", { ReadableNumber.seconds($0.seconds) }),
        ]
        // A column that says nothing anywhere is left out.
        let used = all.filter { column in run.rounds.contains { column.value($0) != nil } }
        columns = used.map(\.name)
        rows = run.rounds.map { round in used.map { $0.value(round) ?? ($0.name == "#Attempt" ? "1" : "–") } }
    }

    var markup: Markup { .table("Every published round", columns, rows) }
}
