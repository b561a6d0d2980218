/// A LoRA factor's name in `adapter_model.safetensors`, as PEFT writes it.
public struct AdapterTensorName: Hashable, Sendable, CustomStringConvertible {
    public enum Factor: String, Sendable, CaseIterable {
        /// `[rank, in]`
        case a = "lora_A"
        /// `[out, rank]`
        case b = "lora_B"
    }

    /// Module path in the checkpoint, for example `model.layers.0.self_attn.q_proj`.
    public let layer: String
    public let factor: Factor

    private static let prefix = "base_model.model."
    private static let suffix = ".weight"

    public init(layer: String, factor: Factor) {
        self.layer = layer
        self.factor = factor
    }

    /// Fails unless the name is `base_model.model.LAYER.lora_A.weight` or the like with `lora_B`.
    public init?(_ name: String) {
        guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix) else { return nil }
        let middle = name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)
        guard let dot = middle.lastIndex(of: "."), dot > middle.startIndex,
            let factor = Factor(rawValue: String(middle[middle.index(after: dot)...]))
        else { return nil }
        self.layer = String(middle[..<dot])
        self.factor = factor
    }

    public var description: String {
        Self.prefix + layer + "." + factor.rawValue + Self.suffix
    }
}
