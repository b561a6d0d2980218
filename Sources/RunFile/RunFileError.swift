/// Everything that is wrong with a run file and its overrides, at once.
public struct RunFileError: Error, Hashable, Sendable {
    public struct Problem: Hashable, Sendable, CustomStringConvertible {
        /// `run.yaml:12`, `--set adapter.rank=0` or, for the whole file, `run.yaml`.
        public let location: String
        /// What is wrong and what to do about it.
        public let message: String
        /// Which condition between keys found it (its place in ``RunFileError/constraintKeys``); `nil`: a key by itself.
        package var constraint: Int?

        public var description: String { "\(location): \(message)" }
    }

    /// At least one, in the file's order, then the overrides'.
    public let problems: [Problem]

    init(_ problems: [Problem]) {
        precondition(!problems.isEmpty, "an error without a problem")
        self.problems = problems
    }

    /// The keys of every condition between keys that a run file must meet.
    package static var constraintKeys: [[String]] { Constraint.all.map(\.keys) }

    init(location: String, message: String) {
        problems = [Problem(location: location, message: message)]
    }
}

extension RunFileError: CustomStringConvertible {
    /// One line a problem; after the first 50 only their number.
    public var description: String {
        var lines = problems.prefix(50).map(\.description)
        if problems.count > 50 { lines.append("and \(problems.count - 50) more problems") }
        return lines.joined(separator: "\n")
    }
}
