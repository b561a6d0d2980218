extension AdapterConfiguration {
    /// The file as PEFT writes it: every setting older versions ask for, keys sorted, two spaces a level.
    ///
    /// Settings of newer versions are left out where they are off: PEFT fills in their defaults, and an older PEFT would
    /// refuse them.
    public func encoded() -> [UInt8] {
        let targets: JSONValue =
            switch targetModules {
            case .named(let names): Self.list(names)
            case .pattern(let pattern): .string(pattern)
            case .allLinear: .string("all-linear")
            }
        var members: [String: JSONValue] = [
            "alpha_pattern": .object(alphaPattern.mapValues(Self.number)),
            "auto_mapping": .null,
            "base_model_name_or_path": baseModel.map { .string($0) } ?? .null,
            "bias": .string("none"),
            "fan_in_fan_out": .boolean(isConv1D),
            "inference_mode": .boolean(true),
            "init_lora_weights": .boolean(true),
            "layers_pattern": layersPattern.isEmpty ? .null : Self.list(layersPattern),
            "layers_to_transform": layersToTransform.isEmpty
                ? .null : .array(layersToTransform.map { .integer($0) }),
            "loftq_config": .object([:]),
            "lora_alpha": Self.number(alpha),
            "lora_dropout": .number(dropout),
            "megatron_config": .null,
            "megatron_core": .string("megatron.core"),
            "modules_to_save": modulesToSave.isEmpty ? .null : Self.list(modulesToSave),
            "peft_type": .string("LORA"),
            "r": .integer(rank),
            "rank_pattern": .object(rankPattern.mapValues { .integer($0) }),
            "revision": .null,
            "target_modules": targets,
            "task_type": taskType.map { .string($0) } ?? .null,
            "use_dora": .boolean(isWeightDecomposed),
            "use_rslora": .boolean(isRankStabilised),
        ]
        switch excludedModules {
        case .none: break
        case .named(let names): members["exclude_modules"] = Self.list(names)
        case .pattern(let pattern): members["exclude_modules"] = .string(pattern)
        }
        return JSONText.encode(.object(members), layout: .indented)
    }

    private static func list(_ names: [String]) -> JSONValue {
        .array(names.map { .string($0) })
    }

    /// Whole numbers without a fraction, as PEFT's users write α.
    private static func number(_ value: Double) -> JSONValue {
        Int(exactly: value).map { .integer($0) } ?? .number(value)
    }
}
