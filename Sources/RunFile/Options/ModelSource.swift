/// Where a run's base model comes from (`model`).
public enum ModelSource: Hashable, Sendable {
    /// The small model inside the program (`model: built-in`).
    case builtIn
    /// A Hugging Face directory; a relative path resolves against the current directory.
    case directory(String)
}

/// What a run trains for (`task`).
public enum TaskKind: String, Hashable, Sendable, CaseIterable {
    case causalLM = "causal-lm"
    case classification
}
