/// Which adapter a run trains: the run file's `adapter` section and part of every offer.
public struct AdapterOptions: Hashable, Sendable {
    public enum Method: String, Sendable, CaseIterable { case lora }
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
    }

    public var method: Method
    /// At least 1.
    public var rank: Int
    public var alpha: Double
    public var scaling: Scaling
    public var dropout: Double
    public var targets: Targets

    public init(
        method: Method = .lora, rank: Int = 8, alpha: Double = 16, scaling: Scaling = .standard, dropout: Double = 0,
        targets: Targets = .allLinear
    ) {
        self.method = method
        self.rank = rank
        self.alpha = alpha
        self.scaling = scaling
        self.dropout = dropout
        self.targets = targets
    }

    /// The factor on `B · A`.
    public var scale: Double {
        switch scaling {
        case .standard: alpha / Double(rank)
        case .rankStabilised: alpha / Double(rank).squareRoot()
        }
    }
}
