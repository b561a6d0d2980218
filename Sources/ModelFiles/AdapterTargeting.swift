/// Which modules of a model an adapter changes, and with which rank and α: PEFT 0.21's rules.
///
/// `target_modules` and `exclude_modules` are lists of names (the whole path, or its end after a dot) or one regular
/// expression over whole paths; modules to save carry no low-rank factors; of several `rank_pattern` or `alpha_pattern`
/// keys that match a path's end, the first counts, in ascending order, which is the order PEFT writes them in.
public struct AdapterTargeting {
    private let selection: NameSet?
    private let exclusion: NameSet
    private let modulesToSave: [String]
    private let layerIndices: Set<Int>
    private let layerLists: [ModuleNamePattern]
    private let ranks: [(key: String, pattern: ModuleNamePattern, value: Int)]
    private let alphas: [(key: String, pattern: ModuleNamePattern, value: Double)]
    private let configuration: AdapterConfiguration

    public init(_ configuration: AdapterConfiguration) throws(ModuleNamePatternError) {
        self.configuration = configuration
        selection =
            switch configuration.targetModules {
            case .named(let names): NameSet(names)
            case .pattern(let pattern): try NameSet(pattern: pattern)
            case .allLinear: nil
            }
        exclusion =
            switch configuration.excludedModules {
            case .none: NameSet([])
            case .named(let names): NameSet(names)
            case .pattern(let pattern): try NameSet(pattern: pattern)
            }
        modulesToSave = configuration.modulesToSave
        layerIndices = Set(configuration.layersToTransform)
        var layerLists: [ModuleNamePattern] = []
        for list in configuration.layersPattern { layerLists.append(try ModuleNamePattern(layerList: list)) }
        if layerLists.isEmpty { layerLists.append(try ModuleNamePattern(layerList: nil)) }
        self.layerLists = layerLists
        var ranks: [(key: String, pattern: ModuleNamePattern, value: Int)] = []
        for (key, value) in Self.inOrder(configuration.rankPattern) {
            ranks.append((key, try ModuleNamePattern(nameEnding: key), value))
        }
        self.ranks = ranks
        var alphas: [(key: String, pattern: ModuleNamePattern, value: Double)] = []
        for (key, value) in Self.inOrder(configuration.alphaPattern) {
            alphas.append((key, try ModuleNamePattern(nameEnding: key), value))
        }
        self.alphas = alphas
    }

    /// Whether a linear layer carries low-rank factors.
    ///
    /// - Parameter isOutputHead: What all-linear leaves out, unless it is a module to save, which is left out anyway.
    public func selects(_ module: String, isOutputHead: Bool = false) -> Bool {
        if exclusion.contains(module) || isWithinModuleToSave(module) { return false }
        guard let selection else { return !isOutputHead && !savesWhole(module) }
        guard selection.contains(module) else { return false }
        // PEFT asks for the layer's number only where a name matched as an ending.
        if layerIndices.isEmpty || selection.isPattern || selection.containsExactly(module) { return true }
        return layerIndex(of: module).map(layerIndices.contains) ?? false
    }

    /// Whether `exclude_modules` names the module.
    public func excludes(_ module: String) -> Bool { exclusion.contains(module) }

    /// Whether PEFT replaces the module by a copy that trains whole: `modules_to_save` are compared with the end of the
    /// path, so that `classifier` also means DistilBERT's `pre_classifier`.
    public func savesWhole(_ module: String) -> Bool {
        modulesToSave.contains { module.hasSuffix($0) }
    }

    public func rank(of module: String) -> Int {
        ranks.first { $0.pattern.matches(module) }?.value ?? configuration.rank
    }

    public func alpha(of module: String) -> Double {
        alphas.first { $0.pattern.matches(module) }?.value ?? configuration.alpha
    }

    /// The factor on `B · A`: α/r, or α/√r for rank-stabilised LoRA, with the module's own rank and α.
    public func scale(of module: String) -> Double {
        let rank = Double(rank(of: module))
        return alpha(of: module) / (configuration.isRankStabilised ? rank.squareRoot() : rank)
    }

    /// The `rank_pattern` keys that match none of these modules.
    public func idleRankPatterns(among modules: [String]) -> [String] {
        ranks.filter { rank in !modules.contains(where: rank.pattern.matches) }.map(\.key)
    }

    /// The `alpha_pattern` keys that match none of these modules.
    public func idleAlphaPatterns(among modules: [String]) -> [String] {
        alphas.filter { alpha in !modules.contains(where: alpha.pattern.matches) }.map(\.key)
    }

    private func isWithinModuleToSave(_ module: String) -> Bool {
        modulesToSave.contains { ("." + module + ".").contains("." + $0 + ".") }
    }

    private func layerIndex(of module: String) -> Int? {
        for list in layerLists {
            if let index = list.layerIndex(of: module) { return index }
        }
        return nil
    }

    private static func inOrder<Value>(_ patterns: [String: Value]) -> [(key: String, value: Value)] {
        patterns.sorted { precedes($0.key, $1.key) }.map { ($0.key, $0.value) }
    }
}

/// Modules chosen by name.
private struct NameSet {
    private let names: Set<String>
    private let endings: [String]
    private let pattern: ModuleNamePattern?

    var isPattern: Bool { pattern != nil }

    init(_ names: [String]) {
        self.names = Set(names)
        endings = names.map { "." + $0 }
        pattern = nil
    }

    init(pattern: String) throws(ModuleNamePatternError) {
        names = []
        endings = []
        self.pattern = try ModuleNamePattern(wholeName: pattern)
    }

    func contains(_ module: String) -> Bool {
        if let pattern { return pattern.matches(module) }
        return names.contains(module) || endings.contains(where: module.hasSuffix)
    }

    func containsExactly(_ module: String) -> Bool { names.contains(module) }
}
