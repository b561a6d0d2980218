/// The name of one of an adapted layer's tensors in `adapter_model.safetensors`, as PEFT writes it.
public struct AdapterTensorName: Hashable, Sendable, CustomStringConvertible {
    public enum Factor: String, Sendable, CaseIterable {
        /// `[rank, in]`
        case a = "lora_A"
        /// `[out, rank]`
        case b = "lora_B"
        /// DoRA's magnitudes, `[out]`.
        case magnitude = "lora_magnitude_vector"

        /// PEFT keeps the magnitudes as a bare parameter.
        fileprivate var suffix: String { self == .magnitude ? "" : ".weight" }
    }

    /// Module path in the checkpoint, for example `model.layers.0.self_attn.q_proj`.
    public let layer: String
    public let factor: Factor

    fileprivate static let prefix = "base_model.model."

    public init(layer: String, factor: Factor) {
        self.layer = layer
        self.factor = factor
    }

    /// Fails unless the name is `base_model.model.LAYER.lora_A.weight`, the like with `lora_B`, or
    /// `base_model.model.LAYER.lora_magnitude_vector`.
    public init?(_ name: String) {
        guard name.hasPrefix(Self.prefix) else { return nil }
        let middle = name.dropFirst(Self.prefix.count)
        for factor in Factor.allCases {
            let ending = "." + factor.rawValue + factor.suffix
            guard middle.hasSuffix(ending), middle.count > ending.count else { continue }
            layer = String(middle.dropLast(ending.count))
            self.factor = factor
            return
        }
        return nil
    }

    public var description: String {
        Self.prefix + layer + "." + factor.rawValue + factor.suffix
    }
}

/// The name of a tensor of a module that trains whole (`modules_to_save`), as PEFT writes it:
/// `base_model.model.classifier.weight`.
public struct SavedTensorName: Hashable, Sendable, CustomStringConvertible {
    /// Path in the checkpoint, for example `classifier.weight`.
    public let parameter: String

    public init(parameter: String) {
        self.parameter = parameter
    }

    /// Fails for a name that belongs to a low-rank adapter, or to nothing of PEFT's.
    public init?(_ name: String) {
        guard name.hasPrefix(AdapterTensorName.prefix), !name.contains(".lora_"), !name.contains(".base_layer.")
        else { return nil }
        parameter = String(name.dropFirst(AdapterTensorName.prefix.count))
        guard let dot = parameter.lastIndex(of: "."), dot > parameter.startIndex else { return nil }
    }

    /// The parameter's module, for example `classifier`.
    public var module: String {
        parameter.lastIndex(of: ".").map { String(parameter[..<$0]) } ?? parameter
    }

    public var description: String { AdapterTensorName.prefix + parameter }
}
