/// One link of a chain of robust aggregation (`federation.robust`).
///
/// A chain is any number of pre-aggregations, which change each update in the light of the others, and one rule that
/// makes one update of what they left. All count every worker alike: the size of a worker's data is its own word.
public enum RobustRule: String, Hashable, Sendable, CaseIterable {
    /// ``NormBound``
    case normBound = "norm-bound"
    /// ``AdaptiveClipping``
    case arc
    /// ``NearestNeighbourMixing``
    case nnm
    /// The plain mean, which a single bad worker moves anywhere: for the end of a chain that bounds updates before.
    case mean
    /// ``CoordinateMedian``
    case median
    /// ``TrimmedMean``
    case trimmedMean = "trimmed-mean"
    /// ``Krum``
    case krum
    case multiKrum = "multi-krum"
    /// ``Bulyan``
    case bulyan
    /// ``GeometricMedian``
    case geometricMedian = "geometric-median"
    /// ``CentredClipping``
    case centredClipping = "centred-clipping"

    /// Whether it changes updates one by one and leaves their number as it is.
    public var isPreAggregation: Bool {
        switch self {
        case .normBound, .arc, .nnm: true
        case .mean, .median, .trimmedMean, .krum, .multiKrum, .bulyan, .geometricMedian, .centredClipping: false
        }
    }

    /// The fewest updates with which the rule keeps its promise against `f` bad ones.
    public func minimumUpdates(f: Int) -> Int {
        switch self {
        case .krum, .multiKrum: 2 * f + 3
        case .bulyan: 4 * f + 3
        case .normBound, .arc, .nnm, .mean, .median, .trimmedMean, .geometricMedian, .centredClipping: 2 * f + 1
        }
    }

    /// Whether it looks at distances between updates, or their norms.
    var needsProducts: Bool {
        switch self {
        case .mean, .median, .trimmedMean: false
        case .normBound, .arc, .nnm, .krum, .multiKrum, .bulyan, .geometricMedian, .centredClipping: true
        }
    }

    /// Whether a bound on norms (`federation.robust-norm`) is of use to it.
    public var takesNorm: Bool { self == .normBound || self == .centredClipping }
}

/// A chain's links in their order: pre-aggregations, then one rule.
public struct RobustChain: Hashable, Sendable, CustomStringConvertible {
    public let rules: [RobustRule]

    /// `nil` unless the last link, and it alone, makes one update of many, and none stands twice.
    public init?(_ rules: [RobustRule]) {
        guard let last = rules.last, !last.isPreAggregation, rules.dropLast().allSatisfy(\.isPreAggregation),
            Set(rules).count == rules.count
        else { return nil }
        self.rules = rules
    }

    /// The fewest updates with which every link keeps its promise, and the link that asks for so many.
    public func minimumUpdates(f: Int) -> (count: Int, rule: RobustRule) {
        var most = (count: 0, rule: rules[rules.count - 1])
        for rule in rules where rule.minimumUpdates(f: f) > most.count {
            most = (rule.minimumUpdates(f: f), rule)
        }
        return most
    }

    /// `arc → nnm → trimmed-mean`
    public var description: String { rules.map(\.rawValue).joined(separator: " → ") }
}

/// How a run's updates are aggregated against bad ones among them.
public struct RobustOptions: Hashable, Sendable {
    public var chain: RobustChain
    /// Bad updates in a round that the chain withstands.
    public var f: Int
    /// ``NormBound``'s and ``CentredClipping``'s; `nil`: a median of the round's own norms. Unit: L2 norm of an update.
    public var norm: Double?

    public init(chain: RobustChain, f: Int, norm: Double? = nil) {
        precondition(f >= 0 && norm.map { $0 > 0 } ?? true, "f = \(f), a norm of \(norm ?? 0)")
        self.chain = chain
        self.f = f
        self.norm = norm
    }
}
