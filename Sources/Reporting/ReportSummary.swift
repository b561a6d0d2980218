/// A run's report as Markdown: for a pull request, a wiki, a terminal.
public struct ReportSummary {
    private let run: ReportedRun

    public init(_ run: ReportedRun) { self.run = run }

    public func markdown() -> String {
        var parts = ["# Run \(Self.inline(run.id)): \(Self.inline(run.state))"]
        if let waiting = run.waitingFor { parts.append("Waiting: \(Self.inline(waiting))") }
        parts.append(
            ReportTiles(run).all.map { tile in
                "- \(tile.name): **\(Self.inline(tile.value))**"
                    + (tile.note.isEmpty ? "" : " (\(Self.inline(tile.note)))")
            }.joined(separator: "\n"))
        if run.hidesParticipation { parts.append("Who and how many took part is secret.") }
        if !run.rounds.isEmpty {
            let table = RoundTable(run)
            parts.append("## Rounds\n\n" + Self.table(table.columns, table.rows))
        }
        if !run.rollbacks.isEmpty {
            parts.append(
                "## Rolled back\n\n"
                    + Self.table(
                        ["#Round", "#Attempt", "#Held-out loss", "#Held against", "#Tolerance"],
                        run.rollbacks.map {
                            [
                                "\($0.round)", "\($0.attempt)", $0.loss.map { ReadableNumber.loss($0) } ?? "not finite",
                                ReadableNumber.loss($0.reference), ReadableNumber.loss($0.tolerance),
                            ]
                        }))
        }
        if let privacy = run.privacy {
            parts.append(
                "## Privacy\n\nMechanism \(Self.inline(privacy.mechanism)): epsilon \(ReadableNumber.fixed(privacy.epsilonSpent, 4)) "
                    + "spent of \(ReadableNumber.fixed(privacy.epsilon, 4)), at delta \(privacy.delta)."
                    + (privacy.isSimulation ? " A simulation: its noise came from a seed." : ""))
        }
        for (title, facts) in [("Settings", run.settings), ("Provenance", run.provenance)] where !facts.isEmpty {
            parts.append("## \(title)\n\n" + Self.table(["", ""], facts.map { [$0.name, $0.value] }))
        }
        parts.append("Made \(run.madeAt) by Shoal \(Self.inline(run.software)).")
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// - Parameter rows: Text of any origin.
    private static func table(_ columns: [String], _ rows: [[String]]) -> String {
        MarkdownText.table(columns, rows.map { $0.map { inline($0) } })
    }

    private static func inline(_ text: String) -> String { MarkdownText.inline(text) }
}
