/// A setting that does not go with some values of others: makes the constraints between them, whose messages begin with it.
struct ConstrainingSetting: Sendable {
    /// Where the problem is reported if the file says nothing of the other keys.
    let key: String
    /// What the messages call it; `nil` while the run does without it.
    let name: @Sendable (RunConfiguration) -> String?

    init(_ key: String, name: @escaping @Sendable (RunConfiguration) -> String?) {
        self.key = key
        self.name = name
    }

    /// - Parameters:
    ///   - keys: The others.
    ///   - problem: Goes on after the setting's name: what does not go together, and the remedy; `nil` if nothing is wrong.
    func callAsFunction(
        _ keys: String..., problem: @escaping @Sendable (RunConfiguration) -> String?
    ) -> Constraint {
        Constraint(keys: keys + [key]) { run in
            guard let name = name(run), let problem = problem(run) else { return nil }
            return "\(name) \(problem)"
        }
    }
}
