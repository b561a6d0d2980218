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

    /// The factor on `B · A`.
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

    public var description: String {
        switch self {
        case .malformed(let reason): "adapter_config.json cannot be read: \(reason)"
        case .missing(let key): "adapter_config.json has no \(key)"
        case .invalid(let key, let expected, let actual):
            "adapter_config.json: \(key) must be \(expected), it is \(actual)"
        case .unsupported(let key, let value, let remedy):
            "adapter_config.json: \(key) = \(value) is not supported; \(remedy)"
        }
    }
}

extension AdapterConfiguration {
    /// Settings that do not change what a trained LoRA computes, or that are read elsewhere.
    private static let harmlessKeys: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "corda_config", "eva_config", "inference_mode", "lora_alpha",
        "lora_dropout", "lora_ga_config", "loftq_config", "megatron_core", "peft_version", "qalora_group_size", "r",
        "revision", "runtime_config", "target_modules", "task_type", "use_rslora",
    ]
    /// Initialisations that leave the base weights as they are; others (PiSSA, OLoRA, CorDA, LoftQ) train on a changed base.
    private static let plainInitialisations: Set<JSONValue> = [
        .null, .boolean(true), .boolean(false), .string("gaussian"), .string("eva"), .string("orthogonal"),
    ]

    /// Reads the bytes of an `adapter_config.json`.
    public init(decoding bytes: some Collection<UInt8>) throws(AdapterConfigurationError) {
        let document: JSONValue
        do { document = try JSONValue(parsing: bytes) } catch { throw .malformed(reason: error.description) }
        guard case .object(let members) = document else { throw .malformed(reason: "it is \(document.kind)") }
        try Self.refuseUnsupported(members)

        guard let rankValue = members["r"] else { throw .missing(key: "r") }
        guard case .integer(let rank) = rankValue, rank >= 1 else {
            throw .invalid(key: "r", expected: "a whole number from 1 up", actual: rankValue.text)
        }
        guard let alphaValue = members["lora_alpha"] else { throw .missing(key: "lora_alpha") }
        guard let alpha = alphaValue.double else {
            throw .invalid(key: "lora_alpha", expected: "a number", actual: alphaValue.text)
        }
        let dropoutValue = members["lora_dropout"] ?? .integer(0)
        guard let dropout = dropoutValue.double, (0..<1).contains(dropout) else {
            throw .invalid(key: "lora_dropout", expected: "a number from 0 to below 1", actual: dropoutValue.text)
        }
        let stabilised = members["use_rslora"] ?? .boolean(false)
        guard case .boolean(let isRankStabilised) = stabilised else {
            throw .invalid(key: "use_rslora", expected: "true or false", actual: stabilised.text)
        }
        self.init(
            rank: rank, alpha: alpha, dropout: dropout, isRankStabilised: isRankStabilised,
            targetModules: try Self.targetModules(members["target_modules"]),
            taskType: try Self.optionalString("task_type", in: members),
            baseModel: try Self.optionalString("base_model_name_or_path", in: members))
    }

    private static func refuseUnsupported(_ members: [String: JSONValue]) throws(AdapterConfigurationError) {
        guard let type = members["peft_type"] else { throw .missing(key: "peft_type") }
        guard type == .string("LORA") else {
            throw .unsupported(key: "peft_type", value: type.text, remedy: "only LORA adapters are read")
        }
        let neutral: Set<JSONValue> = [.null, .boolean(false), .object([:]), .array([])]
        // Sorted, so that the same file always names the same setting.
        for (key, value) in members.sorted(by: { $0.key < $1.key }) where !harmlessKeys.contains(key) {
            switch key {
            case "peft_type": continue
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
        case .string("all-linear")?: return .allLinear
        case .string(let pattern)?: return .pattern(pattern)
        case .array(let values)? where !values.isEmpty:
            var names: [String] = []
            for value in values {
                guard case .string(let name) = value else {
                    throw .invalid(key: "target_modules", expected: "a list of layer names", actual: value.text)
                }
                names.append(name)
            }
            return .named(names)
        case let other?:
            throw .invalid(
                key: "target_modules", expected: "a list of layer names, a pattern or all-linear", actual: other.text)
        }
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

    /// The file as PEFT writes it: every setting older versions ask for, keys sorted, two spaces a level.
    ///
    /// Settings of newer versions are left out: PEFT fills in their defaults, and an older PEFT would refuse them.
    public func encoded() -> [UInt8] {
        let targets: JSONValue =
            switch targetModules {
            case .named(let names): .array(names.map { .string($0) })
            case .pattern(let pattern): .string(pattern)
            case .allLinear: .string("all-linear")
            }
        return JSONText.encode(
            .object([
                "alpha_pattern": .object([:]),
                "auto_mapping": .null,
                "base_model_name_or_path": baseModel.map { .string($0) } ?? .null,
                "bias": .string("none"),
                "fan_in_fan_out": .boolean(false),
                "inference_mode": .boolean(true),
                "init_lora_weights": .boolean(true),
                "layers_pattern": .null,
                "layers_to_transform": .null,
                "loftq_config": .object([:]),
                "lora_alpha": Int(exactly: alpha).map { .integer($0) } ?? .number(alpha),
                "lora_dropout": .number(dropout),
                "megatron_config": .null,
                "megatron_core": .string("megatron.core"),
                "modules_to_save": .null,
                "peft_type": .string("LORA"),
                "r": .integer(rank),
                "rank_pattern": .object([:]),
                "revision": .null,
                "target_modules": targets,
                "task_type": taskType.map { .string($0) } ?? .null,
                "use_dora": .boolean(false),
                "use_rslora": .boolean(isRankStabilised),
            ]), layout: .indented)
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
