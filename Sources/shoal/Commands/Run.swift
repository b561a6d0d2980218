import ArgumentParser

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work with the run of a state directory.", subcommands: [RunExport.self])
}
