import ArgumentParser
import Coordinator
import Federation

struct RunShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show how far a run is, what it waits for, since when, and who is late.")

    @OptionGroup var place: Run.Place

    @Flag(help: "Print one JSON object a line on standard output.")
    var json = false

    func run() throws {
        try usingInput {
            let (ledger, _) = try place.open()
            let overview = try RunOverview(state: place.folder, ledger: ledger)
            if json { return try JSONLine.print(RunLine(overview, isFull: true)) }
            for line in RunText.lines(overview) { Console.output(line) }
        }
    }
}
