import ArgumentParser
import Coordinator
import Federation

struct RunArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Put a run that is over away, so that another can begin in its state directory.",
        discussion: """
            The run moves to STATE/runs/ID, where show, verify, export and the others read it as before; the coordinator's \
            key and the workers' enrolments stay for the next run, whose run file may be another one. A command that was \
            cut off is simply given again.
            """)

    @Argument(help: "Folder of the run's state; no coordinator may be running on it.")
    var state: String

    func run() throws {
        try usingInput {
            let isPrivate = try Ledger.existing(in: state, wallClock: WallClock.unixSeconds).privacyTerms() != nil
            let (run, folder) = try RunArchive.put(state, wallClock: WallClock.unixSeconds)
            Console.output("run \(run) lies in \(folder) now; \(state) is free for the next one")
            if isPrivate {
                Console.output(
                    "the next run's privacy budget begins anew: on the same text, what both spend adds up")
            }
        }
    }
}
