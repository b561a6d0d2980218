extension AdapterConfiguration {
    /// Settings that do not change what a trained adapter computes: how it began, where it ran, or what is off by another key.
    private static let harmlessKeys: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "corda_config", "eva_config",
        "fan_in_fan_out", "inference_mode", "lora_ga_config", "loftq_config", "megatron_core", "peft_version",
        "qalora_group_size", "revision", "runtime_config", "task_type",
    ]
    /// Settings that are read below.
    private static let knownKeys: Set<String> = [
        "alpha_pattern", "exclude_modules", "layers_pattern", "layers_to_transform", "lora_alpha", "lora_dropout",
        "modules_to_save", "peft_type", "r", "rank_pattern", "target_modules", "use_dora", "use_rslora",
    ]
    /// Initialisations that leave the base weights as they are; PiSSA, OLoRA, CorDA, LoftQ and LoRA-GA train on a changed base.
    private static let plainInitialisations: Set<JSONValue> = [
        .null, .boolean(true), .boolean(false), .string("gaussian"), .string("eva"), .string("orthogonal"),
        .string("mica"),
    ]
    /// A larger layer number or rank stands in no model.
    private static let countMax = 1 << 20

    /// Reads the bytes of an `adapter_config.json`.
    public init(decoding bytes: some Collection<UInt8>) throws(AdapterConfigurationError) {
        let document: JSONValue
        do { document = try JSONValue(parsing: bytes) } catch { throw .malformed(reason: error.description) }
        guard case .object(let members) = document else { throw .malformed(reason: "it is \(document.kind)") }
        try Self.refuseUnsupported(members)

        guard let rankValue = members["r"] else { throw .missing(key: "r") }
        guard let alphaValue = members["lora_alpha"] else { throw .missing(key: "lora_alpha") }
        let dropoutValue = members["lora_dropout"] ?? .integer(0)
        guard let dropout = dropoutValue.double, (0..<1).contains(dropout) else {
            throw .invalid(key: "lora_dropout", expected: "a number from 0 to below 1", actual: dropoutValue.text)
        }
        self.init(
            rank: try Self.rank(rankValue, key: "r"), alpha: try Self.alpha(alphaValue, key: "lora_alpha"),
            dropout: dropout, isRankStabilised: try Self.flag("use_rslora", in: members),
            targetModules: try Self.targetModules(members["target_modules"]),
            taskType: try Self.optionalString("task_type", in: members),
            baseModel: try Self.optionalString("base_model_name_or_path", in: members))
        isWeightDecomposed = try Self.flag("use_dora", in: members)
        isConv1D = try Self.flag("fan_in_fan_out", in: members)
        excludedModules =
            switch members["exclude_modules"] {
            case nil, .null?, .string("")?: .none
            case .string(let pattern)?: .pattern(pattern)
            default: try Self.exclusion(Self.names("exclude_modules", in: members))
            }
        for (key, value) in try Self.object("rank_pattern", in: members) {
            rankPattern[key] = try Self.rank(value, key: "rank_pattern")
        }
        for (key, value) in try Self.object("alpha_pattern", in: members) {
            alphaPattern[key] = try Self.alpha(value, key: "alpha_pattern")
        }
        try readLayers(members)
        modulesToSave = try Self.names("modules_to_save", in: members)
        do { _ = try AdapterTargeting(self) } catch { throw .pattern(error) }
    }

    /// `layers_to_transform` and `layers_pattern`, which PEFT allows beside a list of targets only.
    private mutating func readLayers(_ members: [String: JSONValue]) throws(AdapterConfigurationError) {
        let numbers: [JSONValue]
        switch members["layers_to_transform"] {
        case nil, .null?: numbers = []
        case .array(let values)?: numbers = values
        case let value?: numbers = [value]
        }
        for value in numbers {
            guard case .integer(let number) = value, (0...Self.countMax).contains(number) else {
                throw .invalid(key: "layers_to_transform", expected: "a list of layer numbers", actual: value.text)
            }
            layersToTransform.append(number)
        }
        switch members["layers_pattern"] {
        case .string("")?: break
        case .string(let pattern)?: layersPattern = [pattern]
        default: layersPattern = try Self.names("layers_pattern", in: members)
        }
        if case .named = targetModules { return }
        guard layersToTransform.isEmpty, layersPattern.isEmpty else {
            throw .unsupported(
                key: "layers_to_transform", value: members["layers_to_transform"]?.text ?? "null",
                remedy: "it needs target_modules to be a list")
        }
    }

    private static func refuseUnsupported(_ members: [String: JSONValue]) throws(AdapterConfigurationError) {
        guard let type = members["peft_type"] else { throw .missing(key: "peft_type") }
        guard type == .string("LORA") else {
            throw .unsupported(key: "peft_type", value: type.text, remedy: "only LORA adapters are read")
        }
        let neutral: Set<JSONValue> = [.null, .boolean(false), .object([:]), .array([])]
        // Sorted, so that the same file always names the same setting.
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            if harmlessKeys.contains(key) || knownKeys.contains(key) { continue }
            switch key {
            case "bias" where value == .string("none"): continue
            case "init_lora_weights" where plainInitialisations.contains(value): continue
            case "init_lora_weights":
                throw .unsupported(
                    key: key, value: value.text,
                    remedy: "it changes the base weights; convert the adapter with PEFT's "
                        + "path_initial_model_for_weight_conversion")
            default:
                guard neutral.contains(value) else {
                    throw .unsupported(
                        key: key, value: value.text, remedy: "train the adapter without it, or merge it into the base")
                }
            }
        }
    }

    private static func targetModules(_ value: JSONValue?) throws(AdapterConfigurationError) -> TargetModules {
        switch value {
        case nil, .null?: throw .missing(key: "target_modules")
        // PEFT compares without case.
        case .string(let word)? where word.lowercased() == "all-linear": return .allLinear
        case .string(let pattern)?: return .pattern(pattern)
        case .array(let values)? where !values.isEmpty:
            return .named(try names("target_modules", values))
        case let other?:
            throw .invalid(
                key: "target_modules", expected: "a list of layer names, a pattern or all-linear", actual: other.text)
        }
    }

    private static func exclusion(_ names: [String]) -> ExcludedModules {
        names.isEmpty ? .none : .named(names)
    }
}

/// Reading one setting.
extension AdapterConfiguration {
    private static func rank(_ value: JSONValue, key: String) throws(AdapterConfigurationError) -> Int {
        guard case .integer(let rank) = value, (1...countMax).contains(rank) else {
            throw .invalid(key: key, expected: "a whole number from 1 up", actual: value.text)
        }
        return rank
    }

    private static func alpha(_ value: JSONValue, key: String) throws(AdapterConfigurationError) -> Double {
        guard let alpha = value.double else { throw .invalid(key: key, expected: "a number", actual: value.text) }
        return alpha
    }

    private static func flag(
        _ key: String, in members: [String: JSONValue]
    ) throws(AdapterConfigurationError) -> Bool {
        switch members[key] {
        case nil, .null?: return false
        case .boolean(let value)?: return value
        case let other?: throw .invalid(key: key, expected: "true or false", actual: other.text)
        }
    }

    private static func object(
        _ key: String, in members: [String: JSONValue]
    ) throws(AdapterConfigurationError) -> [String: JSONValue] {
        switch members[key] {
        case nil, .null?: return [:]
        case .object(let value)?: return value
        case let other?: throw .invalid(key: key, expected: "a mapping of patterns to numbers", actual: other.text)
        }
    }

    /// An absent list is an empty one.
    private static func names(
        _ key: String, in members: [String: JSONValue]
    ) throws(AdapterConfigurationError) -> [String] {
        switch members[key] {
        case nil, .null?: return []
        case .array(let values)?: return try names(key, values)
        case let other?: throw .invalid(key: key, expected: "a list of names", actual: other.text)
        }
    }

    private static func names(_ key: String, _ values: [JSONValue]) throws(AdapterConfigurationError) -> [String] {
        var names: [String] = []
        for value in values {
            guard case .string(let name) = value, !name.isEmpty else {
                throw .invalid(key: key, expected: "a list of layer names", actual: value.text)
            }
            names.append(name)
        }
        return names
    }

    private static func optionalString(
        _ key: String, in members: [String: JSONValue]
    ) throws(AdapterConfigurationError) -> String? {
        switch members[key] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case let other?: throw .invalid(key: key, expected: "a string or null", actual: other.text)
        }
    }
}

extension JSONValue {
    /// The value as JSON, for messages.
    fileprivate var text: String {
        let text = String(decoding: JSONText.encode(self), as: UTF8.self)
        return text.count <= 80 ? text : text.prefix(77) + "..."
    }

    fileprivate var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
