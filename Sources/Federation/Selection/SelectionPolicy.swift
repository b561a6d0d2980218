/// By what a round chooses among the connected workers (`federation.selection`).
public enum SelectionPolicy: String, Hashable, Sendable, CaseIterable {
    /// Every subset is equally likely.
    case uniform
    /// The more training items, the likelier (Li et al. 2020, scheme I, arXiv:1907.02189). Updates then count alike:
    /// weighing them by size, too, would count size twice.
    case dataSize = "data-size"
    /// The larger the share of its offers that a worker completed, the likelier.
    case availability
    /// Who took part in the fewest rounds comes first.
    case fair
}

/// A policy with what it knows: draws workers, the same ones for the same key.
public struct Selector: Hashable, Sendable {
    public var policy: SelectionPolicy
    /// From rounds that are over. Workers that are not in it have taken part in none.
    public var history: [WorkerName: WorkerHistory]

    public init(_ policy: SelectionPolicy = .uniform, history: [WorkerName: WorkerHistory] = [:]) {
        self.policy = policy
        self.history = history
    }
}
