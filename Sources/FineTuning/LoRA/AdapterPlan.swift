public import LanguageModel
public import ModelFiles
public import Randomness
public import Recipe

/// Which layers of a model an adapter trains, worked out once from the run's options.
///
/// The plan fixes the adapter's layout: coordinator and workers that hold the same base model and options get the same
/// one, so vectors travel without names.
public struct AdapterPlan: Sendable {
    public let options: AdapterOptions
    /// The targeted layers, in the model's order.
    public let layers: [LinearLayer]
    public let layout: AdapterLayout
    public let targets: [LowRankAdapter.Target]

    /// - Throws: ``AdapterPlanError`` when the options select nothing or something that cannot be adapted.
    public init(options: AdapterOptions, model: some Sequence<LinearLayer>) throws(AdapterPlanError) {
        guard options.rank >= 1 else { throw .rankTooSmall(options.rank) }
        let available = Array(model)
        let layers = try Self.select(options.targets, from: available)
        let layout = AdapterLayout(
            layers.flatMap { layer in
                [
                    (Self.tensorName(layer, .a), [options.rank, layer.inputs]),
                    (Self.tensorName(layer, .b), [layer.outputs, options.rank]),
                ]
            })
        var offsets: [String: Int] = [:]
        for entry in layout.entries { offsets[entry.name] = entry.offset }
        self.options = options
        self.layers = layers
        self.layout = layout
        self.targets = layers.compactMap { layer in
            guard let offsetA = offsets[Self.tensorName(layer, .a)],
                let offsetB = offsets[Self.tensorName(layer, .b)]
            else { return nil }
            return LowRankAdapter.Target(
                layer: layer.name, rank: options.rank, scale: Float(options.scale), offsetA: offsetA, offsetB: offsetB)
        }
    }

    /// A fresh adapter: A uniform in ±1/√in (PEFT's default), B zero, so that it changes nothing yet.
    public func initialAdapter(random: CounterRandom) -> LowRankAdapter {
        var random = random
        var values = [Float](repeating: 0, count: layout.parameterCount)
        for (layer, target) in zip(layers, targets) {
            let bound = 1 / Float(layer.inputs).squareRoot()
            for index in 0..<target.rank * layer.inputs {
                values[target.offsetA + index] = bound * (2 * random.uniform() - 1)
            }
        }
        return adapter(values: values)
    }

    /// - Parameter values: `[layout.parameterCount]`, float32, in the layout's order.
    public func adapter(values: [Float]) -> LowRankAdapter {
        LowRankAdapter(layout: layout, targets: targets, dropout: Float(options.dropout), values: values)
    }

    /// What `adapter_config.json` says of an adapter with this plan.
    ///
    /// - Parameter baseModel: What `base_model_name_or_path` names.
    public func configuration(baseModel: String?) -> AdapterConfiguration {
        AdapterConfiguration(
            rank: options.rank, alpha: options.alpha, dropout: options.dropout,
            isRankStabilised: options.scaling == .rankStabilised, targetModules: .named(targetNames),
            baseModel: baseModel)
    }

    /// The options' own names, or for all-linear the last components of the layers (as PEFT writes them).
    private var targetNames: [String] {
        switch options.targets {
        case .allLinear: Set(layers.map { Self.lastComponent(of: $0.name) }).sorted()
        case .named(let names): names.sorted()
        }
    }

    private static func select(
        _ targets: AdapterOptions.Targets, from available: [LinearLayer]
    ) throws(AdapterPlanError) -> [LinearLayer] {
        switch targets {
        case .allLinear:
            return available.filter { !$0.isOutputHead }
        case .named(let names):
            guard !names.isEmpty else { throw .noTargets }
            for name in names where !available.contains(where: { matches($0.name, name) }) {
                let known = Set(available.map { lastComponent(of: $0.name) }).sorted()
                throw .targetMatchesNothing(name, available: known)
            }
            return available.filter { layer in names.contains { matches(layer.name, $0) } }
        }
    }

    /// PEFT's rule for a list of names: the whole path, or its end after a dot.
    private static func matches(_ layer: String, _ target: String) -> Bool {
        layer == target || layer.hasSuffix("." + target)
    }

    private static func lastComponent(of layer: String) -> String {
        layer.split(separator: ".").last.map(String.init) ?? layer
    }

    private static func tensorName(_ layer: LinearLayer, _ factor: AdapterTensorName.Factor) -> String {
        AdapterTensorName(layer: layer.name, factor: factor).description
    }
}

/// Adapter options that do not fit the model.
public enum AdapterPlanError: Error, Hashable, Sendable {
    case rankTooSmall(Int)
    case noTargets
    case targetMatchesNothing(String, available: [String])
    /// A vector or adapter of another shape.
    case shapeMismatch(String)
}

extension AdapterPlanError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .rankTooSmall(let rank): "adapter.rank is \(rank); it must be at least 1"
        case .noTargets: "adapter.targets is empty; name at least one linear layer or write all-linear"
        case .targetMatchesNothing(let name, let available):
            "adapter.targets: '\(name)' matches no linear layer of this model; "
                + "it has \(available.joined(separator: ", "))"
        case .shapeMismatch(let what): what
        }
    }
}
