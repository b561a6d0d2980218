import ArgumentParser
import RunFile

struct ConfigPolicy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Check an owner's policy file and say what it means, or print its schema.")

    @Argument(help: "The policy file of `shoal worker --policy`.")
    var file: String?

    @Flag(help: "Print the JSON Schema of policy files: every key, what it refuses and its range.")
    var schema = false

    func validate() throws {
        if (file == nil) != schema { throw ValidationError("give a policy file, or --schema") }
    }

    func run() throws {
        guard let file else { return Console.output(OwnerPolicy.jsonSchema()) }
        try usingInput {
            let policy = try OwnerPolicy.load(path: file)
            for line in policy.sentences { Console.output(line) }
        }
    }
}
