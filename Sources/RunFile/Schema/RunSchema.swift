/// The one table of a run file's keys: parsing, defaults, unknown keys, `shoal config schema` and what may change
/// under an existing state all come from it.
enum RunSchema {
    /// In the order of the design's sections; a derived default follows the keys it is computed from.
    static let keys: [SchemaKey] =
        modelKeys + adapterKeys + dataKeys + trainingKeys + federationKeys + compressionKeys + privacyKeys
        + evaluationKeys + limitKeys + simulationKeys

    /// Sections in file order.
    static let sections: [(name: String, summary: String)] = [
        ("adapter", "The low-rank adapter that is trained."),
        ("data", "What a simulation hands out and the coordinator evaluates on."),
        ("training", "What a worker does in a round."),
        ("federation", "Who trains when, and how updates become an adapter."),
        ("compression", "How updates and adapters travel."),
        ("privacy", "What is promised to each worker, and how it is kept."),
        ("limits", "How long one side waits for the other."),
        ("evaluation", "When and where the held-out loss is taken."),
        ("simulation", "How the machines of simulated workers differ from this one."),
    ]

    static func key(_ path: String) -> SchemaKey? {
        keys.first { $0.path == path }
    }

    static func isSection(_ name: String) -> Bool {
        sections.contains { $0.name == name }
    }
}
