/// Which adapter a run trains: the run file's `adapter` section and part of every offer.
public struct AdapterOptions: Hashable, Sendable {
    public enum Method: String, Sendable, CaseIterable {
        /// Low-rank updates (arXiv:2106.09685)
        case lora
        /// Low-rank updates of a weight's direction, and a magnitude per output (arXiv:2402.09353)
        case dora
    }
    public enum Scaling: String, Sendable, CaseIterable {
        /// α/r
        case standard
        /// α/√r (rank-stabilised, arXiv:2312.03732)
        case rankStabilised = "rank-stabilised"
    }
    public enum Targets: Hashable, Sendable {
        /// Every linear layer but the output head.
        case allLinear
        /// Layer names or their last components, as PEFT's `target_modules` list.
        case named([String])
        /// A regular expression over whole layer names, as PEFT's `target_modules` string.
        case pattern(String)
    }
    /// Layers that ``targets`` selects and that get no adapter, as PEFT's `exclude_modules`.
    public enum Exclusion: Hashable, Sendable {
        case none
        case named([String])
        case pattern(String)
    }

    public var method: Method
    /// At least 1.
    public var rank: Int
    public var alpha: Double
    public var scaling: Scaling
    public var dropout: Double
    public var targets: Targets
    public var exclusion: Exclusion
    /// Other ranks for some layers: regular expressions for the ends of their names, as PEFT's `rank_pattern`. Of several
    /// that match a layer the first in ascending order counts.
    public var rankPattern: [String: Int]
    /// Other alphas for some layers, in the same way.
    public var alphaPattern: [String: Double]

    public init(
        method: Method = .lora, rank: Int = 8, alpha: Double = 16, scaling: Scaling = .standard, dropout: Double = 0,
        targets: Targets = .allLinear, exclusion: Exclusion = .none, rankPattern: [String: Int] = [:],
        alphaPattern: [String: Double] = [:]
    ) {
        self.method = method
        self.rank = rank
        self.alpha = alpha
        self.scaling = scaling
        self.dropout = dropout
        self.targets = targets
        self.exclusion = exclusion
        self.rankPattern = rankPattern
        self.alphaPattern = alphaPattern
    }

    /// The factor on `B · A` where the patterns say nothing else.
    public var scale: Double {
        switch scaling {
        case .standard: alpha / Double(rank)
        case .rankStabilised: alpha / Double(rank).squareRoot()
        }
    }
}

extension AdapterOptions {
    /// The same options with no layer's rank above `rank`: what a worker of that rank trains.
    public func limited(toRank rank: Int) -> AdapterOptions {
        var limited = self
        limited.rank = min(self.rank, rank)
        limited.rankPattern = rankPattern.mapValues { min($0, rank) }
        return limited
    }
}
