import ArgumentParser

/// Adapters over one base model, each under a name.
struct AdapterChoice: ParsableArguments {
    @Option(
        name: .customLong("adapter"),
        help: ArgumentHelp(
            "A PEFT adapter directory, or NAME=DIR to give it a name (default: the folder's own); repeatable.",
            valueName: "dir"))
    var adapters: [NamedAdapter] = []

    @Option(
        help: ArgumentHelp(
            "Use only the adapter of this name, or base: the model without an adapter; repeatable "
                + "(default: every adapter given, or base where none is).", valueName: "name"))
    var use: [String] = []

    private static let base = NamedAdapter.base

    func validate() throws {
        try NamedAdapter.validate(adapters)
        let known = [Self.base] + adapters.map(\.name)
        for (index, name) in use.enumerated() {
            if !known.contains(name) {
                throw ValidationError("--use \(name): there are \(known.joined(separator: ", "))")
            }
            if use[..<index].contains(name) { throw ValidationError("--use \(name) is given twice") }
        }
    }

    /// What to run, in order; `directory` is `nil` for the model without an adapter.
    var chosen: [(name: String, directory: String?)] {
        let names = use.isEmpty ? adapters.map(\.name) : use
        guard !names.isEmpty else { return [(Self.base, nil)] }
        return names.map { name in (name, adapters.first { $0.name == name }?.directory) }
    }
}

/// `DIR`, or `NAME=DIR`.
struct NamedAdapter: ExpressibleByArgument {
    /// What the model without an adapter is called.
    static let base = "base"

    let name: String
    let directory: String

    /// What stands before `=` is a name unless it is part of a path.
    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, !parts[0].contains("/") {
            (name, directory) = (parts[0], parts[1])
        } else {
            name = argument.split(separator: "/").last.map(String.init) ?? argument
            directory = argument
        }
        if name.isEmpty || directory.isEmpty { return nil }
    }
    /// Each of several needs a name of its own.
    static func validate(_ adapters: [NamedAdapter]) throws {
        for (index, adapter) in adapters.enumerated() {
            if adapter.name == Self.base {
                throw ValidationError(
                    "--adapter \(adapter.directory): base is the model without an adapter; give another name, as in "
                        + "--adapter NAME=\(adapter.directory)")
            }
            if let other = adapters[..<index].first(where: { $0.name == adapter.name }) {
                throw ValidationError(
                    "--adapter: \(other.directory) and \(adapter.directory) are both called \(adapter.name); name them, as "
                        + "in --adapter NAME=\(adapter.directory)")
            }
        }
    }
}
