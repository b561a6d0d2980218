import ArgumentParser
import BuiltIn
import RunFile

/// `--config` and what may be set over it; without a file, the built-in demonstration's.
struct RunFileOptions: ParsableArguments {
    @Option(help: "The run file (default: a small federation built into this program).")
    var config: String?

    @Option(help: "Seed of every random choice; overrides federation.seed.")
    var seed: UInt64?

    @Option(help: "The base model; overrides the run file's model.")
    var model: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Overrides one setting of the run file; repeatable.", valueName: "key.path=VALUE"))
    var overrides: [String] = []

    /// - Parameter more: Overrides from a command's own options.
    func load(_ more: [String] = []) throws -> RunConfiguration {
        var all = overrides + more
        if let seed { all.append("federation.seed=\(seed)") }
        if let model { all.append("model=\(model)") }
        if let config { return try RunConfiguration.load(path: config, overrides: all) }
        return try RunConfiguration(yaml: BuiltInFiles.runFile, name: "built-in run file", overrides: all)
    }
}
