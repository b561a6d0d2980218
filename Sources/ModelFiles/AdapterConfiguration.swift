/// PEFT's `adapter_config.json` for LoRA, as far as it says what the adapter computes.
///
/// Settings that would change the result and that Shoal does not support are refused by name when read, never ignored.
public struct AdapterConfiguration: Sendable, Hashable {
    /// Which layers carry the adapter, `target_modules`.
    public enum TargetModules: Sendable, Hashable {
        /// Layer paths or their last components.
        case named([String])
        /// A regular expression over whole layer paths (Python's `re.fullmatch`).
        case pattern(String)
        /// Every linear layer but the output head.
        case allLinear
    }

    /// `exclude_modules`: layers that carry no factors although ``targetModules`` selects them.
    public enum ExcludedModules: Sendable, Hashable {
        case none
        /// Layer paths or their ends after a dot.
        case named([String])
        /// A regular expression over whole layer paths (Python's `re.fullmatch`).
        case pattern(String)
    }

    /// `r`; at least 1.
    public var rank: Int
    /// `lora_alpha`
    public var alpha: Double
    /// `lora_dropout`, in `0..<1`.
    public var dropout: Double
    /// `use_rslora`: the factor on B·A is α/√r instead of α/r.
    public var isRankStabilised: Bool
    public var targetModules: TargetModules
    /// `task_type`, for example `CAUSAL_LM`; `nil` is written as null.
    public var taskType: String?
    /// `base_model_name_or_path`
    public var baseModel: String?
    /// `use_dora`: each layer also has a magnitude per output (arXiv:2402.09353).
    public var isWeightDecomposed = false
    public var excludedModules = ExcludedModules.none
    /// `rank_pattern`: expressions for the ends of layer paths, and the rank there; see ``AdapterTargeting``.
    public var rankPattern: [String: Int] = [:]
    /// `alpha_pattern`, in the same way.
    public var alphaPattern: [String: Double] = [:]
    /// `layers_to_transform`: numbers of the layers that list entries match in; empty for all.
    public var layersToTransform: [Int] = []
    /// `layers_pattern`: expressions for the module list that ``layersToTransform`` counts; empty for any.
    public var layersPattern: [String] = []
    /// `modules_to_save`: modules that train whole, such as a classification head.
    public var modulesToSave: [String] = []
    /// `fan_in_fan_out`, as PEFT sets it for GPT-2's Conv1D layers. It changes nothing: PEFT corrects it by the layer's type.
    public var isConv1D = false

    public init(
        rank: Int, alpha: Double, dropout: Double = 0, isRankStabilised: Bool = false, targetModules: TargetModules,
        taskType: String? = "CAUSAL_LM", baseModel: String? = nil
    ) {
        precondition(rank >= 1 && alpha.isFinite && (0..<1).contains(dropout), "rank \(rank), dropout \(dropout)")
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.isRankStabilised = isRankStabilised
        self.targetModules = targetModules
        self.taskType = taskType
        self.baseModel = baseModel
    }

    /// The factor on `B · A` where ``rankPattern`` and ``alphaPattern`` say nothing else.
    public var scale: Double {
        isRankStabilised ? alpha / Double(rank).squareRoot() : alpha / Double(rank)
    }
}

/// What is wrong with an `adapter_config.json`.
public enum AdapterConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(reason: String)
    case missing(key: String)
    case invalid(key: String, expected: String, actual: String)
    /// The setting would change what the adapter computes.
    case unsupported(key: String, value: String, remedy: String)
    /// One of the settings' regular expressions.
    case pattern(ModuleNamePatternError)

    public var description: String {
        switch self {
        case .malformed(let reason): "adapter_config.json cannot be read: \(reason)"
        case .missing(let key): "adapter_config.json has no \(key)"
        case .invalid(let key, let expected, let actual):
            "adapter_config.json: \(key) must be \(expected), it is \(actual)"
        case .unsupported(let key, let value, let remedy):
            "adapter_config.json: \(key) = \(value) is not supported; \(remedy)"
        case .pattern(let error): "adapter_config.json: \(error)"
        }
    }
}
