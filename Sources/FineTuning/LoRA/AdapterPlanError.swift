public import ModelFiles

/// Adapter options that do not fit the model.
public enum AdapterPlanError: Error, Hashable, Sendable {
    case rankTooSmall(Int)
    /// PEFT's DoRA drops inputs of the base product as well, which is not computed here.
    case dropoutWithDora(Double)
    case noTargets
    case targetMatchesNothing(String, available: [String])
    /// An entry of another setting than the targets' list.
    case patternMatchesNothing(key: String, pattern: String, available: [String])
    case everythingExcluded
    /// A target inside a module that trains whole.
    case targetTrainsWhole(String)
    case pattern(ModuleNamePatternError)
    /// Fed-SB's factors would have more singular vectors than a layer has.
    case rankAboveWidth(layer: String, rank: Int, width: Int)
    /// A vector or adapter of another shape.
    case shapeMismatch(String)
}

extension AdapterPlanError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .rankTooSmall(let rank): "adapter.rank is \(rank); it must be at least 1"
        case .dropoutWithDora(let dropout):
            "adapter.dropout is \(dropout) with adapter.method dora, which are not supported together; set "
                + "adapter.dropout to 0, or adapter.method to lora"
        case .noTargets: "adapter.targets is empty; name at least one linear layer or write all-linear"
        case .targetMatchesNothing(let name, let available):
            "adapter.targets: '\(name)' matches no linear layer of this model; "
                + "it has \(available.joined(separator: ", "))"
        case .patternMatchesNothing(let key, let pattern, let available):
            "\(key): '\(pattern)' matches no layer; there are \(available.joined(separator: ", "))"
        case .everythingExcluded: "adapter.exclude leaves nothing of adapter.targets; exclude less"
        case .targetTrainsWhole(let layer):
            "adapter.targets selects \(layer), which belongs to the head that trains whole; exclude it"
        case .pattern(let error): "adapter: \(error)"
        case .rankAboveWidth(let layer, let rank, let width):
            "fed-sb takes as many singular vectors of each layer as its rank, and \(layer) has \(width) where "
                + "\(rank) are asked for; set adapter.rank to at most \(width) (or that layer's adapter.rank-pattern)"
        case .shapeMismatch(let what): what
        }
    }
}

extension AdapterPlanError {
    /// The run file's keys that decide it, for a line to name; empty for what no key decides.
    public var keys: [String] {
        switch self {
        case .rankTooSmall: ["adapter.rank"]
        case .dropoutWithDora: ["adapter.dropout", "adapter.method"]
        case .noTargets, .targetMatchesNothing, .targetTrainsWhole: ["adapter.targets"]
        case .patternMatchesNothing(let key, _, _): [key]
        case .everythingExcluded: ["adapter.exclude", "adapter.targets"]
        case .pattern: ["adapter.targets", "adapter.exclude", "adapter.rank-pattern", "adapter.alpha-pattern"]
        case .rankAboveWidth: ["adapter.rank", "federation.aggregation"]
        case .shapeMismatch: []
        }
    }
}
