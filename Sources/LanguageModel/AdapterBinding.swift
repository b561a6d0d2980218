public import ModelFiles

/// Why an adapter does not fit a model.
public enum AdapterBindingError: Error, Hashable, Sendable {
    /// The tensor's name is not that of a LoRA factor.
    case unknownTensor(tensor: String)
    case noSuchLayer(tensor: String, layer: String, known: String)
    case missingFactor(layer: String, tensor: String)
    case shapeMismatch(tensor: String, expected: String, actual: [Int])
}

extension AdapterBindingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownTensor(let tensor):
            "adapter tensor \(tensor) is no LoRA factor; names look like base_model.model.LAYER.lora_A.weight"
        case .noSuchLayer(let tensor, let layer, let known):
            "adapter tensor \(tensor) belongs to \(layer), which is no linear layer of this model (its layers are named "
                + "like \(known); a head tied to the embedding cannot carry an adapter); was the adapter trained on another model?"
        case .missingFactor(let layer, let tensor):
            "the adapter has one factor for \(layer) and lacks \(tensor)"
        case .shapeMismatch(let tensor, let expected, let actual):
            "adapter tensor \(tensor) has shape \(actual), the model needs \(expected); "
                + "was the adapter trained on another model?"
        }
    }
}

extension LowRankAdapter {
    /// Finds each factor's layer by PEFT's names, `base_model.model.LAYER.lora_A.weight` `[rank, in]` and `lora_B`
    /// `[out, rank]`; every layer may have its own rank.
    ///
    /// - Parameters:
    ///   - values: `[layout.parameterCount]`, float32.
    ///   - scale: The factor on `B · A`: α/r or α/√r.
    ///   - layers: The model's ``CausalLanguageModel/linearLayers``.
    public init(
        binding layout: AdapterLayout, values: [Float], scale: Float, dropout: Float = 0, to layers: [LinearLayer]
    ) throws(AdapterBindingError) {
        let known = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0) })
        var entries: [String: [AdapterTensorName.Factor: AdapterLayout.Entry]] = [:]
        var order: [String] = []
        for entry in layout.entries {
            guard let name = AdapterTensorName(entry.name) else { throw .unknownTensor(tensor: entry.name) }
            guard known[name.layer] != nil else {
                throw .noSuchLayer(tensor: entry.name, layer: name.layer, known: layers.first?.name ?? "none")
            }
            if entries[name.layer] == nil { order.append(name.layer) }
            entries[name.layer, default: [:]][name.factor] = entry
        }
        var targets: [Target] = []
        for layer in order {
            guard let linear = known[layer], let factors = entries[layer] else { continue }
            guard let a = factors[.a] else { throw Self.missing(layer, .a) }
            guard let b = factors[.b] else { throw Self.missing(layer, .b) }
            guard a.shape.count == 2, a.shape[1] == linear.inputs else {
                throw .shapeMismatch(tensor: a.name, expected: "[rank, \(linear.inputs)]", actual: a.shape)
            }
            let rank = a.shape[0]
            guard b.shape == [linear.outputs, rank] else {
                throw .shapeMismatch(tensor: b.name, expected: "[\(linear.outputs), \(rank)]", actual: b.shape)
            }
            targets.append(Target(layer: layer, rank: rank, scale: scale, offsetA: a.offset, offsetB: b.offset))
        }
        self.init(layout: layout, targets: targets, dropout: dropout, values: values)
    }

    private static func missing(_ layer: String, _ factor: AdapterTensorName.Factor) -> AdapterBindingError {
        .missingFactor(layer: layer, tensor: AdapterTensorName(layer: layer, factor: factor).description)
    }
}
