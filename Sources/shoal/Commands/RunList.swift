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
            let ledger = try Ledger.existing(in: state, wallClock: WallClock.unixSeconds)
            let overview = try RunOverview(state: state, ledger: ledger, events: 0)
            if json { return try JSONLine.print(RunLine(overview)) }
            var table = TextTable(alignment: .left)
            table.add("run", "state", "round", "held-out loss", "updates")
            table.add(
                overview.id.text, overview.state.rawValue, RunText.progress(overview),
                overview.last.map { Quantity.loss($0.evaluation.loss) } ?? "-",
                overview.hidesParticipation ? "secret" : Quantity.count(overview.totals.updates))
            for line in table.lines { Console.output(line) }
        }
    }
}
