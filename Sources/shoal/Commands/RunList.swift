import ArgumentParser
import Coordinator
import Federation

struct RunList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the runs of a state directory.")

    @Argument(help: "Folder of the run's state.")
    var state: String

    @Flag(help: "Print one JSON object a line on standard output.")
    var json = false

    func run() throws {
        try usingInput {
            var table = TextTable(alignment: .left)
            table.add("run", "state", "round", "held-out loss", "updates")
            let archived = RunArchive.folders(in: state)
            for folder in archived + [state] {
                let ledger = try Ledger.existing(in: folder, wallClock: WallClock.unixSeconds)
                // Between two runs.
                if folder == state, !archived.isEmpty, try ledger.run() == nil { continue }
                let overview = try RunOverview(state: folder, ledger: ledger, events: 0)
                if json {
                    try JSONLine.print(RunLine(overview))
                    continue
                }
                table.add(
                    overview.id.text, overview.state.rawValue, RunText.progress(overview),
                    overview.last.map { Quantity.loss($0.evaluation.loss) } ?? "-",
                    overview.hidesParticipation ? "secret" : Quantity.count(overview.totals.updates))
            }
            if json { return }
            for line in table.lines { Console.output(line) }
        }
    }
}
