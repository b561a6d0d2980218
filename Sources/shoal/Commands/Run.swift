import ArgumentParser
import Coordinator
import Federation

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at a coordinator's run, pause it, resume it, stop it, verify its records.",
        discussion: "Works on the state directory, whether or not a coordinator is running on it.",
        subcommands: [
            RunList.self, RunShow.self, RunPause.self, RunResume.self, RunStop.self, RunVerify.self,
            RunPrivacy.self, RunExport.self,
        ])

    /// A run inside a state directory.
    struct Place: ParsableArguments {
        @Argument(help: "Folder of the run's state.")
        var state: String

        @Argument(help: "The run's identifier, or how it begins (default: the only run there).")
        var run: String?

        /// Opens the ledger and makes sure that it holds the run that was named.
        func open() throws -> (ledger: Ledger, run: RunRecord) {
            let ledger = try Ledger.existing(in: state, wallClock: WallClock.unixSeconds)
            guard let record = try ledger.run() else { throw LedgerError.noRun }
            if let run, run.isEmpty || !record.id.text.hasPrefix(run) {
                throw CommandFailure.badInput("\(state) holds no run '\(run)'; its run is \(record.id)")
            }
            return (ledger, record)
        }
    }
}
