public import LanguageModel
public import ModelFiles
public import Randomness
public import Recipe

/// Which layers of a model an adapter trains, worked out once from the run's options by PEFT's rules.
///
/// The plan fixes the adapter's layout: coordinator and workers that hold the same base model and options get the same
/// one, so vectors travel without names.
public struct AdapterPlan: Sendable {
    public let options: AdapterOptions
    /// The targeted layers, in the model's order.
    public let layers: [LinearLayer]
    /// Modules that train whole: a classification head, or none.
    public let savedModules: [SavedModule]
    public let layout: AdapterLayout
    public let targets: [LowRankAdapter.Target]
    public let saved: [LowRankAdapter.SavedTensor]
    /// What `adapter_config.json` says, but for the base model's name.
    private let configuration: AdapterConfiguration

    /// - Parameter savedModules: The model's classification head; empty for language modelling.
    /// - Throws: ``AdapterPlanError`` when the options select nothing or something that cannot be adapted.
    public init(
        options: AdapterOptions, model: some Sequence<LinearLayer>, savedModules: [SavedModule] = []
    ) throws(AdapterPlanError) {
        guard options.rank >= 1 else { throw .rankTooSmall(options.rank) }
        for (_, rank) in options.rankPattern where rank < 1 { throw .rankTooSmall(rank) }
        guard options.method != .dora || options.dropout == 0 else { throw .dropoutWithDora(options.dropout) }
        let selection = try AdapterSelection(
            options: options, available: Array(model), isClassification: !savedModules.isEmpty)
        let layers = selection.layers
        let targeting = selection.targeting
        var tensors: [(name: String, shape: [Int])] = []
        for layer in layers {
            let rank = targeting.rank(of: layer.name)
            tensors.append((Self.name(layer, .a), [rank, layer.inputs]))
            tensors.append((Self.name(layer, .b), [layer.outputs, rank]))
            if options.method == .dora { tensors.append((Self.name(layer, .magnitude), [layer.outputs])) }
        }
        for parameter in savedModules.flatMap(\.parameters) {
            tensors.append((SavedTensorName(parameter: parameter.name).description, parameter.shape))
        }
        let layout = AdapterLayout(tensors)
        var offsets: [String: Int] = [:]
        for entry in layout.entries { offsets[entry.name] = entry.offset }
        self.options = options
        self.layers = layers
        self.savedModules = savedModules
        self.layout = layout
        self.configuration = selection.configuration
        self.targets = layers.compactMap { layer in
            guard let offsetA = offsets[Self.name(layer, .a)], let offsetB = offsets[Self.name(layer, .b)]
            else { return nil }
            return LowRankAdapter.Target(
                layer: layer.name, rank: targeting.rank(of: layer.name), scale: Float(targeting.scale(of: layer.name)),
                offsetA: offsetA, offsetB: offsetB, magnitudeOffset: offsets[Self.name(layer, .magnitude)])
        }
        self.saved = savedModules.flatMap(\.parameters).compactMap { name, shape in
            offsets[SavedTensorName(parameter: name).description].map {
                LowRankAdapter.SavedTensor(name: name, shape: shape, offset: $0)
            }
        }
    }

    /// A fresh adapter: A uniform in ±1/√in (PEFT's default) and B zero, so that it changes nothing yet; the weights of
    /// modules that train whole normal with their own deviation, their biases zero (transformers' `_init_weights`).
    ///
    /// - Parameter rowNorms: The Euclidean norms of the rows of a layer's base weight, `[out]` (of the columns where it
    ///   is stored `[in, out]`): DoRA's first magnitudes. Needed for DoRA only.
    public func initialAdapter(
        random: CounterRandom, rowNorms: ((_ layer: String) -> [Float])? = nil
    ) -> LowRankAdapter {
        var random = random
        var values = [Float](repeating: 0, count: layout.parameterCount)
        for (layer, target) in zip(layers, targets) {
            let bound = 1 / Float(layer.inputs).squareRoot()
            for index in 0..<target.rank * layer.inputs {
                values[target.offsetA + index] = bound * (2 * random.uniform() - 1)
            }
            guard let offset = target.magnitudeOffset else { continue }
            guard let norms = rowNorms?(layer.name) else {
                preconditionFailure("DoRA starts from the base's row norms")
            }
            precondition(norms.count == layer.outputs, "\(norms.count) norms for \(layer.outputs) rows")
            values.replaceSubrange(offset..<offset + norms.count, with: norms)
        }
        for module in savedModules {
            guard let weight = saved.first(where: { $0.name == module.name + ".weight" }) else { continue }
            for index in 0..<module.outputs * module.inputs {
                values[weight.offset + index] = module.initialDeviation * random.normal()
            }
        }
        return adapter(values: values)
    }

    /// - Parameter values: `[layout.parameterCount]`, float32, in the layout's order.
    public func adapter(values: [Float]) -> LowRankAdapter {
        LowRankAdapter(
            layout: layout, targets: targets, saved: saved, dropout: Float(options.dropout), values: values)
    }

    /// - Parameters:
    ///   - values: `[layout.parameterCount]`, float32, in the layout's order.
    ///   - residual: What earlier rounds added to the base for good.
    /// - Throws: ``ModelFiles/AdapterResidualError`` for a residual of other layers or with magnitudes.
    public func adapter(
        values: [Float], residual: AdapterResidual?
    ) throws(AdapterResidualError) -> LowRankAdapter {
        var adapter = adapter(values: values)
        guard let residual else { return adapter }
        let shapes = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, [$0.outputs, $0.inputs]) })
        for layer in residual.factors.layers {
            guard shapes[layer.name] == [layer.outputs, layer.inputs], options.method == .lora else {
                throw .unknownLayer(layer.name)
            }
        }
        adapter.frozen = LowRankAdapter.FrozenProducts(residual)
        return adapter
    }

    /// What `adapter_config.json` says of an adapter with this plan.
    ///
    /// - Parameter baseModel: What `base_model_name_or_path` names.
    public func configuration(baseModel: String?) -> AdapterConfiguration {
        var configuration = configuration
        configuration.baseModel = baseModel
        return configuration
    }

    /// Whether a stored adapter computes with its values what this plan computes with them: the same tensors, and the
    /// same scale for each layer.
    public func accepts(layout: AdapterLayout, configuration: AdapterConfiguration) -> Bool {
        guard layout == self.layout, let stored = try? AdapterTargeting(configuration) else { return false }
        return targets.allSatisfy { Float(stored.scale(of: $0.layer)) == $0.scale }
    }

    private static func name(_ layer: LinearLayer, _ factor: AdapterTensorName.Factor) -> String {
        AdapterTensorName(layer: layer.name, factor: factor).description
    }
}
