public import Federation

/// A run file's rules against bad updates (`federation.robust`, `federation.robust-…`).
public struct RobustSettings: Hashable, Sendable {
    /// The chain's links in their order, a chain or not; `nil`: there is none.
    public var rules: RobustRules?
    /// The part of the workers that is taken to be bad.
    public var share: Double?
    /// The probability with which a round may have more than ``f`` bad workers.
    public var tail: Double?
    /// Bad updates in a round that the chain must withstand.
    public var f: Int?
    /// A bound on norms; `nil` takes medians of the round's.
    public var norm: Double?

    public init() {}
}

/// Names of rules as they stand in a file.
public struct RobustRules: Hashable, Sendable {
    public var names: [RobustRule]

    public init(names: [RobustRule]) {
        self.names = names
    }
}

extension FederationOptions {
    /// How updates are aggregated against bad ones; `nil`: by the strategy's own mean.
    public var robustOptions: RobustOptions? {
        robust.rules.flatMap { RobustChain($0.names) }.map {
            RobustOptions(chain: $0, f: robust.f ?? 0, norm: robust.norm)
        }
    }

    /// How many bad workers a round gets, by chance.
    ///
    /// - Parameter heldOut: Workers that never train.
    /// - Returns: `nil` unless a chain asks for it.
    public func badWorkerTail(heldOut: Int) -> BadWorkerTail? {
        guard robust.rules != nil, let share = robust.share, workers > heldOut else { return nil }
        // Of those asked the first to answer count: the bad ones may all be fast.
        return BadWorkerTail(workers: workers - heldOut, share: share, drawn: workersAsked)
    }
}
