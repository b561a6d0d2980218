public import ModelFiles

extension LowRankAdapter {
    /// Binds a stored adapter to a model by PEFT's rules: each layer has the rank and scale that the configuration gives
    /// it, and the adapter's tensors are exactly those of the layers that the configuration selects in this model.
    ///
    /// - Parameters:
    ///   - values: `[layout.parameterCount]`, float32.
    ///   - layers: The model's ``CausalLanguageModel/linearLayers``.
    ///   - savedModules: Modules of the model that can train whole: its classification head.
    public init(
        binding layout: AdapterLayout, values: [Float], configuration: AdapterConfiguration, to layers: [LinearLayer],
        savedModules: [SavedModule] = []
    ) throws(AdapterBindingError) {
        let targeting: AdapterTargeting
        do { targeting = try AdapterTargeting(configuration) } catch { throw .pattern(error) }
        let adapter = try Self(
            binding: layout, values: values, scale: { Float(targeting.scale(of: $0)) },
            dropout: Float(configuration.dropout), to: layers, savedModules: savedModules)
        let bound = Set(adapter.targets.map(\.layer))
        for layer in layers {
            let isSelected = targeting.selects(layer.name, isOutputHead: layer.isOutputHead)
            guard isSelected == bound.contains(layer.name) else {
                throw .selectionMismatch(layer: layer.name, isSelected: isSelected)
            }
        }
        for target in adapter.targets {
            guard (target.magnitudeOffset != nil) == configuration.isWeightDecomposed else {
                let name = AdapterTensorName(layer: target.layer, factor: .magnitude).description
                throw configuration.isWeightDecomposed
                    ? .missingFactor(layer: target.layer, tensor: name) : .unknownTensor(tensor: name)
            }
            let rank = targeting.rank(of: target.layer)
            guard target.rank == rank else {
                throw .shapeMismatch(
                    tensor: AdapterTensorName(layer: target.layer, factor: .a).description,
                    expected: "[\(rank), in]", actual: layout.entries.first { $0.offset == target.offsetA }?.shape ?? []
                )
            }
        }
        self = adapter
    }

    /// Finds each factor's layer by PEFT's names, `base_model.model.LAYER.lora_A.weight` `[rank, in]` and `lora_B`
    /// `[out, rank]`; every layer may have its own rank.
    ///
    /// - Parameters:
    ///   - values: `[layout.parameterCount]`, float32.
    ///   - scale: The factor on `B · A`, the same for all layers: α/r or α/√r.
    ///   - layers: The model's ``CausalLanguageModel/linearLayers``.
    public init(
        binding layout: AdapterLayout, values: [Float], scale: Float, dropout: Float = 0, to layers: [LinearLayer]
    ) throws(AdapterBindingError) {
        try self.init(
            binding: layout, values: values, scale: { _ in scale }, dropout: dropout, to: layers, savedModules: [])
    }

    private init(
        binding layout: AdapterLayout, values: [Float], scale: (String) -> Float, dropout: Float,
        to layers: [LinearLayer], savedModules: [SavedModule]
    ) throws(AdapterBindingError) {
        let known = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0) })
        var entries: [String: [AdapterTensorName.Factor: AdapterLayout.Entry]] = [:]
        var order: [String] = []
        var saved: [SavedTensor] = []
        for entry in layout.entries {
            guard let name = AdapterTensorName(entry.name) else {
                saved.append(try Self.savedTensor(entry, of: savedModules))
                continue
            }
            guard known[name.layer] != nil else {
                throw .noSuchLayer(tensor: entry.name, layer: name.layer, known: layers.first?.name ?? "none")
            }
            if entries[name.layer] == nil { order.append(name.layer) }
            entries[name.layer, default: [:]][name.factor] = entry
        }
        for (name, _) in savedModules.flatMap(\.parameters) where !saved.contains(where: { $0.name == name }) {
            throw .missingSavedTensor(tensor: SavedTensorName(parameter: name).description)
        }
        var targets: [Target] = []
        for layer in order {
            guard let linear = known[layer], let factors = entries[layer] else { continue }
            targets.append(try Self.target(linear, factors, scale: scale(layer)))
        }
        self.init(layout: layout, targets: targets, saved: saved, dropout: dropout, values: values)
    }

    private static func target(
        _ linear: LinearLayer, _ factors: [AdapterTensorName.Factor: AdapterLayout.Entry], scale: Float
    ) throws(AdapterBindingError) -> Target {
        guard let a = factors[.a] else { throw missing(linear.name, .a) }
        guard let b = factors[.b] else { throw missing(linear.name, .b) }
        guard a.shape.count == 2, a.shape[1] == linear.inputs else {
            throw .shapeMismatch(tensor: a.name, expected: "[rank, \(linear.inputs)]", actual: a.shape)
        }
        let rank = a.shape[0]
        guard b.shape == [linear.outputs, rank] else {
            throw .shapeMismatch(tensor: b.name, expected: "[\(linear.outputs), \(rank)]", actual: b.shape)
        }
        if let magnitude = factors[.magnitude], magnitude.shape != [linear.outputs] {
            throw .shapeMismatch(tensor: magnitude.name, expected: "[\(linear.outputs)]", actual: magnitude.shape)
        }
        return Target(
            layer: linear.name, rank: rank, scale: scale, offsetA: a.offset, offsetB: b.offset,
            magnitudeOffset: factors[.magnitude]?.offset)
    }

    private static func savedTensor(
        _ entry: AdapterLayout.Entry, of modules: [SavedModule]
    ) throws(AdapterBindingError) -> SavedTensor {
        guard let name = SavedTensorName(entry.name),
            let known = modules.flatMap(\.parameters).first(where: { $0.name == name.parameter })
        else { throw .unknownTensor(tensor: entry.name) }
        guard entry.shape == known.shape else {
            throw .shapeMismatch(tensor: entry.name, expected: "\(known.shape)", actual: entry.shape)
        }
        return SavedTensor(name: name.parameter, shape: entry.shape, offset: entry.offset)
    }

    private static func missing(_ layer: String, _ factor: AdapterTensorName.Factor) -> AdapterBindingError {
        .missingFactor(layer: layer, tensor: AdapterTensorName(layer: layer, factor: factor).description)
    }
}
