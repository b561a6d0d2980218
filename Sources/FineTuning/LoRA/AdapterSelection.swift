import LanguageModel
import ModelFiles
import Recipe

/// The layers that adapter options select in a model, and the configuration that makes PEFT select the same.
///
/// PEFT warns of a name or pattern that matches nothing; here it is refused, for a typing error costs a whole run.
struct AdapterSelection {
    /// In the model's order.
    let layers: [LinearLayer]
    let configuration: AdapterConfiguration
    let targeting: AdapterTargeting

    /// What PEFT saves whole for `SEQ_CLS`: the head is called one or the other.
    private static let classificationHeads = ["classifier", "score"]
    /// From this many targets on PEFT shortens their names.
    private static let targetsToShorten = 20

    init(options: AdapterOptions, available: [LinearLayer], isClassification: Bool) throws(AdapterPlanError) {
        var configuration = AdapterConfiguration(
            rank: options.rank, alpha: options.alpha, dropout: options.dropout,
            isRankStabilised: options.scaling == .rankStabilised, targetModules: Self.targetModules(options.targets),
            taskType: isClassification ? "SEQ_CLS" : "CAUSAL_LM")
        configuration.isWeightDecomposed = options.method == .dora
        configuration.excludedModules = Self.excludedModules(options.exclusion)
        configuration.rankPattern = options.rankPattern
        configuration.alphaPattern = options.alphaPattern
        configuration.modulesToSave = isClassification ? Self.classificationHeads : []
        do { targeting = try AdapterTargeting(configuration) } catch { throw .pattern(error) }
        try Self.refuseIdleTargets(options.targets, among: available)
        let layers = available.filter { [targeting] in targeting.selects($0.name, isOutputHead: $0.isOutputHead) }
        try Self.refuseIdlePatterns(options, targeting, layers: layers, among: available)
        if let layer = layers.first(where: { [targeting] in targeting.savesWhole($0.name) }) {
            throw .targetTrainsWhole(layer.name)
        }
        if options.targets == .allLinear {
            configuration.targetModules = .named(
                Self.writtenTargets(available, targeting, isClassification: isClassification))
        }
        // PEFT sets the flag anew at each layer it adapts.
        configuration.isConv1D = layers.last?.isConv1D ?? false
        self.layers = layers
        self.configuration = configuration
    }

    private static func targetModules(_ targets: AdapterOptions.Targets) -> AdapterConfiguration.TargetModules {
        switch targets {
        case .allLinear: .allLinear
        case .named(let names): .named(names.sorted())
        case .pattern(let pattern): .pattern(pattern)
        }
    }

    private static func excludedModules(
        _ exclusion: AdapterOptions.Exclusion
    ) -> AdapterConfiguration.ExcludedModules {
        switch exclusion {
        case .none: .none
        case .named(let names): .named(names.sorted())
        case .pattern(let pattern): .pattern(pattern)
        }
    }

    private static func refuseIdleTargets(
        _ targets: AdapterOptions.Targets, among available: [LinearLayer]
    ) throws(AdapterPlanError) {
        guard case .named(let names) = targets else { return }
        guard !names.isEmpty else { throw .noTargets }
        for name in names where !available.contains(where: { $0.name == name || $0.name.hasSuffix("." + name) }) {
            let known = Set(available.map { $0.name.split(separator: ".").last.map(String.init) ?? $0.name }).sorted()
            throw .targetMatchesNothing(name, available: known)
        }
    }

    private static func refuseIdlePatterns(
        _ options: AdapterOptions, _ targeting: AdapterTargeting, layers: [LinearLayer], among available: [LinearLayer]
    ) throws(AdapterPlanError) {
        let all = available.map(\.name)
        switch options.exclusion {
        case .none: break
        case .named(let names):
            for name in names where !all.contains(where: { $0 == name || $0.hasSuffix("." + name) }) {
                throw .patternMatchesNothing(key: "adapter.exclude", pattern: name, available: kinds(all))
            }
        case .pattern(let pattern):
            guard all.contains(where: targeting.excludes) else {
                throw .patternMatchesNothing(key: "adapter.exclude", pattern: pattern, available: kinds(all))
            }
        }
        let names = layers.map(\.name)
        guard !names.isEmpty else {
            guard case .pattern(let pattern) = options.targets, options.exclusion == .none else {
                throw .everythingExcluded
            }
            throw .patternMatchesNothing(key: "adapter.targets", pattern: pattern, available: kinds(all))
        }
        if let idle = targeting.idleRankPatterns(among: names).first {
            throw .patternMatchesNothing(key: "adapter.rank-pattern", pattern: idle, available: kinds(names))
        }
        if let idle = targeting.idleAlphaPatterns(among: names).first {
            throw .patternMatchesNothing(key: "adapter.alpha-pattern", pattern: idle, available: kinds(names))
        }
    }

    /// The names with `N` for every number: one for all layers of a kind.
    private static func kinds(_ names: [String]) -> [String] {
        var kinds: [String] = []
        for name in names {
            let kind = name.split(separator: ".").map { Int($0) == nil ? $0 : "N" }.joined(separator: ".")
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        return kinds
    }

    /// What PEFT writes for all-linear: the paths of all linear layers but the head, exclusions still among them, and
    /// many paths shortened.
    private static func writtenTargets(
        _ available: [LinearLayer], _ targeting: AdapterTargeting, isClassification: Bool
    ) -> [String] {
        let chosen = available.filter { layer in
            let isHead = layer.isOutputHead || isClassification && classificationHeads.contains(layer.name)
            return !isHead && (targeting.excludes(layer.name) || targeting.selects(layer.name))
        }
        let names = chosen.map(\.name)
        guard names.count >= targetsToShorten else { return names.sorted() }
        let others = available.map(\.name).filter { !names.contains($0) }
        return AdapterTargeting.shortestEndings(of: names, apartFrom: others)
    }
}
