import CWire
import Recipe

extension AdapterOptions {
    init(_ fields: Shoal__V1__AdapterOptions) throws(WireError) {
        let method: Method
        switch fields.method {
        case SHOAL__V1__ADAPTER_OPTIONS__METHOD__METHOD_LORA: method = .lora
        case SHOAL__V1__ADAPTER_OPTIONS__METHOD__METHOD_DORA: method = .dora
        default: throw unknownValue(fields.method.rawValue, "adapterOptions.method")
        }
        let scaling: Scaling
        switch fields.scaling {
        case SHOAL__V1__ADAPTER_OPTIONS__SCALING__SCALING_STANDARD: scaling = .standard
        case SHOAL__V1__ADAPTER_OPTIONS__SCALING__SCALING_RANK_STABILISED: scaling = .rankStabilised
        default: throw unknownValue(fields.scaling.rawValue, "adapterOptions.scaling")
        }
        let dropout = try wireFinite(fields.dropout, "adapterOptions.dropout", in: 0...1)
        guard dropout < 1 else { throw .malformed("adapterOptions.dropout is out of range") }
        self.init(
            method: method, rank: Int(try wireCount(fields.rank, "adapterOptions.rank", atLeast: 1)),
            alpha: try wireFinite(fields.alpha, "adapterOptions.alpha"), scaling: scaling, dropout: dropout,
            targets: try Self.targets(fields), exclusion: try Self.exclusion(fields),
            rankPattern: try Self.ranks(fields), alphaPattern: try Self.alphas(fields))
    }

    private static func targets(_ fields: Shoal__V1__AdapterOptions) throws(WireError) -> Targets {
        let names = try names(fields.targets, count: fields.n_targets, "adapterOptions.targets")
        let pattern = try wireText(
            fields.targets_pattern, "adapterOptions.targetsPattern", limit: WireLimits.patternBytes)
        let isAllLinear = fields.targets_all_linear != 0
        guard [isAllLinear, !names.isEmpty, !pattern.isEmpty].filter({ $0 }).count <= 1 else {
            throw .malformed("adapterOptions.targets is more than one of all, a list and a pattern")
        }
        if isAllLinear { return .allLinear }
        return pattern.isEmpty ? .named(names) : .pattern(pattern)
    }

    private static func exclusion(_ fields: Shoal__V1__AdapterOptions) throws(WireError) -> Exclusion {
        let names = try names(fields.excluded, count: fields.n_excluded, "adapterOptions.excluded")
        let pattern = try wireText(
            fields.excluded_pattern, "adapterOptions.excludedPattern", limit: WireLimits.patternBytes)
        guard names.isEmpty || pattern.isEmpty else {
            throw .malformed("adapterOptions.excluded is both a list and a pattern")
        }
        if !pattern.isEmpty { return .pattern(pattern) }
        return names.isEmpty ? .none : .named(names)
    }

    private static func ranks(_ fields: Shoal__V1__AdapterOptions) throws(WireError) -> [String: Int] {
        let field = "adapterOptions.rankPatterns"
        return try unique(
            wireEntries(fields.rank_patterns, count: fields.n_rank_patterns, field) { entry throws(WireError) in
                (
                    try wireText(entry.pattern, field, limit: WireLimits.nameBytes),
                    Int(try wireCount(entry.rank, field, atLeast: 1))
                )
            }, field)
    }

    private static func alphas(_ fields: Shoal__V1__AdapterOptions) throws(WireError) -> [String: Double] {
        let field = "adapterOptions.alphaPatterns"
        return try unique(
            wireEntries(fields.alpha_patterns, count: fields.n_alpha_patterns, field) { entry throws(WireError) in
                (try wireText(entry.pattern, field, limit: WireLimits.nameBytes), try wireFinite(entry.alpha, field))
            }, field)
    }

    private static func unique<Value>(
        _ pairs: [(String, Value)], _ field: String
    ) throws(WireError) -> [String: Value] {
        var values: [String: Value] = [:]
        for (pattern, value) in pairs {
            guard !pattern.isEmpty, values.updateValue(value, forKey: pattern) == nil else {
                throw .malformed("\(field) has an empty or repeated pattern")
            }
        }
        return values
    }

    private static func names(
        _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, count: Int, _ field: String
    ) throws(WireError) -> [String] {
        try wireTexts(
            pointers, count: count, field, limit: WireLimits.nameBytes, countLimit: WireLimits.targetCount)
    }
}
