import ArgumentParser
import Coordinator
import Federation

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at a coordinator's run, pause it, resume it, stop it, verify its records.",
        discussion: "Works on the state directory, whether or not a coordinator is running on it.",
        subcommands: [
            RunList.self, RunShow.self, RunPause.self, RunResume.self, RunStop.self, RunVerify.self,
            RunPrivacy.self, RunReport.self, RunExport.self, RunTrack.self, RunArchiveCommand.self,
        ])

    /// A run inside a state directory.
    struct Place: ParsableArguments {
        @Argument(help: "Folder of the run's state.")
        var state: String

        @Argument(help: "The run's identifier, or how it begins (default: the newest run there).")
        var run: String?

        /// The run's own folder: the state directory, or below it that of a run that was archived.
        var folder: String {
            guard let run, !run.isEmpty else { return state }
            let found = RunArchive.folders(in: state).filter {
                $0.dropFirst(state.count + "/runs/".count).hasPrefix(run)
            }
            return found.count == 1 ? found[0] : state
        }

        /// Opens the ledger and makes sure that it holds the run that was named.
        func open() throws -> (ledger: Ledger, run: RunRecord) {
            let ledger = try Ledger.existing(in: folder, wallClock: WallClock.unixSeconds)
            guard let record = try ledger.run() else { throw LedgerError.noRun }
            if let run, run.isEmpty || !record.id.text.hasPrefix(run) {
                throw CommandFailure.badInput("\(state) holds no run '\(run)'; its run is \(record.id)")
            }
            return (ledger, record)
        }
    }
}
