import ArgumentParser
import Coordinator

struct RunPause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Offer nothing to workers until the run is resumed; its state is kept.",
        discussion: "Tasks that workers are at are withdrawn and offered again after the pause.")

    @OptionGroup var place: Run.Place

    func run() throws {
        try RunRequest.make(.pause, at: place, done: "paused", already: "was paused already")
    }
}

struct RunResume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with a paused run.")

    @OptionGroup var place: Run.Place

    func run() throws {
        try RunRequest.make(.run, at: place, done: "resumed", already: "is not paused")
    }
}

struct RunStop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End a run for good before its last round; its state and adapter are kept.")

    @OptionGroup var place: Run.Place

    func run() throws {
        try RunRequest.make(.stop, at: place, done: "stopped", already: "was stopped already")
    }
}

private enum RunRequest {
    static func make(_ request: RunControl.Request, at place: Run.Place, done: String, already: String) throws {
        try usingInput {
            let (ledger, run) = try place.open()
            guard try ledger.ask(for: request) else { return Console.output("run \(run.id) \(already)") }
            let isHeld = StateDirectory.isHeld(place.folder)
            let note =
                switch request {
                case .run where !isHeld: "; no coordinator is running on it: start it to go on"
                case _ where isHeld: "; its coordinator follows within about a second"
                default: ""
                }
            Console.output("run \(run.id) \(done)\(note)")
        }
    }
}
