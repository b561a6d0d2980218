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
                    (Self.tensorName(layer.name, factor: "A"), [options.rank, layer.inputs]),
                    (Self.tensorName(layer.name, factor: "B"), [layer.outputs, options.rank]),
                ]
            })
        var offsets: [String: Int] = [:]
        for entry in layout.entries { offsets[entry.name] = entry.offset }
        self.options = options
        self.layers = layers
        self.layout = layout
        self.targets = layers.compactMap { layer in
            guard let offsetA = offsets[Self.tensorName(layer.name, factor: "A")],
                let offsetB = offsets[Self.tensorName(layer.name, factor: "B")]
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
    public func configuration(baseModel: String?) -> AdapterConfiguration {
        var components: Set<String> = []
        for layer in layers { components.insert(Self.lastComponent(of: layer.name)) }
        return AdapterConfiguration(
            rank: options.rank, alpha: options.alpha, dropout: options.dropout,
            usesRankStabilisedScaling: options.scaling == .rankStabilised,
            targetModules: .names(coversWholeComponents(components) ? components.sorted() : layers.map(\.name).sorted()),
            baseModel: baseModel)
    }

    /// Whether naming last components alone selects exactly this plan's layers.
    private func coversWholeComponents(_ components: Set<String>) -> Bool {
        guard case .named(let names) = options.targets else { return true }
        return names.allSatisfy { components.contains($0) }
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

    private static func tensorName(_ layer: String, factor: String) -> String {
        "base_model.model.\(layer).lora_\(factor).weight"
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
